// SPDX-License-Identifier: Apache-2.0
// Threshold files: what lines mean, what is wrong with them, and what they make of rules.

import t from 'tap';
import { Action, Threshold, Track } from '../../../common/abi.gen.js';
import { compileRules, formatProblem, parseRules, type Rule } from '../../../rules/index.js';
import { parseThresholdFile } from '../../../rules/threshold-file.js';

const vars = { HOME_NET: '[10.0.0.0/8,!10.1.0.0/16]', EXTERNAL_NET: '!$HOME_NET' };
const parse = (text: string): ReturnType<typeof parseThresholdFile> =>
  parseThresholdFile({ file: 'threshold.config', text }, vars);

const rules = [
  'alert tcp any any -> any 1 (sid:1;)',
  'drop tcp any any -> any 2 (threshold:type limit, track by_src, count 1, seconds 60; sid:2;)',
  'alert tcp any any -> any 3 (detection_filter:track by_src, count 1, seconds 60; gid:3; sid:3;)',
  'alert tcp any any -> any 4 (flow:nonsense2; sid:4;)',
  'alert smb any any -> any any (sid:5;)',
].join('\n');
const language = (thresholds: string): Parameters<typeof compileRules>[1] => ({
  ...{ addressVars: vars, portVars: {}, redact: [] as string[] },
  thresholds: { file: 'threshold.config', text: thresholds },
});
function applied(text: string): { rule: (sid: number) => Rule | undefined; problems: string[] } {
  const parsed = parseRules([{ file: 'test.rules', text: rules }], language(text));
  const problems = parsed.problems.filter(({ file }) => file === 'threshold.config').map(formatProblem);
  return { rule: (sid) => parsed.rules.find(({ meta }) => meta.sid === sid), problems };
}

t.test('lines of each kind', async (t) => {
  const { lines, problems } = parse(`# a comment, and one with blanks:
   # another
\tsuppress gen_id 1, sig_id 2002087
suppress gen_id 1, sig_id 7, track by_src, ip [ 192.0.2.0/24, !192.0.2.7, $HOME_NET ]
Suppress gen_id 0,sig_id 0,track BY_EITHER,ip fe80::/10
event_filter gen_id 1, sig_id 8, type both, track by_flow, count 3, seconds 5
threshold gen_id 1, sig_id 0, type limit, track by_both, \\
  count 1, seconds 15
rate_filter gen_id 1, sig_id 9, track by_rule, count 100, seconds 60, new_action reject, timeout 30
`);
  t.same(problems, []);
  t.same(
    lines.map(({ gid, sid, position }) => [gid, sid, position.line]),
    [
      [1, 2002087, 3],
      [1, 7, 4],
      [0, 0, 5],
      [1, 8, 6],
      [1, 0, 7],
      [1, 9, 9],
    ],
  );
  t.same([lines[0]?.spec, lines[0]?.suppress], [undefined, undefined], 'of nobody');
  const at = (text: string): bigint => 0xffff_0000_0000n + BigInt(`0x${text}`);
  t.match(lines[1]?.suppress, {
    track: 'src',
    addresses: [
      { from: at('0a000000'), to: at('0a00ffff') },
      { from: at('0a020000'), to: at('0affffff') },
      { from: at('c0000200'), to: at('c0000206') },
      { from: at('c0000208'), to: at('c00002ff') },
    ],
  });
  t.equal(lines[2]?.suppress?.track, 'either');
  t.match(lines[3]?.spec, { type: Threshold.BOTH, track: Track.FLOW, count: 3, seconds: 5 });
  t.match(lines[4]?.spec, { type: Threshold.LIMIT, track: Track.BOTH, count: 1, seconds: 15 });
  t.match(lines[5]?.spec, {
    ...{ type: Threshold.RATE, track: Track.RULE, count: 100, seconds: 60 },
    rate: { action: Action.REJECT, timeout: 30 },
  });
});

