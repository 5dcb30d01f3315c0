// SPDX-License-Identifier: Apache-2.0
// What becomes of the header sections of the bulk ring: engine-placed rules, their acts, bounds and counts.

import t from 'tap';
import { toEve } from '../../../../alerts/index.js';
import { EventFlag, Reason } from '../../../../common/abi.gen.js';
import { Judge, type JudgeOptions, type Raised } from '../../../../engine/judge/judge.js';
import { RuleFigures } from '../../../../engine/judge/rule-figures.js';
import { AT, httpAt, programOf, type EventFields } from './support/records.js';

const REQUEST = 'GET /a?b HTTP/1.1\r\nHost: Example.org\r\nUser-Agent: evil/1\r\nReferer: http://r/\r\n\r\n';
const rule = (action: string, more = ''): string =>
  `${action} http any any -> any any (msg:"bad agent"; http.user_agent; content:"evil"; ${more} sid:4;)`;
const context: JudgeOptions = { timeUs: (ns) => ns / 1000, interfaceName: () => 'eth0', replay: false };

function judgeOf(rules: string, more: Partial<JudgeOptions> = {}): { judge: Judge; figures: RuleFigures } {
  const judge = new Judge({ ...context, ...more });
  const program = programOf(rules);
  const figures = new RuleFigures(program.rules.length);
  judge.install({ ...program, figures: figures.buffer });
  return { judge, figures };
}

function raise(judge: Judge, fields: EventFields = {}, section = REQUEST): Raised[] {
  const view = httpAt(section, fields);
  judge.onBulk(view, AT, view.byteLength - AT);
  return judge.take();
}

t.test('an alert describes the request', async (t) => {
  const { judge, figures } = judgeOf(rule('alert'));
  const [raised, ...rest] = raise(judge);
  t.same(rest, []);
  t.notOk(raised?.cut);
  t.match(raised?.detection, {
    kind: 'alert',
    verdict: 'pass',
    reason: 'clean',
    rule: { sid: 4, action: 'allowed' },
    http: { hostname: 'example.org', url: '/a?b', method: 'GET', protocol: 'HTTP/1.1', referer: 'http://r/' },
  });
  t.same(figures.read(0), { matched: 1, events: 1, suppressed: 0, silenced: 0 });
  t.same(raise(judge, {}, 'GET / HTTP/1.1\r\nUser-Agent: good\r\n\r\n'), []);
  t.match(judge.counts, { bulk: 2, alerts: 1, malformed: 0 });
});

t.test('header sections are shown where that is wanted', async (t) => {
  const [without] = raise(judgeOf(rule('alert')).judge);
  t.notOk('headers' in (without?.detection.http ?? {}));
  const [shown] = raise(judgeOf(rule('alert'), { shows: { headers: true, packet: true, rule: true } }).judge);
  t.equal(shown?.detection.http?.headers, REQUEST);
  t.strictSame((shown && (toEve(shown.detection)['http'] as Record<string, unknown>))?.['request_headers'], [
    { name: 'Host', value: 'Example.org' },
    { name: 'User-Agent', value: 'evil/1' },
    { name: 'Referer', value: 'http://r/' },
  ]);
  t.notOk('packetBytes' in (shown?.detection ?? {}), 'the bytes of its packet are not there');
});

t.test('a drop cuts the flow of its request, unless the source is allowlisted or monitor mode is on', async (t) => {
  const { judge } = judgeOf(rule('drop'));
  t.match(raise(judge, { flags: EventFlag.EVENT_ESTABLISHED }), [
    {
      established: true,
      detection: { kind: 'alert', would: false, reason: 'flow-cut', rule: { action: 'blocked' } },
      cut: { src: 0xffffc0000201n, dst: 0xffffc6336402n, sport: 40_000, dport: 80, proto: 6 },
    },
  ]);
  const spared = { flags: EventFlag.EVENT_ALLOWLISTED, reason: Reason.ALLOWLIST };
  const [allowed] = raise(judge, spared);
  t.match(allowed?.detection, { would: false, rule: { action: 'allowed' } });
  t.notOk(allowed?.cut);
  judge.monitor = true;
  const [would] = raise(judge);
  t.match(would?.detection, { would: true, rule: { action: 'allowed' } });
  t.notOk(would?.cut);
});

t.test('a reject is answered, at most so many times a second', async (t) => {
  let answers = 0;
  const { judge } = judgeOf(rule('reject'), {
    reject: () => answers++,
    rates: { source: 1000, rule: 1000, reject: 2 },
  });
  for (let i = 0; i < 5; i++) t.match(raise(judge), [{ cut: { sport: 40_000 } }], 'every flow is cut');
  t.equal(answers, 2);
  raise(judge, { time: 7_000_000_000 });
  t.equal(answers, 3);
});

t.test('a flood of matches costs counts, not alerts; what the rule does is done all the same', async (t) => {
  const { judge, figures } = judgeOf(rule('drop'), { rates: { source: 3, rule: 5, reject: 1 } });
  const raised = Array.from({ length: 10 }, () => raise(judge)).flat();
  t.equal(raised.filter(({ quiet }) => quiet !== true).length, 3, 'alerts about one source');
  t.equal(raised.filter(({ cut }) => cut !== undefined).length, 10);
  const others = Array.from({ length: 10 }, (_, i) => raise(judge, { src: `203.0.113.${i}` })).flat();
  t.equal(others.filter(({ quiet }) => quiet !== true).length, 2, 'what is left of the rule’s five');
  t.same(figures.read(0), { matched: 20, events: 5, suppressed: 15, silenced: 0 });
  t.match(judge.counts, { alerts: 5, suppressed: 15 });
  t.equal(raise(judge, { time: 7_000_000_000 })[0]?.quiet, undefined, 'a second later there is room again');
});

t.test('thresholds and noalert are silent', async (t) => {
  const limited = judgeOf(rule('alert', 'threshold: type limit, track by_src, count 1, seconds 60;'));
  t.equal(raise(limited.judge).length, 1);
  t.equal(raise(limited.judge).length, 0);
  t.same(limited.figures.read(0), { matched: 2, events: 1, suppressed: 0, silenced: 1 });
  const quiet = judgeOf(rule('drop', 'noalert;'));
  t.match(raise(quiet.judge), [{ quiet: true, cut: { dport: 80 } }]);
  t.same(quiet.figures.read(0), { matched: 1, events: 0, suppressed: 0, silenced: 0 });
});

t.test('what cannot be explained is counted', async (t) => {
  const { judge } = judgeOf(rule('alert'));
  t.same(raise(judge, { generation: 9 }), []);
  t.same(raise(judge, {}, '\0\x01\x02'), []);
  t.match(judge.counts, { bulk: 2, unexplained: 1, malformed: 1 });
});
