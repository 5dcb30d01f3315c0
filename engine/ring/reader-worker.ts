// SPDX-License-Identifier: Apache-2.0
// The ring reader's thread: waits in epoll, reads both rings in place, judges, and hands detections to the main thread.
// Nothing else runs here, so that a rules load or a large import never delays the rings.

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { eveLine, wordsOf } from '../../alerts/index.js';
import { EventType, Hook } from '../../common/abi.gen.js';
import { collectGarbage } from '../../common/collect-garbage.js';
import { PackedList } from '../../common/packed-list.js';
import { commandDatasets, infoOf, unpackEngine, type RuleInfo } from '../../rules/index.js';
import { FlowMemory, now, RawReply, RingReader, RingWaiter, shortenSlice } from '../bpf/index.js';
import { FlowLog } from '../flows/flow-log.js';
import { FlowFacts } from '../judge/flow-facts.js';
import { Judge, type Raised, type RuleProgram, type Worded } from '../judge/judge.js';
import { BATCH_MS } from '../layer7/log-lines.js';
import {
  countNames,
  MAX_LINE_BACKLOG,
  type FromReader,
  type KnownInterface,
  type ReaderStart,
  type PackedProgram,
  type ToReader,
} from './messages.js';
import { HeldRecords } from './held-records.js';
import { ReaderSleep } from './reader-sleep.js';

/** Records read from one ring before messages and the other ring get their turn: the main thread stores those of before. */
const BURST = 1024;
/** Detections that may wait for the main thread; beyond them the rings fill up and the kernel counts what is lost. */
const MAX_BACKLOG = 65536;
const IDLE_MS = 1000;
/** While the log keeps it busy, records are read by the batch. */
const NAP_MS = 4;
/** How long the main thread is waited for before the rings are looked at again. */
const HOLD_MS = 1;
/** How often the thread looks for its first rule set. */
const START_MS = 20;
/** Bursts that are read when the thread ends: more than both rings hold. */
const LAST_BURSTS = 256;
/** Times that it looks, when it ends, whether the main thread has stored what was raised. */
const LAST_WAITS = 250;

if (!parentPort) throw new Error('reader-worker.js is a worker thread, not a program');
const port = parentPort;
const start = workerData as ReaderStart;
const backlog = new Int32Array(start.backlog);
const lineBacklog = new Int32Array(start.lineBacklog);
const counts = new Float64Array(start.counts);
const events = RingReader.open(start.events, { hold: true });
const bulk = RingReader.open(start.bulk, { hold: true });
const held = new HeldRecords([
  { reader: events, size: start.events.size },
  { reader: bulk, size: start.bulk.size },
]);
shortenSlice();
const waiter = RingWaiter.adopt(start.waiter);
const rest = new ReaderSleep(waiter, bulk, start.reader);
const replies = RawReply.open();
const flows = FlowMemory.open(start.flows);

let offsetUs = 0;
let known: Readonly<Record<number, KnownInterface>> = {};
let retiring: number | undefined;
let running = true;
let explained = false;

const context = {
  timeUs: (nanoseconds: number) => Math.floor(nanoseconds / 1000) + offsetUs,
  interfaceName: (ifindex: number) => known[ifindex]?.name,
};
const judge: Judge = new Judge({
  ...context,
  onFlow: (view, at) => flowLog.onRecord(view, at),
  onAlerted: (index, id) => flowLog.onAlerted(index, id),
  flows: new FlowFacts(flows),
  replay: false,
  rates: start.rates,
  logs: new Set(start.logs),
  shows: start.shows,
  reject: (view, event, sides) => {
    // Where XDP_TX works the program has answered the sender of its own rejects already.
    const byProgram = event.type === EventType.EVENT_ALERT || event.type === EventType.EVENT_REJECT;
    const answered = byProgram && event.hook === Hook.XDP && known[event.ifindex]?.tx === true;
    if (sides.source && !answered) replies.send(view, event, 'source');
    if (sides.destination) replies.send(view, event, 'destination');
  },
});

const flowLog = new FlowLog({ ...context, memory: flows, lines: judge.layer7.lines });

const say = (message: FromReader): void => port.postMessage(message);
say({ type: 'answers', cookies: replies.cookies });

function unpacked({ engine, rules, ...program }: PackedProgram): RuleProgram {
  return { ...program, rules: new PackedList<RuleInfo>(rules), engine: unpackEngine(engine) };
}

