// SPDX-License-Identifier: Apache-2.0
// The ring reader's thread: waits in epoll, reads both rings in place, judges, and hands detections to the main thread.
// Nothing else runs here, so that a rules load or a large import never delays the rings.

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { EventType } from '../../common/abi.gen.js';
import { RawReply, RingReader, RingWaiter } from '../bpf/index.js';
import { Judge } from '../judge/judge.js';
import { countNames, type FromReader, type KnownInterface, type ReaderStart, type ToReader } from './messages.js';

/** Records read from one ring before messages and the other ring get their turn. */
const BURST = 4096;
/** Detections that may wait for the main thread; beyond them the rings fill up and the kernel counts what is lost. */
const MAX_BACKLOG = 65536;
const IDLE_MS = 1000;
/** How often the thread looks for its first rule set. */
const START_MS = 20;
/** Bursts that are read when the thread ends: more than both rings hold. */
const LAST_BURSTS = 64;

if (!parentPort) throw new Error('reader-worker.js is a worker thread, not a program');
const port = parentPort;
const start = workerData as ReaderStart;
const backlog = new Int32Array(start.backlog);
const counts = new Float64Array(start.counts);
const events = RingReader.open(start.events);
const bulk = RingReader.open(start.bulk);
const waiter = RingWaiter.adopt(start.waiter);
const replies = RawReply.open();

let offsetUs = 0;
let known: Readonly<Record<number, KnownInterface>> = {};
let retiring: number | undefined;
let running = true;
let explained = false;

const judge = new Judge({
  timeUs: (nanoseconds) => Math.floor(nanoseconds / 1000) + offsetUs,
  interfaceName: (ifindex) => known[ifindex]?.name,
  replay: false,
  rates: start.rates,
  reject: (view, event, sides) => {
    // Where XDP_TX works the program has answered the sender of its own rejects already.
    const byProgram = event.type === EventType.EVENT_ALERT || event.type === EventType.EVENT_REJECT;
    const answered = byProgram && known[event.ifindex]?.tx === true;
    if (sides.source && !answered) replies.send(view, event, 'source');
    if (sides.destination) replies.send(view, event, 'destination');
  },
});

const say = (message: FromReader): void => port.postMessage(message);

function obey(message: ToReader): void {
  switch (message.type) {
    case 'install':
      judge.install(message.program);
      explained = true;
      return say({ type: 'installed', id: message.id });
    case 'retire':
      retiring = message.generation;
      return;
    case 'monitor':
      judge.monitor = message.monitor;
      return;
    case 'interfaces':
      known = message.known;
      return;
    case 'clock':
      offsetUs = message.offsetUs;
      return;
    case 'stop':
      running = false;
  }
}

function handOver(): void {
  countNames.forEach((name, i) => (counts[i] = judge.counts[name]));
  const raised = judge.take();
  if (raised.length === 0) return;
  Atomics.add(backlog, 0, raised.length);
  say({ type: 'raised', raised });
}

/** Reads both rings; true if they were empty at the end. */
function drain(): boolean {
  const a = events.drain((view, at) => judge.onEvent(view, at), BURST);
  const b = bulk.drain((view, at) => judge.onBulk(view, at), BURST);
  handOver();
  return a < BURST && b < BURST;
}

function takeMessages(): void {
  for (let message = receiveMessageOnPort(port); message; message = receiveMessageOnPort(port)) {
    obey(message.message as ToReader);
  }
}

// What an earlier daemon left in the rings waits for the rules that explain it.
while (running && !explained) {
  Atomics.wait(backlog, 0, 0, START_MS);
  takeMessages();
}
for (let empty = true; running;) {
  if (empty) waiter.wait(IDLE_MS);
  takeMessages();
  while (running && Atomics.load(backlog, 0) > MAX_BACKLOG) {
    Atomics.wait(backlog, 0, Atomics.load(backlog, 0), 100);
    takeMessages();
  }
  const goal = retiring;
  empty = drain();
  if (empty && goal !== undefined) {
    judge.retire(goal);
    retiring = retiring === goal ? undefined : retiring;
  }
}
// What the rings hold; under a flood that goes on there would be no end.
for (let bursts = 0; bursts < LAST_BURSTS && !drain(); bursts++);
say({ type: 'stopped' });
replies.close();
waiter.close();
bulk.close();
events.close();
port.close();
