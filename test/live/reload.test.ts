// SPDX-License-Identifier: Apache-2.0
// Rules are replaced as a whole while traffic flows: no packet between two sets, and a failed load changes nothing.
import t from 'tap';
import type { RulesList, RulesLoadResult } from '../../engine/api/api.js';
import { privileged, twoHosts, until } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';
import { ports } from './support/ports.js';
import { acquaint, hping, send, serve, transmitted } from './support/traffic.js';

TestDaemon.egress = false;

const RELOADS = 20;
const stopped = `drop udp any any -> any ${ports.sink} (msg:"stopped"; sid:1;)`;
const watched = 'alert tcp any any -> any 81 (msg:"watched"; flags:S; sid:2;)';

/** Rule sets of different sizes in which the drop stands at different places. */
function ruleSet(turn: number): string {
  const others = Array.from({ length: 5 + 40 * (turn % 2) }, (_, i) => {
    return `alert tcp any any -> any ${2000 + turn + i} (msg:"other ${i}"; flags:SF; sid:${100 + i};)`;
  });
  return [...others, stopped, watched].join('\n');
}

if (privileged(t)) {
  t.test('rules are replaced under traffic', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await acquaint(victim, attacker);
    const service = await serve(t, victim);
    const daemon = await TestDaemon.start(t, victim, { rules: ruleSet(0), config: { events: { source_rate: 50 } } });
    const flow = await send(t, attacker, 'udp', { from: attacker.ipv4, to: victim.ipv4, port: ports.sink });
    const arrived = async (): Promise<number> => (await service.seen()).udp[attacker.ipv4] ?? 0;
    const set = daemon.file('set.rules', ruleSet(1));

    await t.test('a flow that both sets drop never gets through', async (t) => {
      for (let turn = 1; turn <= RELOADS; turn++) {
        const before = (await flow.figures()).sent;
        const sources = [{ file: 'set.rules', text: ruleSet(turn) }];
        const { generation } = await daemon.api.loadRules({ sources, strict: true });
        if (generation !== turn + 1) t.equal(generation, turn + 1);
        await until(async () => (await flow.figures()).sent > before + 20);
      }
      const loaded = await daemon.ids<RulesLoadResult>('rules', 'load', set);
      t.equal(loaded.generation, RELOADS + 2);
      t.match(loaded.summary, { rules: 47, usable: 47, inline: 47, errors: 0 });
      t.equal(await arrived(), 0);
    });

    await t.test('alerts carry the generation that judged the packet', async (t) => {
      await hping(attacker, victim.ipv4, '-c', '1', '-S', '-p', '81');
      const { generation } = (await daemon.status()).rules;
      const [alert] = await until(() => {
        const alerts = daemon.alerts(2);
        return alerts.length > 0 && alerts;
      });
      t.equal(alert?.ids.generation, generation);
      await daemon.ids('rules', 'load', set);
      await hping(attacker, victim.ipv4, '-c', '1', '-S', '-p', '81');
      await until(() => daemon.alerts(2).some(({ ids }) => ids.generation === generation + 1));
    });

    await t.test('bad rules are named with line and column, the others are loaded', async (t) => {
      const path = daemon.file(
        'mixed.rules',
        [watched, 'drop tcp any any -> any (msg:"no port"; sid:7;)', stopped].join('\n'),
      );
      const mixed = await daemon.cli('rules', 'load', path);
      t.equal(mixed.status, 1);
      t.match(mixed.stderr, /mixed\.rules:2:\d+: \S/);
      const { rules, summary } = await daemon.ids<RulesList>('rules', 'list');
      t.same(
        rules.filter(({ placement }) => placement === 'inline').map(({ sid }) => sid),
        [2, 1],
      );
      t.match(summary, { usable: 2, errors: 1 });
      await daemon.ids('rules', 'load', set);
    });

    await t.test('a load that fails leaves the old set in force', async (t) => {
      const before = await daemon.ids<RulesList>('rules', 'list');
      const bad = daemon.file('bad.rules', 'drop tcp any any -> any any (msg:"unfinished"; sid:8\nno rule at all\n');
      const mixed = daemon.file(
        'mixed.rules',
        `${watched}\nalert tcp any any -> any any (msg:"odd"; nonsense:1; sid:9;)`,
      );
      const strict = await daemon.cli('rules', 'load', '--strict', mixed);
      t.equal(strict.status, 2);
      t.match(strict.stderr, /^ids: .*nothing was loaded/m);
      const all = await daemon.cli('rules', 'load', bad);
      t.equal(all.status, 2);
      t.match(all.stderr, /nothing was loaded/);
      const missing = await daemon.cli('rules', 'load', '/nonexistent.rules');
      t.equal(missing.status, 2);
      t.match(missing.stderr, /^ids: cannot read \/nonexistent\.rules: .+\n$/);
      t.same((await daemon.ids<RulesList>('rules', 'list')).generation, before.generation);
      t.equal(await arrived(), 0, 'it still drops');
    });

    await t.test('what was loaded by hand survives a restart', async (t) => {
      const before = await daemon.ids<RulesList>('rules', 'list');
      await daemon.kill();
      await daemon.run();
      const after = await daemon.ids<RulesList>('rules', 'list');
      t.equal(after.origin, 'cli');
      t.same(
        after.rules.map(({ sid, text }) => [sid, text]),
        before.rules.map(({ sid, text }) => [sid, text]),
      );
      t.equal(after.generation, before.generation + 1, 'generations go on');
      await daemon.ids('rules', 'load');
      t.equal((await daemon.ids<RulesList>('rules', 'list')).origin, 'config', 'without paths: the configured files');
    });

    await t.test('every datagram was dropped by the rule, whichever set was in force', async (t) => {
      const sent = await flow.finish();
      const { dropped } = await transmitted(attacker);
      t.equal((await daemon.packets('rule-drop')) + dropped, sent);
      t.equal(await arrived(), 0);
    });
  });
}
