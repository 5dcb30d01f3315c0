// SPDX-License-Identifier: Apache-2.0
// A daemon as small as can be, for binding-live.test.ts: opens the pinned tables in its network namespace, attaches, does
// as its arguments say, tells what it found as one line of JSON, and stays until it is killed.
//   binding-agent.js PINDIR INTERFACE block|allow ADDRESS

import { BlockLayout } from '../../../common/abi.gen.js';
import { parsePrefix } from '../../../common/address.js';
import { Kernel } from '../../../engine/bpf/index.js';

const [pinDir = '', name = '', action = '', address = ''] = process.argv.slice(2);
const kernel = Kernel.open({ pinDir, sizes: { ids_blocklist: 64, ids_hits: 64 } });
const entries = [...kernel.blocklist.entries()].length;
if (action === 'block') kernel.blocklist.put(parsePrefix(address), new Uint8Array(BlockLayout.SIZE));
else kernel.blocklist.delete(parsePrefix(address));
const attachment = kernel.attach(name);
console.log(JSON.stringify({ adopted: kernel.adopted, entries, attachment, verdicts: kernel.verdicts() }));
setInterval(() => undefined, 60_000);
