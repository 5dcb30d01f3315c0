// SPDX-License-Identifier: Apache-2.0
// Which flows are logged when they end, and how often long ones are in between.

import { covers, parsePrefix } from '../../common/address.js';
import { FlowEnd, FlowState } from '../../common/abi.gen.js';
import type { Flow } from './flow.js';

/** Plain data: the configuration, the CLI and the ring reader's thread hand it on. */
export interface FlowSelection {
  /** Only TCP connections that did not come about. */
  readonly failed?: boolean;
  /** Only with an address in one of these prefixes. */
  readonly net?: readonly string[];
  /** Only with this port of the server. */
  readonly port?: number;
  /** A flow that goes on is logged every so many seconds; 0 = only at its end. */
  readonly interval?: number;
}

const SYN = 2;

/** Why a TCP connection did not come about; undefined if it did, or if its beginning was not seen. */
export function failureOf(flow: Flow): 'refused' | 'unanswered' | 'half_open' | undefined {
  if (flow.proto !== 6 || flow.proven || (flow.toServer.tcpFlags & SYN) === 0) return undefined;
  if (flow.serverUs > 0 || flow.state === FlowState.FLOW_ANSWERED) return 'half_open';
  return flow.end === FlowEnd.RST ? 'refused' : 'unanswered';
}

/** A predicate for flows that a selection wants. */
export function flowFilter({ failed, net, port }: FlowSelection): (flow: Flow) => boolean {
  const prefixes = net?.map((text) => parsePrefix(text));
  const within = (bytes: Uint8Array): boolean =>
    prefixes === undefined || prefixes.some((prefix) => covers(prefix, { bytes, length: 128 }));
  return (flow) =>
    (port === undefined || flow.serverPort === port) &&
    (failed !== true || failureOf(flow) !== undefined) &&
    (within(flow.client) || within(flow.server));
}
