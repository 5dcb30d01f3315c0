// SPDX-License-Identifier: Apache-2.0
// Lines of enable.conf, disable.conf, drop.conf and modify.conf, as suricata-update has them.

import { IdsError } from '../../common/errors.js';
import type { RuleSource } from '../../rules/index.js';

/** What matchers see of a rule. */
export interface RuleLine {
  readonly gid: number;
  readonly sid: number;
  readonly rev: number;
  /** File that it is of, without folders. */
  readonly file: string;
  readonly text: string;
}

export type Matcher = (rule: RuleLine) => boolean;

/** A change of a rule's text. */
export interface Change {
  readonly matches: Matcher;
  apply(text: string): string;
}

/** `*`, `?` and `[a-z]`, as a shell has them. */
function globPattern(glob: string): RegExp {
  const body = glob.replace(/\[!?[^\]]+\]|[\s\S]/g, (part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (part.length > 1) return part.replace(/^\[!/, '[^').replaceAll('\\', '\\\\');
    return part.replace(/[.+^${}()|[\]\\]/, String.raw`\$&`);
  });
  return new RegExp(`^${body}$`);
}

function idMatcher(text: string): Matcher | undefined {
  const ids = text.split(',').map((part) => part.trim());
  if (!ids.every((id) => /^\d+(:\d+){0,2}$/.test(id))) return undefined;
  const wanted = new Set(ids.map((id) => (id.includes(':') ? id : `1:${id}`)));
  return ({ gid, sid, rev }) => wanted.has(`${gid}:${sid}`) || wanted.has(`${gid}:${sid}:${rev}`);
}

function metadataMatcher(value: string): Matcher | undefined {
  const [key = '', ...rest] = value.toLowerCase().split(/\s+/);
  const wanted = rest.join(' ');
  if (key === '' || wanted === '') return undefined;
  return ({ text }) =>
    [...text.toLowerCase().matchAll(/[;(]\s*metadata\s*:([^;]*);/g)].some(([, pairs = '']) =>
      pairs.split(',').some((pair) => pair.trim().split(/\s+/).join(' ') === `${key} ${wanted}`),
    );
}

/** `1234`, `1:1234`, `re:…`, `group:…`, `filename:…`, `name.rules`, `metadata: key value`, `*`; undefined if it is none. */
function matcherOf(text: string): Matcher | undefined {
  if (text === '*') return () => true;
  const ids = idMatcher(text);
  if (ids) return ids;
  const [, kind = '', value = ''] = /^(re|group|filename|metadata):\s*(.*)$/.exec(text) ?? [];
  if (kind === 're') {
    const pattern = new RegExp(value, 'i');
    return (rule) => pattern.test(rule.text);
  }
  if (kind === 'metadata') return metadataMatcher(value);
  const glob = kind === '' && text.endsWith('.rules') ? text : value;
  if (glob === '') return undefined;
  const pattern = globPattern(glob);
  if (kind === 'filename') return ({ file }) => pattern.test(file);
  return ({ file }) => pattern.test(file) || pattern.test(file.replace(/\.rules$/, ''));
}

function linesOf<T>({ file, text }: RuleSource, read: (line: string) => T | undefined, remedy: string): T[] {
  return text.split(/\r?\n/).flatMap((raw, number) => {
    const line = raw.replace(/ #.*/, '').trim();
    if (line === '' || line.startsWith('#')) return [];
    let cause = `"${line}" selects no rules`;
    try {
      const one = read(line);
      if (one !== undefined) return [one];
    } catch (error) {
      cause = error instanceof Error ? error.message : String(error);
    }
    throw new IdsError('UPDATE_REFUSED', `${file}:${number + 1}:${raw.indexOf(line) + 1}: ${cause}; ${remedy}`);
  });
}

const SELECT = 'write a sid, gid:sid, re:EXPRESSION, group:FILE, filename:GLOB or metadata: KEY VALUE';

/** One matcher a line. @throws IdsError UPDATE_REFUSED with file, line and column */
export function parseMatchers(source: RuleSource): Matcher[] {
  return linesOf(source, matcherOf, SELECT);
}

/**
 * Words as a shell reads them: quotes, also in the midst of a word, hold blanks; a backslash stands before a quote or a
 * backslash, in double quotes also before a dollar sign, and for itself before anything else.
 */
function words(line: string): string[] {
  const found = line.match(/(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s\\])+/g) ?? [];
  return found.map((word) =>
    word.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(["'\\])/g, (_, double?: string, single?: string, bare?: string) => {
      return double?.replace(/\\(["\\$`])/g, '$1') ?? single ?? bare ?? '';
    }),
  );
}

/** The matcher of a word; undefined if it selects nothing. */
const matcherIn = (word = ''): Matcher | undefined => (word === '' ? undefined : matcherOf(word));

/** `metadata-add MATCH KEY VALUE`: a metadata keyword behind the others. */
function metadataChange([, match, key = '', value = '', ...more]: readonly string[]): Change | undefined {
  const matches = matcherIn(match);
  if (!matches || more.length > 0) return undefined;
  if (!/^[^\s;,"\\]+$/.test(key) || !/^[^;,"\\]*[^\s;,"\\]$/.test(value)) {
    throw new Error(`"${key}" "${value}" is no metadata: a word and a value, without any of ; , " \\`);
  }
  return { matches, apply: (text) => text.replace(/;\s*\)\s*$/, () => `; metadata: ${key} ${value};)`) };
}

/** `MATCH "expression" "replacement"`, groups as `\1` or `${1}`; also as Oinkmaster's `modifysid` has it. */
function textChange(all: readonly string[]): Change | undefined {
  const [match, pattern = '', replacement = ''] =
    all[0] === 'modifysid' ? [all[1], all[2], all[4]] : all.length === 3 ? all : [];
  const matches = matcherIn(match);
  if (!matches || pattern === '') return undefined;
  const groups = replacement.replace(/\$(?!\{\d+\})/g, '$$$$').replace(/\$\{(\d+)\}|\\(\d+)/g, '$$$1$2');
  const wanted = new RegExp(pattern, 'g');
  return { matches, apply: (text) => text.replace(wanted, groups) };
}

/** The lines of modify.conf. @throws IdsError UPDATE_REFUSED with file, line and column */
export function parseChanges(source: RuleSource): Change[] {
  return linesOf(
    source,
    (line) => {
      const all = words(line);
      return all[0] === 'metadata-add' ? metadataChange(all) : textChange(all);
    },
    'write MATCH "EXPRESSION" "REPLACEMENT" or metadata-add MATCH KEY VALUE',
  );
}
