// SPDX-License-Identifier: Apache-2.0
// An audit log in a folder of its own.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AuditLog, type AuditLogOptions } from '../../../../engine/audit/audit-log.js';
import { checkpointsIn } from '../../../../engine/audit/checkpoint.js';
import type { AuditEntry } from '../../../../engine/audit/entry.js';
import { logFiles } from '../../../../engine/audit/files.js';
import { readPublicKey } from '../../../../engine/audit/keys.js';
import { verifyLog, type Verdict } from '../../../../engine/audit/verify.js';

export interface Scene {
  readonly folder: string;
  readonly file: string;
  readonly troubles: string[];
  readonly words: string[];
  open(options?: Partial<AuditLogOptions>): AuditLog;
  /** Against the key and the checkpoint of the folder, and others. */
  verify(words?: readonly string[], options?: { readonly remembered?: boolean }): Verdict;
}

export function entry(n: number, action = 'blocklist.add'): AuditEntry {
  return {
    action,
    actor: { uid: 0, gid: 0, pid: n, user: 'root' },
    outcome: 'done',
    what: { prefixes: [`192.0.2.${n}/32`] },
  };
}

export function scene(folder: string): Scene {
  const file = join(folder, 'audit.log');
  const troubles: string[] = [];
  const words: string[] = [];
  return {
    ...{ folder, file, troubles, words },
    open: (options = {}) =>
      AuditLog.open({
        ...{ file, folder, maxBytes: 1 << 20, files: 3, checkpointRecords: 5, checkpointMs: 3_600_000 },
        onTrouble: (message) => void troubles.push(message),
        onCheckpoint: (word) => void words.push(word),
        ...options,
      }),
    verify: (given = [], { remembered = true } = {}) => {
      const kept = join(folder, 'audit.checkpoint');
      const text = remembered && existsSync(kept) ? readFileSync(kept, 'utf8') : '';
      const keys = [readPublicKey(join(folder, 'audit.pub'))];
      return verifyLog({ files: logFiles(file), keys, checkpoints: checkpointsIn([text, ...given].join('\n')) });
    },
  };
}

/** Some entries, and the end. */
export async function filled(folder: string, count: number, options: Partial<AuditLogOptions> = {}): Promise<Scene> {
  const stage = scene(folder);
  const log = stage.open(options);
  for (let n = 1; n <= count; n++) await log.append(entry(n));
  await log.close();
  return stage;
}
