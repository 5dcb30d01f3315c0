// SPDX-License-Identifier: Apache-2.0
// Does XDP_TX reach the peer? A native veth whose peer has no native XDP program loses such frames without a word: with
// GRO on they are counted as sent, and lie in the peer's ring without anybody waking it. So the peer is asked for its
// program, and one frame of the local experimental ethertype goes out, of which the driver's counters tell.

import { driverOf, driverStats, isUp } from './netdev.js';
import { peerHasXdp } from './netlink.js';
import { VerdictProgram } from './verdict-program.js';

const XDP_TX = 3;

/** Drivers whose native XDP has transmit queues of its own, where XDP_TX needs nothing of the other side. */
const transmitting = new Set([
  'bnxt_en',
  'ena',
  'gve',
  'i40e',
  'ice',
  'igb',
  'igc',
  'ixgbe',
  'mlx4_en',
  'mlx5_core',
  'tun',
]);

/** Ethernet IEEE 802 local experimental ethertype 1, to nobody. */
function probeFrame(): Uint8Array {
  const frame = new Uint8Array(60);
  frame.set([0x02, 0, 0, 0, 0, 0x01, 0x02, 0, 0, 0, 0, 0x02, 0x88, 0xb5]);
  return frame;
}

function transmitted(name: string): number {
  let sum = 0;
  for (const [counter, value] of driverStats(name)) if (/^tx_queue_\d+_xdp_xmit$/.test(counter)) sum += value;
  return sum;
}

/** Sends one frame with XDP_TX from a veth; true if the peer took it. */
function probeVeth(name: string, ifindex: number): boolean {
  if (!isUp(name) || !peerHasXdp(ifindex)) return false;
  const program = VerdictProgram.load(XDP_TX);
  try {
    const before = transmitted(name);
    program.live(probeFrame(), ifindex);
    return transmitted(name) > before;
  } finally {
    program.close();
  }
}

/**
 * True if a frame that the program answers with XDP_TX leaves the interface. Generic mode sends like any packet. In
 * native mode a veth is probed, drivers known to have XDP transmit queues are trusted, and every other one counts as
 * not transmitting: the engine then answers from a raw socket, which always works. What the peer of a veth does later
 * (its XDP program going away) is not noticed before the next attach.
 */
export function transmits(name: string, ifindex: number, mode: 'native' | 'generic'): boolean {
  if (mode === 'generic') return true;
  const driver = driverOf(name);
  if (driver === undefined) return false;
  if (driver !== 'veth') return transmitting.has(driver);
  try {
    return probeVeth(name, ifindex);
  } catch {
    // Kernels before 5.18 cannot send live frames; then nothing is promised.
    return false;
  }
}
