// SPDX-License-Identifier: Apache-2.0
// What one request may hold.

/** A rule load of the largest public rule sets is some 40 MB. */
export const BODY_LIMIT = 256 * 1024 * 1024;
/** Twenty million entries as columns, with room for reasons. */
export const BULK_LIMIT = 512 * 1024 * 1024;
export const MAX_PREFIXES = 100_000;
/** Seconds of a hundred years: beyond it dates end and typing errors begin. */
export const MAX_TTL = 3_155_760_000;
/** Seconds of a probation: it is for the time that it takes to see whether one is still connected. */
export const MAX_CONFIRM = 3600;
/** Alerts that one request may ask for. */
export const MAX_ALERTS = 100_000;
/** Bytes that may wait for a slow `alerts tail --follow`; beyond them the follower is cut off. */
export const MAX_FOLLOWER_BYTES = 4 * 1024 * 1024;
