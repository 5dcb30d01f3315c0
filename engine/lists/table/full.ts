// SPDX-License-Identifier: Apache-2.0
// What does not fit is refused, with the counts.

import { IdsError } from '../../../common/errors.js';
import type { Writer } from './writer.js';

/** Throws LIST_FULL unless so many more entries fit. */
export function requireRoom(writer: Writer, fresh4: number, fresh6: number): void {
  const { four, six } = writer;
  if (four.size + fresh4 > four.capacity) throw listFull('IPv4', four.size, four.capacity, fresh4);
  if (six.size + fresh6 > six.capacity) throw listFull('IPv6', six.size, six.capacity, fresh6);
}

export function listFull(family: string, entries: number, capacity: number, requested: number): IdsError {
  const free = Math.max(0, capacity - entries);
  const text = `the blocklist holds ${entries} of ${capacity} ${family} entries: no room for ${requested} more, ${free} would fit`;
  return new IdsError('LIST_FULL', text, { details: { family, entries, capacity, requested, free } });
}
