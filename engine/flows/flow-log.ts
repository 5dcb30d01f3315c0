// SPDX-License-Identifier: Apache-2.0
// Records of flows: at their end, and of long ones at intervals. The kernel tells of a flow whose place it gives away; all
// others are found ended in its table, which is read in slices.

import { EventLayout, FlowLayout, FlowRecordLayout, FlowState } from '../../common/abi.gen.js';
import type { FlowViews } from '../bpf/index.js';
import type { LogLines } from '../layer7/log-lines.js';
import { FIRST_ID, readFlow, timeoutOf, wideAt, type Flow } from './flow.js';
import { endOf, flowLine, type FlowReason, type LineContext } from './flow-line.js';
import { FlowMarks } from './marks.js';
import { flowFilter, type FlowSelection } from './selection.js';
import { FlowTable } from './flow-table.js';

const SECOND = 1e9;
/** Places looked at in a second: a table of the usual size once. */
const RATE = 131_072;
/** Less is not worth the while. */
const SLICE = 2048;
/** What comes after both FINs or a RST still counts for the flow. */
const LINGER = SECOND;

export interface FlowLogSettings extends FlowSelection {
  /** Idle times in seconds by enum ids_timeout. */
  readonly timeouts: readonly number[];
}

export interface FlowLogOptions extends LineContext {
  readonly memory: FlowViews;
  readonly lines: LogLines;
  /** Nanoseconds between two looks at least: a replay cannot spend its time on them. */
  readonly pause?: number;
}

export class FlowLog {
  readonly #options: FlowLogOptions;
  readonly #table: FlowTable;
  readonly #marks: FlowMarks;
  #settings: FlowLogSettings | undefined;
  #wanted: (flow: Flow) => boolean = () => false;
  /** What ended before is not told: the log was off then. */
  #since = 0;
  #cursor = 0;
  #swept = 0;
  /** Intervals that were told of long flows, by place. */
  readonly #long = new Map<number, { readonly id: number; told: number }>();

  constructor(options: FlowLogOptions) {
    this.#options = options;
    this.#table = new FlowTable(options.memory);
    this.#marks = new FlowMarks(options.memory);
  }

  /** @param settings undefined: flows are not logged @param since nanoseconds: what ended before was not to be logged */
  set(settings: FlowLogSettings | undefined, since = 0): void {
    if (!this.#settings) this.#since = since;
    this.#settings = settings;
    this.#wanted = settings ? flowFilter(settings) : () => false;
    if (!settings) this.#long.clear();
  }

  /** The record of a flow whose place the kernel gave away, at `at` of its ring. */
  onRecord(view: DataView, at: number): void {
    if (!this.#settings) return;
    const index = view.getUint32(at + EventLayout.flow, true);
    const flow = readFlow(view, at + FlowRecordLayout.flow, index);
    // Both sides may have seen the end at the same time.
    if (index < this.#table.capacity && this.#marks.isTold(index, flow.id)) return;
    this.#tell(flow, endOf(flow, 'timeout'), wideAt(view, at + EventLayout.time));
  }

  /** A rule of the engine matched a flow. */
  onAlerted(index: number, id: number): void {
    this.#marks.setAlerted(index, id);
  }

  /** Tells the flows that are over, looking on where it stopped. @param now nanoseconds of the kernel's clock */
  sweep(now: number): void {
    const settings = this.#settings;
    const { capacity } = this.#table;
    if (!settings || now < this.#swept) return;
    const count = Math.min(capacity, Math.floor(((now - this.#swept) / SECOND) * RATE));
    if (count < Math.min(SLICE, capacity) || now - this.#swept < (this.#options.pause ?? 0)) return;
    this.#swept = now;
    for (let i = 0; i < count; i++) {
      this.#look(this.#cursor, now, settings);
      if (++this.#cursor >= capacity) this.#cursor = 0;
    }
  }

  /** Tells everything that has not been told: the end of a replay, in the order in which flows began. */
  close(now: number): void {
    if (!this.#settings) return;
    const left = [...this.#table.flows()].filter(({ id, index }) => !this.#marks.isTold(index, id));
    for (const flow of left.sort((a, b) => a.start - b.start)) {
      this.#marks.setTold(flow.index, flow.id);
      this.#tell(flow, endOf(flow, 'shutdown'), now);
    }
  }

  #look(index: number, now: number, settings: FlowLogSettings): void {
    const id = this.#table.idAt(index);
    if (id < FIRST_ID) return;
    const { flows } = this.#options.memory;
    const at = index * FlowLayout.SIZE;
    const last = wideAt(flows, at + FlowLayout.last);
    const state = flows.getUint8(at + FlowLayout.state);
    const closed = state === FlowState.FLOW_CLOSED;
    const idle = (settings.timeouts[timeoutOf(flows.getUint8(at + FlowLayout.proto), state)] ?? 0) * SECOND;
    const over = now - last > (closed ? Math.min(LINGER, idle) : idle);
    const told = this.#marks.isTold(index, id);
    if (!over) {
      // It went on behind its end: what comes is told at the next one.
      if (told) this.#marks.setTold(index, 0);
      if (settings.interval) this.#lookLong(index, id, now, settings.interval);
      return;
    }
    if (told) return;
    const flow = this.#table.read(index);
    if (flow?.id !== id) return;
    this.#marks.setTold(index, id);
    this.#long.delete(index);
    if (last >= this.#since) this.#tell(flow, endOf(flow, 'timeout'), now);
  }

  #lookLong(index: number, id: number, now: number, interval: number): void {
    const start = wideAt(this.#options.memory.flows, index * FlowLayout.SIZE + FlowLayout.start);
    const passed = Math.floor((now - start) / (interval * SECOND));
    if (passed < 1) return;
    const known = this.#long.get(index);
    // One that was there already when this began has told its intervals, or was not to.
    if (known?.id !== id) {
      this.#long.set(index, { id, told: passed });
      if (passed > 1) return;
    } else if (passed <= known.told) return;
    else known.told = passed;
    const flow = this.#table.read(index);
    if (flow?.id === id) this.#tell(flow, 'ongoing', now);
  }

  #tell(flow: Flow, reason: FlowReason, now: number): void {
    const { lines } = this.#options;
    if (!lines.wants('flow') || !this.#wanted(flow)) return;
    const alerted = flow.index < this.#table.capacity && this.#marks.isAlerted(flow.index, flow.id);
    lines.begin('flow').utf8(flowLine(flow, reason, now, alerted, this.#options));
    lines.end('flow');
  }
}
