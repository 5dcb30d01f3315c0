// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import t from 'tap';
import { outputSchema } from '../../../../alerts/index.js';
import { IdsError } from '../../../../common/errors.js';
import { loadConfig, readConfig, type ConfigProblem } from '../../../../engine/config/index.js';
import { randomizer } from '../lists/fixture.js';

function problems(text: string): string[] {
  try {
    loadConfig(text, 'ids.yaml');
  } catch (error) {
    if (error instanceof IdsError && error.code === 'CONFIG_INVALID') return error.message.split('\n');
    throw error;
  }
  return [];
}

t.test('defaults', async (t) => {
  const config = loadConfig('', 'ids.yaml', { interfaces: ['eth0'] });
  t.match(config, {
    interfaces: [{ name: 'eth0', mode: 'auto' }],
    mode: 'prevent',
    home_net: 'auto',
    vars: { address: {}, port: {} },
    response: { rules: [], trust: 'proven', unproven: { ttl: 0, max: 1000 } },
    allowlist: [],
    outputs: [{ type: 'file', path: '/var/log/ids/eve.json' }],
    socket: '/run/ids/ids.sock',
    state_dir: '/var/lib/ids',
    pin_dir: '/sys/fs/bpf/ids',
    redact: { headers: ['Authorization', 'Proxy-Authorization', 'Cookie', 'Set-Cookie', 'X-Api-Key'] },
    flows: {
      ...{ size: 131_072, midstream: false, fragments: 'pass', datagrams: 128 },
      log: { failed: false, interval: 3600 },
      timeouts: { tcp_new: 60, tcp_established: 600, tcp_closed: 60, udp_new: 30, udp_established: 300 },
    },
    events: { source_rate: 1000, rule_rate: 5000, blocked_rate: 1, packet_rate: 50_000 },
    reject_rate: 100,
    log: { level: 'info', format: 'auto' },
  });
  t.equal(config.rules, undefined);
  t.same(loadConfig('', 'ids.yaml').interfaces, []);
});

t.test('values in the forms that people write', async (t) => {
  const config = loadConfig(
    `
interfaces: [eth0, { name: eth1, mode: generic }]
home_net: "[10.0.0.0/8,!10.1.0.0/16]"
rules: local.rules
vars:
  address: { HTTP_SERVERS: [192.0.2.1, 192.0.2.2], DNS_SERVERS: "!$HOME_NET" }
  port: { SSH_PORTS: 2222, HTTP_PORTS: [80, "8000:8080"] }
response:
  rules:
    - match: { sid: 9000001, action: [drop, reject], min_severity: 2 }
      block: 1h30m
      escalate: {}
allowlist: [192.0.2.0/24, 2001:DB8::1]
outputs: []
redact: off
log:
events:
  rule_rate:
`,
    'ids.yaml',
    { mode: 'monitor', socket: '/tmp/x.sock' },
  );
  t.match(config, {
    interfaces: [
      { name: 'eth0', mode: 'auto' },
      { name: 'eth1', mode: 'generic' },
    ],
    home_net: ['10.0.0.0/8', '!10.1.0.0/16'],
    rules: ['local.rules'],
    vars: {
      address: { HTTP_SERVERS: '[192.0.2.1,192.0.2.2]', DNS_SERVERS: '!$HOME_NET' },
      port: { SSH_PORTS: '2222', HTTP_PORTS: '[80,8000:8080]' },
    },
    allowlist: ['192.0.2.0/24', '2001:db8::1'],
    redact: 'off',
    mode: 'monitor',
    socket: '/tmp/x.sock',
  });
  t.same(config.response.rules, [
    {
      match: { sid: [9000001], action: ['drop', 'reject'], min_severity: 2 },
      block: 5400,
      escalate: { factor: 2, max: 604800, memory: 86400 },
    },
  ]);
  t.same(config.outputs, []);
  t.equal(config.events.rule_rate, 5000, 'a key without a value is at its default');
});

t.test('what may be a secret is not repeated', async (t) => {
  for (const output of [
    'url: "ftp://u:hush@x/hush"',
    'secret: whsec_hush',
    'bearer: hush',
    'url: {hush: 1}',
    'url: "http://x/", headers: {a: "hush\\u0001"}',
    'url: "http://x/", headers: hush',
  ]) {
    const text = `interfaces: [eth0]\noutputs: [{type: webhook, ${output}}]\n`;
    t.throws(
      () => loadConfig(text, 'ids.yaml'),
      { code: 'CONFIG_INVALID', message: /^(?![^]*hush)ids.yaml:2:/ },
      output,
    );
  }
});

