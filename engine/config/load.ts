// SPDX-License-Identifier: Apache-2.0
// Reads the configuration file: text in, a complete configuration or every error with its line and column out.

import { readFileSync } from 'node:fs';
import { LineCounter, isMap, parseDocument, type Document } from 'yaml';
import { IdsError, messageOf } from '../../common/errors.js';
import { explainIssue, type ConfigProblem } from './problems.js';
import { configSchema, type Config } from './schema.js';

/** What the command line says: it takes the place of the keys of the file. */
export interface LoadOptions {
  readonly interfaces?: readonly string[];
  readonly mode?: Config['mode'];
  readonly socket?: string;
}

/** More errors than anybody reads at once. */
const MAX_PROBLEMS = 50;

/** A configuration is a page or two; this bounds what a wrong file name can cost. */
const MAX_BYTES = 4 * 1024 * 1024;

function fail(file: string, problems: readonly ConfigProblem[]): never {
  const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column).slice(0, MAX_PROBLEMS);
  const text = sorted.map(
    ({ line, column, key, message }) => `${file}:${line}:${column}: ${key === '' ? '' : `${key}: `}${message}`,
  );
  throw new IdsError('CONFIG_INVALID', text.join('\n'), { details: { file, problems: sorted } });
}

/** What yaml says about the text itself, without its picture of the source. */
function syntaxProblems(document: Document.Parsed, lines: LineCounter): ConfigProblem[] {
  return document.errors.map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    const cause = error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '';
    const remedy =
      error.code === 'DUPLICATE_KEY' ? 'keep one of them' : 'check the indentation and quotes of this line';
    return { line: Math.max(1, line), column: Math.max(1, col), key: '', message: `${cause}; ${remedy}` };
  });
}

/** A key without a value (`log:` above lines that are commented out) stands for its default. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(kept.map(([name, item]) => [name, withoutNulls(item)]));
}

/**
 * The configuration in `text`; `file` is the name that errors carry.
 * @throws IdsError CONFIG_INVALID with one line for each error, `details.problems` the same as data
 */
export function loadConfig(text: string, file: string, options: LoadOptions = {}): Config {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    fail(file, [{ line: 1, column: 1, key: '', message: 'the file is larger than 4 MiB; is this the configuration?' }]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  if (document.errors.length > 0) fail(file, syntaxProblems(document, lines));
  if (document.contents !== null && !isMap(document.contents)) {
    const message = 'the file is not a mapping; write keys such as interfaces: [eth0]';
    fail(file, [{ line: 1, column: 1, key: '', message }]);
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    return fail(file, [{ line: 1, column: 1, key: '', message: `${messageOf(error)}; write the values out` }]);
  }
  const result = configSchema.safeParse({ ...(withoutNulls(value) as object), ...options });
  if (result.success) return result.data;
  return fail(
    file,
    result.error.issues.flatMap((issue) => explainIssue(issue, document, lines)),
  );
}

/** Reads and loads a configuration file. @throws IdsError CONFIG_UNREADABLE, CONFIG_INVALID */
export function readConfig(file: string, options: LoadOptions = {}): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const message = `${file}: ${messageOf(error)}: name a readable file with --config`;
    throw new IdsError('CONFIG_UNREADABLE', message, { cause: error });
  }
  return loadConfig(text, file, options);
}
