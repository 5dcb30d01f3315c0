// SPDX-License-Identifier: Apache-2.0
// Batches for receivers, or proxies in front of them, that take less at once than is configured.

import type { Sendable } from '../entry.js';
import { DeliveryError, type Fate } from './sink.js';

type Send = (entries: readonly Sendable[]) => Promise<void>;

export class InParts {
  /** Records that were not too much so far. */
  #most = Infinity;

  /**
   * Sends records with one call of `send`, or with several where one was too large (`DeliveryError.tooLarge`). Only a single
   * record that is too large is refused.
   * @throws DeliveryError with the fate of each record
   */
  async send(entries: readonly Sendable[], send: Send): Promise<void> {
    const fates: Fate[] = [];
    let failure: DeliveryError | undefined;
    while (fates.length < entries.length) {
      const part = entries.slice(fates.length, fates.length + this.#most);
      try {
        await send(part);
        for (const _ of part) fates.push('delivered');
      } catch (error) {
        const one = DeliveryError.of(error);
        if (one.tooLarge && part.length > 1) {
          this.#most = Math.ceil(part.length / 2);
          continue;
        }
        failure = one;
        const met = part.map((_, index) => one.fateOf(index));
        fates.push(...met);
        // What is behind waits with it.
        if (met.includes('retry')) break;
      }
    }
    if (!failure) return;
    const { message, retryAfterMs, cause } = failure;
    throw new DeliveryError(message, { fates, retryAfterMs, cause });
  }

  /** Forgets what was too much: a limit may have been lifted. */
  forget(): void {
    this.#most = Infinity;
  }
}
