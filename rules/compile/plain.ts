// SPDX-License-Identifier: Apache-2.0
// Which rules a plain data packet could meet: TCP with ACK or ACK and PSH, no options but time stamps, no fragment, at
// most one VLAN tag, of an established flow. If none of a flow's is among them, its data packets go the kernel's fast way.

import { Field, FlowBit, FlowState, Tcpopt } from '../../common/abi.gen.js';
import type { Condition } from '../ast.js';
import { holds } from './conditions.js';
import type { Entry } from './entries.js';
import { setBit, VECTOR_HALVES, type VectorPool } from './vectors.js';

const ACK = 16;
const PSH = 8;
const IP_PROTO_TCP = 6;
const { FLOWBIT_TRACKED, FLOWBIT_ESTABLISHED, FLOWBIT_TO_SERVER, FLOWBIT_TO_CLIENT } = FlowBit;
const OF_FLOW = FLOWBIT_TRACKED | FLOWBIT_ESTABLISHED;

/** Every value that a field of such a packet can have; none if it never has the field. Others can have any. */
const possible: ReadonlyMap<number, readonly number[]> = new Map([
  [Field.IP_VERSION, [4, 6]],
  [Field.FRAGBITS, [0, 2]],
  [Field.FRAGOFFSET, [0]],
  [Field.IPOPTS, [0]],
  [Field.IP_PROTO, [IP_PROTO_TCP]],
  [Field.TCP_FLAGS, [ACK, ACK | PSH]],
  [Field.ICMP_TYPE, []],
  [Field.ICMP_CODE, []],
  [Field.DECODE0, [0]],
  [Field.DECODE1, [0]],
  [Field.TCP_RES, [0]],
  [Field.TCP_OPTS, [0, Tcpopt.TIMESTAMP]],
  [Field.TCP_MSS, []],
  [Field.TCP_WSCALE, []],
  [Field.ICMP_ID, []],
  [Field.ICMP_SEQ, []],
  [Field.ICMP_MTU, []],
  [Field.DECODE2, [0]],
  [Field.VLAN_LAYERS, [0, 1]],
  [Field.VLAN_ID1, []],
  [Field.FRAGMENT, [0]],
  [Field.STREAM, [FlowState.FLOW_ESTABLISHED]],
  [Field.FLOW, [OF_FLOW | FLOWBIT_TO_SERVER, OF_FLOW | FLOWBIT_TO_CLIENT]],
]);

/** A condition on what the flow was recognised as: it can be anything. */
const ofApp = ({ field, mask }: Condition): boolean => field === Field.FLOW && mask === FlowBit.FLOWBIT_APP;

function couldHold(condition: Condition): boolean {
  const values = possible.get(condition.field);
  if (values === undefined || ofApp(condition) || values.some((value) => holds(condition, value))) return true;
  return condition.or !== undefined && couldHold(condition.or);
}

/** True if each condition by itself could hold. */
export function couldBePlain({ conditions }: Entry): boolean {
  return conditions.every(couldHold);
}

/** The number of the vector of these rules. */
export function compilePlain(entries: readonly Entry[], pool: VectorPool): number {
  const vector = new Uint32Array(VECTOR_HALVES);
  entries.forEach((entry, position) => {
    if (couldBePlain(entry)) setBit(vector, position);
  });
  return pool.intern(vector);
}
