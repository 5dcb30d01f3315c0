// SPDX-License-Identifier: Apache-2.0
// Runs the benchmarks by name, all of them without one:  main.js [packet] [http] [bulk] [events] [response] [cut] [blocklist] [layer7] [rules]
//   [rules-memory] [prefilter] [alerts] [receivers]

import { benchAlerts } from './alerts.js';
import { benchBlocklist } from './blocklist.js';
import { benchBulk } from './bulk.js';
import { benchCut } from './cut.js';
import { benchEvaluator } from './evaluator.js';
import { benchEvents } from './events.js';
import { benchHttp } from './http.js';
import { benchHttpPrefilter } from './http-prefilter.js';
import { benchHttpPrograms } from './http-programs.js';
import { benchLayer7 } from './layer7.js';
import { benchPacket } from './packet.js';
import { benchPrefilter } from './prefilter.js';
import { benchReceivers } from './receivers.js';
import { benchResponse } from './response.js';
import { benchRulesMemory } from './rules-memory.js';
import { benchRulesReload } from './rules-reload.js';

const benches: Readonly<Record<string, () => void | Promise<void>>> = {
  packet: benchPacket,
  http: benchHttp,
  bulk: benchBulk,
  events: benchEvents,
  response: benchResponse,
  cut: benchCut,
  blocklist: benchBlocklist,
  layer7: () => {
    benchHttpPrograms();
    benchHttpPrefilter();
    benchLayer7();
  },
  rules: async () => {
    await benchRulesReload();
    await benchEvaluator();
  },
  'rules-memory': benchRulesMemory,
  prefilter: benchPrefilter,
  alerts: benchAlerts,
  receivers: benchReceivers,
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`bench: there is no ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`);
  process.exitCode = 2;
} else if (process.getuid?.() !== 0) {
  console.error('bench: run it as root: it loads BPF programs');
  process.exitCode = 4;
} else {
  for (const name of names.length > 0 ? names : Object.keys(benches)) await benches[name]?.();
}
