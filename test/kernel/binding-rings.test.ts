// SPDX-License-Identifier: Apache-2.0
// The rings are read in place, by another thread, and nothing is lost unseen.

import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { ControlFlag, EventLayout, EventType, L7Setting, readEvent, Sleep, Stat } from '../../common/abi.gen.js';
import { indexKey, type Kernel, RingReader, RingWaiter } from '../../engine/bpf/index.js';
import { ReaderSleep } from '../../engine/ring/reader-sleep.js';
import { privileged } from '../helpers/privileged.js';
import { giveBack, take } from './support/bench-pool.js';
import { tcp } from './support/frames.js';
import { openHttpRig, segment } from './support/http-rig.js';
import { setLayer7 } from './support/layer7-rig.js';
import { block } from './support/rules.js';

const frame = tcp({ src: '192.0.2.7', dst: '198.51.100.1' });
const sizes = { ids_allowlist: 16, ids_bulk: 4096 };

/** Programs that write one event for every frame of 192.0.2.7. */
function eventful(
  t: { teardown(undo: () => void): void },
  ringSize: number,
): { kernel: Kernel; send(packet: number): void } {
  const kernel = take({ replay: true, sizes: { ...sizes, ids_events: ringSize } });
  t.teardown(() => giveBack(kernel));
  block({ kernel }, '192.0.2.7');
  kernel.control.update({ flags: ControlFlag.CONTROL_UNLIMITED });
  const send = (packet: number): void => {
    kernel.control.setClock(packet * 1000, packet);
    kernel.run(frame);
  };
  return { kernel, send };
}

