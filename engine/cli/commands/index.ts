// SPDX-License-Identifier: Apache-2.0
// Every command of the CLI, in the order of the help and of docs/cli.md.

import type { Command } from '../command.js';
import { alertsTail } from './alerts-tail.js';
import { allowlistAdd, allowlistList, allowlistRemove } from './allowlist.js';
import { auditShow, auditVerify } from './audit.js';
import { blocklistAdd, blocklistCheck, blocklistFlush, blocklistList, blocklistRemove } from './blocklist.js';
import { blocklistDiff } from './blocklist-diff.js';
import { blocklistExport } from './blocklist-export.js';
import { blocklistImport } from './blocklist-import.js';
import { blocklistStats, confirm } from './blocklist-stats.js';
import { completion } from './completion.js';
import { configCheck } from './config-check.js';
import { configShow } from './config-show.js';
import { datasetAdd, datasetClear, datasetDump, datasetList, datasetLookup, datasetRemove } from './dataset.js';
import { feedsList, feedsShow, feedsUpdate } from './feeds.js';
import { logDns, logHttp, logShow, logTls } from './log.js';
import { logFlow } from './log-flow.js';
import { outputsDead } from './outputs-dead.js';
import { outputsReplay, outputsStatus, outputsTest } from './outputs.js';
import { replay } from './replay.js';
import { rulesCheck } from './rules-check.js';
import { rulesDisable, rulesEnable } from './rules-enable.js';
import { rulesExplain } from './rules-explain.js';
import { rulesList } from './rules-list.js';
import { rulesLoad } from './rules-load.js';
import { rulesShow } from './rules-show.js';
import { rulesStats } from './rules-stats.js';
import { rulesTest } from './rules-test.js';
import { rulesUpdate } from './rules-update.js';
import { run } from './run.js';
import { statsTcp } from './stats-tcp.js';
import { status } from './status.js';
import { stop } from './stop.js';
import { topFlows, topTalkers } from './top-flows.js';
import { topHttp } from './top-http.js';

export const commands: readonly Command[] = [
  run,
  stop,
  status,
  rulesCheck,
  rulesLoad,
  rulesList,
  rulesShow,
  rulesExplain,
  rulesStats,
  rulesDisable,
  rulesEnable,
  rulesTest,
  rulesUpdate,
  datasetList,
  datasetAdd,
  datasetRemove,
  datasetLookup,
  datasetClear,
  datasetDump,
  blocklistAdd,
  blocklistRemove,
  blocklistList,
  blocklistCheck,
  blocklistFlush,
  blocklistImport,
  blocklistExport,
  blocklistDiff,
  blocklistStats,
  confirm,
  feedsList,
  feedsShow,
  feedsUpdate,
  allowlistAdd,
  allowlistRemove,
  allowlistList,
  alertsTail,
  outputsStatus,
  outputsTest,
  outputsReplay,
  outputsDead,
  auditVerify,
  auditShow,
  logShow,
  logHttp,
  logTls,
  logDns,
  logFlow,
  topHttp,
  topFlows,
  topTalkers,
  statsTcp,
  replay,
  configCheck,
  configShow,
  completion,
];

/** What the first words of commands of two words stand for. */
export const groups: Readonly<Record<string, string>> = {
  rules: 'check, load and show rules',
  dataset: 'data sets of rules',
  blocklist: 'addresses that are dropped',
  feeds: 'lists that others keep',
  allowlist: 'addresses that are never dropped',
  alerts: 'what was raised',
  outputs: 'receivers of alerts',
  audit: 'who has changed what',
  log: 'what is logged of layer 7 and of flows',
  top: 'what there is most of',
  stats: 'figures of protocols',
  config: 'the configuration file',
};
