// SPDX-License-Identifier: Apache-2.0
// Sections that are never completed: when they are handed over, as what, and what of them is masked.

import t from 'tap';
import { App, BytesFlag, ControlFlag, EventType, HttpFlag, L7Setting, Stat } from '../../common/abi.gen.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { TCP } from './support/frames.js';
import { install, structure } from './support/http-rig.js';
import { setLayer7 } from './support/layer7-rig.js';
import { Rig, type Seen } from './support/rig.js';
import { Talk } from './support/talk.js';

const when = { skip: whyUnprivileged() ?? false };
const HEAD = 'GET /x?token=S3CRET HTTP/1.1\r\nCookie: S3CRET\r\nUser-Agent: evil';

const openRig = (t: Parameters<typeof Rig.open>[0], flags = 0): Rig => {
  const rig = Rig.open(t, { unfinished: true, sizes: { ids_events: 65536, ids_bulk: 1 << 22 } });
  rig.kernel.writeStructure(structure());
  rig.kernel.control.update({ flags: ControlFlag.CONTROL_UNLIMITED | flags });
  setLayer7(rig, L7Setting.L7_HTTP | L7Setting.L7_TLS | L7Setting.L7_LOG_HTTP, { depth: [8192, 8192] });
  return rig;
};

/** A connection that has sent these bytes. */
function begun(rig: Rig, cport: number, ...parts: readonly string[]): Talk {
  const talk = new Talk({ cport });
  for (const frame of talk.handshake()) rig.push(frame);
  for (const part of parts) rig.push(talk.up({ payload: Buffer.from(part) }));
  rig.settle();
  return talk;
}

type Records = Pick<Seen, 'http' | 'bytes'>;

function handedOver(rig: Rig, all = false): Records {
  rig.kernel.control.setClock(rig.now, 99);
  rig.kernel.handOverUnfinished(all);
  return rig.drain();
}

const heads = ({ http }: Records): string[] => http.map(({ section }) => Buffer.from(section).toString('latin1'));

t.test('a head waits until its flow has timed out, and no longer', when, async (t) => {
  const rig = openRig(t, ControlFlag.CONTROL_REDACT);
  const talk = begun(rig, 1, HEAD.slice(0, 20), HEAD.slice(20));
  t.same(heads(handedOver(rig)), [], 'it may go on');
  rig.advance(590);
  t.same(heads(handedOver(rig)), []);
  rig.advance(12);
  const seen = handedOver(rig);
  t.same(heads(seen), [HEAD.replaceAll('S3CRET', '******')], 'masked');
  const [{ record } = {}] = seen.http;
  t.ok((record?.flags ?? 0) & HttpFlag.HTTP_TRUNCATED, 'and flagged');
  t.match(record?.event, { app: App.HTTP, direction: 0, packet: 99, proto: 6, tcpFlags: 0, frameLen: 0 });
  t.same(heads(handedOver(rig, true)), [], 'once');
  t.notOk(rig.send(talk.up()).stats['SECTIONS_WITHHELD'], 'nothing was withheld');
});

t.test('a reset ends the wait sooner', when, async (t) => {
  const rig = openRig(t);
  const talk = begun(rig, 1, HEAD);
  rig.push(talk.rst('up'));
  t.same(heads(handedOver(rig)), [], 'one that is no more than seen here may be forged');
  rig.advance(61);
  t.same(heads(handedOver(rig)), [HEAD]);
});

t.test('a flow that goes on behind a reset loses nothing', when, async (t) => {
  const rig = openRig(t);
  const talk = begun(rig, 1, HEAD);
  rig.push(talk.rst('up'));
  handedOver(rig);
  t.same(heads(rig.send(talk.up({ payload: Buffer.from('\r\n\r\n') }))), [`${HEAD}\r\n\r\n`]);
  t.same(heads(handedOver(rig, true)), []);
});

