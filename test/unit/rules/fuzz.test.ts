// SPDX-License-Identifier: Apache-2.0
// Mutated rules: never a throw, never a hang, and every line is accounted for. IDS_FUZZ sets the number of lines.

import t from 'tap';
import { formatProblem, parseRules } from '../../../rules/index.js';
import { keywords } from '../../../rules/keywords/index.js';
import { options } from './one-rule.js';

const LINES = Number(process.env['IDS_FUZZ'] ?? 4000);
const BATCH = 500;
/** Generous: a line takes some 10 µs. */
const MS_A_LINE = 5;

const seeds = [
  'alert tcp $HOME_NET any -> [10.0.0.0/8,!10.1.0.0/16] [80,443:500,!450] (msg:"a \\"b\\"\\; c"; flags:S,12; ttl:5<>9; sid:1; rev:2;)',
  'drop ip !$HOME_NET any <> any any (ip_proto:!6; ipopts:lsrr; fragbits:+M; fragoffset:>0; id:5; tos:!x1f; sid:2;)',
  'reject udp 2001:db8::1-2001:db8::9 53 -> any :1024 (dsize:>=1kb; threshold:type both, track by_src, count 5, seconds 60; sid:3;)',
  'alert http any any -> any $HTTP_PORTS (http.uri; content:!"/a|2e 2e|\\;"; nocase; offset:1; depth:20; bsize:<100; http.host; content:"x"; endswith; sid:4;)',
  'pass icmp any any -> any any (itype:8; icode:0; icmp_id:7; icmp_seq:9; detection_filter:track by_dst, count 2, seconds 3, unique_on src_ip; sid:5;)',
  'alert pkthdr any any -> any any (decode-event:ipv4.trunc_pkt; vlan.id:300,0; metadata:a b, c d; reference:url,x/y; classtype:misc-attack; sid:6;)',
];
const pieces = [
  '(',
  ')',
  ';',
  ':',
  '"',
  '\\',
  '|',
  '[',
  ']',
  '!',
  ',',
  '$',
  '<>',
  '->',
  '\n',
  '\\\n',
  '\ufeff',
  '\0',
  '\u{1f600}',
  '\ud800',
  '0x',
  '-1',
  '99999999999999999999',
  '{',
  '#',
  '%',
  ...keywords.map(({ name }) => `${name}:`),
];

let state = 0x9e3779b9;
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}
const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;

function mutate(text: string): string {
  const at = random(text.length + 1);
  switch (random(6)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1 + random(4));
    case 1:
      return text.slice(0, at) + pick(pieces) + text.slice(at);
    case 2:
      return text.slice(0, at) + String.fromCharCode(random(0x100)) + text.slice(at + 1);
    case 3:
      return text.slice(0, at);
    case 4:
      return text.slice(0, at) + text.slice(random(text.length + 1));
    default:
      return text.slice(0, at) + pick(seeds).slice(random(60)) + text.slice(at);
  }
}

t.test(`${LINES} mutated lines`, async (t) => {
  let seen = 0;
  let slowest = 0;
  for (let done = 0; done < LINES; done += BATCH) {
    const text = Array.from({ length: BATCH }, () => {
      let line = pick(seeds);
      for (let n = random(5); n >= 0; n--) line = mutate(line);
      return line;
    }).join('\n');
    const started = performance.now();
    const found = parseRules([{ file: 'fuzz', text }], options);
    slowest = Math.max(slowest, performance.now() - started);
    const lines = text.split('\n').length;
    for (const problem of found.problems) {
      const line = formatProblem(problem);
      if (!/^fuzz:\d+:\d+: (?:error|warning|unsupported): ./.test(line) || problem.line > lines || problem.column < 1)
        t.fail(line);
    }
    seen += found.rules.length + found.unsupported.length + found.problems.length;
  }
  t.ok(seen > LINES / 2, `${seen} rules and problems`);
  t.ok(slowest < BATCH * MS_A_LINE, `slowest batch of ${BATCH}: ${Math.round(slowest)} ms`);
});

t.test('input that would make a slow parser hang', async (t) => {
  const hostile = [
    `alert tcp ${'['.repeat(30_000)} any -> any any (sid:1;)`,
    `alert tcp ${'!'.repeat(60_000)} any -> any any (sid:1;)`,
    `alert tcp any any -> any any (${'a;'.repeat(30_000)})`,
    `alert tcp any any -> any any (${'\\;'.repeat(30_000)})`,
    `alert tcp any any -> any any (content:"${'|41'.repeat(20_000)}"; sid:1;)`,
    `alert tcp any any -> any any (content:"${'|'.repeat(60_000)}"; sid:1;)`,
    `alert tcp any any -> any any (ttl:${' '.repeat(60_000)}x; sid:1;)`,
    `alert tcp any any -> any any (threshold:${','.repeat(60_000)}; sid:1;)`,
    `#${' #'.repeat(30_000)}`,
    `#alert ${'x '.repeat(30_000)}`,
    'a\\\n'.repeat(30_000),
    ' '.repeat(60_000),
  ];
  for (const text of hostile) {
    const started = performance.now();
    const { problems } = parseRules([{ file: 'f', text }], options);
    problems.map(formatProblem);
    t.ok(
      performance.now() - started < 2000,
      `${JSON.stringify(text.slice(0, 40))}: ${Math.round(performance.now() - started)} ms`,
    );
  }
});
