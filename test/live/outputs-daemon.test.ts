// SPDX-License-Identifier: Apache-2.0
// The daemon itself with a unix socket and a rotated file as outputs, asked by `ids outputs test`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { privileged, twoHosts, until } from '../helpers/privileged.js';
import { freePort, Rsyslog } from './outputs-receivers.js';
import { temporaryFolder, TestDaemon } from './support/daemon.js';

if (privileged(t)) {
  t.test('a test alert to /dev/log and to a file', { timeout: 120_000 }, async (t) => {
    const { victim } = await twoHosts(t);
    const rsyslog = new Rsyslog(t, t.testdir(), await freePort());
    await rsyslog.start();
    const folder = temporaryFolder(t, 'outputs');
    const file = join(folder, 'rotated.json');
    const daemon = await TestDaemon.start(t, victim, {
      rules: 'alert ip any any -> any any (msg:"never"; ttl:0; sid:1;)\n',
      config: {
        outputs: [
          { type: 'syslog', name: 'log', transport: 'unix', path: rsyslog.socket },
          { type: 'file', name: 'file', path: file, rotate: { keep: 2 } },
        ],
      },
    });
    for (const name of ['log', 'file']) t.match(await daemon.ids('outputs', 'test', name), { outcome: 'delivered' });
    const [record] = await until(() => (rsyslog.received().length > 0 ? rsyslog.received() : undefined));
    t.match(record, { app: 'ids' });
    t.match(JSON.parse(record?.message ?? ''), { event_type: 'alert' });
    t.match(readFileSync(file, 'utf8'), /"event_type":"alert"/);
  });
}
