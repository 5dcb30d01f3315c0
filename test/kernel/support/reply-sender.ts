// SPDX-License-Identifier: Apache-2.0
// Answers one UDP packet, which an event describes, from a raw socket.
//   reply-sender.js SOURCE SPORT DESTINATION DPORT

import { EventFlag, EventLayout, readEvent } from '../../../common/abi.gen.js';
import { parseAddress } from '../../../common/address.js';
import { RawReply } from '../../../engine/bpf/index.js';

const [source = '', sport = '', destination = '', dport = ''] = process.argv.slice(2);
const bytes = new Uint8Array(EventLayout.SIZE);
bytes.set(parseAddress(source), EventLayout.saddr);
bytes.set(parseAddress(destination), EventLayout.daddr);
const view = new DataView(bytes.buffer);
const six = source.includes(':');
const event = {
  ...readEvent(view),
  ...{ proto: 17, ipVersion: six ? 6 : 4, flags: EventFlag.EVENT_L4, ttl: 64 },
  ...{ sport: Number(sport), dport: Number(dport), ipLen: six ? 48 : 28, payloadLen: 0 },
};
const reply = RawReply.open();
if (!reply.send(view, event)) process.exitCode = 1;
reply.close();
