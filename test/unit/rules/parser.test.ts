// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { Action } from '../../../common/abi.gen.js';
import { formatProblem } from '../../../rules/index.js';
import { matches, one, options, parse } from './one-rule.js';
import { parseRules } from '../../../rules/index.js';

t.test('actions', async (t) => {
  for (const [verb, action, source, destination] of [
    ['alert', Action.ALERT, false, false],
    ['DROP', Action.DROP, false, false],
    ['drop:packet', Action.DROP, false, false],
    ['pass', Action.PASS, false, false],
    ['reject', Action.REJECT, true, false],
    ['rejectsrc', Action.REJECT, true, false],
    ['rejectdst', Action.REJECT, false, true],
    ['rejectboth', Action.REJECT, true, true],
  ] as const) {
    t.match(one(`${verb} tcp any any -> any any (sid:1;)`).rule, { action, reject: { source, destination } }, verb);
  }
});

t.test('protocols', async (t) => {
  for (const [name, ipProtocols, more] of [
    ['ip', undefined, { anyFrame: false, app: undefined }],
    ['any', undefined, {}],
    ['tcp', [6], {}],
    ['tcp-pkt', [6], { stream: 'never' }],
    ['udp', [17], {}],
    ['icmp', [1, 58], {}],
    ['icmpv4', [1], {}],
    ['icmpv6', [58], {}],
    ['sctp', [132], {}],
    ['pkthdr', undefined, { anyFrame: true }],
    ['HTTP', [6], { app: 'http', protocol: 'http' }],
    ['http1', [6], { app: 'http' }],
    ['tls', [6], { app: 'tls' }],
    ['dns', [6, 17], { app: 'dns' }],
    ['tcp-stream', [6], { stream: 'only' }],
  ] as const) {
    const { rule } = one(`alert ${name} any any -> any any (sid:1;)`);
    t.same(rule?.ipProtocols, ipProtocols, name);
    t.match(rule, more, name);
  }
  const six = one('alert ip6 any any -> any any (sid:1;)').rule;
  t.ok(six && matches(six, { IP_VERSION: 6 }) && !matches(six, { IP_VERSION: 4 }));
  for (const name of ['ssh', 'ssl', 'http2', 'tcp:pre_flow']) {
    t.match(one(`alert ${name} any any -> any any (sid:1;)`).unsupported, { keyword: 'protocol' }, name);
  }
});

t.test('ends and directions', async (t) => {
  const { rule } = one('alert tcp $HOME_NET any <> !10.0.0.0/8 [80,443] (sid:1;)');
  const home = { anyAddress: false, anyPort: true, text: '$HOME_NET any' };
  const web = {
    anyAddress: false,
    anyPort: false,
    ports: [
      { from: 80, to: 80 },
      { from: 443, to: 443 },
    ],
  };
  t.match(rule?.ways, [
    { source: home, destination: web },
    { source: web, destination: home },
  ]);
  t.match(one('alert tcp $ANYWHERE any -> any any (sid:1;)').rule, {
    ways: [{ source: { anyAddress: true } }],
  });
  t.match(one('alert tcp any any => any any (sid:1;)').unsupported, { keyword: 'direction' });
});