if (privileged(t)) {
  t.test('records come in order, across the end of the ring many times', async (t) => {
    const { kernel, send } = eventful(t, 4096);
    const ring = RingReader.open(kernel.rings.events);
    t.teardown(() => ring.close());
    t.equal(
      ring.drain(() => t.fail('the ring is empty')),
      0,
    );
    let last = 0;
    let wrong = 0;
    for (let packet = 1; packet <= 5000; packet++) {
      send(packet);
      if (packet % 17 !== 0) continue;
      ring.drain((view, at, length) => {
        const event = readEvent(view, at);
        if (event.packet !== ++last || event.type !== EventType.EVENT_BLOCKED || length !== EventLayout.SIZE) wrong++;
        if (event.sport !== 40000 || event.dport !== 80 || event.frameLen !== frame.length) wrong++;
      });
    }
    ring.drain(() => last++);
    t.equal(last, 5000);
    t.equal(wrong, 0);
    t.equal(ring.pending, 0);
  });

  t.test('at most so many records a call; a handler that throws loses only its own', async (t) => {
    const { kernel, send } = eventful(t, 1 << 20);
    const ring = RingReader.open(kernel.rings.events);
    t.teardown(() => ring.close());
    for (let packet = 1; packet <= 100; packet++) send(packet);
    const seen: number[] = [];
    t.equal(
      ring.drain((view, at) => seen.push(readEvent(view, at).packet), 30),
      30,
    );
    const failing = (): void => {
      throw new SyntaxError('31');
    };
    t.throws(() => ring.drain(failing), SyntaxError);
    t.equal(
      ring.drain((view, at) => seen.push(readEvent(view, at).packet)),
      69,
    );
    t.same([seen[29], seen[30], seen.length], [30, 32, 99]);
  });

  t.test('a full ring loses what it counts: produced = delivered + lost', async (t) => {
    const { kernel, send } = eventful(t, 4096);
    const ring = RingReader.open(kernel.rings.events);
    t.teardown(() => ring.close());
    for (let packet = 1; packet <= 1000; packet++) send(packet);
    const stats = kernel.stats();
    const delivered = ring.drain(() => undefined);
    t.equal(delivered, stats[Stat.EVENTS]);
    t.ok(delivered > 20 && delivered < 40, `${delivered} records of 136 bytes fit into 4096`);
    t.equal(delivered + (stats[Stat.EVENTS_LOST] ?? 0), 1000);
  });

  t.test('a worker thread waits, is woken by data and by call, and misses nothing', async (t) => {
    const { kernel, send } = eventful(t, 1 << 20);
    const waiter = RingWaiter.open([kernel.rings.events.fd]);
    t.teardown(() => waiter.close());
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(join(import.meta.dirname, 'support/ring-worker.js'), {
      workerData: { ring: kernel.rings.events, waiter: waiter.handle, stop },
    });
    t.teardown(() => worker.terminate());
    await once(worker, 'message');
    for (let packet = 1; packet <= 20000; packet++) send(packet);
    // Asked for early: the last message and the end may come in one go.
    const exited = once(worker, 'exit');
    Atomics.store(stop, 0, 1);
    waiter.wake();
    const [result] = (await once(worker, 'message')) as [unknown];
    const lost = kernel.stats()[Stat.EVENTS_LOST] ?? 0;
    t.same(result, { count: 20000 - lost, ordered: true, last: 20000 });
    await exited;
  });

  t.test('waiting ends by data, by a call before or meanwhile, or by time', async (t) => {
    const { kernel, send } = eventful(t, 4096);
    const before = readdirSync('/proc/self/fd').length;
    const waiter = RingWaiter.open([kernel.rings.events.fd, kernel.rings.bulk.fd]);
    const ring = RingReader.open(kernel.rings.events);
    t.equal(waiter.wait(0), false);
    waiter.wake();
    RingWaiter.adopt(waiter.handle).wake();
    t.equal(waiter.wait(5000), false, 'woken, not by data');
    t.equal(waiter.wait(0), false, 'once');
    send(1);
    t.equal(waiter.wait(5000), true);
    t.equal(waiter.wait(0), true, 'as long as there is data');
    ring.drain(() => undefined);
    t.equal(waiter.wait(0), false);
    waiter.close();
    waiter.close();
    ring.close();
    ring.close();
    t.throws(() => waiter.wait(0));
    t.throws(() => ring.drain(() => undefined), { code: 'INTERNAL' });
    t.equal(readdirSync('/proc/self/fd').length, before);
  });

  t.test('what is only logged ends a long sleep, and no nap; what a rule waits for ends both', (t) => {
    const rig = openHttpRig(t);
    const { fd } = rig.kernel.rings.bulk;
    const waiter = RingWaiter.open([], [fd]);
    const reader = RingReader.open(rig.kernel.rings.bulk);
    const map = rig.kernel.map('ids_reader');
    const rest = new ReaderSleep(waiter, reader, map.fd);
    t.teardown(() => {
      rest.close();
      waiter.close();
      reader.close();
    });
    const wakes = (depth: number, flags: number): boolean => {
      setLayer7(rig, flags);
      map.put(indexKey(0), new Uint8Array(Uint32Array.of(depth, 0).buffer));
      rig.kernel.run(segment('POST / HTTP/1.1\r\nHost: a\r\n\r\n'));
      const woken = waiter.wait(0);
      const urgent = reader.some((view, at) => view.getUint8(at + EventLayout.type) !== EventType.EVENT_HTTP);
      t.notOk(urgent, 'a look at what waits takes nothing');
      t.equal(
        reader.drain(() => undefined),
        1,
      );
      return woken;
    };
    const logged = L7Setting.L7_HTTP | L7Setting.L7_LOG_HTTP;
    const wanted = L7Setting.L7_HTTP | L7Setting.L7_ALL_HEADS;
    t.same(
      [Sleep.NONE, Sleep.NAP, Sleep.LONG].map((depth) => [wakes(depth, logged), wakes(depth, wanted)]),
      [
        [false, false],
        [false, true],
        [true, true],
      ],
    );
    // What came before the sleep was told is not slept over.
    rig.kernel.run(segment('POST / HTTP/1.1\r\nHost: a\r\n\r\n'));
    rest.nap(60_000);
    rest.sleep(60_000);
    t.equal(map.get(indexKey(0))?.[0], Sleep.NONE);
    t.end();
  });
}
