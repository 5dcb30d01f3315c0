// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import {
  compileRules,
  createEvaluator,
  Need,
  parseHttpRequest,
  type Compilation,
  type RuleInfo,
} from '../../../rules/index.js';

function compile(...lines: string[]): Compilation {
  return compileRules([{ file: 'test.rules', text: lines.join('\n') }], {
    addressVars: { HOME_NET: '10.0.0.0/8' },
    portVars: {},
    redact: ['Authorization'],
    redactParameters: ['api_key', 'token'],
  });
}

function bySid(compiled: Compilation, sid: number): RuleInfo {
  const found = compiled.rules.find((rule) => rule.sid === sid);
  if (!found) throw new Error(`no rule ${sid}`);
  return found;
}

t.test('what has to be handed over for a rule', async (t) => {
  const needs = (options: string, app = 'ip'): readonly string[] | undefined =>
    bySid(compile(`alert ${app} any any -> any any (${options} sid:1;)`), 1).needs;
  for (const [options, app, expected] of [
    ['http.uri; content:"a";', 'http', ['http-requests']],
    ['http.header; content:"a";', 'http', ['http-requests', 'http-responses']],
    ['http.header; content:"a"; flow:to_client;', 'http', ['http-responses']],
    ['http.uri; content:"a"; http.request_body; content:"b";', 'http', ['http-requests', 'payload-to-server']],
    ['http.response_body; content:"a";', 'ip', ['http-responses', 'payload-to-client']],
    ['file.data; content:"a"; flow:established,to_client;', 'http', ['http-responses', 'payload-to-client']],
    ['tls.sni; content:"a";', 'tls', ['tls']],
    ['tls.cert_subject; content:"a"; flow:to_client;', 'tls', ['tls', 'payload-to-client']],
    ['dns.query; content:"a";', 'dns', ['dns']],
    ['content:"a";', 'tcp', ['payload-to-server', 'payload-to-client']],
    ['content:"a"; flow:to_server,established;', 'tcp', ['payload-to-server']],
    ['content:"a"; http.uri; content:"b";', 'http', ['http-requests', 'payload-to-server']],
    ['content:"a";', 'udp', ['payload-to-server', 'payload-to-client']],
    ['flowbits:set,a;', 'http', ['http-requests']],
    ['flow:to_client; flowbits:set,a;', 'tls', ['tls']],
    ['flowbits:set,a;', 'dns', ['dns']],
    ['', 'dns', undefined],
  ] as const) {
    t.same(needs(options, app), expected, `${app}: ${options}`);
  }
  t.equal(needs('flags:S;', 'tcp'), undefined, 'a header rule needs nothing');
  const both = compile(
    'alert http any any -> any any (http.uri; content:"a"; sid:1;)',
    'alert tls any any -> any any (tls.sni; content:"a"; sid:2;)',
  );
  t.equal(both.engine.needs, Need.HTTP_REQUESTS | Need.TLS);
});

