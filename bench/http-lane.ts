// SPDX-License-Identifier: Apache-2.0
// One lane of the HTTP benchmark: two network namespaces, nginx in one of them, and what judges its interface.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Status } from '../engine/api/api.js';
import { inNetns, run, startInNetns, twoHosts, until, type Background, type Host } from '../test/helpers/privileged.js';
import type { Teardown } from '../test/helpers/undo.js';
import { LiveProcess } from './live-process.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What the browser of the load says it is; no rule names it. */
export const AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

export interface LaneSetup {
  readonly name: string;
  /** undefined, and no files: a program that only returns XDP_PASS instead of a daemon. */
  readonly rules?: string;
  /** Rule files as they are, instead. */
  readonly files?: readonly string[];
  /** Keys of the configuration beyond those that every lane has. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** nginx with one worker, without logs; answers every path with a small page. */
function nginxConfig(folder: string): string {
  return `worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx.log crit;
daemon off;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000;
  client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3;
  uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
  server {
    listen 80 backlog=4096;
    default_type text/html;
    location / { return 200 "${'<p>hello</p>'.repeat(50)}"; }
  }
}
`;
}

export class Lane {
  readonly name: string;
  readonly folder: string;
  readonly victim: Host;
  readonly attacker: Host;
  readonly #socket: string;
  readonly #daemon: Background | undefined;

  private constructor(name: string, folder: string, hosts: { victim: Host; attacker: Host }, daemon?: Background) {
    this.name = name;
    this.folder = folder;
    this.victim = hosts.victim;
    this.attacker = hosts.attacker;
    this.#socket = join(folder, 'ids.sock');
    this.#daemon = daemon;
  }

  static async open(t: Teardown, base: string, setup: LaneSetup): Promise<Lane> {
    const folder = join(base, setup.name.replaceAll(/\W+/g, '-'));
    mkdirSync(folder);
    const hosts = await twoHosts(t);
    const { victim, attacker } = hosts;
    for (const { netns } of [victim, attacker]) {
      const words = ['net.ipv4.ip_local_port_range=1024 65535', 'net.ipv4.tcp_tw_reuse=1', 'net.core.somaxconn=4096'];
      for (const word of words) await inNetns(netns, 'sysctl', ['-qw', word]);
    }
    writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder));
    startInNetns(t, victim.netns, 'nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder]);
    if (setup.rules === undefined && setup.files === undefined) {
      const program = fileURLToPath(new URL('./pass-program.js', import.meta.url));
      const process_ = LiveProcess.start(t, victim.netns, process.execPath, [program, victim.device]);
      await process_.line(10_000);
      return new Lane(setup.name, folder, hosts);
    }
    if (setup.rules !== undefined) writeFileSync(join(folder, 'bench.rules'), setup.rules);
    const config = {
      interfaces: [victim.device],
      socket: join(folder, 'ids.sock'),
      state_dir: join(folder, 'state'),
      pin_dir: `/sys/fs/bpf/ids-bench-${process.pid}-${setup.name.replaceAll(/\W+/g, '-')}`,
      rules: setup.files ?? [join(folder, 'bench.rules')],
      outputs: [{ type: 'file', path: join(folder, 'eve.json') }],
      ...setup.config,
    };
    writeFileSync(join(folder, 'ids.yaml'), JSON.stringify(config));
    const words = ['run', '--config', join(folder, 'ids.yaml')];
    const daemon = startInNetns(t, victim.netns, join(root, 'bin/ids'), words);
    const lane = new Lane(setup.name, folder, hosts, daemon);
    t.teardown(() => lane.#stop());
    await daemon.prints(/"msg":"ready"/, 120_000);
    return lane;
  }

  /** Requests a second of wrk with 64 connections. @param close a new connection for each request */
  async load(seconds: number, close: boolean): Promise<{ rate: number; requests: number; failed: number }> {
    const header = close ? ['-H', 'Connection: close'] : [];
    const words = ['-t1', '-c64', `-d${seconds}s`, '-H', `User-Agent: ${AGENT}`, ...header, this.url()];
    const { stdout } = await inNetns(this.attacker.netns, 'wrk', words, { deadline: (seconds + 20) * 1000 });
    const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0);
    return {
      rate: number(/Requests\/sec:\s+([\d.]+)/),
      requests: number(/(\d+) requests in/),
      failed: number(/Non-2xx or 3xx responses: (\d+)/),
    };
  }

  url(path = '/index.html'): string {
    return `http://${this.victim.ipv4}${path}`;
  }

  async status(): Promise<Status> {
    const { stdout } = await run(join(root, 'bin/ids'), ['status', '--json', '--socket', this.#socket]);
    return JSON.parse(stdout) as Status;
  }

  /** Lines of the EVE file that hold a text; there may be more than a string can hold. */
  async countLines(text: string): Promise<number> {
    // Status 1: none has it; 2: there is no file yet.
    const { stdout } = await run('grep', ['-cF', text, join(this.folder, 'eve.json')], { status: 'any' });
    return Number(stdout);
  }

  /** nginx answers. */
  async ready(): Promise<void> {
    const asks = (): Promise<boolean> =>
      inNetns(this.attacker.netns, 'curl', ['-sf', '-o', '/dev/null', this.url()], { status: 'any' }).then(
        ({ status }) => status === 0,
      );
    await until(asks, { deadline: 10_000, interval: 100, message: () => `nginx of ${this.name} does not answer` });
  }

  async #stop(): Promise<void> {
    if (!this.#daemon) return;
    await run(join(root, 'bin/ids'), ['stop', '--detach', '--socket', this.#socket], { status: 'any' });
    await this.#daemon.stop();
  }
}
