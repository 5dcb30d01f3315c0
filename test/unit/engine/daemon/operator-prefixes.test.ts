// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { formatPrefix } from '../../../../common/address.js';
import { DaemonApi } from '../../../../engine/daemon/daemon-api.js';
import type { Daemon, DaemonParts } from '../../../../engine/daemon/daemon.js';
import { operatorPrefixes } from '../../../../engine/daemon/operator-prefixes.js';

/** 62 prefixes. */
const range = '0.0.0.1-255.255.255.254';
const words = Array.from({ length: 100_000 }, () => range);
const many = { code: 'USAGE', message: /more than 100000 prefixes: name fewer at once$/ };
const refused = { code: 'USAGE', message: /more than 100000 prefixes.*"ids blocklist import"/ };

void t.test('ranges of one change are counted while they are expanded', (t) => {
  t.same(operatorPrefixes(['192.0.2.0-192.0.2.2', '2001:db8::/32'], 'blocklist').map(formatPrefix), [
    '192.0.2.0/31',
    '192.0.2.2',
    '2001:db8::/32',
  ]);
  t.equal(operatorPrefixes(words.slice(0, 1612), 'blocklist').length, 1612 * 62);
  t.throws(() => operatorPrefixes(words.slice(0, 1613), 'blocklist'), refused);
  t.end();
});

void t.test('every single change has the bound, before anything is looked at', async (t) => {
  // No part of the daemon is asked.
  const api = new DaemonApi({} as DaemonParts, {} as Daemon);
  const before = process.memoryUsage().heapUsed;
  await t.rejects(api.blocklistAdd({ prefixes: words, force: false }), refused);
  await t.rejects(api.blocklistRemove(words), refused);
  await t.rejects(api.allowlistAdd({ prefixes: words }), many);
  await t.rejects(api.allowlistRemove(words), many);
  t.ok(process.memoryUsage().heapUsed - before < 400e6);
});
