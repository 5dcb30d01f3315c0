// SPDX-License-Identifier: Apache-2.0
// What every receiver looks like from inside, and how a delivery fails.

import { IdsError, messageOf } from '../../common/errors.js';
import type { Batch } from '../entry.js';
import type { LineBatch } from '../lines.js';

export interface Sink {
  readonly name: string;
  /** Where it goes, for people: no secrets. */
  readonly target: string;
  /**
   * Hands a batch over; resolves when the receiver (or, where it does not answer, this host's kernel) has it.
   * @throws DeliveryError; anything else that is thrown is tried again later.
   */
  deliver(batch: Batch, signal: AbortSignal): Promise<void>;
  /** As `deliver`, for log lines as bytes: all of them or none. Absent where the receiver takes single records. */
  deliverLines?(batch: LineBatch, signal: AbortSignal): Promise<void>;
  /** Opens files and secrets anew, after rotation. */
  reopen?(): void | Promise<void>;
  close(): Promise<void>;
}

/** The receiver has not come to an end in time: it may be dead, or slow and with less to do come through. */
export class TookTooLong extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TookTooLong';
  }
}

/**
 * What became of one record. `refused` for good: a dead letter. `lost`: dropped by the receiver, which did not say that it
 * was this one, so there is no letter.
 */
export type Fate = 'delivered' | 'retry' | 'lost' | { readonly refused: string };

export interface DeliveryFailure {
  /** True if the receiver will never take it. */
  readonly final?: boolean;
  /** Records from the front of the batch that have arrived all the same. */
  readonly delivered?: number;
  /** What became of each record of the batch, where that differs in another way. */
  readonly fates?: readonly Fate[];
  /** True if the batch is larger than what the receiver takes at once. */
  readonly tooLarge?: boolean;
  /** The receiver's own wish, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** A batch, or its tail, that was not taken. */
export class DeliveryError extends IdsError {
  readonly final: boolean;
  readonly delivered: number;
  readonly fates: readonly Fate[] | undefined;
  readonly tooLarge: boolean;
  readonly retryAfterMs: number;
  /** True if time was up: fewer records at once may do. */
  readonly slow: boolean;

  constructor(message: string, failure: DeliveryFailure = {}) {
    super('OUTPUT_FAILED', message, { cause: failure.cause });
    this.name = 'DeliveryError';
    this.final = failure.final ?? false;
    this.delivered = failure.delivered ?? 0;
    this.fates = failure.fates;
    this.tooLarge = failure.tooLarge ?? false;
    this.retryAfterMs = failure.retryAfterMs ?? 0;
    this.slow = failure.cause instanceof TookTooLong;
  }

  /** What became of the record at `index` of the batch. */
  fateOf(index: number): Fate {
    if (this.fates) return this.fates[index] ?? 'retry';
    if (index < this.delivered) return 'delivered';
    return this.final ? { refused: this.message } : 'retry';
  }

  static of(error: unknown): DeliveryError {
    return error instanceof DeliveryError ? error : new DeliveryError(messageOf(error), { cause: error });
  }
}
