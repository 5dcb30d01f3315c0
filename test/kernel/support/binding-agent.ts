// SPDX-License-Identifier: Apache-2.0
// A daemon as small as can be, for binding-live.test.ts: opens the pinned tables in its network namespace, attaches, does
// as its arguments say, tells what it found as one line of JSON, and stays until it is killed.
//   binding-agent.js PINDIR INTERFACE block|allow ADDRESS

import { parsePrefix } from '../../../common/address.js';
import { Kernel } from '../../../engine/bpf/index.js';
import { BlockTable } from '../../../engine/lists/table/index.js';

const [pinDir = '', name = '', action = '', address = ''] = process.argv.slice(2);
const kernel = Kernel.open({ pinDir, egress: true });
const table = BlockTable.open(kernel.listMemory());
const entries = table.size4 + table.size6;
if (action === 'block') table.put(parsePrefix(address), { expires: 0, set: 0, forced: false, alert: false });
else table.delete(parsePrefix(address));
const attachment = kernel.attach(name);
console.log(JSON.stringify({ adopted: kernel.adopted, entries, attachment, verdicts: kernel.verdicts() }));
setInterval(() => undefined, 60_000);
