// SPDX-License-Identifier: Apache-2.0
// A bench whose kernel another one has had is as new.

import t from 'tap';
import { whyUnprivileged } from '../helpers/privileged.js';
import { contents } from './support/bench-pool.js';
import { fragments } from './support/fragments.js';
import { tcp } from './support/frames.js';
import { install, openHttpRig, segment } from './support/http-rig.js';
import { allow, block, cut, setFlags } from './support/rules.js';
import { Talk } from './support/talk.js';

t.test('every table is as it was made', { skip: whyUnprivileged() ?? false }, async (t) => {
  const owner = { teardown: (): void => undefined };
  const first = openHttpRig(owner);
  const asMade = contents(first.kernel);
  block(first, '203.0.113.0/24', { origin: 3 });
  block(first, '2001:db8:e::/48');
  allow(first, '192.0.2.77/32', 'ALLOW_OPERATOR');
  const ends = [
    ['192.0.2.9', 80],
    ['198.51.100.2', 999],
  ] as const;
  cut(first, [[...ends[0]], [...ends[1]]], 6);
  setFlags(first, 'CONTROL_CUTS');
  first.kernel.control.update({ sourceRate: 10, ruleRate: 10, blockedRate: 10 });
  const set = 'detection_filter: track by_src, count 2, seconds 60, unique_on dst_port';
  const pattern = 'alert http any any -> any any (msg:"p"; http.user_agent; content:"evil"; sid:2;)';
  install(first, `alert tcp any any -> [10.0.0.0/8] any (msg:"t"; ${set}; sid:1;)\n${pattern}`);
  const talk = new Talk();
  const whole = { src: '192.0.2.1', dst: '10.0.0.2', proto: 17, bytes: new Uint8Array(100) };
  for (const frame of [
    ...[1, 2, 3, 4].map((dport) => tcp({ src: '192.0.2.1', dst: '10.0.0.1', dport })),
    tcp({ src: '203.0.113.5', dst: '10.0.0.1' }),
    tcp({ src: '2001:db8:e::1', dst: '2001:db8::1' }),
    tcp({ src: '192.0.2.77', dst: '10.0.0.1' }),
    ...fragments(whole, [48]).slice(0, 1),
    ...talk.handshake(),
    talk.up({ payload: 'GET / HTTP/1.1\r\nUser-Agent: evil\r\nCoo' }),
    segment('GET / HTTP/1.1\r\nCookie: a=b\r\n\r\n'),
  ])
    first.push(frame);
  const used = Object.keys(contents(first.kernel));
  t.ok(used.length > 30, `${used.length} tables are in use: ${used.join(' ')}`);
  const { kernel } = first;
  first.close();
  const second = openHttpRig(t);
  t.equal(second.kernel, kernel, 'it is the same kernel');
  t.same(contents(second.kernel), asMade);
  t.same(second.drain().events, []);
  t.same(second.send(segment('GET / HTTP/1.1\r\nCookie: a=b\r\n\r\n')).http.length, 1);
});
