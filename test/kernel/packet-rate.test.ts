// SPDX-License-Identifier: Apache-2.0
// Packets that are handed over whole are bounded by the second, and what is beyond is counted.

import t from 'tap';
import { BytesFlag, L7Setting, Stat } from '../../common/abi.gen.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { icmp } from './support/frames.js';
import { install, structure } from './support/http-rig.js';
import { setLayer7 } from './support/layer7-rig.js';
import { Rig } from './support/rig.js';
import { setFlags } from './support/rules.js';

const ping = icmp({ src: '192.0.2.1', dst: '10.0.0.1' });

t.test('a flood of packets that a rule wants whole', { skip: whyUnprivileged() ?? false }, (t) => {
  const rig = Rig.open(t, { sizes: { ids_bulk: 1 << 20 } });
  rig.kernel.control.update({ sourceRate: 1, ruleRate: 1, packetRate: 20 });
  install(rig, 'alert icmp any any -> any any (msg:"x"; itype:8; content:"evil"; sid:1;)');
  rig.kernel.writeStructure(structure());
  setLayer7(rig, L7Setting.L7_HTTP, { depth: [8192, 8192] });
  const handed = (packets: number): [seen: number, limited: number] => {
    const before = rig.kernel.stats()[Stat.PACKETS_LIMITED] ?? 0;
    rig.push(ping, { repeat: packets });
    const whole = rig.drain().bytes.filter(({ flags }) => (flags & BytesFlag.BYTES_HEADERS) !== 0);
    return [whole.length, (rig.kernel.stats()[Stat.PACKETS_LIMITED] ?? 0) - before];
  };
  t.same(handed(1000), [20, 980], 'a burst of one second');
  rig.advance(0.5);
  t.same(handed(1000), [10, 990], 'half a second later half of it');
  setFlags(rig, 'CONTROL_UNLIMITED');
  t.same(handed(1000), [1000, 0], 'in replay there is no bound');
  t.end();
});
