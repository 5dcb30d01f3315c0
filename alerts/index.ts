// SPDX-License-Identifier: Apache-2.0
// The face of alerts/.

export type {
  Detection,
  DetectionEnd,
  DetectionEngine,
  DetectionEnrichment,
  DetectionFlow,
  DetectionHttp,
  DetectionPacket,
  DetectionPlace,
  DetectionProcess,
  DetectionRule,
  DetectionSuppressed,
  DetectionTcp,
  DetectionVerdict,
} from './model.js';
export { eventKinds, logKinds, type EventKind, type LineBatch, type LogKind } from './lines.js';
export { engineRecord, type EngineNotice } from './engine-record.js';
export { protocolName, protocolNumber } from './protocols.js';
export { escapeLine, printable } from './text.js';
export { communityId, flowIds, flowIdsOf, type FlowIds, type FlowTuple } from './community-id.js';
export { eveLine, eveTime, toEve, type EveRecord } from './eve.js';
export { formatNames, lineIn, type Format } from './formats/index.js';
export { shortIn } from './formats/short.js';
export { shortLine } from './shorten.js';
export { outputSchema, outputsSchema, type OutputConfig, type OutputInput } from './config.js';
export { Entry, LineEntry, type Batch, type Sendable } from './entry.js';
export { Told, wordsOf, type Words } from './told.js';
export type { LineQueueStatus } from './line-queue.js';
export type { Account } from './account.js';
export { Outbox, type BatchLimits, type OutboxLimits } from './outbox.js';
export { OutboxStore, type Retention } from './store/outbox-store.js';
export { testRecord } from './test-record.js';
export { testOutput, type TestResult } from './test-output.js';
export type { DeadLetter } from './store/stored-queue.js';
export type { Log, OutputStatus } from './output.js';
export { DeliveryError, type Sink } from './sinks/sink.js';
export type { Platform, UnixDatagrams } from './sinks/datagrams.js';
export { openSink } from './sinks/open.js';
export { signWebhook } from './sinks/webhook.js';
export { Dispatcher, type DispatcherOptions, type Replayed } from './dispatcher.js';
export { Follower, Recent } from './recent.js';
export {
  dnsObject,
  dnsRcodeName,
  dnsTypeName,
  type DnsData,
  type DnsMessage,
  type DnsName,
  type DnsQuestion,
  type DnsRecord,
} from './eve-dns.js';
export { tlsObject, tlsVersionName, type TlsCertificate, type TlsFields, type TlsFingerprint } from './eve-tls.js';
export { secret as secretField } from './config/common.js';
export { parsed } from './config/parsed.js';
export { readSecret } from './secret.js';
