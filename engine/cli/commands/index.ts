// SPDX-License-Identifier: Apache-2.0
// Every command of the CLI.

import type { AnyCommand, CommandGroup } from '../command.js';
import { alertsTail } from './alerts-tail.js';
import { allowlistAdd, allowlistList, allowlistRemove } from './allowlist.js';
import { blocklistAdd, blocklistCheck, blocklistFlush, blocklistList, blocklistRemove } from './blocklist.js';
import { configCheck } from './config-check.js';
import { replay } from './replay.js';
import { rulesCheck } from './rules-check.js';
import { rulesList } from './rules-list.js';
import { rulesLoad } from './rules-load.js';
import { rulesShow } from './rules-show.js';
import { run } from './run.js';
import { status } from './status.js';
import { stop } from './stop.js';

export const commands: readonly AnyCommand[] = [run, stop, status, replay];

export const groups: readonly CommandGroup[] = [
  { name: 'rules', describe: 'check, load and show rules', commands: [rulesCheck, rulesLoad, rulesList, rulesShow] },
  {
    name: 'blocklist',
    describe: 'addresses that are dropped',
    commands: [blocklistAdd, blocklistRemove, blocklistList, blocklistCheck, blocklistFlush],
  },
  {
    name: 'allowlist',
    describe: 'addresses that are never dropped',
    commands: [allowlistAdd, allowlistRemove, allowlistList],
  },
  { name: 'alerts', describe: 'what was raised', commands: [alertsTail] },
  { name: 'config', describe: 'the configuration file', commands: [configCheck] },
];
