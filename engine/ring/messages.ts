// SPDX-License-Identifier: Apache-2.0
// What the main thread and the ring reader say to each other.

import type { LineBatch, LogKind } from '../../alerts/index.js';
import type {
  DatasetAnswer,
  DatasetChange,
  DatasetCommand,
  DatasetInfo,
  DatasetRefusal,
  PackedCompilation,
} from '../../rules/index.js';
import type { FlowLogSettings } from '../flows/flow-log.js';
import type { JudgeCounts, Raised, RuleProgram, Shows, Worded } from '../judge/judge.js';
import type { HttpLogSettings } from '../layer7/http-log.js';
import type { RateLimits } from '../judge/rates.js';
import type { FlowHandle, RingHandle, WaiterHandle } from '../bpf/index.js';

export interface ReaderStart {
  readonly events: RingHandle;
  readonly bulk: RingHandle;
  readonly waiter: WaiterHandle;
  readonly flows: FlowHandle;
  /** Descriptor of the map ids_reader. */
  readonly reader: number;
  /** One 32-bit cell: raised records that the main thread has not taken yet. */
  readonly backlog: SharedArrayBuffer;
  /** One 32-bit cell: bytes of log lines that the main thread has not taken yet. */
  readonly lineBacklog: SharedArrayBuffer;
  /** The judge's counts as 64-bit floats in the order of `countNames`, written by the reader alone. */
  readonly counts: SharedArrayBuffer;
  readonly rates: RateLimits;
  /** Kinds of log lines that an output takes. */
  readonly logs: readonly LogKind[];
  readonly shows: Shows;
  /** Whether an output writes alerts as EVE, with nothing added to them. */
  readonly eve: boolean;
}

/** Log bytes that may wait for the main thread; beyond them lines are dropped and counted. */
export const MAX_LINE_BACKLOG = 64 << 20;

export const countNames = [
  ...['events', 'bulk', 'unexplained', 'malformed', 'alerts', 'suppressed'],
  ...['lines', 'linesLost', 'unanswered', 'brokenStreams', 'limited', 'flows', 'bits', 'bitsEvicted'],
  ...['datasets', 'datasetsRefused'],
] as readonly (keyof JudgeCounts)[];

/** An interface by its index; `tx`: the program answers rejects there by itself. */
export interface KnownInterface {
  readonly name: string;
  readonly tx: boolean;
}

/** Wall clock minus boot clock, in microseconds; it changes when the wall clock is set. */
export interface ClockMessage {
  readonly type: 'clock';
  readonly offsetUs: number;
}

/** A rule program whose rules are memory that the threads share. */
export type PackedProgram = Omit<RuleProgram, 'rules' | 'engine'> & Pick<PackedCompilation, 'rules' | 'engine'>;

export type DatasetReply = readonly DatasetInfo[] | DatasetAnswer | DatasetRefusal;

export type ToReader =
  | { readonly type: 'install'; readonly id: number; readonly program: PackedProgram; readonly also: readonly number[] }
  /** Events of `generation` are explained by the set that explains those of `of`. */
  | { readonly type: 'alias'; readonly id: number; readonly generation: number; readonly of: number }
  /** The kernel uses `generation` now: forget older ones once the rings are drained. */
  | { readonly type: 'retire'; readonly generation: number }
  /** Something is asked of the data sets in force; `list`: what there are. */
  | { readonly type: 'dataset'; readonly id: number; readonly command: DatasetCommand | 'list' }
  | { readonly type: 'monitor'; readonly monitor: boolean }
  | { readonly type: 'interfaces'; readonly known: Readonly<Record<number, KnownInterface>> }
  | ClockMessage
  | { readonly type: 'http-log'; readonly settings: HttpLogSettings }
  /** Without settings flows are not logged. */
  /** Memory of log lines that were written, to be used again. */
  | { readonly type: 'memory'; readonly buffer: ArrayBuffer }
  | { readonly type: 'flow-log'; readonly settings?: FlowLogSettings; readonly since: number }
  | { readonly type: 'stop' };

export type FromReader =
  /** The sockets that answer rejects: what they send must not be dropped on its way out. */
  | { readonly type: 'answers'; readonly cookies: readonly [bigint, bigint] }
  | { readonly type: 'installed'; readonly id: number }
  | { readonly type: 'raised'; readonly raised: readonly (Raised | Worded)[] }
  /** Values that packets have added to, or taken out of, sets that are kept in files. */
  | { readonly type: 'datasets'; readonly changes: readonly DatasetChange[] }
  | { readonly type: 'dataset'; readonly id: number; readonly answer: DatasetReply }
  | { readonly type: 'lines'; readonly batches: readonly LineBatch[]; readonly bytes: number }
  | { readonly type: 'stopped' };
