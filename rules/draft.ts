// SPDX-License-Identifier: Apache-2.0
// A rule while it is being parsed: what its keywords have said so far, and what is wrong with it.

import type {
  AbsentMatch,
  AddressMatch,
  AppName,
  BytesMatch,
  Buffer as BufferName,
  Condition,
  ContentVariables,
  DataAtMatch,
  DataFile,
  DatasetMatch,
  HeaderMatch,
  NumberMatch,
  PcreMatch,
  Position,
  Problem,
  Reference,
  SizeMatch,
  StateMatch,
  ThresholdSpec,
} from './ast.js';
import type { Classifications } from './classification.js';
import type { Countries } from './countries.js';
import type { Declarations } from './datasets/declarations.js';
import type { LogicalLine } from './lines.js';
import { positionOf } from './lines.js';
import type { Protocol } from './protocols.js';
import type { Redaction } from './redaction.js';
import type { Reputation } from './reputation.js';
import type { Transforms } from './transforms/transform.js';

/** A content whose buffer may still change: `http_uri` and its like come after it. */
export interface PendingContent {
  readonly kind: 'pending';
  readonly keyword: string;
  readonly position: Position;
  readonly at: number;
  readonly pattern: Uint8Array;
  readonly negated: boolean;
  /** `other` = a buffer that is not supported. */
  buffer: BufferName | 'other';
  readonly group: number;
  readonly dotprefix: boolean;
  readonly transforms: Transforms | undefined;
  nocase: boolean;
  startswith: boolean;
  endswith: boolean;
  offset?: number;
  depth?: number;
  distance?: number;
  within?: number;
  variables?: ContentVariables;
  fastPattern: boolean;
}

type Pending<T> = Omit<T, 'buffer'> & { readonly keywordAt: number; readonly buffer: BufferName | 'other' };

export type PendingSize = Pending<SizeMatch>;

/** What looks into a buffer and is no content. */
export type PendingTest =
  | Pending<PcreMatch>
  | Pending<DataAtMatch>
  | Pending<BytesMatch>
  | Pending<NumberMatch>
  | Pending<AbsentMatch>
  | Pending<DatasetMatch>
  | PendingSize;

export interface Draft {
  readonly line: LogicalLine;
  readonly options: ParseOptions;
  readonly protocol: Protocol;
  /** Keyword being parsed, for messages. */
  keyword: string;
  /** Offset of the keyword being parsed. */
  keywordAt: number;
  /** Offset of its value. */
  valueAt: number;
  errors: number;
  readonly problems: Problem[];
  unsupported?: { readonly keyword: string; readonly reason: string; readonly at: number };

  sid?: number;
  gid: number;
  rev: number;
  msg: string;
  classtype?: string;
  priority?: number;
  readonly references: Reference[];
  readonly metadata: (readonly [string, string])[];
  target?: 'src_ip' | 'dest_ip';
  tag?: string;
  /** What app-layer-protocol asks for, where rules on messages can name it. */
  app?: AppName;
  noalert: boolean;

  /** Keywords seen, for those that may stand only once. */
  readonly seen: Set<string>;
  /** Sticky buffer in force, `payload` before the first. */
  buffer: BufferName | 'other';
  /** The sticky buffer is an address of the packet (\`buffer\` is \`other\` then). */
  address?: 'src' | 'dst';
  /** Number of sticky buffers so far. */
  group: number;
  /** The sticky buffer has a dot put before it, and nothing else is done to it. */
  dotprefix: boolean;
  /** What is done to the sticky buffer, if it is anything but that. */
  transforms: Transforms | undefined;
  readonly parts: (HeaderMatch | AddressMatch | StateMatch | PendingContent | PendingTest)[];
  lastContent?: PendingContent;
  threshold?: ThresholdSpec;
  /** IP protocol numbers that `ip_proto` left; undefined if the keyword was not used. */
  ipProtocols?: Set<number>;
  ipProtoOperators: string;
  /** Names of what byte_extract and byte_math have found so far. */
  readonly variables: Set<string>;
  /** What the `flow` keyword says of streams. */
  stream?: 'only' | 'never';
}

/** Options with their defaults filled in. */
export interface ParseOptions {
  readonly redact: Redaction;
  readonly classifications: Classifications;
  /** What `iprep` and `geoip` ask; undefined if there is none. */
  readonly reputation?: Reputation | undefined;
  readonly countries?: Countries | undefined;
  readonly datasets: Declarations;
  /** Sets that some rule changes. */
  readonly changedSets: ReadonlySet<string>;
  /** What a file of rules names. */
  readonly dataFile: (ruleFile: string, name: string) => DataFile;
  /** What the values of a reference system begin with. */
  readonly references: ReadonlyMap<string, string>;
}

export function newDraft(line: LogicalLine, options: ParseOptions, protocol: Protocol): Draft {
  return {
    line,
    options,
    protocol,
    keyword: '',
    keywordAt: 0,
    valueAt: 0,
    errors: 0,
    problems: [],
    gid: 1,
    rev: 0,
    msg: '',
    references: [],
    metadata: [],
    noalert: false,
    seen: new Set(),
    buffer: 'payload',
    group: 0,
    dotprefix: false,
    transforms: undefined,
    parts: [],
    variables: new Set(),
    ipProtoOperators: '',
  };
}

/** Reports an error at an offset of the line; the rule is not used. */
export function fail(draft: Draft, at: number, cause: string, remedy: string): undefined {
  draft.errors++;
  report(draft, 'error', at, cause, remedy);
  return undefined;
}

/** Reports an error at the value of the keyword being parsed. */
export function failValue(draft: Draft, cause: string, remedy: string): undefined {
  return fail(draft, draft.valueAt, cause, remedy);
}

/** Reports something that does not keep the rule from being used. */
export function warn(draft: Draft, at: number, cause: string, remedy: string): void {
  report(draft, 'warning', at, cause, remedy);
}

function report(draft: Draft, severity: 'error' | 'warning', at: number, cause: string, remedy: string): void {
  const keyword = draft.keyword === '' ? {} : { keyword: draft.keyword };
  draft.problems.push({ severity, ...positionOf(draft.line, at), ...keyword, cause, remedy });
}

/** Notes that the rule needs something that this engine does not do; the first reason stands. */
export function unsupported(draft: Draft, reason: string, keyword = draft.keyword, at = draft.keywordAt): undefined {
  draft.unsupported ??= { keyword, reason, at };
  return undefined;
}

/** Adds conditions on header fields under the keyword being parsed. */
export function addConditions(draft: Draft, conditions: readonly Condition[]): void {
  const position = positionOf(draft.line, draft.keywordAt);
  draft.parts.push({ kind: 'header', keyword: draft.keyword, position, conditions });
}
