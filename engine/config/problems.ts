// SPDX-License-Identifier: Apache-2.0
// From an issue of the schema to one line for people: where in the file, what is wrong, what to write instead.

import { isMap, isNode, isScalar, isSeq, type Document, type LineCounter, type Node } from 'yaml';
import type { core } from 'zod';
import { choicesAt, keysAt } from './keys.js';
import { nearest } from './nearest.js';

export interface ConfigProblem {
  readonly line: number;
  readonly column: number;
  /** Dotted, list members as [n]; empty for the file as a whole. */
  readonly key: string;
  /** Cause and remedy. */
  readonly message: string;
}

type Path = readonly PropertyKey[];

function dotted(path: Path): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i > 0 ? '.' : ''}${String(step)}`))
    .join('');
}

/** The key node at the end of a path, where a mapping holds it. */
function keyNode(document: Document, path: Path): Node | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find(
    ({ key }) => (isScalar(key) ? String(key.value) : String(key)) === String(path.at(-1)),
  );
  return isNode(pair?.key) ? pair.key : undefined;
}

/** The value at a path, or the nearest thing around it that the file has. */
function nodeAt(document: Document, path: Path): Node | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node;
    const key = keyNode(document, path.slice(0, length));
    if (key) return key;
  }
  return isNode(document.contents) ? document.contents : undefined;
}

/** A union says only that nothing fits: the branch that got furthest says why. */
function unfold(issue: core.$ZodIssue): core.$ZodIssue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0 || issue.message !== 'Invalid input') return [issue];
  const rank = ({ code, path }: core.$ZodIssue): number =>
    path.length * 4 + (code === 'custom' || code === 'unrecognized_keys' ? 2 : code === 'invalid_type' ? 0 : 1);
  const best = (branch: readonly core.$ZodIssue[]): number => Math.max(...branch.map(rank));
  const branch = issue.errors.reduce((a, b) => (best(b) > best(a) ? b : a));
  return branch.flatMap((nested) => unfold({ ...nested, path: [...issue.path, ...nested.path] }));
}

/** The path in the file: where one item stands for a list of one, the file has no index. */
function filePath(document: Document, path: Path): PropertyKey[] {
  const found: PropertyKey[] = [];
  for (const step of path) {
    const here = found.length === 0 ? document.contents : document.getIn(found, true);
    if (typeof step !== 'number' || !isNode(here) || isSeq(here)) found.push(step);
  }
  return found;
}

/** Stands for a value that is not shown. */
const hidden = Symbol('hidden');

function shown(value: unknown): string {
  if (value === hidden) return 'what is written here';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

const expectations: Readonly<Record<string, string>> = {
  object: 'a mapping of keys',
  array: 'a list',
  int: 'a whole number',
  string: 'a text in quotes',
};

const units: Readonly<Record<string, string>> = { string: ' character', array: ' item' };

/** Keys whose values may be secrets, even misspelt ones: a message ends up in logs and tickets. */
const hushed: ReadonlySet<PropertyKey> = new Set([
  ...['url', 'headers', 'secret', 'secrets', 'bearer', 'token', 'password', 'api_key', 'routing_key', 'key'],
  ...['proxy', 'credentials', 'template'],
]);

function describe(issue: core.$ZodIssue, given: unknown): string {
  const secret = issue.path[0] === 'outputs' && issue.path.some((key) => hushed.has(key));
  const value = given !== undefined && secret ? hidden : given;
  const choices = choicesAt(issue.path);
  const keys = keysAt(issue.path);
  if (choices.length > 0 && ['invalid_value', 'invalid_type', 'invalid_union'].includes(issue.code)) {
    const guess = typeof value === 'string' ? nearest(value, choices) : undefined;
    const hint =
      guess === undefined
        ? `write ${[...choices, ...(keys.length > 0 ? [`a mapping with ${keys.join(', ')}`] : [])].join(' or ')}`
        : `did you mean ${guess}? It takes ${choices.join(', ')}`;
    return value === undefined ? `is missing; ${hint}` : `${shown(value)} is not known here; ${hint}`;
  }
  if (issue.code === 'invalid_type') {
    const expected = expectations[issue.expected] ?? `a ${issue.expected}`;
    const found = value === undefined ? 'is missing' : `${shown(value)} does not fit`;
    return `${found}; write ${expected} here`;
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') {
    if (!issue.message.startsWith('Too ')) return issue.message;
    const [size, word, limit] =
      issue.code === 'too_small' ? ['small', 'at least', issue.minimum] : ['big', 'at most', issue.maximum];
    const unit = units[issue.origin] ?? '';
    return `${shown(value)} is too ${size}; write ${word} ${limit}${unit}${unit !== '' && Number(limit) !== 1 ? 's' : ''}`;
  }
  const cause = issue.message.replace(/^Invalid \w+: /, '');
  return value === undefined || issue.code === 'custom' ? cause : `${shown(value)} does not fit; ${cause}`;
}

/** The problems behind one issue, in the words of the file. */
export function explainIssue(issue: core.$ZodIssue, document: Document, lines: LineCounter): ConfigProblem[] {
  return unfold(issue).flatMap((one) => explainOne(one, document, lines));
}

function explainOne(issue: core.$ZodIssue, document: Document, lines: LineCounter): ConfigProblem[] {
  const place = (node: Node | undefined): { line: number; column: number } => {
    const position = lines.linePos(node?.range?.[0] ?? 0);
    return { line: Math.max(1, position.line), column: Math.max(1, position.col) };
  };
  const path = filePath(document, issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path, document.getIn([...filePath(document, issue.path.slice(0, 2)), 'type']));
    return issue.keys.map((name) => {
      const guess = nearest(name, known);
      const message = `unknown key; ${guess === undefined ? `known here: ${known.join(', ')}` : `did you mean ${guess}?`}`;
      return { ...place(keyNode(document, [...path, name])), key: dotted([...path, name]), message };
    });
  }
  const key = dotted(path);
  if (issue.code === 'invalid_key') {
    return [{ ...place(keyNode(document, path)), key, message: issue.issues[0]?.message ?? issue.message }];
  }
  const value: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  const plain: unknown = isNode(value) ? value.toJS(document) : value;
  return [{ ...place(nodeAt(document, path)), key, message: describe(issue, plain) }];
}
