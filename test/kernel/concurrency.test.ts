// SPDX-License-Identifier: Apache-2.0
// One key driven from both CPUs at once: counts are exact, and a window that passes is reset exactly once.

import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { FlowState, VerdictCountLayout } from '../../common/abi.gen.js';
import { FlowMemory, indexKey, Kernel } from '../../engine/bpf/index.js';
import { FlowTable } from '../../engine/flows/flow-table.js';
import { undoAfter, until, whyUnprivileged } from '../helpers/privileged.js';
import { tcp } from './support/frames.js';
import type { PushOrder } from './support/pusher.js';
import { Rig } from './support/rig.js';
import { install, setFlags } from './support/rules.js';
import { Talk } from './support/talk.js';

const skip = whyUnprivileged() ?? (availableParallelism() < 2 ? 'needs two CPUs' : false);
const THREADS = 2;
const a = { src: '192.0.2.1', dst: '10.0.0.1' };

const pinDir = `/sys/fs/bpf/ids-bc-${process.pid}`;
undoAfter(t, () => Kernel.detachAll(pinDir));

/** A bench whose tables others can open. */
function open(t: Parameters<typeof Rig.open>[0], rule: string): { rig: Rig; pinDir: string } {
  const rig = Rig.open(t, { pinDir });
  setFlags(rig, 'CONTROL_UNLIMITED');
  install(rig, rule);
  rig.kernel.control.setClock(rig.now, 1);
  return { rig, pinDir };
}

/** Pushes from two threads at once: all the same frames, or each its own. */
function push(
  pinDir: string,
  frames: readonly Uint8Array[] | readonly [readonly Uint8Array[], readonly Uint8Array[]],
  o: { repeat: number; rounds: number },
): { done: Promise<unknown>; stop(): void } {
  const gate = new SharedArrayBuffer(8);
  const file = new URL('./support/pusher.js', import.meta.url);
  const workers = Array.from({ length: THREADS }, (_, thread) => {
    const own = frames[0] instanceof Uint8Array ? frames : frames[thread];
    const order = { pinDir, frames: own, ...o, gate, threads: THREADS, thread };
    return new Worker(file, { workerData: order as PushOrder });
  });
  return {
    done: Promise.all(workers.map((worker) => once(worker, 'exit'))),
    stop: () => void Atomics.store(new Int32Array(gate), 1, 1),
  };
}

/** Packets by CPU. */
function perCpu(rig: Rig): number[] {
  const bytes = rig.kernel.map('ids_verdicts').get(indexKey(0));
  const view = new DataView(bytes?.buffer ?? new ArrayBuffer(0), bytes?.byteOffset);
  return Array.from({ length: (bytes?.length ?? 0) / VerdictCountLayout.SIZE }, (_, cpu) =>
    Number(view.getBigUint64(cpu * VerdictCountLayout.SIZE, true)),
  );
}

t.test('a threshold of 1,000 alerts once in exactly 1,000 packets', { skip }, async (t) => {
  const { rig, pinDir } = open(
    t,
    'alert tcp any any -> any any (msg:"t"; threshold: type threshold, track by_src, count 1000, seconds 60; sid:1;)',
  );
  await push(pinDir, [tcp(a)], { repeat: 25_000, rounds: 40 }).done;
  const each = 25_000 * 40;
  t.match(rig.kernel.ruleCounts()[0], { matched: (THREADS * each) / 1000, events: (THREADS * each) / 1000 });
  t.same(
    perCpu(rig).filter((packets) => packets > 0),
    Array<number>(THREADS).fill(each),
    'both took part',
  );
});

t.test('a set filled from both sides holds each value once', { skip }, async (t) => {
  const { rig, pinDir } = open(
    t,
    'alert tcp any any -> any any (msg:"t"; detection_filter: track by_src, count 2000, seconds 600, unique_on dst_port; sid:1;)',
  );
  const frames = Array.from({ length: 2000 }, (_, i) => tcp({ ...a, dport: i + 1 }));
  await push(pinDir, frames, { repeat: 1, rounds: 3 }).done;
  t.same(rig.drain().events, [], '2,000 ports are not more than 2,000');
  t.match(rig.send(tcp({ ...a, dport: 3000 })).events, [{ count: 2001 }], 'one more is');
});

t.test('windows that pass under load are reset once each', { skip }, async (t) => {
  const { rig, pinDir } = open(
    t,
    'alert tcp any any -> any any (msg:"t"; threshold: type limit, track by_src, count 1, seconds 1; sid:1;)',
  );
  const pushers = push(pinDir, [tcp(a)], { repeat: 2_000, rounds: Infinity });
  const alerts = (): number => rig.kernel.ruleCounts()[0]?.events ?? 0;
  const packets = (): number => perCpu(rig).reduce((sum, n) => sum + n, 0);
  try {
    for (let window = 1; window <= 40; window++) {
      const before = packets();
      await until(() => packets() > before + 10_000, { interval: 5, message: 'packets of this window' });
      t.equal(alerts(), window, `window ${window} has alerted once`);
      rig.advance(1.5);
      rig.kernel.control.setClock(rig.now, 1);
    }
  } finally {
    pushers.stop();
    await pushers.done;
  }
});

t.test('flows that begin on two CPUs at once have one entry each', { skip }, async (t) => {
  const { rig, pinDir } = open(t, 'alert tcp any any -> any 9 (sid:1;)');
  const views = FlowMemory.open(rig.kernel.flowHandle());
  t.teardown(() => views.close());
  const frames = Array.from({ length: 2000 }, (_, i) => tcp({ ...a, sport: i + 1 }));
  await push(pinDir, frames, { repeat: 1, rounds: 1 }).done;
  const ports = [...new FlowTable(views).flows()].map(({ clientPort }) => clientPort);
  t.equal(new Set(ports).size, ports.length, 'none has two');
  t.ok(ports.length > 1900, `${ports.length} flows`);
});

t.test('two directions of a flow on two CPUs: counters are exact, the state is one', { skip }, async (t) => {
  const { rig, pinDir } = open(t, 'alert tcp any any -> any 9 (sid:1;)');
  const views = FlowMemory.open(rig.kernel.flowHandle());
  t.teardown(() => views.close());
  const talk = new Talk();
  for (const frame of talk.handshake()) rig.push(frame);
  const [up, down] = [talk.up({ payload: 'ping' }), talk.down({ payload: 'pong' })];
  await push(pinDir, [[up], [down]], { repeat: 10_000, rounds: 20 }).done;
  await push(pinDir, [[talk.fin('up')], [talk.fin('down')]], { repeat: 1, rounds: 1 }).done;
  t.match(
    [...new FlowTable(views).flows()],
    [{ toServer: { packets: 200_003 }, toClient: { packets: 200_002 }, state: FlowState.FLOW_CLOSED }],
  );
});
