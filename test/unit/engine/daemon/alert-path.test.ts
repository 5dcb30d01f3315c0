// SPDX-License-Identifier: Apache-2.0
// What was raised reaches the response, memory and outputs, whatever one of them does.

import t from 'tap';
import { Told, wordsOf, type Detection } from '../../../../alerts/index.js';
import { AlertPath } from '../../../../engine/daemon/alert-path.js';
import type { Raised } from '../../../../engine/judge/judge.js';
import type { CutFlow } from '../../../../engine/response/index.js';

const flow: CutFlow = { src: 1n, dst: 2n, sport: 3, dport: 80, proto: 6 };
const alert = (sid: number): Detection => ({ kind: 'alert', src: '192.0.2.1', rule: { gid: 1, sid } }) as Detection;
const drop = { kind: 'drop', src: '192.0.2.1', reason: 'blocklist' } as Detection;

const plain = (batch: readonly (Told | Detection)[]): Detection[] => batch.map((one) => Told.of(one).detection);

interface Seen {
  readonly cuts: unknown[];
  readonly responses: unknown[];
  readonly recent: unknown[];
  readonly sent: unknown[];
  readonly alone: unknown[];
  readonly errors: unknown[];
}

function pathOf(fail = false): { path: AlertPath; seen: Seen } {
  const seen: Seen = { cuts: [], responses: [], recent: [], sent: [], alone: [], errors: [] };
  const path = new AlertPath({
    blocklist: { originName: (id) => `origin ${id}` },
    responder: {
      answers: true,
      onDetection: (detection, facts) => {
        seen.responses.push([detection.rule?.sid, facts]);
        if (fail) throw new Error('full');
        return { kind: 'none' };
      },
    },
    cuts: { cut: (...cut) => void seen.cuts.push(cut), sweep: () => 0 },
    orders: { pass: () => true },
    recent: { push: (batch) => void seen.recent.push(...plain(batch)) },
    dispatcher: {
      pushLines: () => undefined,
      push: (batch) => void seen.sent.push(...plain(batch)),
      pushTo: (name, batch) => void seen.alone.push(...batch.map((one) => [name, one] as const)),
    },
    log: { error: (fields: unknown) => void seen.errors.push(fields) },
  });
  return { path, seen };
}

t.test('a notice of the engine goes the way of alerts, but nobody is blocked for it', async (t) => {
  const { path, seen } = pathOf();
  const notice = { level: 'Warning', module: 'feeds', message: 'it shrank' } as const;
  path.onNotice({ ...notice, reason: 'feed-shrank', origin: 'feed:a' });
  t.match(seen.sent, [
    { kind: 'engine', reason: 'feed-shrank', origin: 'feed:a', engine: notice, src: '', timeUs: Number },
  ]);
  t.same(seen.recent, seen.sent);
  t.same(seen.responses, []);
  path.onNotice({ ...notice, reason: 'audit-checkpoint' }, ['siem', 'file']);
  t.equal(seen.sent.length, 1, 'the others do not get what is for some alone');
  t.match(seen.alone, [
    ['siem', { reason: 'audit-checkpoint' }],
    ['file', { reason: 'audit-checkpoint' }],
  ]);
});

t.test('alerts go to the response, drop records do not; quiet ones go nowhere else', async (t) => {
  const { path, seen } = pathOf();
  const raised: Raised[] = [
    { detection: alert(1), established: true, cut: flow },
    { detection: alert(2), established: false, cut: flow, quiet: true },
    { detection: drop, established: false, origin: 3 },
  ];
  path.onRaised(raised);
  t.same(seen.responses, [
    [1, { established: true }],
    [2, { established: false }],
  ]);
  t.same(
    seen.cuts,
    [
      [flow, 1, 960],
      [flow, 2, 120],
    ],
    'a flow that nothing proves is cut for minutes only',
  );
  t.same(seen.sent, [alert(1), { ...drop, origin: 'origin 3' }]);
  t.same(seen.recent, seen.sent);
});

t.test('records that come in words are told as they are, and answered', async (t) => {
  const { path, seen } = pathOf();
  path.onRaised([
    { words: wordsOf(alert(4), 'eve line'), established: false, cut: flow },
    { words: wordsOf(drop, undefined), established: false },
  ]);
  t.same(seen.responses, [[4, { established: false }]]);
  t.same(seen.cuts, [[flow, 4, 120]]);
  t.same(seen.sent, [alert(4), drop]);
});

t.test('a response that fails loses no record', async (t) => {
  const { path, seen } = pathOf(true);
  path.onRaised([{ detection: alert(1), established: true }]);
  t.equal(seen.sent.length, 1);
  t.match(seen.errors, [{ error: 'full', rule: '1:1' }]);
});

t.test('what was held back is told when the total grew, and the rest of a set that is replaced', async (t) => {
  const { path, seen } = pathOf();
  path.onRaised([{ detection: alert(1), established: true }]);
  seen.sent.length = 0;
  let asked = 0;
  const rule = { gid: 1, sid: 1 } as never;
  const rules = {
    current: { generation: 1 } as never,
    suppressed: () => [{ rule, suppressed: ++asked * 10 }],
  };
  path.tellHeldBack(10, rules);
  path.tellHeldBack(10, rules);
  t.equal(asked, 1);
  path.onRetired(1, [{ rule, suppressed: 12 }]);
  t.match(seen.sent, [{ suppressed: { matched: 10 } }, { suppressed: { matched: 2 } }]);
});
