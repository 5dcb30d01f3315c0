// SPDX-License-Identifier: Apache-2.0
// The face of the binding: what the rest of the engine may use of it.

export type { Attachment } from './attachments.js';
export type { EgressHook } from './egress-link.js';
export { BpfMap, indexKey, type MapInfo } from './bpf-map.js';
export { now, wallOffset } from './clock.js';
export type { Control } from './control.js';
export { datagramSizes } from './datagrams.js';
export type { Hits, VerdictCount } from './counters.js';
export { type FlowHandle, FlowMemory, type FlowViews } from './flow-memory.js';
export { Kernel, type KernelOptions } from './kernel.js';
export { Mapping, trimMemory } from './memory.js';
export type { ListMemory } from './list-memory.js';
export { driverOf, interfaceIndex, interfaceName, isUp, stripsVlan } from './netdev.js';
export { DEFAULT_OBJECT } from './object.js';
export { type PeerCredentials, peerCredentials } from './peer.js';
export { withFolderLock } from './folder-lock.js';
export { claimPins, DEFAULT_PIN_DIR } from './pins.js';
export type { PrefixTable } from './prefix-table.js';
export type { PreviousPins } from './previous-pins.js';
export { type RecordHandler, type RingHandle, RingReader } from './ring-reader.js';
export { countRuns, countsRuns, type ProgramRuns } from './program-runs.js';
export { RingWaiter, type WaiterHandle } from './ring-waiter.js';
export { RawReply } from './raw-reply.js';
export { buildReply, type ReplyPacket, type ReplyTo } from './reply-packet.js';
export type { RulesetBytes } from './rulesets.js';
export { MAX_FRAME, MIN_FRAME, type RunResult } from './test-run.js';
export { shortenSlice } from './short-slice.js';
export { UnixDatagrams } from './unix-datagrams.js';
export { SocketDiag, type KernelSocket, type SocketEnds } from './socket-diag.js';
export { VerdictProgram } from './verdict-program.js';
export type { AttachMode } from './xdp-link.js';
