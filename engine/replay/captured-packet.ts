// SPDX-License-Identifier: Apache-2.0
// What both capture formats hand out, and what they say of damage.

import { IdsError } from '../../common/errors.js';
import type { ByteSource } from './byte-source.js';

/** One captured packet. `data` is valid until the next one is asked for. */
export interface CapturedPacket {
  /** Whole seconds since the epoch. */
  readonly seconds: number;
  readonly nanos: number;
  /** LINKTYPE_ value (tcpdump.org/linktypes.html). */
  readonly linkType: number;
  readonly data: Uint8Array;
  /** Bytes on the wire; more than `data` holds if the capture was cut at a snapshot length. */
  readonly wireLength: number;
}

/** Larger records are taken for damage: no link carries them and a forged length must not allocate gigabytes. */
export const MAX_PACKET = 262144;

/** The error for a damaged file; the offset is where the damage was seen. */
export function damaged(source: ByteSource, cause: string): IdsError {
  return new IdsError('CAPTURE_INVALID', `${source.path}: offset ${source.offset}: ${cause}`, {
    details: { file: source.path, offset: source.offset },
  });
}