const types = outputSchema.options.map(({ shape }) => shape.type.value).join(', ');

t.test('every error, with its line and column', async (t) => {
  const text = `interfaces:
  - eth0
  - {name: eth0, mod: native}
  - name: "a b"
    mode: fast
mode: montior
home_net: [10.0.0.1/8, 5]
intrefaces: x
rules: 3
vars: {address: {HOME_NET: x, "a b": y}, port: {A: {}}}
response:
  rules:
    - match: {}
      block: soon
    - match: {sid: x, action: [drp]}
      escalate: {factor: 0}
  unproven: {ttl: 11m}
allowlist: [300.1.1.1]
outputs:
  - type: fiel
  - type: webhook
    url: ftp://x
  - type: syslog
    port: 99999
    tranport: tcp
redact: none
events: {source_rate: 0.5, rule_rate: "x"}
log: {level: loud}
socket: ids.sock
`;
  t.same(problems(text), [
    'ids.yaml:3:18: interfaces[1].mod: unknown key; did you mean mode?',
    'ids.yaml:4:11: interfaces[2].name: "a b" does not fit; an interface name has 1 to 15 characters, none of them a space, slash or colon',
    'ids.yaml:5:11: interfaces[2].mode: "fast" is not known here; write auto or native or generic',
    'ids.yaml:6:7: mode: "montior" is not known here; did you mean monitor? It takes prevent, monitor',
    'ids.yaml:7:12: home_net[0]: "10.0.0.1/8" has host bits set: did you mean 10.0.0.0/8?',
    'ids.yaml:7:24: home_net[1]: 5 does not fit; write a text in quotes here',
    'ids.yaml:8:1: intrefaces: unknown key; did you mean interfaces?',
    'ids.yaml:9:8: rules: 3 does not fit; write a text in quotes here',
    'ids.yaml:10:31: vars.address.a b: a variable name is made of letters, digits and _',
    'ids.yaml:10:52: vars.port.A: {} does not fit; a text, a number or a list of these is needed',
    'ids.yaml:13:14: response.rules[0].match: a match without a condition would take every alert',
    'ids.yaml:14:14: response.rules[0].block: "soon" is not a duration: write for example 90s, 15m, 1h30m or 7d',
    'ids.yaml:15:20: response.rules[1].match.sid: "x" does not fit; write a number here',
    'ids.yaml:15:32: response.rules[1].match.action[0]: "drp" is not known here; did you mean drop? It takes alert, drop, reject',
    'ids.yaml:16:26: response.rules[1].escalate.factor: 0 is too small; write at least 1',
    'ids.yaml:17:19: response.unproven.ttl: 11m is too long: at most 10m',
    'ids.yaml:18:13: allowlist[0]: "300.1.1.1" is not an IP address: write for example 192.0.2.7 or 2001:db8::7',
    `ids.yaml:20:11: outputs[0].type: "fiel" is not known here; did you mean file? It takes ${types}`,
    'ids.yaml:22:10: outputs[1].url: what is written here does not fit; an http:// or https:// URL is needed',
    'ids.yaml:24:11: outputs[2].port: 99999 is too big; write at most 65535',
    'ids.yaml:25:5: outputs[2].tranport: unknown key; did you mean transport?',
    'ids.yaml:26:9: redact: "none" is not known here; write off or a mapping with headers, parameters',
    'ids.yaml:27:23: events.source_rate: 0.5 does not fit; write a whole number here',
    'ids.yaml:27:39: events.rule_rate: "x" does not fit; write a number here',
    'ids.yaml:28:14: log.level: "loud" is not known here; write trace or debug or info or warn or error or fatal',
    'ids.yaml:29:9: socket: "ids.sock" does not fit; a path that begins with / is needed',
  ]);
});

