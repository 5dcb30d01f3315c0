// SPDX-License-Identifier: Apache-2.0
// Real brokers on loopback ports of their own: NATS with JetStream, and Redis.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { start, type Background } from '../../helpers/run.js';
import type { Teardown } from '../../helpers/undo.js';
import { until } from '../../helpers/until.js';

function listens(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return /:[0-9A-F]{4} 0+:0000 0A/.test(
    readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .filter((line) => line.includes(`0100007F:${hex} 00000000`))
      .join('\n'),
  );
}

/** A program that can be started again on the port that it had. */
class Server {
  readonly port: number;
  readonly #t: Teardown;
  readonly #command: string;
  readonly #args: readonly string[];
  #process: Background | undefined;

  constructor(t: Teardown, port: number, command: string, args: readonly string[]) {
    this.port = port;
    this.#t = t;
    this.#command = command;
    this.#args = args;
  }

  async start(): Promise<void> {
    this.#process = start(this.#t, this.#command, this.#args);
    await until(() => listens(this.port), { message: () => `${this.#command}: ${this.said}` });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#process?.stop(signal);
  }

  /** One that is stopped answers nothing more when this returns. */
  signal(name: NodeJS.Signals): void {
    const pid = this.#process?.pid ?? 0;
    process.kill(pid, name);
    const stopped = (task: string): boolean =>
      /^State:\s+T/m.test(readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8'));
    while (name === 'SIGSTOP' && !readdirSync(`/proc/${pid}/task`).every(stopped));
  }

  get said(): string {
    return `${this.#process?.output.stdout ?? ''}${this.#process?.output.stderr ?? ''}`;
  }
}

/** @param more lines of its configuration */
export function natsServer(t: Teardown, folder: string, port: number, more: readonly string[] = []): Server {
  mkdirSync(folder, { recursive: true });
  const conf = path.join(folder, `nats-${port}.conf`);
  const base = [`listen: 127.0.0.1:${port}`, `jetstream { store_dir: "${folder}/js-${port}" }`];
  writeFileSync(conf, [...base, ...more, ''].join('\n'));
  return new Server(t, port, 'nats-server', ['-c', conf]);
}

/** @param more arguments */
export function redisServer(t: Teardown, folder: string, port: number, more: readonly string[] = []): Server {
  const plain = more.includes('--tls-port') ? ['--port', '0'] : ['--port', String(port)];
  const args = [...plain, '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes', '--appendfsync', 'always'];
  return new Server(t, port, 'redis-server', [...args, ...more]);
}
