// SPDX-License-Identifier: Apache-2.0
// Port expressions of a rule header: ports, ranges, `any`.

import type { PortSet } from './ast.js';
import { resolve, type Domain, type Failure } from './expression.js';
import type { IntervalSet } from './sets.js';

const MAX_PORT = 65_535;

/** Every port. */
export const allPorts: PortSet = [{ from: 0, to: MAX_PORT }];

export interface ResolvedPorts {
  readonly set: PortSet;
  readonly any: boolean;
}

function atom(text: string): IntervalSet | { cause: string; remedy: string } {
  const match = /^(?:(\d+)|(\d*)\s*:\s*(\d*))$/.exec(text);
  const [low, high] = match ? (match[1] !== undefined ? [match[1], match[1]] : [match[2], match[3]]) : [];
  if (low === undefined || high === undefined || (low === '' && high === '')) {
    return {
      cause: `"${text}" is not a port or range`,
      remedy: 'write for example 80, 1:1024, 1024:, any or $HTTP_PORTS',
    };
  }
  const from = low === '' ? 0 : Number(low);
  const to = high === '' ? MAX_PORT : Number(high);
  if (from > MAX_PORT || to > MAX_PORT) {
    return { cause: `port ${Math.max(from, to)} is too large`, remedy: `write a number from 0 to ${MAX_PORT}` };
  }
  if (from > to) return { cause: `range ${text} is backwards`, remedy: `write ${to}:${from}` };
  return [{ from: BigInt(from), to: BigInt(to) }];
}

/** The domain of port expressions over these variables (names without `$`). */
export function portDomain(variables: Readonly<Record<string, string>>): Domain {
  return { noun: 'port', variables, families: [[{ from: 0n, to: BigInt(MAX_PORT) }]], atom };
}

/** Resolves a port expression. */
export function resolvePorts(text: string, domain: Domain): ResolvedPorts | Failure {
  if (text.toLowerCase() === 'any') return { set: allPorts, any: true };
  const found = resolve(text, domain);
  if (!('set' in found)) return found;
  return { set: found.set.map(({ from, to }) => ({ from: Number(from), to: Number(to) })), any: found.any };
}
