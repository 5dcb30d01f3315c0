// SPDX-License-Identifier: Apache-2.0
// Rules on messages with all that may stand before and behind their contents (addresses, ports, directions, flow, thresholds)
// in the kernel and in the engine: a keyword that always holds keeps a rule out of the kernel. IDS_FUZZ sets how many
// messages.

import t from 'tap';
import { ControlFlag } from '../../common/abi.gen.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { Random } from '../unit/rules/support/random.js';
import { udp } from './support/frames.js';
import { randomRequest, randomRule, repeatsName } from './support/message-rules.js';
import { framesOf, randomQuery } from './support/random-talk.js';
import { Stack } from './support/stack.js';

const when = { skip: whyUnprivileged() ?? false };
const MESSAGES = Number(process.env['IDS_FUZZ'] ?? 300);
const seed = Number(process.env['IDS_SEED'] ?? Date.now() & 0x7fffffff);
const RULES = 12;

const SOURCES = [
  'any',
  'any',
  'any',
  'any',
  '192.0.2.0/24',
  '!192.0.2.1',
  '[192.0.2.1,192.0.2.3-192.0.2.5]',
  '2001:db8::/64',
];
const TARGETS = [
  'any',
  'any',
  'any',
  'any',
  '10.0.0.0/8',
  '![10.0.0.1,10.0.0.2]',
  '[any,!10.0.0.3]',
  '[2001:db8:1::/48,10.0.0.2]',
];
const PORTS = ['any', 'any', 'any', 'any', 'any', '80', '!80', '[53,80,8080]', '1024:', ':1023'];
const FLOWS = ['', '', 'flow:established; ', 'flow:to_server; ', 'flow:established,to_server; ', 'flow:stateless; '];
const THRESHOLDS = [
  ...['type limit, track by_src, count 1, seconds 20', 'type limit, track by_rule, count 2, seconds 9'],
  ...['type threshold, track by_dst, count 2, seconds 60', 'type both, track by_both, count 2, seconds 30'],
  ...['type threshold, track by_flow, count 2, seconds 60', 'type backoff, track by_flow, count 1, multiplier 2'],
];
const FILTERS = ['track by_src, count 1, seconds 30', 'track by_rule, count 3, seconds 30'];
const CLIENTS = ['192.0.2.1', '192.0.2.2', '192.0.2.4', '198.51.100.1'];
const SERVERS = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '203.0.113.1'];

/** A rule of the kernel with a random head and random keywords about packets and matches. */
function ruleOf(r: Random, sid: number): string {
  const head = `${r.pick(SOURCES)} ${r.pick(PORTS)} ${r.pick(['->', '->', '<>'])} ${r.pick(TARGETS)} ${r.pick(PORTS)}`;
  const limits = [
    ...(r.chance(35)
      ? [`threshold:${r.pick(THRESHOLDS)}; `]
      : r.chance(20)
        ? [`detection_filter:${r.pick(FILTERS)}; `]
        : []),
    ...(r.chance(25) ? [`priority:${1 + r.int(4)}; `] : []),
    ...(r.chance(15) ? [`l3_proto:${r.pick(['ipv4', 'ipv6'])}; `] : []),
  ];
  const rule = randomRule(r, sid).replace('any any -> any any', head);
  // A SYN is no part of a message of UDP.
  const flow = r.pick(rule.includes(' udp ') ? ['', 'flow:to_server; '] : FLOWS);
  return rule.replace('(msg:"m"; ', `(msg:"m"; ${flow}`).replace(/(sid:\d+;\))$/, `${limits.join('')}$1`);
}

/** A request of which the kernel sees what the engine sees. */
function plainRequest(r: Random): Buffer {
  for (;;) {
    const text = randomRequest(r).replaceAll(/[%\\\t&]/g, 'x');
    const odd = /[^\r]\n|\r\n[ \t]|:\S| \r\n|\/\/|\/\.|#|http:|: {2}|^\S+ .* .* HTTP/m.test(text);
    if (!odd && /^\S+ \/[\w/.?=-]* HTTP/.test(text) && !repeatsName(text)) return Buffer.from(text, 'latin1');
  }
}

/** Alerts as `sid(count)`, in the order of their names. */
function alertsOf(stack: Stack): string {
  const { raised } = stack.take();
  return raised
    .flatMap(({ quiet, detection: { kind, rule, count = 0 } }) =>
      kind === 'alert' && rule && !quiet ? [`${rule.sid}(${count})`] : [],
    )
    .sort()
    .join(' ');
}

t.test(`kernel and engine agree (seed ${seed})`, when, async (t) => {
  const r = new Random(seed);
  const tally = { messages: 0, alerts: 0, counted: 0, inline: 0, asked: 0 };
  for (let wrong = false; tally.messages < MESSAGES && !wrong;) {
    const rules = Array.from({ length: RULES }, (_, i) => ruleOf(r, i + 1));
    const here = Stack.open(t, rules.join('\n'), { flags: ControlFlag.CONTROL_MONITOR });
    const engine = rules.map((rule) => rule.replace(/(sid:\d+;\))$/, 'ttl:>0; $1'));
    const there = Stack.open(t, engine.join('\n'), { flags: ControlFlag.CONTROL_MONITOR });
    // Of a message that the kernel is not sure of the engine counts by itself.
    let asked = false;
    here.onRecord = (_view, _at, _length, bulk) => (asked ||= bulk);
    tally.inline += here.compiled.summary.inline;
    if (there.compiled.summary.inline > 0) throw new Error('a rule of the kernel among those of the engine');
    for (let talk = 0; talk < 30 && !wrong && !asked; talk++) {
      const six = r.chance(20);
      const ends = six
        ? { client: `2001:db8::${1 + r.int(3)}`, server: `2001:db8:1::${1 + r.int(3)}` }
        : { client: r.pick(CLIENTS), server: r.pick(SERVERS) };
      const ports = { sport: r.pick([53, 80, 8080, 5000]), cport: 1024 + 2 * talk };
      const requests = Array.from({ length: 1 + r.int(3) }, () => ({ side: 'up' as const, bytes: plainRequest(r) }));
      const part = { src: ends.client, dst: ends.server, sport: ports.cport, dport: ports.sport };
      const frames = r.chance(25)
        ? [udp({ ...part, payload: randomQuery(r) })]
        : framesOf(r, requests, { ...ends, ...ports }, { plain: true, lossy: false, stray: false });
      tally.messages += requests.length;
      for (const frame of frames) for (const stack of [here, there]) stack.push(frame);
      const [kernel, evaluated] = [alertsOf(here), alertsOf(there)];
      tally.alerts += kernel === '' ? 0 : kernel.split(' ').length;
      tally.counted += (kernel.match(/\([1-9]/g) ?? []).length;
      const later = r.int(8);
      for (const stack of [here, there]) stack.advance(later);
      tally.asked += Number(asked);
      if (kernel === evaluated || asked) continue;
      wrong = true;
      const said = requests.map(({ bytes }) => bytes.toString('latin1'));
      t.same({ kernel }, { kernel: evaluated }, 'same alerts', {
        rules,
        ...ends,
        ...ports,
        udp: frames.length === 1,
        said,
      });
    }
    for (const stack of [here, there]) stack.close();
  }
  t.ok(
    tally.alerts > MESSAGES / 30 && tally.counted > MESSAGES / 200 && tally.asked < MESSAGES / 20,
    JSON.stringify(tally),
  );
});