t.test('mistakes have a place, a cause and a remedy; the other lines count', async (t) => {
  const cases: Record<string, string> = {
    'supress gen_id 1, sig_id 1': '1:1: error: "supress" does not begin a line; did you mean suppress?',
    'suppress gen_id 1': '1:18: error: sig_id is missing; write sig_id and its value',
    'suppress gen_id 1, sig_id x': '1:27: error: sig_id "x" is not a number from 0 to 4294967295; correct the number',
    'suppress gen_id 0, sig_id 5':
      '1:17: error: gen_id 0 stands for every rule, sig_id 5 for one; write gen_id 1, or sig_id 0',
    'suppress gen_id 1, sig_id 1, track by_source, ip 192.0.2.1':
      '1:36: error: "by_source" is not a value of track; did you mean by_src?',
    'suppress gen_id 1, sig_id 1, track by_src': '1:42: error: ip is missing; write ip and its value',
    'suppress gen_id 1, sig_id 1, track by_src, ip 192.0.2.256':
      '1:47: error: "192.0.2.256" is not an address, prefix or range; write for example 192.0.2.7, 192.0.2.0/24, 192.0.2.1-192.0.2.9, 2001:db8::/32, any or $HOME_NET',
    'suppress gen_id 1, sig_id 1, track by_src, ip [192.0.2.1,$NOBODY]': '1:58: error: ',
    'threshold gen_id 1, sig_id 1, type limt, track by_src, count 1, seconds 1':
      '1:36: error: "limt" is not a value of type; did you mean limit?',
    'threshold gen_id 1, sig_id 1, type backoff, track by_flow, count 1, seconds 1': '1:36: error: "backoff" is not',
    'threshold gen_id 1, sig_id 1, type limit, track by_src, count 0, seconds 1': '1:63: error: count "0" is not',
    'threshold gen_id 1, sig_id 1, type limit, type both': '1:43: error: type stands twice; remove one',
    'rate_filter gen_id 1, sig_id 1, track by_src, count 1, seconds 1, new_action sdrop, timeout 1':
      '1:78: error: "sdrop" is not a value of new_action; did you mean drop?',
    'rate_filter gen_id 1, sig_id 1, apply_to x': '1:33: error: "apply_to x" is not a setting; write gen_id, sig_id,',
    'suppress gen_id 1, sig_id': '1:20: error: sig_id has no value; write sig_id and its value',
  };
  for (const [text, expected] of Object.entries(cases)) {
    const { lines, problems } = parse(`${text}\nsuppress gen_id 1, sig_id 1\n`);
    t.equal(problems.length, 1, text);
    const told = problems.map(formatProblem).join();
    t.ok(told.startsWith(`threshold.config:${expected}`), `${text}: ${told}`);
    t.equal(lines.length, 1);
  }
});

t.test('a threshold takes the place of that of the rule, a rate filter gives way to it', async (t) => {
  const { rule, problems } = applied(`threshold gen_id 1, sig_id 2, type both, track by_dst, count 5, seconds 6
threshold gen_id 3, sig_id 3, type limit, track by_dst, count 7, seconds 8
rate_filter gen_id 1, sig_id 1, track by_src, count 1, seconds 2, new_action drop, timeout 3
rate_filter gen_id 1, sig_id 2, track by_src, count 1, seconds 2, new_action drop, timeout 3
threshold gen_id 1, sig_id 0, type limit, track by_src, count 9, seconds 9
suppress gen_id 1, sig_id 5
suppress gen_id 1, sig_id 99
`);
  t.match(rule(2)?.threshold, { type: Threshold.BOTH, track: Track.DST, count: 5, seconds: 6 });
  t.match(rule(3)?.threshold, { type: Threshold.LIMIT, count: 7, seconds: 8 });
  t.match(rule(1)?.threshold, { type: Threshold.RATE, rate: { action: Action.DROP, timeout: 3 } });
  t.same(problems, [
    'threshold.config:4:1: warning: sid 2: the rule has a threshold already, which stays; remove one of the two',
    'threshold.config:5:1: warning: 2 rules have a threshold already, which stays; remove one of the two',
    'threshold.config:7:1: warning: sid 99: no rule has gid 1 and sid 99; correct the line or remove it',
  ]);
});

t.test('suppress: of a rule, of a group, of all of them', async (t) => {
  const { rule, problems } = applied(`suppress gen_id 1, sig_id 1
suppress gen_id 1, sig_id 2, track by_src, ip 192.0.2.1
suppress gen_id 3, sig_id 0, track by_dst, ip 192.0.2.2
suppress gen_id 0, sig_id 0, track by_either, ip 192.0.2.3
`);
  t.same(problems, []);
  const texts = (sid: number): readonly string[] | undefined => rule(sid)?.suppress?.map(({ text }) => text);
  t.ok(rule(1)?.meta.noalert);
  t.same(texts(1), ['by_either 192.0.2.3']);
  t.same(texts(2), ['by_src 192.0.2.1', 'by_either 192.0.2.3']);
  t.same(texts(3), ['by_dst 192.0.2.2', 'by_either 192.0.2.3']);
  t.match(rule(2)?.threshold, { count: 1 }, 'its own threshold stays');
});

t.test('compiled: in words, and a mistake in the file is none of a rule', async (t) => {
  const c = compileRules(
    [{ file: 'test.rules', text: 'alert tcp any any -> any 1 (sid:1;)\ndrop tcp any any -> any 2 (sid:2;)' }],
    language(`rate_filter gen_id 1, sig_id 1, track by_src, count 10, seconds 60, new_action reject, timeout 300
suppress gen_id 1, sig_id 2, track by_src, ip 192.0.2.1
suppress gen_id 1, sig_id 1, track by_either, ip [192.0.2.0/24,10.0.0.0/8]
nonsense
`),
  );
  t.match(c.summary, { rules: 2, usable: 2, inline: 2, errors: 1 });
  t.match(c.rules[0], {
    threshold: 'rate_filter by_src: reject for 300 s after more than 10 in 60 s',
    suppress: ['by_either [192.0.2.0/24,10.0.0.0/8]'],
    reject: { source: true, destination: false, ends: true },
  });
  t.equal(c.rules[0]?.positions.length, 3, 'suppressed sources, suppressed destinations, all others');
  t.equal(c.rules[1]?.positions.length, 1, 'without a threshold there is nothing to count');
  t.same([...c.suppressed.keys()], [0, 1]);
});
