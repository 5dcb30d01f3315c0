// SPDX-License-Identifier: Apache-2.0
// Checks of the evaluator through the figures that two threads share, to what `ids rules stats` shows.
import t from 'tap';
import { RuleStatsView, type CountedRules } from '../../../../engine/daemon/rule-stats.js';
import { RuleFigures } from '../../../../engine/judge/rule-figures.js';
import { compileRules, createEvaluator, parseHttpRequest, SAMPLED } from '../../../../rules/index.js';
import { rule as record } from '../api/fake-api.js';

const texts = [
  'alert http any any -> any any (http.uri; content:"/shop"; pcre:"/x{3}$/"; sid:1;)',
  'alert http any any -> any any (http.uri; content:"/shop"; content:"?y"; sid:2;)',
  'alert tcp any any -> any any (flags:S; sid:3;)',
  'alert http any any -> any any (http.uri; content:"/other"; sid:4;)',
];
const packet = { src: 1n, dst: 2n, sport: 40_000, dport: 80, proto: 6 };

/** The rules, a reader that judges requests for a path, and what the main thread sees. */
function setUp(): { judge: (path: string, times: number) => void; now: () => CountedRules } {
  const compiled = compileRules([{ file: 'a.rules', text: texts.join('\n') }], {
    addressVars: {},
    portVars: {},
    redact: [],
  });
  const seen = new RuleFigures(compiled.rules.length);
  const written = new RuleFigures(compiled.rules.length, seen.buffer);
  const evaluator = createEvaluator(structuredClone(compiled.engine), undefined, written.profile);
  const judge = (path: string, times: number): void => {
    const request = parseHttpRequest(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`));
    if (request === undefined) throw new Error('no request');
    for (let n = 0; n < times; n++) {
      for (const { rule } of evaluator.judge(request, packet, undefined, 0)) {
        written.count(rule, 'matched');
        written.count(rule, 'events');
      }
    }
  };
  const records = () =>
    compiled.rules.map((info, index) => ({ ...record, ...info, counts: { ...record.counts, ...seen.read(index) } }));
  const now = () => ({ generation: 7, loadedAt: 'then', records: records(), profile: seen.profile.columns });
  return { judge, now };
}

t.test('every check counts, some are timed, and a rule of the kernel has none', async (t) => {
  const { judge, now } = setUp();
  const view = new RuleStatsView();
  judge('/shop?xx', 5000);
  judge('/shop?xxx', 1000);
  judge('/none', 3000);
  const stats = view.stats(now(), { by: 'time', limit: 10 });
  t.match(stats, { generation: 7, since: 'then', total: { checks: 12_000, matches: 1000, alerts: 1000 } });
  t.same(
    stats.top.map(({ sid, checks, matches, alerts }) => [sid, checks, matches, alerts]).sort(),
    [
      [1, 6000, 1000, 1000],
      [2, 6000, 0, 0],
    ],
    'not the one that was never asked, nor the one that the kernel has never matched',
  );
  const [first, second] = stats.top;
  t.ok((first?.share ?? 0) >= 0.5 && (first?.share ?? 0) < 1);
  t.ok(Math.abs((first?.share ?? 0) + (second?.share ?? 0) - 1) < 1e-5, 'shares are parts of a whole');
  t.ok(Math.abs((first?.averageUs ?? 0) * 6000 - (first?.timeUs ?? 0)) < 6, 'the average times all checks');
  t.ok((first?.longestUs ?? 0) >= (first?.averageUs ?? Infinity));
  const timed = now().profile.timed[0] ?? 0;
  t.ok(timed > 6000 / SAMPLED / 2 && timed < (6000 / SAMPLED) * 2, `of 6000 checks ${timed} were timed`);
});

t.test('what the kernel has matched is there without checks', async (t) => {
  const { now } = setUp();
  const known = now();
  const records = known.records.map((one) =>
    one.sid === 3 ? { ...one, counts: { ...one.counts, matched: 9, events: 8 } } : one,
  );
  const { top } = new RuleStatsView().stats({ ...known, records }, { by: 'matches', limit: 10 });
  t.match(top, [{ sid: 3, placement: 'inline', matches: 9, alerts: 8 }]);
  for (const field of ['checks', 'timeUs', 'share', 'averageUs', 'longestUs']) t.notHas(top[0], field);
});

t.test('the order and the number of rows', async (t) => {
  const { judge, now } = setUp();
  const view = new RuleStatsView();
  judge('/shop/other?xxx', 10);
  judge('/other', 2000);
  const order = (by: 'checks' | 'matches' | 'alerts' | 'average', limit = 10) =>
    view.stats(now(), { by, limit }).top.map(({ sid }) => sid);
  t.equal(order('checks')[0], 4);
  t.same(order('matches'), [4, 1, 2]);
  t.same(order('alerts', 1), [4]);
  t.equal(order('average', 2).length, 2);
});

t.test('a reset begins anew, until another set is loaded', async (t) => {
  const { judge, now } = setUp();
  const view = new RuleStatsView();
  judge('/shop?xxx', 1000);
  view.reset(now());
  const { since, total, top } = view.stats(now(), { by: 'time', limit: 10 });
  t.match(total, { checks: 0, matches: 0, alerts: 0, timeUs: 0 });
  t.same(top, []);
  t.not(since, 'then');
  judge('/shop?xxx', 300);
  t.match(view.stats(now(), { by: 'time', limit: 10 }).total, { checks: 600, matches: 300, alerts: 300 });
  const later = view.stats({ ...now(), generation: 8 }, { by: 'time', limit: 10 });
  t.match(later, { since: 'then', total: { checks: 2600, matches: 1300 } }, 'the next set has figures of its own');
});
