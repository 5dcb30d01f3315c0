// SPDX-License-Identifier: Apache-2.0
// Log records of layer 7 and flows: EVE lines that were put into words where they were seen, on their way as bytes.

/** What an output may take, by EVE's event_type. */
export const eventKinds = ['alert', 'drop', 'engine', 'http', 'tls', 'dns', 'flow', 'anomaly'] as const;
export type EventKind = (typeof eventKinds)[number];

/** Kinds that travel as lines. */
export const logKinds = ['http', 'tls', 'dns', 'flow', 'anomaly'] as const satisfies readonly EventKind[];
export type LogKind = (typeof logKinds)[number];

/** Lines of one kind, each with its newline. */
export interface LineBatch {
  readonly kind: LogKind;
  readonly count: number;
  readonly bytes: Uint8Array;
  /** To be called once nobody looks at `bytes` any more: the memory is used again. */
  readonly release?: () => void;
}

/** The same batch for so many takers: it is released when each of them has. */
export function shared(batch: LineBatch, takers: number): LineBatch {
  const { release } = batch;
  if (release === undefined || takers === 1) return batch;
  let left = takers;
  return { ...batch, release: () => --left === 0 && release() };
}