t.test('single errors', async (t) => {
  const cases: Record<string, string> = {
    'a: [':
      'ids.yaml:1:5: Flow sequence in block collection must be sufficiently indented and end with a ]; check the indentation and quotes of this line',
    'mode: prevent\nmode: monitor': 'ids.yaml:2:1: Map keys must be unique; keep one of them',
    '- eth0': 'ids.yaml:1:1: the file is not a mapping; write keys such as interfaces: [eth0]',
    'just text': 'ids.yaml:1:1: the file is not a mapping; write keys such as interfaces: [eth0]',
    'mode: *x': 'ids.yaml:1:1: Unresolved alias (the anchor must be set before the alias): x; write the values out',
    'interfaces: [eth0, eth0]': 'ids.yaml:1:20: interfaces[1]: eth0 is listed twice: take one of them out',
    'interfaces: {mode: auto}': 'ids.yaml:1:13: interfaces.name: is missing; write a text in quotes here',
    'vars: {address: {HOME_NET: x}}': 'ids.yaml:1:17: vars.address: HOME_NET is set by the key home_net: move it there',
    'response:\n  rules:\n    - block: 1h':
      'ids.yaml:3:7: response.rules[0].match: is missing; write a mapping of keys here',
    'response: {unproven: {ttl: 0.5}}':
      'ids.yaml:1:28: response.unproven.ttl: 0.5 does not fit; a duration such as 90s, 15m or 1h is needed',
    'home_net: []': 'ids.yaml:1:11: home_net: [] is too small; write at least 1 item',
    'outputs: [{type: file}, {type: file}]': 'two outputs are called "file": give one of them another name',
    'audit: {checkpoint_outputs: [file, siem]}':
      'ids.yaml:1:36: audit.checkpoint_outputs[1]: no output is called "siem"; there are: file',
    'reject_rate: 0': 'ids.yaml:1:14: reject_rate: 0 is too small; write at least 1',
    'outputs: [{type: kafka, idempotent: true}]':
      'ids.yaml:1:25: outputs[0].idempotent: unknown key; known here: type, name, events, format, filter, collapse, limit, queue, retry, brokers, topic, key, compression, tls, sasl, timeout, batch',
    'state-dir: /x': 'ids.yaml:1:1: state-dir: unknown key; did you mean state_dir?',
  };
  for (const [text, expected] of Object.entries(cases)) {
    const found = problems(text);
    t.equal(found.length, 1, text);
    t.ok(found[0]?.includes(expected), `${text}\n  found ${found[0]}\n  not   ${expected}`);
  }
});

t.test('problems are there as data, and a file that cannot be read is named', async (t) => {
  try {
    loadConfig('mode: x\n', 'ids.yaml');
    t.fail('not refused');
  } catch (error) {
    const found = (error as IdsError).details['problems'] as ConfigProblem[];
    t.match(found, [{ line: 1, column: 7, key: 'mode', message: /write prevent or monitor/ }]);
  }
  t.throws(() => readConfig('/nowhere/ids.yaml'), {
    code: 'CONFIG_UNREADABLE',
    message: /\/nowhere\/ids\.yaml: ENOENT.*--config/,
  });
  const folder = t.testdir({ 'ids.yaml': 'interfaces: eth7\n' });
  t.match(readConfig(join(folder, 'ids.yaml')).interfaces, [{ name: 'eth7' }]);
  t.throws(() => loadConfig(`# ${'x'.repeat(5_000_000)}`, 'big'), {
    code: 'CONFIG_INVALID',
    message: /larger than 4 MiB/,
  });
});

t.test('damaged texts give a typed error or a configuration, never anything else', async (t) => {
  const random = randomizer(3);
  const good =
    'interfaces: [eth0]\nhome_net: [10.0.0.0/8]\nresponse:\n  rules:\n    - match: {sid: [1, 2]}\n      block: 1h\noutputs:\n  - type: syslog\n';
  const bits = [
    ...'{}[]:,-&*!|>\'"#%@`\n\t ~0x\\',
    ': ',
    '- ',
    '<<: ',
    '!!binary ',
    '\u0000',
    '\ud800',
    '__proto__: ',
    'constructor: ',
  ];
  let refused = 0;
  for (let i = 0; i < 3000; i++) {
    let text = good;
    for (let n = random(4) + 1; n > 0; n--) {
      const at = random(text.length + 1);
      text =
        text.slice(0, at) + (random(4) === 0 ? '' : (bits[random(bits.length)] ?? '')) + text.slice(at + random(5));
    }
    try {
      loadConfig(text, 'x');
    } catch (error) {
      if (!(error instanceof IdsError) || error.code !== 'CONFIG_INVALID' || !/^x:\d+:\d+: \S/.test(error.message)) {
        return void t.fail(`${JSON.stringify(text)}: ${String(error)}`);
      }
      refused++;
    }
  }
  t.ok(refused > 1000, `${refused} of 3000 refused`);
});
