// SPDX-License-Identifier: Apache-2.0
// QUIC on any port: what is taken for it, once a flow, and what other UDP is not.

import t from 'tap';
import { L7Setting } from '../../common/abi.gen.js';
import { FlowMemory } from '../../engine/bpf/index.js';
import { flowLine } from '../../engine/flows/flow-line.js';
import { FlowTable } from '../../engine/flows/flow-table.js';
import { query } from '../helpers/dns-bytes.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { udp } from './support/frames.js';
import { install } from './support/http-rig.js';
import { setLayer7 } from './support/layer7-rig.js';
import { Rig } from './support/rig.js';

const when = { skip: whyUnprivileged() ?? false };
const [V1, V2, DRAFT, GREASE] = [1, 0x6b3343cf, 0xff00001d, 0x1a2a3a4a];

/** A datagram that begins with a long header; `ids` are the lengths of both connection ids. */
function long(first: number, version: number, ids: readonly [number, number], size: number): Uint8Array {
  const head = Buffer.alloc(5, first);
  head.writeUInt32BE(version, 1);
  const parts = [head, ...ids.map((length) => Buffer.from([length, ...Buffer.alloc(length & 31, 0xab)]))];
  const all = Buffer.concat(parts);
  return Buffer.concat([all, Buffer.alloc(Math.max(0, size - all.length), 0x5c)]);
}

/** What a server that does not know the client's version says. */
const offer = (versions: readonly number[], first = 0xca, ids: readonly [number, number] = [8, 8]): Uint8Array => {
  const list = Buffer.alloc(versions.length * 4);
  versions.forEach((version, i) => list.writeUInt32BE(version >>> 0, i * 4));
  return Buffer.concat([long(first, 0, ids, 0), list]);
};

const quic: Record<string, Uint8Array> = {
  'version 1': long(0xc3, V1, [8, 0], 1200),
  'ids as long as they may be': long(0xc0, V1, [20, 20], 1252),
  'the Initial of a server whose client has no id': long(0xcf, V1, [0, 8], 1200),
  'several buffers': long(0xc3, V1, [8, 8], 9000),
  'version 2': long(0xd3, V2, [8, 8], 1200),
  'a draft': long(0xc3, DRAFT, [8, 8], 1200),
  'an offer of other versions': offer([V1]),
  'an offer whose first is no version': offer([GREASE, 0x51303530]),
  'an offer whose last counts': offer([0x51303530, 0x51303436, 0x51303433, V2]),
};

const others: Record<string, Uint8Array> = {
  'a short header': long(0x43, V1, [8, 8], 1200),
  'without the fixed bit': long(0x83, V1, [8, 8], 1200),
  'an unknown version': long(0xc3, 0x51303530, [8, 8], 1200),
  'an Initial in a datagram that is too short': long(0xc3, V1, [8, 8], 1199),
  'a Handshake packet of version 1': long(0xe3, V1, [8, 8], 1200),
  'an Initial by the number that it has in version 1': long(0xc3, V2, [8, 8], 1200),
  'a destination id that is too long': long(0xc3, V1, [21, 0], 1200),
  'a source id that is too long': long(0xc3, V1, [8, 21], 1200),
  'an offer of nothing': offer([]),
  'an offer of nothing known': offer([0x51303530, 0x12345678]),
  'an offer that is cut off': offer([V1]).subarray(0, -1),
  'audio that begins with zeros': offer([V1], 0x80),
  'one byte': Uint8Array.of(0xc3),
  'six bytes': Uint8Array.of(0xc3, 0, 0, 0, 1, 0),
  DNS: query('www.example.org'),
};

t.test('QUIC is recognised once a flow, on any port', when, async (t) => {
  const rig = Rig.open(t, { sizes: { ids_events: 65536 } });
  install(rig, 'drop udp any any -> any any (msg:"never"; content:"never"; sid:1; rev:1;)');
  setLayer7(rig, L7Setting.L7_HTTP, { ignored: [9] });
  const memory = FlowMemory.open(rig.kernel.flowHandle());
  t.teardown(() => memory.close());
  const table = new FlowTable(memory);
  let port = 10_000;
  const ends = { src: '192.0.2.1', dst: '198.51.100.2' };
  const seen = (payload: Uint8Array, part: Partial<Parameters<typeof udp>[0]> = {}): number =>
    rig.send(udp({ ...ends, sport: port, dport: 4433, ...part, payload })).stats['QUIC'] ?? 0;
  const back = { src: ends.dst, dst: ends.src, sport: 4433 };
  /** As a record of the flow tells it. */
  const protocol = (): unknown => {
    const flow = [...table.flows()].find(({ clientPort }) => clientPort === port);
    const context = { timeUs: () => 0, interfaceName: () => undefined };
    return flow && (JSON.parse(flowLine(flow, 'timeout', 0, false, context)) as { app_proto?: string }).app_proto;
  };
  for (const [name, payload] of Object.entries(quic)) {
    port++;
    t.strictSame([seen(payload), seen(payload), seen(payload, { ...back, dport: port })], [1, 0, 0], name);
    t.equal(protocol(), 'quic', name);
    for (const part of [{ src: '2001:db8::1', dst: '2001:db8::2' }, { vlan: [5] }])
      t.equal(seen(payload, part), 1, `${name}: ${JSON.stringify(part)}`);
    t.equal(seen(payload, { dport: 9 }), 0, `${name}: at a port that is left alone`);
  }
  for (const [name, payload] of Object.entries(others)) {
    port++;
    t.equal(seen(payload), 0, name);
    t.equal(protocol(), undefined, name);
  }
  const initial = long(0xc3, V1, [8, 0], 1200);
  port++;
  t.strictSame([seen(Buffer.from('x')), seen(Buffer.from('x')), seen(initial)], [0, 0, 1], 'behind other datagrams');
  port++;
  for (let n = 0; n < 8; n++) seen(Buffer.from('x'));
  t.equal(seen(initial), 0, 'but not for ever');
  for (let cut = 1; cut < 64; cut++) {
    port++;
    if (seen(initial.subarray(0, cut)) !== 0) t.fail(`cut off behind ${cut} bytes`);
  }
  setLayer7(rig, 0);
  port++;
  t.equal(seen(initial), 0, 'layer 7 is off');
});
