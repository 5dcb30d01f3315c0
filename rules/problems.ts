// SPDX-License-Identifier: Apache-2.0
// Problems of rules as one line each.

import type { Problem, Severity } from './ast.js';

const words: Readonly<Record<Severity, string>> = { error: 'error', unsupported: 'unsupported', warning: 'warning' };

// What would end or forge a line in a log or on a terminal.
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

function printable(text: string): string {
  return text.replace(CONTROL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** `file:line:column: error: sid 123: keyword: cause; remedy` */
export function formatProblem(problem: Problem): string {
  const parts = [`${problem.file}:${problem.line}:${problem.column}`, words[problem.severity]];
  if (problem.sid !== undefined) parts.push(`sid ${problem.sid}`);
  if (problem.keyword !== undefined) parts.push(problem.keyword);
  parts.push(problem.remedy === undefined ? problem.cause : `${problem.cause}; ${problem.remedy}`);
  return printable(parts.join(': '));
}
