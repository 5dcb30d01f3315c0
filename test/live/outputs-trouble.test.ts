// SPDX-License-Identifier: Apache-2.0
// Every output with a receiver behind it, in front of which a relay misbehaves: each trouble is told in the status, records
// wait meanwhile and arrive when it is over, in order, and a file beside them has each at once.
import { existsSync, readFileSync } from 'node:fs';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Dispatcher, OutputInput, OutputStatus } from '../../alerts/index.js';
import { run } from '../helpers/run.js';
import { until } from '../helpers/until.js';
import { numbered, numberOf } from '../unit/alerts/samples.js';
import { closes, freePort, openOutputs, Recorder, Rsyslog } from './outputs-receivers.js';
import { natsServer, redisServer } from './support/brokers.js';
import { Authority, type Pair } from './support/certificates.js';
import { KafkaCluster } from './support/kafka-cluster.js';
import { Relay, type Manner } from './support/relay.js';

/** More than one record of TLS holds, and less than two. */
const RECORDS = 25;
const TIMEOUT = 700;
const range = (n: number): number[] => [...Array(n).keys()];
/** Those that came twice count once, at their first place. */
const numbersOf = (records: readonly string[]): number[] => [
  ...new Set(records.map((line) => numberOf(JSON.parse(line)))),
];

/** A receiver by the port of which an output reaches it, and what it has got. */
interface Receiver {
  readonly port: number;
  readonly output: (port: number) => OutputInput;
  got(): string[] | Promise<string[]>;
}

async function webhook(t: Test): Promise<Receiver> {
  const server = new Recorder(t, await freePort());
  await server.start();
  return {
    port: server.port,
    output: (port) => ({ type: 'webhook', url: `http://127.0.0.1:${port}/` }),
    got: () => server.records().map((record) => JSON.stringify(record)),
  };
}

async function redis(t: Test, folder: string): Promise<Receiver> {
  const server = redisServer(t, folder, await freePort());
  await server.start();
  return {
    port: server.port,
    output: (port) => ({ type: 'redis', port }),
    got: async () => {
      const args = ['-p', String(server.port), '--json', 'XRANGE', 'ids', '-', '+'];
      const { stdout } = await run('redis-cli', args);
      return (JSON.parse(stdout) as [string, string[]][]).map(([, fields]) => fields[5] ?? '');
    },
  };
}

async function nats(t: Test, folder: string): Promise<Receiver> {
  const server = natsServer(t, folder, await freePort());
  await server.start();
  const nc = await connect({ servers: `127.0.0.1:${server.port}` });
  t.teardown(() => nc.close());
  const { streams } = await jetstreamManager(nc);
  await streams.add({ name: 'IDS', subjects: ['ids.>'] });
  return {
    port: server.port,
    output: (port) => ({ type: 'nats', servers: [`127.0.0.1:${port}`] }),
    got: async () => {
      const { state } = await streams.info('IDS');
      const messages = range(state.messages).map((n) => streams.getMessage('IDS', { seq: n + 1 }));
      return (await Promise.all(messages)).map((message) => message?.string() ?? '');
    },
  };
}

/** Its relay is who is asked where the brokers are: the records themselves go past it. */
async function kafka(t: Test): Promise<Receiver> {
  const cluster = await KafkaCluster.start(t);
  return {
    port: Number(cluster.brokers[0]?.split(':')[1]),
    output: (port) => ({ type: 'kafka', brokers: [`127.0.0.1:${port}`], topic: 'ids' }),
    got: async () => (await cluster.messages('ids')).map(({ value }) => value),
  };
}

/** A relay takes TLS off in front of it: the one that misbehaves stands before that. */
async function syslogTls(t: Test, folder: string, authority: Authority): Promise<Receiver> {
  const { port, got } = await syslog(t, folder);
  const front = new Relay(t, port, authority.issue('server', 'DNS:localhost'));
  await front.start();
  const tls = { ca: authority.ca, server_name: 'localhost' };
  return {
    port: front.port,
    output: (port) => ({ type: 'syslog', transport: 'tls', host: '127.0.0.1', port, tls }),
    got,
  };
}

async function syslog(t: Test, folder: string): Promise<Receiver> {
  const server = new Rsyslog(t, folder, await freePort());
  await server.start();
  return {
    port: server.port,
    output: (port) => ({ type: 'syslog', transport: 'tcp', host: '127.0.0.1', port }),
    got: () => server.received().map(({ message }) => message),
  };
}

/** All records are with each receiver, in order but for the partitions of Kafka; syslog has no receipts, so it takes a moment. */
async function have(t: Test, receivers: readonly Receiver[], raised: number): Promise<void> {
  for (const receiver of receivers) {
    const { type } = receiver.output(1);
    const numbers = async (): Promise<number[]> => numbersOf(await receiver.got());
    await until(async () => (await numbers()).length >= raised);
    const found = await numbers();
    t.strictSame(type === 'kafka' ? found.sort((a, b) => a - b) : found, range(raised), `${type} has all`);
  }
}

/** Outputs of every kind and a file; `raise` pushes records to all of them. */
class Bench {
  readonly dispatcher: Dispatcher;
  readonly file: string;
  raised = 0;

  constructor(dispatcher: Dispatcher, file: string) {
    this.dispatcher = dispatcher;
    this.file = file;
  }

  /** Those behind relays. */
  get outputs(): OutputStatus[] {
    return this.dispatcher.status().filter(({ type }) => type !== 'file');
  }

  raise(): void {
    this.dispatcher.push(range(RECORDS).map((n) => numbered(this.raised + n)));
    this.raised += RECORDS;
  }

