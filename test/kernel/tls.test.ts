// SPDX-License-Identifier: Apache-2.0
// Hellos of TLS: which bytes are handed over, once, however they come; and rules on the server name.

import t from 'tap';
import { BytesFlag, L7Setting, Region } from '../../common/abi.gen.js';
import { parseTlsFlight } from '../../engine/layer7/tls-records.js';
import { tlsFields } from '../../engine/layer7/tls.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { alpnExtension, handshake, hello, records, selfSigned, session, sniExtension } from '../helpers/tls-bytes.js';
import { Conversation, type Ends } from './support/conversation.js';
import { install, sharedRig } from './support/http-rig.js';
import { setLayer7, wantEnding } from './support/layer7-rig.js';
import type { Rig, SeenBytes } from './support/rig.js';

const when = { skip: whyUnprivileged() ?? false };
const LOGGED = L7Setting.L7_TLS | L7Setting.L7_LOG_TLS;

const shared = sharedRig(t, when.skip);
const rigWith = (flags: number = LOGGED): Rig => shared(flags);
const sniOf = (bytes: Uint8Array): string => Buffer.from(parseTlsFlight(bytes).client?.sni ?? []).toString();
const named = (name: string): Buffer => hello({ extensions: [alpnExtension('h2'), sniExtension(name)] });

t.test('a ClientHello is handed over once, split at every byte, in any records, on any port', when, async (t) => {
  const rig = rigWith();
  const whole = records(named('split.example'));
  for (let cut = 0; cut < whole.length; cut++) {
    const { bytes: carried } = Conversation.open(rig, { dport: 1 + cut }).send(0, whole, [cut]);
    if (carried.length !== 1 || !carried[0]?.bytes.equals(whole)) t.fail(`cut at ${cut}: ${carried.length}`);
  }
  for (const size of [1, 2, 3, 7, 60, 100]) {
    const cut = records(named('records.example'), size);
    for (const cuts of [[], [1], [Math.floor(cut.length / 2)], Array.from(cut, (_, i) => i)]) {
      const carried = Conversation.open(rig).send(0, cut, cuts).bytes;
      t.strictSame([carried.length, sniOf(carried[0]?.bytes ?? Buffer.alloc(0))], [1, 'records.example'], `${size}`);
      t.equal(carried[0]?.flags, BytesFlag.BYTES_LOGGED);
    }
  }
  const talk = Conversation.open(rig);
  talk.send(0, whole);
  t.strictSame(talk.send(0, whole).bytes, [], 'one hello a direction');
});

t.test('sessions of Node, both sides, certificates as far as they are readable', when, async (t) => {
  const rig = rigWith();
  const pair = selfSigned('/CN=server.example');
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const real = await session(pair, { servername: 'real.example', maxVersion });
    for (const cuts of [[], [3, 200], Array.from(real.server, (_, i) => i).slice(1, 1400)]) {
      const talk = Conversation.open(rig);
      const [client, ...more] = talk.send(0, real.client).bytes;
      const [server, ...again] = talk.send(1, real.server, cuts).bytes;
      t.strictSame([more.length, again.length], [0, 0]);
      const of = (record?: SeenBytes): ReturnType<typeof parseTlsFlight> =>
        parseTlsFlight(record?.bytes ?? Buffer.alloc(0));
      const fields = tlsFields(of(client), of(server));
      t.match(fields, { sni: 'real.example', version: maxVersion === 'TLSv1.2' ? 0x0303 : 0x0304 }, maxVersion);
      t.equal(fields.certificate?.subject, maxVersion === 'TLSv1.2' ? 'CN=server.example' : undefined);
      t.strictSame([client?.event.direction, server?.event.direction], [0, 1]);
    }
  }
});

