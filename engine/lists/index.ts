// SPDX-License-Identifier: Apache-2.0
// The face of the lists: blocklist, allowlist, guard and what they stand on.

export { Allowlist, type AllowlistOptions, type Kept } from './allowlist.js';
export { Blocklist, type BlocklistOptions } from './blocklist.js';
export type { AddRequest } from './single-changes.js';
export { readExemptions, type Exemption } from './exemptions.js';
export { Guard, type GuardOptions } from './guard.js';
export { openListStore, type ListStore, type Offence } from './list-store.js';
export { MemoryTables, type MemoryCapacity } from './memory-tables.js';
export { parseOperatorPrefixes, prefixBounds } from './operator-input.js';
export { peerOfConnection, sshPeerOf } from './ssh-peer.js';
export { scheduleSweep } from './sweep.js';
export type { Clock, HitCounts, ListTables, PrefixTable } from './tables.js';
