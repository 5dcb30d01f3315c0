// SPDX-License-Identifier: Apache-2.0
// Rules that name an application protocol and look into nothing: every packet of such a flow, from the one on that shows it.

import t from 'tap';
import { L7Setting } from '../../common/abi.gen.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { udp } from './support/frames.js';
import { setLayer7 } from './support/layer7-rig.js';
import { Rig } from './support/rig.js';
import { install, setFlags, sidsOf } from './support/rules.js';
import { Talk } from './support/talk.js';

const skip = whyUnprivileged() ?? false;
const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
// A query for "a".
const query = Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0x61, 0, 0, 1, 0, 1);

function bench(t: Parameters<typeof Rig.open>[0], ...rules: readonly string[]): (frame: Uint8Array) => string {
  const rig = Rig.open(t);
  setFlags(rig, 'CONTROL_UNLIMITED', 'CONTROL_FLOW_DROPS');
  setLayer7(rig, L7Setting.L7_HTTP | L7Setting.L7_TLS | L7Setting.L7_DNS);
  const sid = sidsOf(install(rig, rules));
  return (frame) => {
    const { verdict, events, reasons } = rig.send(frame);
    return [
      verdict === 1 ? Object.keys(reasons).join() : 'pass',
      ...events.flatMap(({ rule }) => sid(rule) ?? []),
    ].join(' ');
  };
}

t.test('each packet, and no flow of another kind', { skip }, async (t) => {
  const send = bench(
    t,
    'alert http any any -> any any (sid:1;)',
    'alert http any any -> any any (flow:to_client; sid:2;)',
    'alert tls any any -> any any (sid:3;)',
    'alert dns any any -> any any (sid:4;)',
    'alert http any any -> any 8080 (sid:5;)',
    'alert tcp any any -> any any (flags:S; sid:6;)',
  );
  const talk = new Talk();
  t.same(talk.handshake().map(send), ['pass 6', 'pass', 'pass'], 'nothing is known yet');
  t.equal(send(talk.up({ payload: request })), 'pass 1', 'the one that shows it');
  t.equal(send(talk.down()), 'pass 1 2', 'a bare acknowledgement');
  t.equal(send(talk.up({ payload: 'x' })), 'pass 1');
  const ends = { src: '192.0.2.1', dst: '10.0.0.1', sport: 5353, dport: 53 };
  t.equal(send(udp({ ...ends, payload: query })), 'pass 4');
  t.equal(send(udp({ ...ends, payload: query })), 'pass 4');
  t.equal(send(udp({ ...ends, sport: 5354, dport: 123, payload: 'no name' })), 'pass');
});

t.test('a drop falls on that packet and on the rest of its flow', { skip }, async (t) => {
  const send = bench(t, 'alert http any any -> any any (sid:1;)', 'drop http any any -> any any (sid:2;)');
  const talk = new Talk();
  for (const frame of talk.handshake()) t.equal(send(frame), 'pass');
  t.equal(send(talk.up({ payload: request })), 'RULE_DROP 2 1', 'all that match alert');
  t.equal(send(talk.down()), 'FLOW_DROP');
});

t.test('a threshold counts packets', { skip }, async (t) => {
  const send = bench(t, 'drop http any any -> any any (detection_filter:track by_both, count 2, seconds 60; sid:1;)');
  const talk = new Talk();
  for (const frame of talk.handshake()) send(frame);
  const seen = [talk.up({ payload: request }), talk.down(), talk.up(), talk.up()].map(send);
  t.same(seen, ['pass', 'pass', 'RULE_DROP 1', 'FLOW_DROP']);
});
