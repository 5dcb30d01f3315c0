// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import t from 'tap';
import { peerOfConnection, sshPeerOf } from '../../../../engine/lists/index.js';

t.test('the value of SSH_CONNECTION', async (t) => {
  t.equal(peerOfConnection('198.51.100.9 52100 192.0.2.1 22'), '198.51.100.9');
  t.equal(peerOfConnection('fe80::9%eth0 52100 fe80::1%eth0 22'), 'fe80::9');
  for (const value of [undefined, '', 'host 1 2 3', '999.1.1.1 1 2 3']) t.equal(peerOfConnection(value), undefined);
});

t.test('found in the own environment or that of an ancestor', async (t) => {
  const proc = t.testdir({
    '300': { environ: 'HOME=/root\0', stat: '300 (node (x) y) S 200 1 1' },
    '200': { stat: '200 (sudo) S 100 1 1' },
    '100': { environ: 'A=b\0SSH_CONNECTION=198.51.100.9 52100 192.0.2.1 22\0', stat: '100 (bash) S 1 1 1' },
    '400': { environ: 'A=b\0', stat: '400 (sh) S 1 1 1' },
    '500': { environ: 'A=b\0', stat: '500 (loop) S 500 1 1' },
  });
  t.equal(sshPeerOf(300, { SSH_CONNECTION: '203.0.113.1 1 2 3' }, proc), '203.0.113.1');
  t.equal(sshPeerOf(300, {}, proc), '198.51.100.9', 'past an unreadable environment');
  t.equal(sshPeerOf(400, {}, proc), undefined);
  t.equal(sshPeerOf(500, {}, proc), undefined, 'a chain that never ends is left');
  t.equal(sshPeerOf(77, {}, join(proc, 'absent')), undefined);
});
