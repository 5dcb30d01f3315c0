// SPDX-License-Identifier: Apache-2.0
// Real receivers for the tests of outputs, on loopback ports of their own: rsyslog, nginx, and a server that records.
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  Dispatcher,
  openSink,
  outputsSchema,
  type DispatcherOptions,
  type OutputInput,
  type OutputStatus,
} from '../../alerts/index.js';
import { UnixDatagrams } from '../../engine/bpf/index.js';
import { start, type Background } from '../helpers/run.js';
import { undoAfter, type Teardown } from '../helpers/undo.js';
import { until } from '../helpers/until.js';

/** A port of 127.0.0.1 that nobody used a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Opens outputs that try again after milliseconds; `patch` goes over each. */
export async function openOutputs(
  t: Teardown,
  inputs: OutputInput[],
  patch: object = {},
  options: Omit<DispatcherOptions, 'sink'> = {},
): Promise<Dispatcher> {
  const configs = outputsSchema
    .parse(inputs)
    .map((config) => ({ ...config, retry: { initial: 20, max: 100 }, ...patch }));
  const platform = { datagrams: (path: string) => UnixDatagrams.open(path) };
  const dispatcher = await Dispatcher.open(configs, { ...options, sink: (config) => openSink(config, platform) });
  t.teardown(() => dispatcher.close(0));
  return dispatcher;
}

/** True if every record is accounted for. */
export function closes(status: OutputStatus): boolean {
  return status.raised === status.delivered + status.pending + status.suppressed + status.expired + status.dropped;
}

/** What rsyslog made of a message. */
export interface SyslogRecord {
  readonly pri: number;
  readonly time: string;
  readonly host: string;
  readonly app: string;
  readonly msgid: string;
  readonly data: string;
  readonly message: string;
}

const FIELDS = ['pri', 'timereported:::date-rfc3339', 'hostname', 'app-name', 'msgid', 'structured-data', 'msg'];

/** An rsyslog of our own that listens on UDP, TCP and a unix socket of datagrams, and writes to a file in `folder`. */
export class Rsyslog {
  readonly port: number;
  /** Short: the path of a socket has up to 107 bytes. */
  readonly socket = path.join('/tmp', `ids-test-${process.pid}-${randomBytes(4).toString('hex')}.sock`);
  readonly #folder: string;
  readonly #t: Teardown;
  #process: Background | undefined;

  constructor(t: Teardown, folder: string, port: number) {
    this.#t = t;
    this.#folder = folder;
    this.port = port;
    undoAfter(t, () => rmSync(this.socket, { force: true }));
    const template = FIELDS.map((field) => `%${field}%`).join('\\t');
    writeFileSync(
      path.join(folder, 'rsyslog.conf'),
      [
        `global(workDirectory="${folder}" maxMessageSize="64k" net.enableDNS="off")`,
        'module(load="imudp")',
        'module(load="imuxsock" sysSock.use="off")',
        'module(load="imtcp" maxSessions="50")',
        `template(name="fields" type="string" string="${template}\\n")`,
        'ruleset(name="in") {',
        `  action(type="omfile" file="${folder}/received" template="fields")`,
        '}',
        `input(type="imuxsock" socket="${this.socket}" ruleset="in" rateLimit.interval="0")`,
        `input(type="imudp" address="127.0.0.1" port="${port}" ruleset="in")`,
        `input(type="imtcp" address="127.0.0.1" port="${port}" ruleset="in")`,
        '',
      ].join('\n'),
    );
  }

  async start(): Promise<void> {
    const conf = path.join(this.#folder, 'rsyslog.conf');
    const pid = path.join(this.#folder, 'rsyslog.pid');
    this.#process = start(this.#t, 'rsyslogd', ['-n', '-f', conf, '-i', pid]);
    const hex = this.port.toString(16).toUpperCase().padStart(4, '0');
    const listens = (table: string): boolean =>
      readFileSync(`/proc/net/${table}`, 'utf8').includes(`0100007F:${hex} 0`);
    await until(() => listens('tcp') && listens('udp'), { message: () => `rsyslog: ${this.#process?.output.stderr}` });
  }

  /** Ends it; with SIGKILL nothing is written out any more. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#process?.stop(signal);
  }

  received(): SyslogRecord[] {
    let text: string;
    try {
      text = readFileSync(path.join(this.#folder, 'received'), 'utf8');
    } catch {
      return [];
    }
    const lines = text.split('\n').slice(0, -1);
    return lines.map((line) => {
      const [pri, time = '', host = '', app = '', msgid = '', data = '', ...message] = line.split('\t');
      return { pri: Number(pri), time, host, app, msgid, data, message: message.join('\t').trimStart() };
    });
  }
}

/** A request as the recording server got it. */
export interface Recorded {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The body as it came. */
  readonly bytes: Buffer;
  readonly url: string;
  readonly time: number;
}

/** Answers a request; `n` counts from 1. */
export type Answer = (response: ServerResponse, request: Recorded, n: number) => void;

/** An HTTP server that keeps what it got and answers as it is told. */
export class Recorder {
  readonly port: number;
  readonly requests: Recorded[] = [];
  answer: Answer = (response) => response.writeHead(204).end();
  readonly #server = createHttp((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const { headers, url = '' } = request;
      const body = headers['content-encoding'] === 'gzip' ? gunzipSync(bytes).toString() : bytes.toString();
      const recorded = { headers, url, bytes, body, time: performance.now() };
      this.requests.push(recorded);
      this.answer(response, recorded, this.requests.length);
    });
  });

  constructor(t: Teardown, port: number) {
    this.port = port;
    t.teardown(() => this.stop());
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The records of all bodies that were answered with success, in order. */
  records(): unknown[] {
    return this.requests.flatMap((request) => JSON.parse(request.body) as unknown);
  }
}

/** An nginx of our own, one process that can be killed as a whole, in front of `upstream`. */
export async function startNginx(t: Teardown, folder: string, upstream: number): Promise<number> {
  const port = await freePort();
  const conf = path.join(folder, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    conf,
    [
      `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr warn;`,
      'events { worker_connections 64; }',
      'http {',
      '  access_log off;',
      ...temporary.map((kind) => `  ${kind}_temp_path ${folder}/${kind};`),
      `  server { listen 127.0.0.1:${port}; client_max_body_size 4m;`,
      `    location / { proxy_pass http://127.0.0.1:${upstream}; proxy_connect_timeout 2s; } }`,
      '}',
      '',
    ].join('\n'),
  );
  const nginx = start(t, 'nginx', ['-p', folder, '-c', conf, '-e', 'stderr']);
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  await until(() => readFileSync('/proc/net/tcp', 'utf8').includes(`0100007F:${hex} 0`), {
    message: () => `nginx: ${nginx.output.stderr}`,
  });
  return port;
}
