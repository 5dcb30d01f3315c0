// SPDX-License-Identifier: Apache-2.0
// The inspection depth: which payload is handed over, where in its direction it says that it lies, and what is not.

import t from 'tap';
import { BytesFlag, ControlFlag, EventType, L7Setting, Stat } from '../../common/abi.gen.js';
import { PayloadStream } from '../../engine/layer7/payload.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { Conversation } from './support/conversation.js';
import { TCP, udp } from './support/frames.js';
import { install, ringMemory, structure } from './support/http-rig.js';
import { setLayer7 } from './support/layer7-rig.js';
import { Rig, type SeenBytes } from './support/rig.js';

const when = { skip: whyUnprivileged() ?? false };
const rules = 'alert ip any any -> any any (msg:"x"; content:"evil"; sid:1; rev:1;)';

const openRig = (t: Parameters<typeof Rig.open>[0], depth: [number, number] = [8192, 8192]): Rig => {
  const rig = Rig.open(t, { sizes: { ids_events: 65536, ids_bulk: 1 << 22 } });
  rig.kernel.writeStructure(structure());
  rig.kernel.control.update({ flags: ControlFlag.CONTROL_UNLIMITED | ControlFlag.CONTROL_REDACT });
  install(rig, rules);
  setLayer7(rig, L7Setting.L7_HTTP | L7Setting.L7_TLS, { depth, shallow: [9] });
  return rig;
};

/** What a reader of the records has of one direction. */
function streamOf(
  seen: readonly { readonly bytes: readonly SeenBytes[] }[],
  side: 0 | 1,
): { text: string; last: boolean } {
  const stream = new PayloadStream({ used: 0, max: 1 << 20 });
  for (const { bytes } of seen) {
    for (const record of bytes) {
      if (record.event.type !== EventType.EVENT_PAYLOAD || record.event.direction !== side) continue;
      if (record.flags & BytesFlag.BYTES_LAST) stream.total = record.offset + record.bytes.length;
      stream.add(record.bytes, 0, record.bytes.length, record.offset);
    }
  }
  return { text: Buffer.from(stream.bytes).toString('latin1'), last: stream.last };
}

const cuts = (text: string, size: number): number[] =>
  Array.from({ length: Math.max(Math.ceil(text.length / size) - 1, 0) }, (_, i) => (i + 1) * size);

t.test('a stream that is no HTTP, up to the depth, in any order', when, async (t) => {
  const rig = openRig(t);
  const text = `\x01binary ${'0123456789'.repeat(1000)}`;
  for (const size of [1, 700, 1460, 20_000]) {
    const talk = Conversation.open(rig, { dport: 7 });
    const before = rig.kernel.stats()[Stat.PAYLOAD] ?? 0;
    const seen = [talk.send(0, Buffer.from(text, 'latin1'), cuts(text, size))];
    t.strictSame(streamOf(seen, 0), { text: text.slice(0, 8192), last: true }, `in segments of ${size}`);
    t.equal((rig.kernel.stats()[Stat.PAYLOAD] ?? 0) - before, 8192);
    const backwards = Conversation.open(rig, { dport: 7 });
    if (size < 700 || size > 10_000) continue;
    const first = cuts(text, size)[0] ?? 0;
    const pieces = [0, ...cuts(text, size)].map((from, i, all) => [from, all[i + 1] ?? text.length] as const);
    // The first one last: that it is no HTTP is not known before.
    const order = [...pieces.slice(1, 5).reverse(), pieces[0]!, ...pieces.slice(5)];
    const got = order.map(([from, to]) =>
      rig.send(backwards.frame(0, { at: from, payload: Buffer.from(text.slice(from, to), 'latin1') })),
    );
    t.ok(first > 0);
    t.equal(streamOf(got, 0).text, text.slice(0, 8192), `out of order, in segments of ${size}`);
  }
});

