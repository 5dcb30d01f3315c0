// SPDX-License-Identifier: Apache-2.0
// What rules cost in a running daemon: engine rules are asked and timed, kernel rules count their matches.
import t from 'tap';
import type { RuleStats } from '../../engine/api/rule-stats-api.js';
import { privileged, twoHosts, until } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';
import { ports } from './support/ports.js';
import { acquaint, curl, hping, serve } from './support/traffic.js';

TestDaemon.egress = false;

const rules = `alert http any any -> any any (msg:"shop"; http.uri; content:"/shop"; sid:1;)
alert http any any -> any any (msg:"dear"; http.uri; content:"/shop"; pcre:"/[a-z]+([0-9]+x){3}$/"; sid:2;)
alert tcp any any -> any 81 (msg:"header"; flags:S; sid:3;)
alert http any any -> any any (msg:"never"; http.uri; content:"/never"; sid:4;)
`;

if (privileged(t)) {
  t.test('rules stats', { timeout: 180_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await acquaint(victim, attacker);
    await serve(t, victim);
    const daemon = await TestDaemon.start(t, victim, { rules });
    const get = (path: string) => curl(attacker, `http://${victim.ipv4}:${ports.web}${path}`);
    const stats = (...words: string[]) => daemon.ids<RuleStats>('rules', 'stats', ...words);

    await get('/shop/1');
    await get('/none');
    await get('/shop/a1x2x3x');
    await hping(attacker, victim.ipv4, '-c', '1', '-S', '-p', '81');
    await until(() => daemon.alerts(2).length === 1 && daemon.alerts(1).length === 2 && daemon.alerts(3).length === 1);
    const { top, total, generation } = await stats('--by', 'matches');
    t.match(total, { checks: 4, matches: 4, alerts: 4 });
    t.match(top, [
      { sid: 1, placement: 'engine', checks: 2, matches: 2, alerts: 2 },
      { sid: 2, placement: 'engine', checks: 2, matches: 1, alerts: 1 },
      { sid: 3, placement: 'inline', matches: 1, alerts: 1 },
    ]);
    t.notHas(top[2], 'checks', 'the kernel looks for all rules at once');
    t.ok((top[0]?.timeUs ?? 0) > 0, 'the first message of a set is timed');
    const shares = top.reduce((sum, { share = 0 }) => sum + share, 0);
    t.ok(Math.abs(shares - 1) < 1e-5, `shares: ${shares}`);

    const text = await daemon.cli('rules', 'stats', '--top', '1', '--by', 'checks');
    t.match(
      text.stdout,
      /SID +CHECKS +MATCHES +ALERTS +SHARE.*\n +[12] +2 +[12] .*\n\n4 checks, .*4 matches, 4 alerts/,
    );
    t.same(await stats('--reset'), { reset: true });
    t.same((await stats()).top, []);
    await get('/shop/1');
    await until(() => daemon.alerts(1).length === 3);
    t.match(await stats(), { generation, total: { checks: 2, matches: 1, alerts: 1 } });
    t.match(await daemon.ids('rules', 'show', '1'), [{ counts: { matched: 3 } }], 'these go on');
    t.match(await daemon.cli('rules', 'stats', '--by', 'ticks'), { status: 2, stderr: /"ticks" is none of time, / });
  });
}