t.test('rules whose flow bits are not set as they should be are not used', async (t) => {
  const http = 'http any any -> any any';
  const c = compile(
    `alert ${http} (http.uri; content:"a"; flowbits:set,good; sid:1;)`,
    `alert ${http} (http.uri; content:"a"; flowbits:isset,good; flowbits:set,chain; sid:2;)`,
    `alert ${http} (http.uri; content:"a"; flowbits:isset,chain|none; sid:3;)`,
    `alert ${http} (http.uri; content:"a"; flowbits:isset,none; flowbits:set,late; sid:4;)`,
    `alert ${http} (http.uri; content:"a"; flowbits:isset,late; sid:5;)`,
    `alert ${http} (http.uri; content:"a"; flowbits:isnotset,none; sid:6;)`,
    `alert ${http} (http.uri; content:"a"; flowbits:isnotset,late; sid:7;)`,
    `alert ${http} (http.uri; content:"a"; pcre:"/(x)\\1/"; flowbits:set,far; sid:8;)`,
    `alert ${http} (http.uri; content:"a"; flowbits:isset,far; sid:9;)`,
    'alert tcp any any -> any any (flags:S; flowbits:set,header; sid:10;)',
    `alert ${http} (http.uri; content:"a"; flowbits:isset,header; sid:11;)`,
    'alert tcp any any -> any any (flags:S; flowbits:isset,good; sid:12;)',
    'alert tcp any any -> any any (flags:S; flowbits:set,x; noalert; sid:13;)',
    'drop ip 192.0.2.0/24 any -> any any (flowbits:set,listed; sid:14;)',
  );
  const placement = Object.fromEntries(c.rules.map((rule) => [rule.sid, rule.placement]));
  const [engine, refused] = ['engine', 'unsupported'];
  t.same(placement, {
    ...{ 1: engine, 2: engine, 3: engine, 4: refused, 5: refused, 6: engine, 7: refused, 8: refused, 9: refused },
    ...{ 10: 'inline', 11: refused, 12: refused, 13: refused, 14: 'address' },
  });
  t.match(bySid(c, 4).reason, /which no rule sets/);
  t.match(bySid(c, 5).reason, /such as sid 4/);
  t.match(bySid(c, 7).reason, /is not set, .* sid 4/);
  t.match(bySid(c, 9).reason, /such as sid 8/);
  t.match(bySid(c, 10).reason, /its flow bit is not set/);
  t.match(bySid(c, 14).reason, /its flow bit is not set/);
  const problems = c.problems.filter(({ severity }) => severity === 'unsupported').map(({ sid }) => sid);
  t.same(
    problems.sort((a, b) => (a ?? 0) - (b ?? 0)),
    [4, 5, 7, 8, 9, 11, 12, 13],
  );
});

t.test(
  'bits of addresses and numbers settle as flow bits do, and rules on headers go where they are kept',
  async (t) => {
    const c = compile(
      'alert udp any any -> any any (content:"a"; xbits:set,x,track ip_src; sid:1;)',
      'alert udp any any -> any any (content:"a"; hostbits:isset,x,dst; sid:2;)',
      'alert udp any any -> any any (content:"a"; xbits:isset,x,track ip_pair; sid:3;)',
      'alert udp any any -> any any (content:"a"; flowint:n,>,1; sid:4;)',
      'alert udp any any -> any any (content:"a"; pcre:"/(x)\\1/"; flowint:m,+,1; sid:5;)',
      'alert udp any any -> any any (content:"a"; flowint:m,notset; sid:6;)',
      'alert tcp any any -> any any (dsize:>5; flowbits:set,asked; sid:7;)',
      'alert tcp any any -> any any (dsize:>5; flowbits:set,idle; sid:8;)',
      'drop tcp any any -> any any (dsize:>5; flowbits:set,asked; sid:9;)',
      'drop tcp any any -> any any (flow:established; flowbits:isset,other|asked; sid:10;)',
      'alert tcp any any -> any any (flags:S; xbits:set,y,track ip_src; sid:11;)',
      'drop http any any -> any any (http.uri; content:"a"; xbits:isset,x,track ip_src; sid:12;)',
    );
    const placement = Object.fromEntries(c.rules.map((rule) => [rule.sid, rule.placement]));
    const [engine, refused, inline] = ['engine', 'unsupported', 'inline'];
    t.same(placement, {
      ...{ 1: engine, 2: engine, 3: refused, 4: refused, 5: refused, 6: refused, 7: engine, 8: inline, 9: inline },
      ...{ 10: engine, 11: refused, 12: engine },
    });
    t.match(bySid(c, 3).reason, /bit of the pair x, which no rule sets/);
    t.match(bySid(c, 6).reason, /number m is not set, .* sid 5/);
    t.match(bySid(c, 7).reason, /packets that carry payload/);
    t.same(bySid(c, 7).needs, ['payload-to-server', 'payload-to-client']);
    t.match(bySid(c, 11).reason, /keeps xbits, sees packets with payload alone/);
  },
);

t.test('a pass on messages of any protocol says which header rules come before it', async (t) => {
  const c = compile(
    'pass dns any any -> any any (dns.query; content:"a"; sid:1;)',
    'drop udp any any -> any 53 (dsize:>500; sid:2;)',
    'drop tcp any any -> any 53 (flags:S; sid:3;)',
    'drop icmp any any -> any any (itype:8; sid:4;)',
  );
  t.match(c.problems, [{ sid: 1, severity: 'warning', cause: /1 header rule\(s\) \(sid 2\)/ }]);
  t.equal(c.problems.length, 1);
});