t.test('what is no hello, and what is not wanted', when, async (t) => {
  const rig = rigWith();
  const tries: Record<string, Uint8Array> = {
    'a record of another kind': records(named('x'), 16_384, 23),
    'another version': records(named('x'), 16_384, 22, 0x0505),
    'a message that is no hello': records(handshake(4, Buffer.alloc(40))),
    'an empty record': Buffer.concat([records(Buffer.of(1)).subarray(0, 4), Buffer.of(0, 1)]),
    text: Buffer.from('GET / HTTP/1.0\r\n\r\n'),
  };
  for (const [name, bytes] of Object.entries(tries))
    t.strictSame(Conversation.open(rig).send(0, bytes).bytes, [], name);
  const cut = records(named('cut.example')).subarray(0, 60);
  t.strictSame(Conversation.open(rig).send(0, cut).bytes, [], 'still waiting');
  setLayer7(rig, L7Setting.L7_TLS);
  rig.settle();
  const seen = rig.send(Conversation.open(rig).frame(0, { payload: records(named('x')) }));
  t.strictSame([seen.bytes, seen.stats['TLS']], [[], 1], 'counted, not wanted');
  setLayer7(rig, L7Setting.L7_TLS | L7Setting.L7_ALL_HELLOS);
  t.equal(Conversation.open(rig).send(0, records(named('x'))).bytes[0]?.flags, BytesFlag.BYTES_WANTED);
  setLayer7(rig, 0);
  rig.settle();
  const off = rig.send(Conversation.open(rig).frame(0, { payload: records(named('x')) }));
  t.equal(off.stats['TLS'], undefined, 'turned off');
});

t.test('a literal in the server name makes the engine see the hello', when, async (t) => {
  const rig = rigWith(L7Setting.L7_TLS);
  wantEnding(rig, Region.SNI, 'evil.example');
  const wanted = (message: Buffer, size = 16_384, cuts: readonly number[] = []): number[] =>
    Conversation.open(rig)
      .send(0, records(message, size), cuts)
      .bytes.map(({ flags }) => flags);
  t.strictSame(wanted(named('www.good.example')), []);
  t.strictSame(wanted(named('evil.example.org')), []);
  const evil = named('www.Evil.example');
  for (let cut = 0; cut < records(evil).length; cut++)
    if (wanted(evil, 16_384, [cut])[0] !== BytesFlag.BYTES_WANTED) t.fail(`cut at ${cut}`);
  for (let size = 1; size < evil.length; size++)
    if (wanted(evil, size)[0] !== BytesFlag.BYTES_WANTED) t.fail(`records of ${size}`);
  const padded = hello({ extensions: [[21, Buffer.alloc(9000)], sniExtension('evil.example')] });
  for (const size of [8000, 16_384])
    t.strictSame(wanted(padded, size), [BytesFlag.BYTES_WANTED], `behind 9,000 bytes, records of ${size}`);
});

t.test('a drop rule on the server name acts on the packet that completes it', when, async (t) => {
  const rig = rigWith(L7Setting.L7_TLS);
  install(rig, 'drop tls any any -> any any (msg:"x"; tls.sni; content:"evil.example"; nocase; endswith; sid:1;)');
  const verdicts = (message: Buffer, size = 16_384, cuts: readonly number[] = [], ends: Ends = {}): readonly number[] =>
    Conversation.open(rig, ends).send(0, records(message, size), cuts).verdicts;
  t.strictSame(verdicts(named('www.Evil.example')), [1]);
  const [told] = Conversation.open(rig).send(0, records(named('evil.example'), 9)).bytes;
  t.equal(told?.flags, BytesFlag.BYTES_DECIDED, 'the engine is told');
  t.strictSame(verdicts(named('www.good.example')), [2]);
  t.strictSame(verdicts(named('evil.example.org')), [2]);
  t.strictSame(
    verdicts(named('evil.example'), 16_384, [], { dport: 8080, client: '2001:db8::1', server: '2001:db8::2' }),
    [1],
  );
  const message = named('a.evil.example');
  for (let cut = 1; cut < records(message).length; cut++) {
    const [first, last] = verdicts(message, 16_384, [cut]);
    if (first !== 2 || last !== 1) t.fail(`cut at ${cut}: ${first} ${last}`);
  }
  for (const size of [1, 3, 20]) t.equal(verdicts(message, size).at(-1), 1, `records of ${size}`);
});
