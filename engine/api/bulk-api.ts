// SPDX-License-Identifier: Apache-2.0
// The part of the control socket that carries whole lists, and the feeds. Lists travel as binary columns (batch-codec).

import type { BadLine } from '../lists/formats/formats.js';
import type {
  BulkOptions,
  Capacity,
  DiffResult,
  ExportChunk,
  ExportFilter,
  ListAction,
  PrefixBatch,
  ReplaceResult,
} from '../lists/prefix-batch.js';

export interface ImportRequest extends BulkOptions {
  readonly origin: string;
  /** Peer of the caller's SSH session: never locked out without `force`. */
  readonly sshPeer?: string;
  /** Seconds until the change is undone unless `confirm` comes. */
  readonly confirm?: number;
}

export interface ImportResult extends ReplaceResult {
  /** ISO 8601: when the change is undone unless it is confirmed. */
  readonly confirmBy?: string;
}

export interface OriginStats {
  readonly origin: string;
  /** `alert` if that is what all of its entries do. */
  readonly action: ListAction;
  readonly entries: number;
  /** Of these, entries that let through and report. */
  readonly alerting: number;
  /** Packets and bytes of sources that this origin lists (an entry of several origins counts for one of them). */
  readonly packets: number;
  readonly bytes: number;
}

export interface BlocklistStats extends Capacity {
  readonly origins: readonly OriginStats[];
  /** Entries that the kernel's tables hold. */
  readonly enforced: number;
  /** Entries that the reconciler put back or took out since the start. */
  readonly repairs: number;
}

export interface ConfirmResult {
  readonly origin: string;
  readonly entries: number;
}

export interface FeedStatus {
  readonly name: string;
  readonly source: string;
  readonly schedule: string;
  readonly action: ListAction;
  /** `never`: not fetched yet; `unchanged`: the source said so; `kept`: a fetch was not taken, the old content stays. */
  readonly state: 'never' | 'updated' | 'unchanged' | 'kept' | 'failed';
  readonly entries: number;
  readonly refused: number;
  readonly badLines: number;
  /** The first of them. */
  readonly firstBadLines: readonly BadLine[];
  /** ISO 8601. */
  readonly lastAttempt?: string;
  readonly lastSuccess?: string;
  readonly next?: string;
  readonly failures: number;
  /** Why the last attempt failed, if it did. */
  readonly lastError?: string;
  readonly etag?: string;
  readonly lastModified?: string;
  /** Bytes of the last download, as they came. */
  readonly bytes: number;
  readonly format?: string;
  readonly running: boolean;
}

export interface FeedUpdateRequest {
  /** Default: all. */
  readonly names?: readonly string[];
  /** Take the content even if nothing changed, or if it shrank. */
  readonly force: boolean;
}

export interface BulkApi {
  blocklistImport(batch: PrefixBatch, request: ImportRequest): Promise<ImportResult>;
  blocklistDiff(batch: PrefixBatch, request: ImportRequest & { readonly replace: boolean }): Promise<DiffResult>;
  blocklistExport(filter: ExportFilter): AsyncIterable<ExportChunk>;
  blocklistStats(): Promise<BlocklistStats>;
  blocklistCapacity(): Promise<Capacity>;
  /** @throws IdsError NOT_FOUND if nothing waits */
  confirm(): Promise<ConfirmResult>;
  listFeeds(): Promise<readonly FeedStatus[]>;
  /** @throws IdsError NOT_FOUND */
  showFeed(name: string): Promise<FeedStatus>;
  /** Fetches now; the states after it. @throws IdsError NOT_FOUND */
  updateFeeds(request: FeedUpdateRequest): Promise<readonly FeedStatus[]>;
}
