// SPDX-License-Identifier: Apache-2.0
// The audit log with the daemon's parts: opened early, told of the start, and closed last.

import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import type { EngineNotice } from '../../alerts/index.js';
import { version } from '../../common/version.js';
import { Auditor } from '../audit/auditor.js';
import { AuditLog } from '../audit/audit-log.js';
import type { Looks } from '../audit/audited-api.js';
import { configChange, hashesOf } from '../audit/config-change.js';
import type { Facts } from '../audit/entry.js';
import type { Config } from '../config/index.js';
import type { DaemonParts } from './daemon.js';
import type { RuleSets } from './rule-sets.js';

type Notice = Omit<EngineNotice, 'timeUs'>;

export interface Audit {
  readonly log: AuditLog;
  readonly auditor: Auditor;
  /** From now on the outputs are told what is wrong with the log, and its checkpoints if that is asked for. */
  tell(notify: (notice: Notice) => void): void;
}

/** @throws IdsError AUDIT_FAILED */
export function openAudit({ audit, state_dir: folder }: Config, log: Logger): Audit {
  let notify: ((notice: Notice) => void) | undefined;
  const early: Notice[] = [];
  const notice = (one: Notice): void => void (notify ? notify(one) : early.push(one));
  const auditLog = AuditLog.open({
    file: audit.path ?? join(folder, 'audit.log'),
    folder,
    maxBytes: audit.max_bytes,
    files: audit.files,
    checkpointRecords: audit.checkpoint_records,
    checkpointMs: audit.checkpoint_interval * 1000,
    onTrouble: (message) => {
      log.error({ audit: message }, 'audit log');
      notice({ level: 'Error', module: 'audit', reason: 'audit-trouble', message });
    },
    onWorks: () => log.info('the audit log is written again'),
    onCheckpoint: (word) => {
      if (!audit.send_checkpoints) return;
      notice({ level: 'Info', module: 'audit', reason: 'audit-checkpoint', message: `audit checkpoint ${word}` });
    },
  });
  return {
    log: auditLog,
    auditor: new Auditor(auditLog),
    tell: (to) => {
      notify = to;
      for (const one of early.splice(0)) to(one);
    },
  };
}

export function rulesFacts({ current }: Pick<RuleSets, 'current'>): Facts {
  const { generation, origin, compilation } = current;
  const { rules, usable, errors } = compilation.summary;
  return { generation, origin, rules, usable, errors };
}

/** What changes are told by. */
export function looksOf({ rules, blocklist, allowlist, layer7 }: Omit<DaemonParts, 'started'>): Looks {
  return {
    rules: () => rulesFacts(rules),
    blocklist: () => ({ entries: blocklist.status().entries }),
    allowlist: () => ({ entries: allowlist.counts().entries }),
    log: () => {
      const { http, tls, dns, flow } = layer7.status();
      return { http, tls, dns, flow };
    },
  };
}

/** The configuration, if it is another one than before; then the start itself. */
export async function auditStart({ auditor, log }: Audit, parts: DaemonParts, file: string): Promise<void> {
  const { config, kernel, rules, blocklist, allowlist } = parts;
  const hashes = hashesOf(config);
  const { sha256 } = hashes;
  let change: ReturnType<typeof configChange>;
  try {
    change = configChange(join(config.state_dir, 'audit.config'), hashes);
  } catch (error) {
    await auditor.failed('config.change', { after: { sha256 } }, error, 'start');
  }
  if (change) await auditor.done('config.change', change, 'start');
  const what = {
    ...{ version, pid: process.pid, config: resolve(file), sha256, mode: config.mode },
    interfaces: config.interfaces.map(({ name }) => name),
    // Whether the daemon before has ended in good order, and whether it left its tables in the kernel.
    ...{ clean: log.clean, adopted: kernel.adopted },
  };
  const after = {
    ...rulesFacts(rules),
    blocklist: blocklist.status().entries,
    allowlist: allowlist.counts().entries,
  };
  await auditor.done('start', { what, after }, 'start');
}
