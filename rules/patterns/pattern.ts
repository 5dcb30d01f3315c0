// SPDX-License-Identifier: Apache-2.0
// Literals that the kernel looks for in the buffers of messages, and the rules that it judges by them.

import type { Region } from '../../common/abi.gen.js';

export interface Pattern {
  /** The buffer. */
  readonly region: Region;
  /** Not empty; in lower case if `nocase`. */
  readonly bytes: Uint8Array;
  readonly nocase: boolean;
  /** First byte of the buffer at which it may begin. */
  readonly from: number;
  /** Byte at which it ends at the latest. */
  readonly until: number;
  /** It ends the buffer. */
  readonly ends: boolean;
  /** dotprefix: a dot stands before the buffer, and positions count from it. */
  readonly dot: boolean;
  /** A hit makes the engine see the message. */
  readonly engine: boolean;
}

/** What tells a pattern from others; that a hit wakes the engine does not. */
export const patternKey = ({ region, bytes, nocase, from, until, ends, dot }: Pattern): string =>
  [region, nocase, from, until, ends, dot, Buffer.from(bytes).toString('latin1')].join(' ');

export interface Term {
  /** Index of the pattern. */
  readonly pattern: number;
  readonly negated: boolean;
}

export interface MessageRule {
  /** Of its header part in the kernel table. */
  readonly position: number;
  readonly region: Region;
  readonly terms: readonly Term[];
  readonly toServer: boolean;
  readonly toClient: boolean;
  /** Length of the buffer, inclusive. */
  readonly size?: { readonly lo: number; readonly hi: number };
}

/** No bound on where a pattern ends. */
export const NO_END = 0xffffffff;

const isUpper = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;

/** The byte in lower case, if it is an ASCII letter. */
export const lower = (byte: number): number => (isUpper(byte) ? byte | 0x20 : byte);
