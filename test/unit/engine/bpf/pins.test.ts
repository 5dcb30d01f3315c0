// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { linkPinName, openPinDir, parseLinkPin } from '../../../../engine/bpf/pins.js';

t.test('the name of a link pin holds any interface name, without dots', async (t) => {
  for (const name of ['eth0', 'eth0.100', 'br-lan', 'wg_0', 'a%b', 'ids0@x']) {
    for (const kind of ['xdp', 'tcx'] as const) {
      const pin = linkPinName({ kind, ifindex: 12, name });
      t.match(pin, kind === 'xdp' ? /^link_12_[A-Za-z0-9_%-]+$/ : /^egress_12_[A-Za-z0-9_%-]+$/);
      t.same(parseLinkPin(pin), { kind, ifindex: 12, name });
    }
    for (const qdisc of [true, false]) {
      const filter = { kind: 'clsact', ifindex: 12, name, netns: 4026531840, qdisc } as const;
      t.same(parseLinkPin(linkPinName(filter)), filter);
    }
  }
  t.equal(parseLinkPin('ids_control'), undefined);
  t.equal(parseLinkPin('link_x_eth0'), undefined);
});

t.test('a pin directory that cannot be one is refused before anything is made', async (t) => {
  t.throws(() => openPinDir('relative/ids', 'abc'), { code: 'CONFIG_INVALID' });
  t.throws(() => openPinDir('/sys/fs/bpf/a.b', 'abc'), { code: 'CONFIG_INVALID' });
  t.throws(() => openPinDir(`${t.testdir()}/ids`.replaceAll('.', '_'), 'abc'), {
    code: 'CONFIG_INVALID',
    message: /not on a BPF file system/,
  });
});
