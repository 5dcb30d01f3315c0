// SPDX-License-Identifier: Apache-2.0
// One daemon for one state directory: a file with the process that owns it.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IdsError, messageOf } from '../../common/errors.js';
import { withFolderLock } from '../bpf/index.js';

/** When a process was started, in ticks since boot: with its number it names one process for good (proc(5), field 22). */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function own(file: string, stateDir: string): void {
  try {
    writeFileSync(file, `${process.pid} ${startOf(process.pid) ?? ''}\n`, { mode: 0o600 });
  } catch (error) {
    throw unusable(stateDir, error);
  }
}

function unusable(stateDir: string, error: unknown): IdsError {
  const remedy = 'make it writable and see that its disk has room, or choose another state_dir';
  const text = `the state directory ${stateDir} cannot be used (${messageOf(error)}): ${remedy}`;
  return new IdsError('STORE_FAILED', text, { cause: error });
}

/**
 * Makes a state directory if there is none and claims it for this process; returns how to give it back.
 * @throws IdsError DAEMON_RUNNING if another process holds it, STORE_FAILED if it cannot be written to
 */
export function claimInstance(stateDir: string): () => void {
  const file = join(stateDir, 'daemon.pid');
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    withFolderLock(stateDir, () => claim(file, stateDir));
  } catch (error) {
    throw error instanceof IdsError ? error : unusable(stateDir, error);
  }
  return () => rmSync(file, { force: true });
}

/** Two that look at the same time would both find nobody: only one of them is let in. */
function claim(file: string, stateDir: string): void {
  let holder = '';
  try {
    holder = readFileSync(file, 'utf8').trim();
  } catch {
    // Nobody has claimed it yet.
  }
  const [pid = '', start] = holder.split(' ');
  const other = Number(pid) !== process.pid;
  if (other && start !== undefined && start !== '' && startOf(Number(pid)) === start) {
    throw new IdsError(
      'DAEMON_RUNNING',
      `process ${pid} runs with the state directory ${stateDir}: stop it with "ids stop" or use another state_dir`,
    );
  }
  own(file, stateDir);
}
