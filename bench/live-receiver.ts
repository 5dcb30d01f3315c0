// SPDX-License-Identifier: Apache-2.0
// An XDP receiver of the live blocklist benchmark, inside its network namespace until its input ends:
//   live-receiver.js ids|trie|drop INTERFACE ENTRIES

import { ControlFlag } from '../common/abi.gen.js';
import { Kernel } from '../engine/bpf/index.js';
import { attachXdp } from '../engine/bpf/xdp-link.js';
import { BlockTable, CAPACITY, listSizes } from '../engine/lists/table/index.js';
import { disjoint4 } from './disjoint.js';
import { PlainObject } from './plain-object.js';
import { toWire } from './prefix-mix.js';

/** Far ahead, so that the check of an expiry is part of what is measured. */
const END = 0xffff_0000;
const [kind = '', device = '', count = ''] = process.argv.slice(2);
const entries = Number(count);

function ids(): () => void {
  // Sizes, flags and bounds of events as the daemon sets them.
  const kernel = Kernel.open({ sizes: listSizes(CAPACITY) });
  const flags = ControlFlag.CONTROL_CUTS | ControlFlag.CONTROL_ESTABLISHED;
  kernel.control.update({ flags, blockedRate: 1, sourceRate: 1000, ruleRate: 5000 });
  const { addr, length } = disjoint4(entries);
  BlockTable.open(kernel.listMemory()).putBatch({
    ...{ addr4: addr, len4: length, meta4: new Uint32Array(entries), expires4: new Uint32Array(entries).fill(END) },
    ...{ addr6: new Uint32Array(), len6: new Uint8Array(), meta6: new Uint32Array(), expires6: new Uint32Array() },
  });
  kernel.attach(device, 'native');
  return () => kernel.close();
}

function plain(program: string): () => void {
  const object = PlainObject.load();
  if (program === 'bench_trie_drop') {
    const { addr, length } = disjoint4(entries);
    const keys = new Uint32Array(2 * entries);
    const values = new Uint32Array(4 * entries);
    for (let i = 0; i < entries; i++) {
      keys.set([length[i] ?? 0, toWire(addr[i] ?? 0)], 2 * i);
      values[4 * i] = END;
    }
    object.map('bench_trie').putBatch(new Uint8Array(keys.buffer), new Uint8Array(values.buffer));
  }
  attachXdp(device, 'native', object.program(program), undefined);
  return () => object.close();
}

const close = kind === 'ids' ? ids() : plain(kind === 'trie' ? 'bench_trie_drop' : 'bench_drop');
console.log('ready');
// Also when the benchmark ends without a word.
process.stdin.resume().once('end', () => {
  close();
});
