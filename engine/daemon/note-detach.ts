// SPDX-License-Identifier: Apache-2.0
// The audit log is told, while no daemon writes to it, that somebody took everything out of the kernel.

import { existsSync } from 'node:fs';
import { IdsError } from '../../common/errors.js';
import { actorOf } from '../audit/actor.js';
import { AuditLog } from '../audit/audit-log.js';
import { auditPlace } from '../audit/place.js';
import type { Config } from '../config/index.js';
import { claimInstance } from './instance.js';

export interface Detached {
  /** Names of the interfaces. */
  readonly interfaces: readonly string[];
  readonly pinDir: string;
}

/**
 * Writes what a daemon would have written for `ids stop --detach`, in the name of the owner of this process. Gives what
 * was found wrong with the log.
 * @throws IdsError DAEMON_RUNNING if a daemon has the log after all, AUDIT_FAILED, STORE_FAILED
 */
export async function noteDetach(config: Config, { interfaces, pinDir }: Detached): Promise<readonly string[]> {
  const place = auditPlace(config);
  if (!existsSync(place.file)) {
    throw new IdsError('AUDIT_FAILED', `there is no ${place.file}: name the configuration of the daemon with --config`);
  }
  const release = claimInstance(config.state_dir);
  try {
    const troubles: string[] = [];
    const log = AuditLog.open({ ...place, onTrouble: (message) => void troubles.push(message) });
    const actor = actorOf({ pid: process.pid, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
    const common = { actor, outcome: 'done' } as const;
    const what = { detach: true, daemon: false, pins: pinDir };
    await log.append({ ...common, action: 'stop', what, after: { detached: interfaces } });
    for (const name of interfaces) await log.append({ ...common, action: 'detach', what: { interface: name } });
    // Whether the last daemon has ended in good order is still to be seen from the end.
    await log.checkpoint(log.clean ? 'stop' : 'detach');
    const { waiting } = log.figures;
    await log.close();
    if (waiting > 0) throw new IdsError('AUDIT_FAILED', troubles.join('; '));
    return troubles;
  } finally {
    release();
  }
}
