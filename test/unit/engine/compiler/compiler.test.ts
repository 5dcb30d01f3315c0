// SPDX-License-Identifier: Apache-2.0
// Rule sets are compiled in a thread of their own, which stays after small sets and goes after large ones.

import { readdirSync } from 'node:fs';
import t from 'tap';
import { PackedList, type PackedData } from '../../../../common/packed-list.js';
import { Compiler } from '../../../../engine/compiler/compiler.js';
import type { RuleInfo } from '../../../../rules/index.js';
import { until } from '../../../helpers/until.js';

const options = { addressVars: { HOME_NET: '10.0.0.0/8' }, portVars: {}, redact: [] };
const source = (text: string): { file: string; text: string }[] => [{ file: 'a.rules', text }];
const infos = (rules: PackedData): RuleInfo[] => [...new PackedList<RuleInfo>(rules)];
const good = (sid: number): string => `alert tcp any any -> $HOME_NET any (msg:"x"; flags:S; sid:${sid};)`;

t.test('what comes back is the whole compilation, and problems are no errors', async (t) => {
  const compiler = new Compiler();
  t.teardown(() => compiler.close());
  const { summary, rules, ruleset, problems, engine } = await compiler.compile(source(`${good(1)}\nnonsense`), options);
  t.match(summary, { usable: 1, errors: 1 });
  t.match(infos(rules), [{ sid: 1, placement: 'inline', positions: [0] }]);
  t.ok(rules.bytes.buffer instanceof SharedArrayBuffer, 'rules are memory that the threads share');
  t.match(problems, [{ file: 'a.rules', line: 2, severity: 'error' }]);
  t.ok(ruleset.blob.byteLength > 0 && ruleset.blob.buffer instanceof ArrayBuffer, 'its tables arrived');
  t.equal(new PackedList(engine.rules).length, 0, 'and the program of the engine');
});

t.test('how far it is, for sets that take a while', async (t) => {
  const compiler = new Compiler();
  t.teardown(() => compiler.close());
  const shares: number[] = [];
  const many = Array.from({ length: 5000 }, (_, i) => good(i + 1)).join('\n');
  await compiler.compile(source(many), options, (share) => shares.push(share));
  t.ok(shares.length > 2, `${shares.length} words`);
  t.same(
    shares,
    [...shares].sort((a, b) => a - b),
    'never back',
  );
  t.ok(shares.every((share) => share > 0 && share <= 1));
});

t.test('several at once are kept apart', async (t) => {
  const compiler = new Compiler();
  t.teardown(() => compiler.close());
  const all = await Promise.all([1, 2, 3].map((sid) => compiler.compile(source(good(sid)), options)));
  t.same(
    all.map(({ rules }) => infos(rules).map(({ sid }) => sid)),
    [[1], [2], [3]],
  );
});

t.test('closing ends what is under way, and the thread that follows has nothing to do with it', async (t) => {
  const compiler = new Compiler();
  const first = compiler.compile(source(good(1)), options);
  const closed = compiler.close();
  const second = compiler.compile(source(good(2)), options);
  await t.rejects(first, { code: 'INTERNAL', message: /closed/ });
  await closed;
  t.match(infos((await second).rules), [{ sid: 2 }]);
  await compiler.close();
  await compiler.close();
});

t.test('the thread is there for the next small set, and ends after a large one', async (t) => {
  const compiler = new Compiler();
  t.teardown(() => compiler.close());
  const threads = (): number => readdirSync('/proc/self/task').length;
  await compiler.compile(source(good(1)), options);
  const kept = threads();
  await compiler.compile(source(good(2)), options);
  t.equal(threads(), kept);
  const { summary } = await compiler.compile(source(`${good(3)}\n#${'x'.repeat(3 << 20)}`), options);
  t.match(summary, { usable: 1, errors: 0 });
  await until(() => threads() < kept);
  t.match(infos((await compiler.compile(source(good(4)), options)).rules), [{ sid: 4 }], 'another one takes over');
});