t.test('masked values are looked for by the kernel, or the rule is refused', async (t) => {
  const of = (options: string, app: string): RuleInfo =>
    bySid(compile(`alert ${app} any any -> any any (${options} sid:1;)`), 1);
  for (const [options, app, name] of [
    ['content:"Authorization|3a| Basic abc";', 'tcp', 'Authorization'],
    ['content:"[token=x";', 'tcp', 'token'],
    ['http.header; content:"|0d 0a|Authorization|3a| abc";', 'http', 'Authorization'],
    ['http.header; content:"Authorization|3a| a, b";', 'http', 'Authorization'],
    ['http.header; content:"Authorization|3a| a,";', 'http', 'Authorization'],
    ['http.uri; content:"?token=x"; http.request_body; content:"b";', 'http', 'token'],
    ['http.uri; content:"?token=x"; content:"y"; distance:0;', 'http', 'token'],
    ['http.uri; content:"?token="; byte_test:1,>,1,0,relative,string,dec;', 'http', 'token'],
  ] as const) {
    const { placement, reason } = of(options, app);
    t.match({ placement, reason }, { placement: 'unsupported', reason: `needs a redacted value (${name})` }, options);
  }
  for (const [options, app] of [
    ['content:"Authorization|3a| Basic abc";', 'udp'],
    ['http.header; content:"Authorization|3a| Basic abc";', 'http'],
    ['http.header; content:"Authorization|3a| a,b";', 'http'],
    ['http.header; content:"Accept|3a| a, b";', 'http'],
    ['http.uri; content:"?API-KEY=1";', 'http'],
    ['http.header; content:"Referer|3a| http://a/?token=x";', 'http'],
    ['http.uri; content:"api_key=";', 'http'],
    ['http.request_body; content:"token=x";', 'http'],
  ] as const) {
    t.equal(of(options, app).placement, 'engine', options);
  }
  const drop = compile('drop http any any -> any any (http.header; content:"Authorization|3a| abc"; sid:1;)');
  t.equal(bySid(drop, 1).placement, 'inline', 'the kernel judges before it masks');
  const joined = compile('drop http any any -> any any (http.header; content:"Authorization|3a| a, b"; sid:1;)');
  t.equal(bySid(joined, 1).placement, 'unsupported', 'values of two lines are joined behind the mask');
  const many = compile(
    ...Array.from(
      { length: 300 },
      (_, i) => `alert http any any -> any any (http.uri; content:"?token=${i}x"; sid:${i + 1};)`,
    ),
  );
  t.ok(many.summary.unsupported > 0 && many.summary.usable > 100);
  t.match(bySid(many, 300).reason, /no room/);
});

t.test('what the kernel found in a masked value is there', async (t) => {
  const c = compile(
    'alert http any any -> any any (http.header; content:"Authorization|3a| Basic abc"; sid:1;)',
    'alert http any any -> any any (http.uri; content:"/etc/passwd"; sid:2;)',
    'alert http any any -> any any (http.uri; content:"/a"; content:!"?token=x"; sid:3;)',
  );
  const evaluator = createEvaluator(structuredClone(c.engine));
  const [first, second, , third] = c.engine.rules.flatMap((rule) =>
    rule.groups.flatMap(({ contents }) => contents.map(({ literal }) => literal)),
  );
  const packet = { src: 1n, dst: 2n, sport: 3, dport: 4, proto: 6 };
  const judge = (hits: readonly (number | undefined)[] | undefined, target = '/a?token=*'): number[] => {
    const request = parseHttpRequest(Buffer.from(`GET ${target} HTTP/1.1\r\nAuthorization: *********\r\n\r\n`));
    if (!request) throw new Error('no request');
    request.hits = hits?.flatMap((hit) => hit ?? []);
    return evaluator.judge(request, packet, undefined, 0).map((match) => match.rule);
  };
  t.ok(
    [first, second, third].every((number) => (number ?? -1) >= 0),
    'each has a pattern',
  );
  t.same(judge(undefined), [2]);
  t.same(judge([first]), [0, 2]);
  t.same(judge([second, third]), [1]);
  t.same(judge([third], '//a?token=*'), [2], 'of what was sent otherwise it says not that it is in the buffer');
});
