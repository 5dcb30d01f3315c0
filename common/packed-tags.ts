// SPDX-License-Identifier: Apache-2.0
// How a value is packed: one byte says what it is, numbers behind it are little-endian in groups of seven bits, each but the
// last with the eighth bit set.

export const PackedTag = {
  UNDEFINED: 0,
  NULL: 1,
  FALSE: 2,
  TRUE: 3,
  /** A number: how far it is below zero, less one. */
  NEGATIVE: 4,
  /** A number from zero on, below 2^53. */
  INTEGER: 5,
  /** Eight bytes. */
  DOUBLE: 6,
  /** In hexadecimal: length, characters. */
  BIGINT: 7,
  /** Length, one byte a character. */
  LATIN1: 8,
  /** Length in bytes, two bytes a character. */
  UTF16: 9,
  /** Where a string stands that was packed before. */
  SAME_STRING: 10,
  /** Length, bytes. */
  BYTES: 11,
  /** Length, values. */
  ARRAY: 12,
  /** Number of the shape, the values of its keys. */
  OBJECT: 13,
  /** An array or object that others name follows. */
  SHARED: 14,
  /** Where such a one stands. */
  SAME: 15,
  /** This and higher ones are the small integers themselves. */
  SMALL: 32,
} as const;
