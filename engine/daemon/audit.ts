// SPDX-License-Identifier: Apache-2.0
// The audit log with the daemon's parts: opened early, told of the start, and closed last.

import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import type { EngineNotice } from '../../alerts/index.js';
import { version } from '../../common/version.js';
import { currentCaller } from '../audit/actor.js';
import { Auditor } from '../audit/auditor.js';
import { AuditLog } from '../audit/audit-log.js';
import type { Looks } from '../audit/audited-api.js';
import { configChange, hashesOf } from '../audit/config-change.js';
import type { Facts } from '../audit/entry.js';
import { auditPlace } from '../audit/place.js';
import type { Config } from '../config/index.js';
import type { FeedChange } from '../feeds/feeds.js';
import type { DaemonParts } from './daemon.js';
import type { RuleSets } from './rule-sets.js';

type Notice = Omit<EngineNotice, 'timeUs'>;

/** @param outputs names of those that get it, whatever they take otherwise; left out: all that take such records */
type Notify = (notice: Notice, outputs?: readonly string[]) => void;

export interface Audit {
  readonly log: AuditLog;
  readonly auditor: Auditor;
  /** From now on the outputs are told what is wrong with the log, and its checkpoints if that is asked for. */
  tell(notify: Notify): void;
}

/** @throws IdsError AUDIT_FAILED */
export function openAudit(config: Config, log: Logger): Audit {
  const { audit } = config;
  let notify: Notify | undefined;
  const early: Parameters<Notify>[] = [];
  const notice: Notify = (...one) => void (notify ? notify(...one) : early.push(one));
  const auditLog = AuditLog.open({
    ...auditPlace(config),
    onTrouble: (message) => {
      log.error({ audit: message }, 'audit log');
      notice({ level: 'Error', module: 'audit', reason: 'audit-trouble', message });
    },
    onWorks: () => log.info('the audit log is written again'),
    onCheckpoint: (word) => {
      const { send_checkpoints: toAll, checkpoint_outputs: outputs } = audit;
      if (!toAll && !outputs) return;
      const message = `audit checkpoint ${word}`;
      notice({ level: 'Info', module: 'audit', reason: 'audit-checkpoint', message }, outputs);
    },
  });
  return {
    log: auditLog,
    auditor: new Auditor(auditLog),
    tell: (to) => {
      notify = to;
      for (const one of early.splice(0)) to(...one);
    },
  };
}

export function rulesFacts({ current }: Pick<RuleSets, 'current'>): Facts {
  const { generation, origin, compilation } = current;
  const { summary, sources: sha256 } = compilation;
  const { rules, usable, errors } = summary;
  return { generation, origin, sha256, rules, usable, errors };
}

/** A start that came to nothing, signed before the outputs end. */
export async function auditFailedStart({ auditor, log }: Audit, file: string, error: unknown): Promise<void> {
  await auditor.failed('start', { what: { version, pid: process.pid, config: resolve(file) } }, error, 'start');
  // Whether the daemon before has ended in good order is still to be seen from the end.
  await log.checkpoint(log.clean ? 'stop' : 'failed start');
}

/** A feed that changed the blocklist by its schedule; what a command asks for is told as a whole. */
export function auditFeed(auditor: Auditor, { name, before, after, added, removed }: FeedChange): void {
  if (currentCaller()) return;
  const told = { what: { feeds: [name] }, before: { entries: before }, after: { entries: after, added, removed } };
  void auditor.done('feeds.update', told, 'schedule');
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
