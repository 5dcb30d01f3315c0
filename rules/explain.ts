// SPDX-License-Identifier: Apache-2.0
// Where a rule is, why, and by what it is found: what `ids rules explain` tells.

import { Limit } from '../common/abi.gen.js';
import { addressOrigin } from './compile/address-lists.js';
import type { RuleInfo } from './compile/types.js';
import { leadOf } from './match/lead.js';
import { parseRules, type LanguageOptions } from './parser.js';

export interface RuleExplanation {
  readonly gid: number;
  readonly sid: number;
  readonly msg: string;
  readonly action: RuleInfo['action'];
  readonly placement: RuleInfo['placement'];
  readonly why: string;
  /** What holds the rule, a line each. */
  readonly tables: readonly string[];
  /** Engine and contents in the kernel: what is looked for first, bytes that are no text between bars. */
  readonly fastPattern?: { readonly buffer: string; readonly content: string };
  readonly slow?: string;
  readonly threshold?: string;
  readonly suppress?: readonly string[];
}

/** As a content is written in a rule. */
function written(bytes: Uint8Array): string {
  let text = '';
  let hex: string[] = [];
  const flush = (): void => {
    if (hex.length > 0) text += `|${hex.join(' ')}|`;
    hex = [];
  };
  for (const byte of bytes) {
    if (byte < 0x20 || byte > 0x7e || '|";:\\'.includes(String.fromCharCode(byte))) {
      hex.push(byte.toString(16).padStart(2, '0'));
      continue;
    }
    flush();
    text += String.fromCharCode(byte);
  }
  flush();
  return text;
}

const defaults: Readonly<Record<RuleInfo['placement'], string>> = {
  inline: 'header keywords alone: the kernel has all that it asks for',
  address: 'it asks for nothing but addresses',
  engine: 'it looks into what only the engine sees',
  unsupported: 'it cannot be judged in full',
  disabled: 'it is disabled',
};

function tablesOf(info: RuleInfo, looks: boolean): string[] {
  const { placement, positions, needs = [], threshold } = info;
  const counted = threshold === undefined ? [] : [`thresholds of the ${placement === 'inline' ? 'kernel' : 'engine'}`];
  if (placement === 'inline') {
    const entries = `${positions.length} of ${Limit.MAX_RULES} header rules of the kernel, at ${positions.join(', ')}`;
    return [entries, ...(looks ? ['contents of the kernel', 'rules of the engine'] : []), ...counted];
  }
  if (placement === 'address') return [`blocklist, under the origin ${addressOrigin(info)}`, ...counted];
  if (placement !== 'engine') return [];
  return ['rules of the engine', ...(needs.length > 0 ? [`handed over for it: ${needs.join(', ')}`] : []), ...counted];
}

/** @param language as the rule was compiled with */
export function explainRule(info: RuleInfo, language: LanguageOptions): RuleExplanation {
  const { gid, sid, msg, action, placement, reason, slow, threshold, suppress } = info;
  const { thresholds: _thresholds, ...options } = language;
  const { rules } = parseRules([{ file: info.file, text: info.text }], { ...options, disabled: [] });
  const [rule] = rules;
  const judged = placement === 'engine' || placement === 'inline';
  const fast = judged && rule !== undefined ? leadOf(rule) : undefined;
  return {
    ...{ gid, sid, msg, action, placement, why: reason ?? defaults[placement] },
    tables: tablesOf(info, fast !== undefined),
    ...(fast === undefined ? {} : { fastPattern: { buffer: fast.buffer, content: written(fast.pattern) } }),
    ...(slow === undefined ? {} : { slow }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(suppress === undefined ? {} : { suppress }),
  };
}
