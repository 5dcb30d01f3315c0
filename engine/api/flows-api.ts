// SPDX-License-Identifier: Apache-2.0
// Figures of flows on the control socket.

import type { FlowStateName } from '../flows/names.js';
import type { Times } from '../flows/times.js';

export const topFlowsBy = ['bytes', 'packets'] as const;
export type TopFlowsBy = (typeof topFlowsBy)[number];

export interface TopFlowsRequest {
  readonly by: TopFlowsBy;
  readonly limit: number;
}

interface Traffic {
  readonly packets: number;
  readonly bytes: number;
}

/** A flow that is there; bytes are those of frames. */
export interface FlowRow extends Traffic {
  readonly proto: string;
  readonly client: string;
  readonly clientPort: number;
  readonly server: string;
  readonly serverPort: number;
  readonly app?: string;
  readonly state: FlowStateName;
  readonly toServer: Traffic;
  readonly toClient: Traffic;
  readonly start: string;
  readonly last: string;
  readonly rttUs?: number;
}

export interface TalkerRow extends Traffic {
  readonly name: string;
  readonly flows: number;
}

/** Of the flows that are there: addresses of clients and of servers, and protocols with the servers' ports. */
export interface Talkers {
  readonly sources: readonly TalkerRow[];
  readonly destinations: readonly TalkerRow[];
  readonly ports: readonly TalkerRow[];
}

/** Counts since the programs were loaded, but `states`: of the flows that are there. */
export interface TcpStats {
  readonly states: Readonly<Record<FlowStateName, number>>;
  readonly handshakes: number;
  /** SYNs answered by a RST. */
  readonly refused: number;
  readonly unanswered: number;
  readonly halfOpen: number;
  /** Established flows that a RST ended. */
  readonly resets: number;
  readonly retransmissions: number;
  /** SYN to SYN-ACK. */
  readonly server: Times;
  /** SYN-ACK to ACK. */
  readonly network: Times;
  /** Data to its acknowledgement. */
  readonly rtt: Times;
}

export interface FlowsInUse {
  readonly used: number;
  readonly capacity: number;
  /** Packets that found no place for their flow. */
  readonly full: number;
  /** Half-open flows that gave way to others. */
  readonly evicted: number;
}

export interface FlowsApi {
  topFlows(request: TopFlowsRequest): Promise<readonly FlowRow[]>;
  topTalkers(request: TopFlowsRequest): Promise<Talkers>;
  tcpStats(): Promise<TcpStats>;
}