function obey(message: ToReader): void {
  switch (message.type) {
    case 'install':
      judge.install(unpacked(message.program));
      for (const generation of message.also) judge.alias(generation, message.program.generation);
      explained = true;
      return say({ type: 'installed', id: message.id });
    case 'alias':
      judge.alias(message.generation, message.of);
      return say({ type: 'installed', id: message.id });
    case 'retire':
      retiring = message.generation;
      return;
    case 'dataset': {
      const { command, id } = message;
      const sets = judge.datasets;
      const answer = command === 'list' ? (sets?.all ?? []).map(infoOf) : commandDatasets(sets, command);
      return say({ type: 'dataset', id, answer });
    }
    case 'monitor':
      judge.monitor = message.monitor;
      return;
    case 'interfaces':
      known = message.known;
      return;
    case 'clock':
      offsetUs = message.offsetUs;
      return;
    case 'http-log':
      judge.layer7.http.settings = message.settings;
      return;
    case 'flow-log':
      flowLog.set(message.settings, message.since);
      return;
    case 'memory':
      judge.layer7.lines.recycle(message.buffer);
      return;
    case 'stop':
      running = false;
  }
}

let linesSince = 0;

/** Hands log lines over: full batches at once, others after a while, so that a few lines do not cost a message each. */
function handOverLines(all: boolean): void {
  const { lines } = judge.layer7;
  const wait = performance.now();
  if (lines.pending === 0) linesSince = wait;
  const batches = lines.take(all || wait - linesSince >= BATCH_MS);
  if (batches.length === 0) return;
  linesSince = wait;
  const bytes = batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
  if (Atomics.load(lineBacklog, 0) + bytes > MAX_LINE_BACKLOG) {
    for (const { count } of batches) judge.counts.linesLost += count;
    return;
  }
  Atomics.add(lineBacklog, 0, bytes);
  port.postMessage(
    { type: 'lines', batches, bytes } satisfies FromReader,
    batches.map((batch) => batch.bytes.buffer as ArrayBuffer),
  );
}

/** The main thread has enough to do: records are put into words here, unless more is to be found out about them. */
function worded(one: Raised): Raised | Worded {
  if (one.quiet || one.pass || one.origin !== undefined) return one;
  const { detection, established, cut } = one;
  try {
    const words = wordsOf(detection, start.eve ? eveLine(detection) : undefined);
    return cut ? { words, established, cut } : { words, established };
  } catch {
    return one;
  }
}

function handOver(): number {
  judge.count();
  countNames.forEach((name, i) => (counts[i] = judge.counts[name]));
  const changes = judge.takeDatasetChanges();
  if (changes.length > 0) say({ type: 'datasets', changes });
  const raised = judge.take();
  if (raised.length === 0) return 0;
  Atomics.add(backlog, 0, raised.length);
  say({ type: 'raised', raised: raised.map(worded) });
  return raised.length;
}

/** Records of the bulk ring that the last look brought. */
let logged = 0;

/** Reads both rings; true if they were empty at the end. */
function drain(): boolean {
  const a = events.drain((view, at) => judge.onEvent(view, at), BURST);
  const b = (logged = bulk.drain((view, at, length) => judge.onBulk(view, at, length), BURST));
  held.note(handOver());
  handOverLines(false);
  held.release(Atomics.load(backlog, 0));
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
  if (empty) {
    // A ring that is not given free ends every sleep at once.
    for (let waiting = Atomics.load(backlog, 0); held.any && waiting > 0; waiting = Atomics.load(backlog, 0)) {
      if (Atomics.wait(backlog, 0, waiting, HOLD_MS) === 'timed-out') break;
    }
    held.release(Atomics.load(backlog, 0));
  }
  if (empty && !held.any) {
    if (logged > 0) rest.nap(NAP_MS);
    else if (judge.layer7.lines.pending > 0) rest.nap(BATCH_MS);
    else rest.sleep(IDLE_MS);
  }
  takeMessages();
  while (running && Atomics.load(backlog, 0) > MAX_BACKLOG) {
    Atomics.wait(backlog, 0, Atomics.load(backlog, 0), 100);
    takeMessages();
  }
  const goal = retiring;
  empty = drain();
  const time = now();
  judge.layer7.sweep(time);
  flowLog.sweep(time);
  if (empty && goal !== undefined) {
    judge.retire(goal);
    collectGarbage();
    retiring = retiring === goal ? undefined : retiring;
  }
}
// What the rings hold; under a flood that goes on there would be no end.
for (let bursts = 0; bursts < LAST_BURSTS && !drain(); bursts++);
judge.layer7.close();
held.note(handOver());
handOverLines(true);
// What is not stored within this time is found again by the next daemon.
for (let tries = 0; tries < LAST_WAITS && Atomics.load(backlog, 0) > 0; tries++) {
  Atomics.wait(backlog, 0, Atomics.load(backlog, 0), START_MS);
}
held.release(Atomics.load(backlog, 0));
say({ type: 'stopped' });
flows.close();
replies.close();
rest.close();
waiter.close();
bulk.close();
events.close();
port.close();
