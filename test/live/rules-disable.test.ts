// SPDX-License-Identifier: Apache-2.0
// Rules that are disabled are out of force at once, after a reload and after a restart; a threshold file too stays.
import t from 'tap';
import type { RulesEnableResult, RulesList } from '../../engine/api/api.js';
import { privileged, twoHosts, until } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';
import { acquaint, hping } from './support/traffic.js';

TestDaemon.egress = false;

const rules = `alert tcp any any -> any 81 (msg:"one"; flags:S; sid:1;)
alert tcp any any -> any 81 (msg:"two"; flags:S; sid:2;)
drop http any any -> any any (http.uri; content:"/evil"; sid:3;)
`;

if (privileged(t)) {
  t.test('disabled, over reloads and restarts', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await acquaint(victim, attacker);
    const daemon = await TestDaemon.start(t, victim, { rules });
    const both = async (): Promise<string> => {
      const before = [1, 2, 9].map((sid) => daemon.alerts(sid).length);
      await hping(attacker, victim.ipv4, '-c', '1', '-S', '-p', '81');
      await hping(attacker, victim.ipv4, '-c', '1', '-S', '-p', '82');
      await until(() => daemon.alerts(9).length > (before[2] ?? 0));
      return [1, 2].filter((sid, i) => daemon.alerts(sid).length > (before[i] ?? 0)).join();
    };
    const set = daemon.file('set.rules', `${rules}alert tcp any any -> any 82 (msg:"last"; flags:S; sid:9;)\n`);
    await daemon.ids('rules', 'load', set);
    t.equal(await both(), '1,2');
    const off = await daemon.ids<RulesEnableResult>('rules', 'disable', '1', '1:3');
    t.same(off.changed, ['1:1', '1:3']);
    t.equal(await both(), '2');
    t.same((await daemon.ids<RulesEnableResult>('rules', 'disable', '1')).changed, [], 'it is already');
    const { summary, rules: listed } = await daemon.ids<RulesList>('rules', 'list');
    t.match(summary, { rules: 2, usable: 2, disabled: 2 });
    t.match(
      listed.filter(({ enabled }) => !enabled).map(({ sid, placement }) => [sid, placement]),
      [
        [1, 'disabled'],
        [3, 'disabled'],
      ],
    );
    t.equal((await daemon.cli('rules', 'disable', '7')).status, 1, 'nobody knows it');
    const quiet = daemon.file('threshold.config', 'suppress gen_id 1, sig_id 2, track by_dst, ip $HOME_NET\n');
    await daemon.ids('rules', 'load', set, '--threshold-file', quiet);
    t.equal(await both(), '', 'after a reload, with a threshold file');
    t.match(await daemon.ids('rules', 'explain', '2'), [{ placement: 'inline', suppress: ['by_dst $HOME_NET'] }]);
    await daemon.ids('stop');
    await daemon.run();
    t.equal(await both(), '', 'after a restart');
    t.same((await daemon.ids<RulesEnableResult>('rules', 'enable', '1')).changed, ['1:1']);
    await daemon.ids('rules', 'load', set);
    t.equal(await both(), '1,2', 'without a threshold file');
  });
}
