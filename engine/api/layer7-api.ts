// SPDX-License-Identifier: Apache-2.0
// Logging and figures of layer 7 on the control socket.

import type { FlowSelection } from '../flows/selection.js';
import type { HttpSelection } from '../layer7/selection.js';

/** `config`, or `cli` after `ids log` changed it. */
export type LogOrigin = 'config' | 'cli';

/** What is logged of HTTP. */
export interface HttpLog extends HttpSelection {
  readonly on: boolean;
  readonly origin: LogOrigin;
}

/** What is logged of flows. */
export interface FlowLogStatus extends FlowSelection {
  readonly on: boolean;
  readonly origin: LogOrigin;
}

export interface LogStatus {
  readonly http: HttpLog;
  readonly tls: { readonly on: boolean; readonly origin: LogOrigin };
  readonly dns: { readonly on: boolean; readonly origin: LogOrigin };
  readonly flow: FlowLogStatus;
  /** Outputs by the kind of lines that they take: without one nothing of the kind is written. */
  readonly outputs: readonly { readonly kind: string; readonly outputs: readonly string[] }[];
}

/** What is to change; `default`: as configured. */
export interface LogRequest {
  readonly http?: HttpSelection | 'off' | 'default';
  readonly tls?: boolean | 'default';
  readonly dns?: boolean | 'default';
  readonly flow?: FlowSelection | 'off' | 'default';
}

export const topBy = ['user_agent', 'host', 'path', 'status', 'method', 'header'] as const;
export type TopBy = (typeof topBy)[number];

export interface TopRequest {
  readonly by: TopBy;
  /** Of `header`: which one. */
  readonly header?: string;
  readonly limit: number;
}

/** Requests with one value. Latencies are microseconds, the upper bounds of powers of two. */
export interface TopRow {
  readonly value: string;
  readonly requests: number;
  readonly responses: number;
  /** Responses by hundreds. */
  readonly status: Readonly<Record<string, number>>;
  readonly latencyMeanUs?: number;
  readonly latencyP50Us?: number;
  readonly latencyP95Us?: number;
  readonly latencyP99Us?: number;
}

export interface Layer7Api {
  logStatus(): Promise<LogStatus>;
  /** @throws IdsError USAGE */
  changeLog(request: LogRequest): Promise<LogStatus>;
  /** The most requests first. @throws IdsError NOT_FOUND for a header that is not kept, and where nothing is counted */
  topHttp(request: TopRequest): Promise<readonly TopRow[]>;
  /** Begins to count anew. */
  resetTopHttp(): Promise<{ readonly reset: true }>;
}
