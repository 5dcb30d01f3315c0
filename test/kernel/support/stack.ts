// SPDX-License-Identifier: Apache-2.0
// The programs and the engine that reads their rings, as in a replay: frame by frame, with every record in between.

import type { LineBatch, LogKind } from '../../../alerts/index.js';
import {
  BytesFlag,
  BytesRecordLayout,
  ControlFlag,
  HeadersLayout,
  EventLayout,
  EventType,
  FlowRecordLayout,
} from '../../../common/abi.gen.js';
import { HttpLayout, L7Limit, MaskedLayout, Stat } from '../../../common/abi.gen.js';
import { indexKey, type Kernel, RingReader } from '../../../engine/bpf/index.js';
import { languageOptions } from '../../../engine/config/index.js';
import { Judge, type Raised } from '../../../engine/judge/judge.js';
import { settingFlags, settingsBytes } from '../../../engine/layer7/settings.js';
import { defaultRedaction } from '../../../engine/layer7/structure/names.js';
import { structureTable } from '../../../engine/layer7/structure/structure-table.js';
import { compileRules, type Compilation } from '../../../rules/index.js';
import { benchKernels } from './bench-pool.js';

interface Owner {
  teardown(undo: () => void): void;
}

export interface StackOptions {
  /** enum ids_control_flag, beside no bounds on events */
  readonly flags?: number;
  readonly logs?: readonly LogKind[];
  /** enum ids_l7_setting: messages that are handed over whatever the rules want. */
  readonly heads?: number;
}

const padded = (size: number, to: number): number => Math.ceil(size / to) * to;

/** What a record of the bulk ring should have of bytes; 0 if there is no such record. */
export function recordSize(view: DataView, at: number): number {
  switch (view.getUint8(at + EventLayout.type)) {
    case EventType.EVENT_HTTP: {
      const [masked, hits, edges] = [HttpLayout.masked, HttpLayout.hits, HttpLayout.edges].map((o) =>
        view.getUint8(at + o),
      );
      const section = view.getUint32(at + HttpLayout.length, true);
      if (section > L7Limit.SECTION_MAX) return 0;
      const values = (masked ?? 0) * MaskedLayout.SIZE + padded(2 * (hits ?? 0), 4) + 4 * (edges ?? 0);
      return HttpLayout.SIZE + padded(section, 8) + values;
    }
    case EventType.EVENT_TLS:
    case EventType.EVENT_DNS:
    case EventType.EVENT_PAYLOAD: {
      const whole = view.getUint32(at + BytesRecordLayout.flags, true) & BytesFlag.BYTES_HEADERS;
      const length = view.getUint32(at + BytesRecordLayout.length, true);
      return BytesRecordLayout.SIZE + (whole ? HeadersLayout.SIZE : 0) + length;
    }
    case EventType.EVENT_FLOW:
      return FlowRecordLayout.SIZE;
    default:
      return 0;
  }
}

export class Stack {
  readonly kernel: Kernel;
  readonly judge: Judge;
  readonly compiled: Compilation;
  /** Told of each record before the engine reads it. */
  onRecord: (view: DataView, at: number, length: number, bulk: boolean) => void = () => undefined;
  packets = 0;
  readonly #events: RingReader;
  readonly #bulk: RingReader;
  #now = 1e12;
  #closed = false;

  private constructor(rules: string, o: StackOptions) {
    const logs = new Set(o.logs);
    const off = ((o.flags ?? 0) & ControlFlag.CONTROL_REDACT) === 0;
    this.compiled = compileRules([{ file: 'test.rules', text: rules }], languageOptions(off ? { redact: 'off' } : {}));
    const [problem] = this.compiled.problems;
    if (problem) throw new Error(`${problem.line}:${problem.column} ${problem.cause}`);
    this.kernel = benchKernels.take({ replay: true, sizes: { ids_bulk: 1 << 20 } });
    this.kernel.control.update({ flags: ControlFlag.CONTROL_UNLIMITED | (o.flags ?? 0) });
    const flags =
      this.compiled.heads |
      (o.heads ?? 0) |
      settingFlags({
        ...{ http: true, tls: true, dns: true, aggregate: 'on' },
        ...{ logHttp: logs.has('http'), logTls: logs.has('tls'), logDns: logs.has('dns') },
      });
    const settings = { flags, depth: [8192, 8192], hashKey: [1n, 2n], ignored: [], shallow: [] } as const;
    this.kernel.map('ids_l7_settings').put(indexKey(0), settingsBytes(settings));
    this.kernel.writeStructure(structureTable({ ...defaultRedaction, kept: [] }));
    this.kernel.installRuleset(this.compiled.ruleset, 1);
    this.#events = RingReader.open(this.kernel.rings.events);
    this.#bulk = RingReader.open(this.kernel.rings.bulk);
    this.judge = new Judge({ timeUs: (ns) => ns / 1000, interfaceName: () => undefined, replay: true, logs });
    this.judge.install({ generation: 1, ...this.compiled });
  }

  /** Closed when the test ends; the kernel may be one that another bench has had, with every table empty. */
  static open(t: Owner, rules: string, o: StackOptions = {}): Stack {
    const stack = new Stack(rules, o);
    t.teardown(() => stack.close());
    return stack;
  }

  advance(seconds: number): void {
    this.#now += seconds * 1e9;
    this.judge.layer7.sweep(this.#now);
  }

  /** One frame through the programs, and what they say of it through the engine. XDP_DROP 1, PASS 2, TX 3. */
  push(frame: Uint8Array): number {
    this.kernel.control.setClock(this.#now, ++this.packets);
    const { verdict } = this.kernel.run(frame);
    this.#events.drain((view, at, length) => {
      this.onRecord(view, at, length, false);
      this.judge.onEvent(view, at);
    });
    this.#bulk.drain((view, at, length) => {
      this.onRecord(view, at, length, true);
      this.judge.onBulk(view, at, length);
    });
    return verdict;
  }

  /** What was raised and logged since the last call; log lines as they are written. */
  take(): { raised: Raised[]; lines: { kind: LogKind; text: string }[] } {
    const text = ({ bytes }: LineBatch): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
    const lines = this.judge.layer7.lines.take(true).flatMap((batch) =>
      text(batch)
        .slice(0, -1)
        .split('\n')
        .map((line) => ({ kind: batch.kind, text: line })),
    );
    return { raised: this.judge.take(), lines };
  }

  stat(name: keyof typeof Stat): number {
    return this.kernel.stats()[Stat[name]] ?? 0;
  }

  /** Packets that were counted under a terminal reason. */
  counted(): number {
    return this.kernel.verdicts().reduce((sum, { packets }) => sum + packets, 0);
  }

  close(): void {
    // Somebody else may have the kernel by now.
    if (this.#closed) return;
    this.#closed = true;
    this.#events.close();
    this.#bulk.close();
    benchKernels.giveBack(this.kernel);
  }
}
