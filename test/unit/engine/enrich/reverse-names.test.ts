// SPDX-License-Identifier: Apache-2.0
// Reverse DNS against a server of the test's own.

import t, { type Test } from 'tap';
import { pointerName, ReverseNames, type ReverseNamesOptions } from '../../../../engine/enrich/reverse-names.js';
import { until } from '../../../helpers/until.js';
import { DnsStub, type Answers } from './dns-stub.js';

async function open(t: Test, answers: Answers, options: Partial<ReverseNamesOptions> = {}) {
  const stub = await DnsStub.open(answers);
  const clock = { ms: 1e6 };
  const names = new ReverseNames({
    ...{ servers: [stub.server], entries: 100, parallel: 4, timeout: 1, ttl: 60, negativeTtl: 10 },
    now: () => clock.ms,
    ...options,
  });
  t.teardown(() => {
    names.close();
    stub.close();
  });
  return { stub, clock, names };
}

t.test('the names of pointers', async (t) => {
  t.equal(pointerName('192.0.2.7'), '7.2.0.192.in-addr.arpa');
  t.equal(pointerName('2001:db8::7'), '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa');
});

t.test('the first alert asks, the next ones have the name, until it is over', async (t) => {
  let answer = 'Host.Example.org';
  const { stub, clock, names } = await open(t, () => answer);
  t.equal(names.nameOf('192.0.2.7'), undefined, 'nobody waits');
  t.equal(names.nameOf('192.0.2.7'), undefined);
  await until(() => names.counts.dns_names === 1);
  t.equal(names.nameOf('192.0.2.7'), 'host.example.org');
  t.strictSame(stub.questions, ['7.2.0.192.in-addr.arpa']);
  clock.ms += 59_999;
  t.equal(names.nameOf('192.0.2.7'), 'host.example.org');
  t.equal(stub.questions.length, 1);
  clock.ms += 1;
  answer = 'none';
  t.equal(names.nameOf('192.0.2.7'), 'host.example.org', 'until the new answer is there');
  await until(() => names.nameOf('192.0.2.7') === undefined);
  t.equal(names.counts.dns_queries, 2);
  t.equal(names.counts.dns_failed, 0, 'no name is an answer too');
  clock.ms += 9999;
  names.nameOf('192.0.2.7');
  t.equal(names.counts.dns_queries, 2, 'that there is none is remembered');
  clock.ms += 1;
  names.nameOf('192.0.2.7');
  t.equal(names.counts.dns_queries, 3);
});

t.test('a server that fails or is silent', async (t) => {
  const { names } = await open(t, (question) => (question.startsWith('1.') ? 'fail' : 'silent'));
  names.nameOf('192.0.2.1');
  names.nameOf('192.0.2.2');
  await until(() => names.counts.dns_failed === 2, { deadline: 10_000 });
  t.equal(names.nameOf('192.0.2.2'), undefined);
  t.equal(names.counts.dns_queries, 2, 'it is not asked again at once');
});

t.test('bounds: open questions, and what is remembered', async (t) => {
  const { stub, names } = await open(t, () => 'a.example', { entries: 16 });
  for (let n = 0; n < 10; n++) names.nameOf(`192.0.2.${n}`);
  t.match(names.counts, { dns_queries: 4, dns_skipped: 6 });
  await until(() => names.counts.dns_names === 4);
  t.equal(stub.questions.length, 4);
  for (let n = 10; n < 40; n++) {
    names.nameOf(`192.0.2.${n}`);
    await until(() => names.counts.dns_names === n - 5);
  }
  t.equal(names.counts.dns_cached, 16);
  t.equal(names.nameOf('192.0.2.0'), undefined, 'the oldest was let go');
  t.equal(names.nameOf('192.0.2.39'), 'a.example');
});

t.test('only host names are taken', async (t) => {
  const bad = ['a b.example', 'a\x1b[2J.example', '<script>.example', `a"b.example`, 'x\u00e9.example'];
  const { names } = await open(t, (question) => bad[Number(question.split('.')[0])] ?? 'under_score.example');
  for (let n = 0; n <= bad.length; n++) {
    names.nameOf(`192.0.2.${n}`);
    const { dns_names: good, dns_refused: refused, dns_failed: failed } = names.counts;
    await until(
      () => names.counts.dns_names + names.counts.dns_refused + names.counts.dns_failed > good + refused + failed,
    );
    t.equal(names.nameOf(`192.0.2.${n}`), n < bad.length ? undefined : 'under_score.example');
  }
  t.equal(names.counts.dns_names, 1);
});