  /** Raises, and gives the last errors once each output has failed twice; the file has all by then. */
  async fail(t: Test): Promise<Readonly<Record<string, string>>> {
    // Connections to where the receivers are go through the relays, anew.
    await this.dispatcher.reopen();
    // Without receipts a receiver is known to be gone only once its end has been read.
    await sleep(50);
    const before = this.outputs.map(({ retries, delivered }) => ({ retries, delivered }));
    this.raise();
    await until(() => this.outputs.every(({ retries }, i) => retries >= (before[i]?.retries ?? 0) + 2), {
      message: () => JSON.stringify(this.outputs.map(({ name, lastError, retries }) => ({ name, lastError, retries }))),
    });
    const errors: Record<string, string> = {};
    for (const [i, status] of this.outputs.entries()) {
      const { name, state, delivered, pending, target, lastError } = status;
      t.equal(delivered, before[i]?.delivered, `${name}: nothing counts as delivered`);
      t.match({ state, pending }, { state: 'retrying', pending: RECORDS }, name);
      t.ok(closes(status), name);
      const error = lastError?.message ?? '';
      t.ok(error.startsWith(`${target}: `) && !error.includes('\n'), error);
      errors[name] = error;
    }
    t.strictSame(this.written(), range(this.raised), 'the file beside them has all');
    return errors;
  }

  async recover(t: Test): Promise<void> {
    await until(() => this.outputs.every(({ pending }) => pending === 0), {
      deadline: 20_000,
      message: () => JSON.stringify(this.outputs),
    });
    for (const status of this.outputs) {
      const { raised, circuit } = status;
      t.match(status, { delivered: raised, dropped: 0, expired: 0, dead: 0 }, status.name);
      t.equal(circuit, 'closed');
    }
  }

  written(): number[] {
    const text = existsSync(this.file) ? readFileSync(this.file, 'utf8') : '';
    return numbersOf(text.split('\n').slice(0, -1));
  }
}

/** Relays in front of receivers, and outputs that go through them. */
async function through(
  t: Test,
  folder: string,
  receivers: readonly Receiver[],
  tls?: Pair,
  more: (type: OutputInput['type'], port: number) => object = () => ({}),
): Promise<{ bench: Bench; relays: Relay[] }> {
  const file = path.join(folder, 'eve.json');
  const relays: Relay[] = [];
  const outputs: OutputInput[] = [];
  for (const receiver of receivers) {
    const relay = new Relay(t, receiver.port, tls);
    await relay.start();
    relays.push(relay);
    const output = receiver.output(relay.port);
    outputs.push({ ...output, ...more(output.type, relay.port) });
  }
  const dispatcher = await openOutputs(t, [...outputs, { type: 'file', path: file }], { timeout: TIMEOUT });
  return { bench: new Bench(dispatcher, file), relays };
}

const wrong: Readonly<Record<Exclude<Manner, 'well' | 'slow'>, RegExp>> = {
  closes: /clos|ECONNRESET|disconnected|no answer/i,
  silent: /timeout|no answer|nothing moved/i,
  garbage: /HTTP|no Kafka|no TLS|TLS failed|Unknown|unexpected response|clos|ECONNRESET|timeout|no answer/i,
  half: /HTTP|clos|ECONNRESET|disconnected|timeout|no answer/i,
};

t.test('receivers that close, are silent, answer with noise or break off', { timeout: 120_000 }, async (t) => {
  const folder = t.testdir();
  const receivers = [
    await webhook(t),
    await redis(t, folder),
    await nats(t, folder),
    await kafka(t),
    await syslogTls(t, folder, new Authority(folder, 'authority')),
  ];
  const { bench, relays } = await through(t, folder, receivers);
  for (const manner of ['closes', 'silent', 'garbage', 'half'] as const) {
    relays.forEach((relay) => relay.behave(manner));
    const errors = await bench.fail(t);
    for (const [name, error] of Object.entries(errors)) t.match(error, wrong[manner], `${manner}: ${name}`);
    relays.forEach((relay) => relay.behave('well'));
    await bench.recover(t);
    await have(t, receivers.slice(-1), bench.raised);
  }
  relays.forEach((relay) => relay.behave('slow'));
  await bench.dispatcher.reopen();
  bench.raise();
  await bench.recover(t);
  await have(t, receivers, bench.raised);
  await bench.dispatcher.close(0);
});

t.test('certificates of receivers that are wrong, and put right', { timeout: 60_000 }, async (t) => {
  const folder = t.testdir();
  const authority = new Authority(folder, 'authority');
  const good = authority.issue('good', 'DNS:localhost');
  const troubles = [
    { pair: authority.issue('expired', 'DNS:localhost', { expired: true }), says: /certificate has expired/ },
    { pair: authority.issue('other', 'DNS:siem.example'), says: /siem\.example/ },
    { pair: new Authority(folder, 'stranger').issue('unknown', 'DNS:localhost'), says: /tls\.ca|unable to verify/ },
  ];
  const receivers = [await webhook(t), await redis(t, folder), await syslog(t, folder)];
  const tls = { ca: authority.ca, server_name: 'localhost' };
  const { bench, relays } = await through(t, folder, receivers, good, (type, port) => {
    if (type === 'webhook') return { url: `https://127.0.0.1:${port}/`, tls };
    return type === 'syslog' ? { transport: 'tls', tls } : { tls };
  });
  for (const { pair, says } of troubles) {
    relays.forEach((relay) => relay.present(pair));
    const errors = await bench.fail(t);
    for (const [name, error] of Object.entries(errors)) t.match(error, says, name);
    relays.forEach((relay) => relay.present(good));
    await bench.recover(t);
    await have(t, receivers, bench.raised);
  }
  await bench.dispatcher.close(0);
});
