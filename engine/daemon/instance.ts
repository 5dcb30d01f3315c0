// SPDX-License-Identifier: Apache-2.0
// One daemon for one state directory: a file with the process that owns it.

import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IdsError } from '../../common/errors.js';

/** When a process was started, in ticks since boot: with its number it names one process for good (proc(5), field 22). */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/**
 * Claims a state directory for this process; returns how to give it back.
 * @throws IdsError DAEMON_RUNNING if another process holds it
 */
export function claimInstance(stateDir: string): () => void {
  const file = join(stateDir, 'daemon.pid');
  const own = `${process.pid} ${startOf(process.pid) ?? ''}`;
  let holder = '';
  try {
    holder = readFileSync(file, 'utf8').trim();
  } catch {
    // Nobody has claimed it yet.
  }
  const [pid = '', start] = holder.split(' ');
  if (start !== undefined && start !== '' && startOf(Number(pid)) === start && holder !== own) {
    throw new IdsError(
      'DAEMON_RUNNING',
      `process ${pid} runs with the state directory ${stateDir}: stop it with "ids stop" or use another state_dir`,
    );
  }
  writeFileSync(file, `${own}\n`, { mode: 0o600 });
  return () => unlinkSync(file);
}
