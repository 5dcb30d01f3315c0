// SPDX-License-Identifier: Apache-2.0
// A record is the same as an object and in words, whoever made which of them.

import t from 'tap';
import { Entry, engineRecord, eveLine, Told, toEve, wordsOf, type Detection } from '../../../alerts/index.js';
import { storedLine } from '../../../alerts/told.js';
import { blocked6, request, rule, synFin } from './samples.js';

const notice = engineRecord({ level: 'Error', module: 'feeds', reason: 'feed-shrank', message: 'x', timeUs: 1 });
const hostile = { ...rule, msg: 'a\u202eb "c"\n\ud800', text: 'alert \x7f' };
const variants: Detection[] = [synFin, blocked6, request, notice].flatMap((one) => [
  one,
  { ...one, would: true },
  { ...one, kind: one.kind === 'alert' ? 'drop' : one.kind },
  { ...one, rule: { ...rule, target: 'src_ip' } },
  { ...one, rule: { ...rule, target: 'dest_ip', action: 'allowed' } },
  { ...one, rule: hostile, context: { set: { note: 'z' } } },
  { ...one, rule: hostile },
]);

t.test('the line of EVE is the record, however it is put together', async (t) => {
  for (const one of [...variants, ...variants]) {
    const record = JSON.parse(JSON.stringify(toEve(one))) as object;
    const line = eveLine(one);
    t.strictSame(JSON.parse(line), record);
    t.strictSame(Object.keys(JSON.parse(line) as object), Object.keys(record), 'in its order');
    t.notMatch(line, /[\x7f\u202e\n]/);
  }
});

t.test('a detection is read from its line as it was', async (t) => {
  for (const one of [...variants, ...variants]) {
    const line = storedLine(one);
    t.strictSame(JSON.parse(line), JSON.parse(JSON.stringify(one)));
    t.strictSame(Told.read(line).detection, JSON.parse(line));
    t.equal(Told.read(line).line, line);
    t.equal(Told.of(one).line, line);
    t.equal(Told.of(one).detection, one);
  }
  t.throws(() => Told.read('{'), SyntaxError);
});

t.test('words of another thread', async (t) => {
  const told = Told.from(wordsOf(synFin, 'its EVE'));
  t.match(told, { kind: 'alert', rule: `${rule.gid}:${rule.sid}`, eve: 'its EVE' });
  t.strictSame(told.detection, JSON.parse(JSON.stringify(synFin)));
  t.equal(new Entry(told).line, 'its EVE');
  t.equal(new Entry(told, 'cef').line, new Entry(synFin, 'cef').line);
  t.equal(new Entry(Told.from(wordsOf(synFin, undefined))).line, eveLine(synFin));
  t.strictSame(wordsOf(notice, undefined), { kind: 'engine', line: storedLine(notice) });
});

t.test('what JSON has no words for', async (t) => {
  const broken = { ...synFin, context: { n: 1n } };
  t.equal(Told.of(broken).line, undefined);
  t.throws(() => wordsOf(broken, undefined));
});