t.test('header sections are masked, bodies are as they were', when, async (t) => {
  const rig = openRig(t);
  const head = (body: string): string =>
    `POST /?token=S3CRET HTTP/1.1\r\nCookie: S3CRET\r\nContent-Length: ${body.length}\r\n\r\n`;
  const masked = (text: string): string => text.replaceAll(/S3CRET/g, '******');
  const body = 'a body with evil in it, and a S-3-C-R-E-T';
  const chunked = 'HTTP/1.1 200 OK\r\nSet-Cookie: S3CRET\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
  const client = head(body) + body + head('') + head(body) + body;
  const server = `${chunked}${chunked}HTTP/1.1 200 OK\r\n\r\nto the end`;
  for (const size of [1, 50, 333, 10_000]) {
    const talk = Conversation.open(rig, { dport: 80 });
    const seen: { readonly bytes: readonly SeenBytes[] }[] = [
      talk.send(0, Buffer.from(client), cuts(client, size)),
      talk.send(1, Buffer.from(server), cuts(server, size)),
    ];
    t.equal(streamOf(seen, 0).text, masked(client), `client, in segments of ${size}`);
    t.equal(streamOf(seen, 1).text, masked(server), `server, in segments of ${size}`);
    seen.push(rig.send(talk.frame(0, { flags: TCP.FIN | TCP.ACK })));
    t.ok(streamOf(seen, 0).last, 'ended');
  }
  // What is sent again, or comes before its time, could be a part of a section.
  const talk = Conversation.open(rig, { dport: 80 });
  const bytes = Buffer.from(client);
  for (const [from, to] of [
    [20, 60],
    [10, 30],
    [0, 40],
    [0, bytes.length],
    [0, 60],
    [5, 50],
  ] as const) {
    rig.push(talk.frame(0, { at: from, payload: bytes.subarray(from, to) }));
  }
  t.notMatch(ringMemory(rig), /S3CRET/);
});

t.test('only where rules look, and not at ports that are shallow', when, async (t) => {
  const rig = openRig(t, [8192, 0]);
  const send = (dport: number, side: 0 | 1): number => {
    const talk = Conversation.open(rig, { dport });
    return talk.send(side, Buffer.from('\x01x')).bytes.length;
  };
  t.strictSame([send(7, 0), send(7, 1), send(9, 0)], [1, 0, 0]);
  install(rig, 'alert tcp any any -> any 99 (msg:"x"; content:"evil"; sid:1; rev:1;)');
  t.strictSame([send(7, 0), send(99, 0)], [0, 1]);
});

t.test('datagrams', when, async (t) => {
  const rig = openRig(t, [100, 100]);
  const frame = udp({ src: '192.0.2.1', dst: '198.51.100.2', sport: 4000, dport: 4001, payload: 'x'.repeat(60) });
  const got = [1, 2, 3].map(() => rig.send(frame).bytes.map(({ flags, bytes }) => [flags, bytes.length]));
  t.strictSame(got, [[[BytesFlag.BYTES_PACKET, 60]], [[BytesFlag.BYTES_PACKET, 40]], []]);
});

t.test('what lies beyond the depth is counted, on the fast way too', when, async (t) => {
  const rig = openRig(t, [1000, 0]);
  const count = (stat: Stat): number => rig.kernel.stats()[stat] ?? 0;
  const counted = (send: () => void): number => {
    const before = count(Stat.UNINSPECTED);
    send();
    return count(Stat.UNINSPECTED) - before;
  };
  const talk = Conversation.open(rig, { dport: 7 });
  const text = Buffer.from(`\x01${'x'.repeat(9999)}`);
  const send = (side: 0 | 1 = 0): number => counted(() => talk.send(side, text, cuts(text.toString(), 700)));
  t.equal(send(), 9000, 'behind the first 1,000 bytes');
  const fast = count(Stat.FAST);
  t.equal(send(), 10_000);
  t.equal(count(Stat.FAST) - fast, 15, 'every segment of it has gone the fast way');
  t.equal(send(1), 10_000, 'a direction of which nothing is handed over');
  const shallow = Conversation.open(rig, { dport: 9 });
  t.equal(
    counted(() => shallow.send(0, text)),
    10_000,
    'a port of which nothing is handed over',
  );
  const web = Conversation.open(rig, { dport: 80 });
  const post = `POST / HTTP/1.1\r\nContent-Length: 2000\r\n\r\n${'x'.repeat(2000)}`;
  t.equal(
    counted(() => web.send(0, Buffer.from(post.repeat(5)), [50, 3000])),
    post.length * 5 - 1000,
    'heads and bodies',
  );
  const datagram = udp({ src: '192.0.2.1', dst: '198.51.100.2', sport: 4000, dport: 4001, payload: 'x'.repeat(600) });
  t.strictSame(
    [1, 2, 3].map(() => counted(() => rig.push(datagram))),
    [0, 200, 600],
  );
  install(rig, 'alert tcp any any -> any 99 (msg:"x"; content:"evil"; sid:1; rev:1;)');
  t.equal(send(), 0, 'nobody looks into it any more');
  install(rig, rules);
  t.equal(send(), 10_000, 'and again');
});
