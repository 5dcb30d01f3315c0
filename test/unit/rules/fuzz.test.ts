// SPDX-License-Identifier: Apache-2.0
// Mutated rules: never a throw, never a hang, every line is accounted for, what is a rule can be placed and compiled, and
// nothing is kept. IDS_FUZZ sets the number of lines, IDS_SEED repeats a run.

import t from 'tap';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { compileParsed } from '../../../rules/compile/compile.js';
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
  'alert tcp any any -> any any (flow:established,to_server; content:"ab"; content:"cd"; distance:1; within:20; pcre:"/^a(b|c)+[^x]{2,5}\\d/Ri"; isdataat:!5,relative; byte_test:2,>,100,0,relative,little; byte_jump:4,0,relative,align; sid:7;)',
  'alert tls any any -> any any (tls.sni; dotprefix; content:".example"; endswith; ja3.hash; to_md5; content:"|01 02|"; flowbits:set,a.b; flowint:n,+,1; xbits:set,x,track ip_pair,expire 9; sid:8;)',
  'drop dns any any -> any 53 (dns.query; to_lowercase; strip_whitespace; xor:"0a0b"; content:"x"; bsize:>3; dns.rrtype:AAAA; threshold:type limit, track by_src, count 1, seconds 60; sid:9;)',
  'alert tcp any any -> any any (byte_extract:2,0,n,relative; byte_math:bytes 2, offset n, oper +, rvalue 3, result m; content:"z"; offset:m; depth:9; file.data; from_base64:bytes 9, offset 1, mode rfc4648; content:"y"; sid:10;)',
  'alert icmpv6 any any -> any any (itype:134; icmpv6.hdr; content:"|00 00|"; offset:6; depth:2; icmpv6.mtu:<1280; stream_size:server,>,9; target:src_ip; priority:2; sid:11;)',
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

const seed = Number(process.env['IDS_SEED'] ?? Date.now() & 0x7fffffff);
let state = seed || 1;
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

/** One sign more, less or another: often a rule still. */
function alter(text: string): string {
  const at = random(text.length);
  return (
    text.slice(0, at) + pick(['', '0', '9', 'a', ',', ' ', text[at] ?? '', text[at + 1] ?? '']) + text.slice(at + 1)
  );
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
/** Bytes of the heap that are in use. */
function used(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
const MEMORY = 64 << 20;

t.test(`${LINES} mutated lines (seed ${seed})`, async (t) => {
  let seen = 0;
  let slowest = 0;
  let compiled = 0;
  let before = 0;
  for (let done = 0; done < LINES; done += BATCH) {
    if (done === 2 * BATCH) before = used();
    const text = Array.from({ length: BATCH }, (_, i) => {
      let line = pick(seeds).replace(/sid:\d+/, `sid:${done + i + 1}`);
      if (random(3) === 0) return alter(line);
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
    const { summary, problems } = compileParsed(found);
    if (summary.errors === 0 && problems.length < found.unsupported.length) t.fail('a rule without a place', { text });
    compiled += summary.usable;
  }
  const more = used() - before;
  t.ok(more < MEMORY, `${more} bytes more are in use after ${LINES} lines`);
  t.ok(compiled > LINES / 40, `${compiled} rules compiled`);
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
