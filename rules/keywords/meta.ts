// SPDX-License-Identifier: Apache-2.0
// Keywords that describe a rule.

import { failValue, warn, type Draft } from '../draft.js';
import { takeNumber } from './integer.js';
import { supported, type Keyword } from './types.js';

const U32 = 0xffff_ffff;

/** Takes off the backslashes of \" \; \\ and \: in text. */
function unescape(value: string): string {
  return value.includes('\\') ? value.replace(/\\([";:\\])/g, '$1') : value;
}

function parseReference(draft: Draft, value: string): void {
  const comma = value.indexOf(',');
  const system = value.slice(0, Math.max(0, comma)).trim();
  const text = value
    .slice(comma + 1)
    .trim()
    .replace(/^"(.*)"$/, '$1');
  if (system === '' || text === '') {
    return failValue(
      draft,
      `"${value}" is not a reference`,
      'write reference:system,value, for example url,example.org/1',
    );
  }
  const prefix = draft.options.references.get(system.toLowerCase());
  const reference = { system, value: unescape(text) };
  draft.references.push(prefix === undefined ? reference : { ...reference, url: prefix + reference.value });
}

function parseMetadata(draft: Draft, value: string): void {
  for (const pair of value.split(',')) {
    const text = pair.trim();
    const blank = text.search(/[ \t]/);
    // A key without a value says nothing: Suricata leaves it out too.
    if (blank > 0) draft.metadata.push([text.slice(0, blank), text.slice(blank).trim()]);
  }
}

function parseClasstype(draft: Draft, value: string): void {
  if (!/^[A-Za-z][\w-]*$/.test(value)) {
    return failValue(draft, `"${value}" is not a classtype`, 'write a name such as attempted-recon');
  }
  draft.classtype = value.toLowerCase();
  if (draft.options.classifications.has(draft.classtype)) return;
  warn(
    draft,
    draft.valueAt,
    `classtype ${value} is not known`,
    'priority 3 is used; define it in a classification.config',
  );
}

function number(
  name: string,
  summary: string,
  min: number,
  max: number,
  set: (draft: Draft, value: number) => void,
): Keyword {
  const take: NonNullable<Keyword['parse']> = (draft, value) => {
    const found = takeNumber(draft, value, min, max);
    if (found !== undefined) set(draft, found);
  };
  return supported('meta', name, summary, take, { quotes: 'optional', once: true });
}

const TAG =
  /^(?:session|host)(?:\s*,\s*\d+\s*,\s*(?:packets|bytes|seconds)(?:\s*,\s*(?:src|dst))?|\s*,\s*(?:src|dst))?$/;

function parseTag(draft: Draft, value: string): void {
  if (TAG.test(value)) draft.tag = value;
  else failValue(draft, `"${value}" is not a tag`, 'write tag:session,COUNT,packets; or tag:host,COUNT,seconds,src;');
}

export const metaKeywords: readonly Keyword[] = [
  supported('meta', 'msg', 'What the alert says: `"text"`', (draft, value) => void (draft.msg = unescape(value)), {
    quotes: 'mandatory',
    once: true,
  }),
  number('sid', 'Number of the rule, from 1; every rule needs one', 1, U32, (draft, value) => void (draft.sid = value)),
  number('gid', 'Group of the rule: `N`, 1 unless set', 0, U32, (draft, value) => void (draft.gid = value)),
  number(
    'rev',
    'Revision: `N`; of two rules with one gid and sid the higher revision is used',
    0,
    U32,
    (draft, value) => {
      draft.rev = value;
    },
  ),
  number('priority', 'Severity: 1 (highest) to 255; beats the one of the classtype', 1, 255, (draft, value) => {
    draft.priority = value;
  }),
  supported('meta', 'classtype', 'Class of the event, with its description and priority: `name`', parseClasstype, {
    once: true,
  }),
  supported('meta', 'reference', 'Where to read more: `system,value`', parseReference, { quotes: 'optional' }),
  supported('meta', 'metadata', 'Pairs for the alert: `key value, key value`', parseMetadata),
  supported('meta', 'target', 'Which side is attacked: `src_ip` or `dest_ip`', (draft, value) => {
    if (value === 'src_ip' || value === 'dest_ip') draft.target = value;
    else failValue(draft, `"${value}" is not a target`, 'write src_ip or dest_ip');
  }),
  supported(
    'meta',
    'tag',
    'Packets to record after a match: `session` or `host`, `,COUNT,packets`, `bytes` or `seconds`, `,src` or `,dst`; kept ' +
      'with the rule, nothing is recorded',
    parseTag,
  ),
  supported('meta', 'noalert', 'Matches and acts, raises no alert', (draft) => void (draft.noalert = true), {
    value: 'none',
  }),
  supported('meta', 'alert', 'Takes back `noalert`', (draft) => void (draft.noalert = false), { value: 'none' }),
];
