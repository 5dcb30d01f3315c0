// SPDX-License-Identifier: Apache-2.0
// The other end of the SSH session that a process was started from: the one address an operator must never lose.

import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

/** The client address in the value of SSH_CONNECTION (`client port server port`), or undefined. */
export function peerOfConnection(value: string | undefined): string | undefined {
  const address = value?.split(' ')[0]?.replace(/%.*$/, '') ?? '';
  return isIP(address) === 0 ? undefined : address;
}

/** Deeper than any real chain of parents; a bound in case /proc changes while it is walked. */
const MAX_ANCESTORS = 64;

function parentOf(pid: number, proc: string): number {
  // The command name in parentheses may hold spaces and parentheses itself.
  const stat = readFileSync(`${proc}/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

/**
 * The peer of the SSH session that `pid` belongs to: from its own environment, else from that of an ancestor, since
 * sudo and su clear it.
 */
export function sshPeerOf(pid: number, env: NodeJS.ProcessEnv = {}, proc = '/proc'): string | undefined {
  const own = peerOfConnection(env['SSH_CONNECTION']);
  if (own !== undefined) return own;
  let current = pid;
  for (let i = 0; i < MAX_ANCESTORS && current > 1; i++) {
    try {
      const variables = readFileSync(`${proc}/${current}/environ`, 'utf8').split('\0');
      const found = variables.find((variable) => variable.startsWith('SSH_CONNECTION='));
      const peer = peerOfConnection(found?.slice('SSH_CONNECTION='.length));
      if (peer !== undefined) return peer;
    } catch {
      // Another user's process: its parents may still tell.
    }
    try {
      current = parentOf(current, proc);
    } catch {
      return undefined;
    }
  }
  return undefined;
}
