// SPDX-License-Identifier: Apache-2.0
// Sends packets from addresses that are always listed and from some that never are, through the programs over pinned
// tables, while another process changes them; tells as one line of JSON what went wrong, when its stdin ends.
//   list-agent.js PINDIR ALWAYS,… NEVER,…

import { Kernel } from '../../../engine/bpf/index.js';
import { tcp } from './frames.js';

const DROP = 1;
const [pinDir = '', always = '', never = ''] = process.argv.slice(2);
const kernel = Kernel.open({ pinDir });
const frame = (src: string): Uint8Array => tcp({ src, dst: src.includes(':') ? '2001:db8::ff' : '198.51.100.2' });
const names = always.split(',');
const listed = names.map(frame);
const others = never.split(',').map(frame);
let [running, packets, missed, dropped] = [true, 0, 0, 0];
const where: Record<string, { count: number; first: string; last: string }> = {};
function note(address: string): void {
  const last = new Date().toISOString();
  const seen = (where[address] ??= { count: 0, first: last, last });
  seen.count++;
  seen.last = last;
}

process.stdin.on('end', () => (running = false)).resume();
console.log('ready');

function turn(): void {
  for (let i = 0; i < 50; i++) {
    for (const [at, one] of listed.entries()) {
      if (kernel.run(one).verdict === DROP) continue;
      missed++;
      note(names[at] ?? '');
    }
    for (const one of others) if (kernel.run(one).verdict === DROP) dropped++;
    packets += listed.length + others.length;
  }
  if (running) setImmediate(turn);
  else {
    console.log(JSON.stringify({ packets, missed, dropped, where }));
    kernel.close();
  }
}
turn();
