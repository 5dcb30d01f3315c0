// SPDX-License-Identifier: Apache-2.0
// Kafka that wants to know who we are: SASL PLAIN and SCRAM, with and without TLS.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { until } from '../helpers/until.js';
import { numbered, numberOf } from '../unit/alerts/samples.js';
import { closes, openOutputs } from './outputs-receivers.js';
import { Authority } from './support/certificates.js';
import { KafkaCluster, kafkaMessages, type KafkaMessage } from './support/kafka-cluster.js';
import { KafkaGate } from './support/kafka-gate.js';
import { ScramServer } from './support/scram-server.js';

t.test('our SCRAM server is that of RFC 7677, 3', (t) => {
  const passwordOf = (user: string): string | undefined => (user === 'user' ? 'pencil' : undefined);
  const nonce = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
  const server = new ScramServer('sha256', passwordOf, nonce, Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
  const both = `r=rOprNGfwEbeRWgbNEkqO${nonce}`;
  t.equal(server.first('n,,n=user,r=rOprNGfwEbeRWgbNEkqO'), `${both},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`);
  const proof = 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
  t.throws(() => server.final(`c=biws,${both},p=${proof.replace('d', 'e')}`), /wrong proof/);
  t.equal(server.final(`c=biws,${both},p=${proof}`), 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  t.end();
});

t.test('who proves it delivers; who does not is told, and records wait', async (t) => {
  const folder = t.testdir({ right: 'right,=0815\n', wrong: 'wrong-4711\n', later: 'wrong-4711\n' });
  const [authority, stranger] = [new Authority(folder, 'authority'), new Authority(folder, 'stranger')];
  const cluster = await KafkaCluster.start(t, 2);
  const users = { 'ids,=': 'right,=0815' };
  // Clients begin ten seconds early to authenticate anew.
  const open = await KafkaGate.open(t, cluster.brokers, { users, lifetime: 10_100, mechanisms: ['SCRAM-SHA-256'] });
  const closed = await KafkaGate.open(t, cluster.brokers, { users, tls: authority.issue('broker', 'IP:127.0.0.1') });
  const sasl = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', file: string) => ({
    sasl: { mechanism, username: 'ids,=', password: { file: path.join(folder, file) } },
  });
  const base = (name: string) => ({ type: 'kafka' as const, name, topic: name, brokers: [...open.brokers] });
  const tls = (name: string, ca = authority.ca) => ({ ...base(name), brokers: [...closed.brokers], tls: { ca } });
  const logged: unknown[] = [];
  const log = { info: (...of: unknown[]) => void logged.push(of), warn: (...of: unknown[]) => void logged.push(of) };
  const dispatcher = await openOutputs(
    t,
    [
      { ...base('scram'), ...sasl('scram-sha-256', 'right') },
      { ...tls('scram-tls'), ...sasl('scram-sha-512', 'right') },
      { ...tls('plain-tls'), ...sasl('plain', 'right') },
      { ...base('later'), ...sasl('scram-sha-256', 'later') },
      { ...tls('wrong'), ...sasl('plain', 'wrong') },
      { ...base('unknown'), ...sasl('plain', 'right') },
      { ...tls('stranger', stranger.ca), ...sasl('plain', 'right') },
      base('silent'),
    ],
    { timeout: 5000 },
    { log },
  );
  const status = (name: string) => dispatcher.status().find((one) => one.name === name);
  const push = (from: number, to: number): void =>
    dispatcher.push(Array.from({ length: to - from }, (_, n) => numbered(from + n)));
  push(0, 20);
  const well = ['scram', 'scram-tls', 'plain-tls'];
  for (const name of well)
    await until(() => status(name)?.delivered === 20, { message: () => JSON.stringify(status(name)) });
  const errors = {
    later: /SHA256 authentication failed: wrong proof: look at sasl.mechanism, sasl.username and sasl.password$/,
    wrong: /PLAIN authentication failed: ids,= has no password \*\*\*: look at sasl/,
    unknown: /does not support the requested SASL mechanism/i,
    stranger: /nobody who is known here/,
    silent: /closed/i,
  };
  for (const [name, words] of Object.entries(errors)) {
    await until(() => (status(name)?.retries ?? 0) > 1, { message: () => JSON.stringify(status(name)) });
    t.match(status(name), { state: 'retrying', delivered: 0, pending: 20, lastError: { message: words } });
  }
  const arrive = async (names: readonly string[]): Promise<void> => {
    for (const name of names)
      await until(() => status(name)?.delivered === 40, { message: () => JSON.stringify(status(name)) });
  };
  const before = open.authenticated;
  await new Promise((resolve) => setTimeout(resolve, 150));
  push(20, 40);
  await arrive(well);
  t.ok(open.authenticated > before, 'once more on a connection that has lasted');
  writeFileSync(path.join(folder, 'later'), 'right,=0815\n');
  await arrive(['later']);
  t.ok(dispatcher.status().every(closes));
  await dispatcher.close(0);
  t.notMatch(JSON.stringify([dispatcher.status(), logged]), /0815|4711/);

  const numbers = (found: readonly KafkaMessage[]): number[] => found.map(({ value }) => numberOf(JSON.parse(value)));
  const all = Array.from({ length: 40 }, (_, n) => n);
  const found = await Promise.all([...well, 'later'].map((name) => cluster.messages(name)));
  t.strictSame(found.map(numbers), [all, all, all, all]);
  // Another client reads through the same gate. Its SCRAM is of no use: it repeats its nonce, as old brokers did not mind.
  const identity = ['sasl.mechanisms=PLAIN', 'sasl.username=ids,=', `ssl.ca.location=${authority.ca}`];
  const kcat = ['security.protocol=sasl_ssl', ...identity].flatMap((one) => ['-X', one]);
  const read = (password: string) =>
    kafkaMessages(closed.brokers, 'plain-tls', [...kcat, '-m', '1', '-X', `sasl.password=${password}`]);
  t.strictSame(numbers(await read('right,=0815')), all);
  await t.rejects(read('wrong-4711'));
});
