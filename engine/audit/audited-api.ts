// SPDX-License-Identifier: Apache-2.0
// The control socket's methods with a line of the audit log for each that changes something. The table names every
// method there is: a new one does not compile until somebody has said whether it is audited.

import { createHash } from 'node:crypto';
import type { Api, PrefixOutcome } from '../api/api.js';
import type { Auditor } from './auditor.js';
import type { Facts } from './entry.js';

/** What is looked at before and after a change. */
export interface Looks {
  readonly rules: () => Facts;
  readonly blocklist: () => Facts;
  readonly allowlist: () => Facts;
  readonly log: () => Facts;
}

interface Audited<A extends unknown[], R> {
  readonly action: string;
  /** Of a method that may only look: whether it changes something. */
  readonly when?: (...args: A) => boolean;
  readonly look?: keyof Looks;
  readonly what?: (...args: A) => Facts;
  readonly result?: (value: R) => Facts;
}

type Table = {
  readonly [K in keyof Api]: Api[K] extends (...args: infer A) => Promise<infer R> ? Audited<A, R> | null : null;
};

/** How many prefixes had which outcome, and the first refusals with their causes. */
function outcomes(list: readonly PrefixOutcome[]): Facts {
  const counts: Record<string, number> = {};
  for (const { outcome } of list) counts[outcome] = (counts[outcome] ?? 0) + 1;
  const refused = list.filter(({ outcome }) => outcome === 'refused').map(({ prefix, cause }) => ({ prefix, cause }));
  return { outcomes: counts, ...(refused.length > 0 ? { refused } : {}) };
}

const sourceFacts = ({ file, text }: { readonly file: string; readonly text: string }): Facts => {
  return { file, bytes: text.length, sha256: createHash('sha256').update(text).digest('hex') };
};

const table: Table = {
  stop: { action: 'stop', what: ({ detach }) => ({ detach }), result: ({ detached }) => ({ detached }) },
  loadRules: {
    action: 'rules.load',
    look: 'rules',
    what: ({ sources, thresholds, strict }) => ({
      sources: sources?.map(sourceFacts) ?? 'configured',
      ...(thresholds ? { thresholds: sourceFacts(thresholds) } : {}),
      strict,
    }),
  },
  updateRules: {
    action: 'rules.update',
    look: 'rules',
    what: ({ force, rollback }) => ({ force, rollback }),
    result: ({ outcome, generation }) => ({ outcome, updated: generation }),
  },
  enableRules: {
    action: 'rules.enable',
    look: 'rules',
    what: ({ rules, enabled }) => ({ rules, enabled }),
    result: ({ changed }) => ({ changed }),
  },
  resetRuleStats: { action: 'rules.stats.reset' },
  blocklistAdd: {
    action: 'blocklist.add',
    look: 'blocklist',
    what: ({ prefixes, ttl, reason, force }) => ({ prefixes, count: prefixes.length, ttl, reason, force }),
    result: outcomes,
  },
  blocklistRemove: {
    action: 'blocklist.remove',
    look: 'blocklist',
    what: (prefixes) => ({ prefixes, count: prefixes.length }),
    result: outcomes,
  },
  blocklistFlush: { action: 'blocklist.flush', look: 'blocklist', result: ({ removed }) => ({ removed }) },
  blocklistImport: {
    action: 'blocklist.import',
    look: 'blocklist',
    what: (_batch, { origin, ttl, action, reason, force, confirm }) => ({
      origin,
      ttl,
      action,
      reason,
      force,
      confirm,
    }),
    result: ({ added, removed, kept, refusedCount, refused, confirmBy }) => ({
      ...{ added, removed, kept, refusedCount, confirmBy },
      ...(refused.length > 0 ? { refused } : {}),
    }),
  },
  confirm: {
    action: 'blocklist.confirm',
    look: 'blocklist',
    result: ({ origin, entries }) => ({ origin, listed: entries }),
  },
  updateFeeds: {
    action: 'feeds.update',
    look: 'blocklist',
    what: ({ names, force }) => ({ feeds: names ?? 'all', force }),
    result: (feeds) => ({ feeds: feeds.map(({ name, state, entries }) => ({ name, state, entries })) }),
  },
  allowlistAdd: {
    action: 'allowlist.add',
    look: 'allowlist',
    what: ({ prefixes, reason }) => ({ prefixes, count: prefixes.length, reason }),
    result: outcomes,
  },
  allowlistRemove: {
    action: 'allowlist.remove',
    look: 'allowlist',
    what: (prefixes) => ({ prefixes, count: prefixes.length }),
    result: outcomes,
  },
  dataset: {
    action: 'dataset.change',
    when: ({ action }) => action !== 'lookup' && action !== 'dump',
    what: ({ name, action, value }) => ({ set: name, action, value }),
    result: ({ done, values }) => ({ done, values }),
  },
  changeLog: { action: 'log.change', look: 'log', what: (request) => ({ ...request }) },
  resetTopHttp: { action: 'top.reset' },
  testOutput: { action: 'outputs.test', what: (output) => ({ output }), result: ({ outcome }) => ({ outcome }) },
  replayOutput: {
    action: 'outputs.replay',
    what: ({ name, since }) => ({ output: name, since }),
    result: ({ queued, unreadable }) => ({ queued, unreadable }),
  },
  settleDead: {
    action: 'outputs.dead',
    what: ({ name, action, ids }) => ({ output: name, action, letters: ids ?? 'all' }),
    result: ({ count }) => ({ count }),
  },
  // These only look.
  datasets: null,
  status: null,
  config: null,
  rulesLoading: null,
  listRules: null,
  showRule: null,
  explainRule: null,
  ruleStats: null,
  blocklistList: null,
  blocklistPages: null,
  blocklistCheck: null,
  blocklistDiff: null,
  blocklistExport: null,
  blocklistStats: null,
  blocklistCapacity: null,
  listFeeds: null,
  showFeed: null,
  allowlistList: null,
  outputs: null,
  deadLetters: null,
  logStatus: null,
  topHttp: null,
  topFlows: null,
  topTalkers: null,
  tcpStats: null,
  recentAlerts: null,
  followAlerts: null,
};

/** The actions that the control socket can bring into the log. */
export const auditedActions: readonly string[] = Object.values(table).flatMap((one) => one?.action ?? []);

type AnyAudited = Audited<unknown[], unknown> | null;

/** The same methods, audited. */
export function auditedApi(api: Api, auditor: Auditor, looks: Looks): Api {
  const audit = (entry: Audited<unknown[], unknown>, work: (...args: unknown[]) => Promise<unknown>) => {
    return (...args: unknown[]): Promise<unknown> => {
      if (entry.when?.(...args) === false) return work(...args);
      return auditor.watch(entry.action, () => work(...args), {
        ...(entry.what ? { what: entry.what(...args) } : {}),
        ...(entry.look ? { look: looks[entry.look] } : {}),
        ...(entry.result ? { result: entry.result } : {}),
      });
    };
  };
  return new Proxy(api, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const method = (value as (...args: unknown[]) => Promise<unknown>).bind(target);
      const entry = Object.hasOwn(table, name) ? (table[name as keyof Api] as AnyAudited) : null;
      return entry ? audit(entry, method) : method;
    },
  });
}
