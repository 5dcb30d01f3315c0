// SPDX-License-Identifier: Apache-2.0
// Ring records as the programs write them, byte by byte.

import {
  EventFlag,
  EventLayout as E,
  EventType,
  HttpLayout,
  Limit,
  Reason,
  Verdict,
} from '../../../../../common/abi.gen.js';
import { parseAddress } from '../../../../../common/address.js';
import { PackedList } from '../../../../../common/packed-list.js';
import { compilePacked, unpackEngine, type RuleInfo } from '../../../../../rules/index.js';
import type { RuleProgram } from '../../../../../engine/judge/judge.js';

/** What differs from an alert about a TCP SYN of 192.0.2.1:40000 to 198.51.100.2:80 that passed. */
export interface EventFields {
  readonly time?: number;
  readonly packet?: number;
  readonly type?: number;
  readonly verdict?: number;
  readonly reason?: number;
  readonly flags?: number;
  readonly generation?: number;
  readonly rule?: number;
  readonly origin?: number;
  readonly src?: string;
  readonly dst?: string;
  readonly sport?: number;
  readonly dport?: number;
  readonly proto?: number;
  readonly vlan?: readonly number[];
  readonly count?: number;
  readonly flowBits?: number;
}

/** A record lies somewhere in the ring: not at its beginning. */
export const AT = 24;

/** An event record, with room for `more` bytes behind it. */
export function eventAt(fields: EventFields, more = 0): DataView {
  const view = new DataView(new ArrayBuffer(AT + E.SIZE + more));
  const bytes = new Uint8Array(view.buffer, AT);
  const { src = '192.0.2.1', dst = '198.51.100.2', vlan = [] } = fields;
  view.setBigUint64(AT + E.time, BigInt(fields.time ?? 5_000_000_000), true);
  view.setBigUint64(AT + E.packet, BigInt(fields.packet ?? 0), true);
  view.setUint8(AT + E.type, fields.type ?? EventType.EVENT_ALERT);
  view.setUint8(AT + E.verdict, fields.verdict ?? Verdict.PASS);
  view.setUint8(AT + E.reason, fields.reason ?? Reason.CLEAN);
  view.setUint8(AT + E.flags, fields.flags ?? EventFlag.EVENT_PORTS | EventFlag.EVENT_L4);
  view.setUint32(AT + E.generation, fields.generation ?? 1, true);
  view.setUint32(AT + E.ifindex, 7, true);
  view.setUint16(AT + E.rule, fields.rule ?? Limit.MAX_RULES, true);
  view.setUint16(AT + E.origin, fields.origin ?? 0, true);
  if (src !== '') bytes.set(parseAddress(src), E.saddr);
  if (dst !== '') bytes.set(parseAddress(dst), E.daddr);
  view.setUint16(AT + E.sport, fields.sport ?? 40_000);
  view.setUint16(AT + E.dport, fields.dport ?? 80);
  view.setUint8(AT + E.proto, fields.proto ?? 6);
  view.setUint8(AT + E.ipVersion, src.includes(':') ? 6 : 4);
  view.setUint8(AT + E.tcpFlags, 2);
  view.setUint8(AT + E.ttl, 63);
  view.setUint32(AT + E.frameLen, 74, true);
  view.setUint16(AT + E.ipLen, 60, true);
  view.setUint32(AT + E.seq, 0xfffffffe, true);
  view.setUint16(AT + E.window, 64_240, true);
  view.setUint8(AT + E.vlans, vlan.length);
  vlan.forEach((id, i) => view.setUint16(AT + E.vlan + 2 * i, id, true));
  view.setUint32(AT + E.count, fields.count ?? 0, true);
  view.setUint32(AT + E.flowBits, fields.flowBits ?? 0, true);
  return view;
}

/** A bulk record with a header section. */
export function httpAt(section: string, fields: EventFields = {}): DataView {
  const text = Buffer.from(section, 'latin1');
  const flags = (fields.flags ?? 0) | EventFlag.EVENT_PORTS | EventFlag.EVENT_L4;
  const view = eventAt({ ...fields, flags, type: EventType.EVENT_HTTP }, HttpLayout.SIZE - E.SIZE + text.length);
  view.setUint32(AT + HttpLayout.length, text.length, true);
  new Uint8Array(view.buffer).set(text, AT + HttpLayout.SIZE);
  return view;
}

/** Rules as the reader gets them. */
export function programOf(text: string, generation = 1): RuleProgram {
  const options = { addressVars: {}, portVars: {}, redact: [] };
  const { rules, engine, ...rest } = compilePacked([{ file: 'test.rules', text }], options);
  if (rest.problems.length > 0) throw new Error(rest.problems.map(({ cause }) => cause).join());
  return { ...rest, generation, rules: new PackedList<RuleInfo>(rules), engine: unpackEngine(engine) };
}
