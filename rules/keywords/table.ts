// SPDX-License-Identifier: Apache-2.0
// The keyword tables of docs/rules.md, from the table of keywords.

import { appEvents } from '../app-events.js';
import { eventConditions, streamConditions, streamFlags } from './events.js';
import { keywords } from './index.js';
import type { KeywordKind } from './types.js';

const titles: readonly (readonly [KeywordKind, string])[] = [
  ['meta', 'About the rule'],
  ['ip', 'IP header'],
  ['tcp', 'TCP header'],
  ['icmp', 'ICMP and ICMPv6 header'],
  ['packet', 'Packet and flow'],
  ['threshold', 'Thresholds'],
  ['buffer', 'Buffers'],
  ['content', 'Contents'],
];

function names(keyword: { readonly name: string; readonly aliases?: readonly string[] }): string {
  return [keyword.name, ...(keyword.aliases ?? [])].map((name) => `\`${name}\``).join(' ');
}

/** A cell's bars would end it. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function chapter([kind, title]: readonly [KeywordKind, string]): string {
  const rows = keywords
    .filter((keyword) => keyword.kind === kind && keyword.scope === 'supported')
    .map((keyword) => `| ${names(keyword)} | ${cell(keyword.summary)} |`);
  return [`### ${title}`, '', '| keyword | meaning and forms |', '| --- | --- |', ...rows, ''].join('\n');
}

function refused(): string {
  const reasons = new Map<string, string[]>();
  for (const keyword of keywords) {
    if (keyword.scope === 'supported') continue;
    const list = reasons.get(keyword.summary) ?? [];
    reasons.set(keyword.summary, [...list, names(keyword)]);
  }
  const rows = [...reasons].map(([reason, list]) => `| ${reason} | ${list.join(' ')} |`);
  return ['### Known and not supported', '', '| reason | keywords |', '| --- | --- |', ...rows, ''].join('\n');
}

function events(title: string, all: Iterable<string>): string {
  const list = [...all].sort().map((name) => `\`${name}\``);
  return [`### ${title}`, '', list.join(' '), ''].join('\n');
}

/** Markdown of all keywords. */
export function keywordTable(): string {
  return [
    ...titles.map(chapter),
    events('Decode events', eventConditions.keys()),
    events('Stream events', [...streamConditions.keys(), ...streamFlags.keys()]),
    events('Events of application protocols', appEvents.keys()),
    refused(),
  ].join('\n');
}
