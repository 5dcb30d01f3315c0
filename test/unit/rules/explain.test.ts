// SPDX-License-Identifier: Apache-2.0
// What is told of a rule: its place, what holds it, what is looked for first, and what makes it slow.

import t from 'tap';
import { compileRules, explainRule, type LanguageOptions, type RuleExplanation } from '../../../rules/index.js';

const language: LanguageOptions = {
  addressVars: { HOME_NET: '10.0.0.0/8', EXTERNAL_NET: 'any' },
  portVars: {},
  redact: 'off',
  disabled: ['1:6'],
};
const text = `drop tcp any any -> any 22 (msg:"a"; flags:S; threshold:type limit, track by_src, count 1, seconds 60; sid:1;)
alert http any any -> any any (msg:"b"; http.uri; content:"ab"; content:"/long|00|path"; sid:2;)
alert ip [192.0.2.1,192.0.2.2] any -> $HOME_NET any (msg:"c"; sid:3;)
alert http any any -> any any (msg:"d"; http.uri; pcre:"/x+/"; sid:4;)
alert smb any any -> any any (msg:"e"; sid:5;)
alert tcp any any -> any 23 (msg:"f"; sid:6;)
drop http any any -> any any (msg:"g"; http.user_agent; content:"bad"; sid:7;)
`;
const { rules, summary } = compileRules([{ file: 'a.rules', text }], language);
function explained(sid: number): RuleExplanation {
  const info = rules.find((rule) => rule.sid === sid);
  if (!info) throw new Error(`no rule ${sid}`);
  return explainRule(info, language);
}

t.test('each placement', async (t) => {
  t.match(summary, { rules: 6, usable: 5, unsupported: 1, disabled: 1 });
  t.match(explained(1), {
    placement: 'inline',
    tables: ['1 of 4096 header rules of the kernel, at 0', 'thresholds of the kernel'],
    threshold: 'limit by_src: 1 in 60 s',
  });
  t.match(explained(2), {
    placement: 'engine',
    why: 'judged by the engine on http.uri',
    tables: ['rules of the engine', 'handed over for it: http-requests'],
    fastPattern: { buffer: 'http.uri', content: '/long|00|path' },
  });
  t.match(explained(3), { placement: 'address', tables: ['blocklist, under the origin rule:1:3'] });
  t.match(explained(4), { slow: /^pcre alone/, fastPattern: undefined });
  t.match(explained(5), { placement: 'unsupported', tables: [] });
  t.match(explained(6), { placement: 'disabled', why: 'disabled by "ids rules disable"', tables: [] });
  t.match(explained(7), {
    placement: 'inline',
    tables: [/^1 of 4096/, 'contents of the kernel', 'rules of the engine'],
    fastPattern: { buffer: 'http.user_agent', content: 'bad' },
  });
});

t.test('what makes a rule slow', async (t) => {
  const slow = (options: string): string | undefined =>
    compileRules([{ file: 'a.rules', text: `alert http any any -> any any (${options} sid:1;)` }], language).rules[0]
      ?.slow;
  t.equal(slow('http.uri; content:"ab";'), undefined);
  t.match(slow('http.uri; content:"a";'), /one byte/);
  t.match(slow('http.uri; content:!"ab";'), /negated/);
  t.match(slow('http.uri; to_md5; content:"ab";'), /behind transforms/);
  t.match(slow('http.uri; bsize:>5;'), /no content/);
});
