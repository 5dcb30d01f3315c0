// SPDX-License-Identifier: Apache-2.0
// Whom a reject answers, of this packet.

import { type EventRecord, FlowBit } from '../../common/abi.gen.js';
import type { RejectSides } from '../../rules/index.js';

/** Who is answered in the end. */
export type Answered = Pick<RejectSides, 'source' | 'destination'>;

/** Of packets of a flow that was rejected before: whoever goes on. */
export const sender: Answered = { source: true, destination: false };

const TCP = 6;

/** As the kernel has it: the receiver of an established connection would wait for the rest of it. */
export function answeredBy({ source, destination, ends }: RejectSides, event: EventRecord): Answered {
  const established = event.proto === TCP && (event.flowBits & FlowBit.FLOWBIT_ESTABLISHED) !== 0;
  return { source, destination: destination || (ends && established) };
}
