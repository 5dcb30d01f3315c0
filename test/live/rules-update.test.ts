// SPDX-License-Identifier: Apache-2.0
// Rules that others keep, in a daemon: taken, tested by what the operator wrote, undone, and there after a restart.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { RulesList } from '../../engine/api/api.js';
import type { RulesUpdateResult } from '../../engine/api/updates-api.js';
import { pcap } from '../helpers/pcap.js';
import { privileged, twoHosts } from '../helpers/privileged.js';
import { tcp, TCP } from '../kernel/support/frames.js';
import { tar } from '../unit/engine/updates/tar.js';
import { TestDaemon, temporaryFolder } from './support/daemon.js';

TestDaemon.egress = false;

const rule = (sid: number): string =>
  `alert tcp any any -> any ${sid} (msg:"r${sid}"; flags:S; classtype:mine; sid:${sid};)`;
const classes = { path: 'rules/classification.config', text: 'config classification: mine,My class,1\n' };

if (privileged(t)) {
  t.test('updates', { timeout: 240_000 }, async (t) => {
    const { victim } = await twoHosts(t);
    const folder = temporaryFolder(t, 'update');
    const archive = join(folder, 'rules.tar');
    const publish = (...sids: number[]): void => {
      writeFileSync(archive, tar([classes, { path: 'rules/a.rules', text: sids.map(rule).join('\n') }]));
    };
    const syn = tcp({ src: '192.0.2.7', dst: '10.0.0.1', sport: 40000, dport: 23, flags: TCP.SYN });
    writeFileSync(join(folder, 'telnet.pcap'), pcap([[0, syn]]));
    writeFileSync(join(folder, 'telnet.expect'), '23 1\n');
    const config = {
      rules_update: {
        schedule: 'off',
        sources: [{ name: 'local', file: archive }],
        tests: [join(folder, 'telnet.pcap')],
      },
    };
    publish(23, 24);
    const daemon = await TestDaemon.start(t, victim, {
      rules: 'drop tcp any any -> any 99 (flags:S; sid:99;)',
      config,
    });
    const sids = async (): Promise<string> => {
      const { rules } = await daemon.ids<RulesList>('rules', 'list');
      return rules
        .map(({ sid }) => sid)
        .sort((a, b) => a - b)
        .join();
    };
    t.match(await daemon.ids<RulesUpdateResult>('rules', 'update'), { outcome: 'updated', summary: { usable: 3 } });
    t.equal(await sids(), '23,24,99');
    t.match(await daemon.ids('rules', 'show', '24'), [{ category: 'My class', priority: 1 }]);
    t.match(await daemon.ids<RulesUpdateResult>('rules', 'update'), { outcome: 'unchanged' });
    publish(24, 25, 26);
    const refused = await daemon.cli('rules', 'update');
    t.match(refused, { status: 1, stderr: /tests of rules_update\.tests fail.*1:23: expected 1, saw 0/ });
    t.equal(await sids(), '23,24,99', 'the rules in force stay');
    publish(23, 25);
    t.match(await daemon.ids<RulesUpdateResult>('rules', 'update'), { outcome: 'updated' });
    t.equal(await sids(), '23,25,99');
    t.match(await daemon.ids<RulesUpdateResult>('rules', 'update', '--rollback'), { outcome: 'rolled-back' });
    t.equal(await sids(), '23,24,99');
    await daemon.ids('stop');
    await daemon.run();
    t.equal(await sids(), '23,24,99', 'after a restart');
  });
}