t.test('a FIN ends it at once', when, async (t) => {
  const rig = openRig(t);
  const talk = begun(rig, 1, HEAD);
  const seen = rig.send(talk.up({ flags: TCP.FIN | TCP.ACK }));
  t.same(heads(seen), [HEAD]);
  t.ok((seen.http[0]?.record.flags ?? 0) & HttpFlag.HTTP_TRUNCATED);
  t.same(heads(handedOver(rig, true)), []);
});

t.test('a FIN that is not behind it ends nothing', when, async (t) => {
  const rig = openRig(t);
  const talk = begun(rig, 1, HEAD);
  for (const seq of [1001, 1001 + HEAD.length - 1, 1001 + HEAD.length + 1]) {
    t.same(heads(rig.send(talk.up({ flags: TCP.FIN | TCP.ACK, seq }))), [], `at ${seq}`);
  }
  t.same(heads(rig.send(talk.up({ seq: 1001 + HEAD.length, payload: Buffer.from('\r\n\r\n') }))), [`${HEAD}\r\n\r\n`]);
});

t.test('where values are masked, what could be a request line is one', when, async (t) => {
  const line = 'GETX /x?token=S3CRET&b=2 HTTP/';
  for (const ends of ['FIN', 'time'] as const) {
    const rig = openRig(t, ControlFlag.CONTROL_REDACT);
    const talk = begun(rig, 1, line);
    if (ends === 'time') rig.advance(602);
    const seen = ends === 'FIN' ? rig.send(talk.up({ flags: TCP.FIN | TCP.ACK })) : handedOver(rig);
    t.same(heads(seen), [line.replace('S3CRET', '******')], ends);
    t.ok((seen.http[0]?.record.flags ?? 0) & HttpFlag.HTTP_TRUNCATED);
    t.notOk(
      seen.bytes.some(({ bytes }) => Buffer.from(bytes).includes('S3CRET')),
      'nor does its payload tell it',
    );
  }
  const open = openRig(t);
  const talk = begun(open, 1, line);
  const seen = open.send(talk.up({ flags: TCP.FIN | TCP.ACK }));
  t.same(heads(seen), [], 'nothing to hide: it is no request');
});

t.test('of all flows, when no packet comes any more', when, async (t) => {
  const rig = openRig(t);
  const count = 300;
  const before = rig.kernel.stats()[Stat.SECTIONS_WITHHELD] ?? 0;
  for (let i = 0; i < count; i++) begun(rig, 1000 + i, `${HEAD}${i}`);
  const got: string[] = [];
  for (let i = 0; i < 512 / 32; i++) got.push(...heads(handedOver(rig, true)));
  const lost = (rig.kernel.stats()[Stat.SECTIONS_WITHHELD] ?? 0) - before;
  t.equal(new Set(got).size, got.length, 'each once');
  t.equal(got.length + lost, count, 'those that found no window were counted');
  t.ok(got.length > 200, `${got.length} had one`);
});

t.test('first bytes that could begin a message are seen with the packet that brought them', when, async (t) => {
  const rules = 'alert tcp any any -> any any (msg:"x"; content:"evil"; sid:1; rev:1;)';
  const payload = (seen: Records): string[] =>
    seen.bytes
      .filter(({ event, flags }) => event.type === EventType.EVENT_PAYLOAD && !(flags & BytesFlag.BYTES_LAST))
      .map(({ bytes, offset }) => `${offset} ${bytes.toString('latin1')}`);
  for (const redact of [0, ControlFlag.CONTROL_REDACT]) {
    const rig = openRig(t, redact);
    install(rig, rules);
    const talk = begun(rig, 1);
    const up = (text: string): string[] => payload(rig.send(talk.up({ payload: Buffer.from(text) })));
    t.same([up('evi'), up('l')], [['0 evi'], ['3 l']], 'no blank: no value of a header');
    t.same(up(' /?token=S3CRET'), redact ? [] : ['4  /?token=S3CRET'], 'what may have to be masked waits');
    const rest = payload(handedOver(rig, true));
    t.same(rest, redact ? ['0 evil /?token=******'] : [], 'and if it is never told what it is, it is masked');
  }
});