t.test('errors in the header', async (t) => {
  for (const [text, column, keyword, cause, remedy] of [
    ['alret tcp any any -> any any (sid:1;)', 1, 'action', /"alret" is not an action/, /did you mean alert\?/],
    ['alert tpc any any -> any any (sid:1;)', 7, 'protocol', /"tpc" is not a protocol/, /did you mean tcp\?/],
    ['alert tcp any any <- any any (sid:1;)', 19, 'direction', /"<-"/, /swap/],
    ['alert tcp any any >> any any (sid:1;)', 19, 'direction', /">>"/, /->/],
    ['alert tcp 1.1.1 any -> any any (sid:1;)', 11, 'source address', /"1\.1\.1"/, /./],
    ['alert tcp any any -> any [80,99999] (sid:1;)', 30, 'destination port', /99999/, /./],
    ['alert tcp any any -> any any sid:1;', 30, 'rule', /where the options should begin/, /\(/],
    ['alert tcp any any (sid:1;)', 27, 'header', /direction is missing/, /->/],
    ['alert', 6, 'header', /protocol is missing/, /./],
    ['hello world', 1, 'action', /"hello" is not an action/, /write one of/],
    ['alert:packet tcp any any -> any any (sid:1;)', 1, 'action', /no such scope/, /./],
    ['alert tcp any any -> any any (sdi:1;)', 31, 'sdi', /"sdi" is not a keyword/, /did you mean sid\?/],
    ['alert tcp any any -> any any (:1; sid:1;)', 31, 'option', /no name/, /./],
  ] as const) {
    const { errors, rule } = one(text);
    t.equal(rule, undefined);
    t.match(errors[0], { file: 'test.rules', line: 1, column, keyword, cause, remedy }, text);
  }
});

t.test('errors in continued lines stand on their own line', async (t) => {
  const { errors } = one('alert tcp any any -> any any ( \\\n  msg:"a"; \\\n  ttl:x; sid:9;)');
  t.match(errors, [{ line: 3, column: 7, sid: 9, keyword: 'ttl' }]);
});

t.test('a bad rule does not stop the others, comments and disabled rules are told apart', async (t) => {
  const found = parse(
    [
      '\ufeff# a comment about alert rules',
      '#alert tcp any any -> any any (sid:1;)',
      '## drop udp any any -> any 53 (sid:2;)',
      '; another comment',
      'alert tcp any any -> any any (ttl:999; sid:3;)',
      '  alert tcp any any -> any any (sid:4;)',
      'alert ssh any any -> any any (sid:5;)',
      '',
    ].join('\r\n'),
  );
  t.equal(found.disabled, 2);
  t.same(
    found.rules.map((rule) => rule.meta.sid),
    [4],
  );
  t.same(
    found.unsupported.map((rule) => rule.meta.sid),
    [5],
  );
  t.same(
    found.problems.map(({ severity, line, sid }) => [severity, line, sid]),
    [
      ['error', 5, 3],
      ['unsupported', 7, 5],
    ],
  );
  t.equal(found.rules[0]?.position.line, 6);
});

t.test('every error of a rule is told', async (t) => {
  t.equal(one('alert tcp any any -> any any (ttl:x; id:y; nokey; sid:1;)').errors.length, 3);
  t.equal(one('alret tpc 1 2 >> 3 x (sid:1;)').errors.length, 6);
});

t.test('an error beats unsupported', async (t) => {
  const { errors, unsupported } = one('alert ssh any any -> any any (ttl:x; sid:1;)');
  t.equal(errors.length, 1);
  t.equal(unsupported, undefined);
});

t.test('the first unsupported thing is named', async (t) => {
  t.match(one('alert tcp any any -> any any (iprep:src,a,>,10; pcre:"/a/"; sid:1;)').unsupported, {
    keyword: 'iprep',
  });
  t.match(one('alert ssh any any -> any any (ssh.proto; content:"a"; sid:1;)').unsupported, { keyword: 'protocol' });
  const { problems } = parse('alert tcp any any -> any any (iprep:src,a,>,10; pcre:"/a/"; sid:1;)');
  t.match(problems, [{ severity: 'unsupported', column: 31, keyword: 'iprep', cause: /reputation lists/ }]);
});

t.test('of one gid and sid the highest revision is used', async (t) => {
  const text = [3, 5, 4].map((rev) => `alert tcp any any -> any any (ttl:${rev}; sid:1; rev:${rev};)`).join('\n');
  const { rules, problems } = parse(`${text}\nalert tcp any any -> any any (sid:1; gid:2;)`);
  t.same(
    rules.map(({ meta }) => [meta.gid, meta.rev]),
    [
      [1, 5],
      [2, 0],
    ],
  );
  t.match(problems, [
    { severity: 'warning', line: 1, cause: /revision 5 in test\.rules:2 is used/ },
    { severity: 'warning', line: 3, cause: /revision 4 here/ },
  ]);
  t.equal(
    parse('alert tcp any any -> any any (ttl:1; sid:1;)\nalert tcp any any -> any any (sid:1;)').rules[0]?.matches
      .length,
    1,
  );
});

t.test('icmp with ports never matches', async (t) => {
  const { rule, warnings } = one('alert icmp any 80 -> any any (sid:1;)');
  t.ok(rule);
  t.match(warnings, [{ cause: /icmp has no ports/ }]);
});

t.test('lines that are too long', async (t) => {
  const { errors } = one(`alert tcp any any -> any any (msg:"${'x'.repeat(70_000)}"; sid:1;)`);
  t.match(errors, [{ line: 1, column: 1, cause: /characters/ }]);
  t.ok(one(`alert tcp any any -> any any (msg:"${'x'.repeat(60_000)}"; sid:1;)`).rule);
});

t.test('one line a problem', async (t) => {
  const lines = parse('alert tcp any any -> any any (ttl:999; sid:3;)').problems.map(formatProblem);
  t.same(lines, ['test.rules:1:35: error: sid 3: ttl: 999 is out of range; write a number from 0 to 255']);
  const [forged] = parse('alert tcp any any -> any any (a\u001b[31m\u2028b; sid:3;)').problems.map(formatProblem);
  t.match(forged, /\\u001b/);
  // eslint-disable-next-line no-control-regex -- that there is none is what is tested
  t.notMatch(forged, /[\u0000-\u001f\u2028]/);
});

t.test('names from the prototype are no variables', async (t) => {
  t.match(one('alert tcp $constructor any -> any any (sid:1;)').errors, [{ cause: /not defined/ }]);
  t.match(one('alert constructor any any -> any any (__proto__:1; sid:1;)').errors, [{ cause: /not a protocol/ }]);
});

t.test('several files', async (t) => {
  const { problems } = parseRules(
    [
      { file: 'a', text: 'x' },
      { file: 'b', text: '\ny' },
    ],
    options,
  );
  t.match(problems, [
    { file: 'a', line: 1 },
    { file: 'b', line: 2 },
  ]);
});
