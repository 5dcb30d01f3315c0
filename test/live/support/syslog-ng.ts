// SPDX-License-Identifier: Apache-2.0
// A syslog-ng of our own. As a package it would put rsyslog out: it is unpacked into a folder of the tests', once.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { start, type Background } from '../../helpers/run.js';
import type { Teardown } from '../../helpers/undo.js';
import { until } from '../../helpers/until.js';
import type { Pair } from './certificates.js';

const CACHE = path.join(homedir(), '.cache/ids-tests');

/** The package and the libraries that it depends on, but the C library. */
function packages(): string[] {
  const depends = execFileSync('apt-cache', ['depends', '-i', 'syslog-ng-core'], { encoding: 'utf8' });
  const names = [...depends.matchAll(/Depends: (lib\S+)/g)].map(([, name = '']) => name);
  return ['syslog-ng-core', ...names.filter((name) => name !== 'libc6')];
}

/** The folder that it is unpacked in, or why there is none. */
export function unpackSyslogNg(): { root: string } | { reason: string } {
  const root = path.join(CACHE, 'syslog-ng');
  if (existsSync(root)) return { root };
  try {
    mkdirSync(CACHE, { recursive: true });
    const work = mkdtempSync(path.join(CACHE, 'unpack-'));
    execFileSync('apt-get', ['download', '-q', ...packages()], { cwd: work, stdio: 'pipe' });
    const made = path.join(work, 'root');
    for (const file of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
      execFileSync('dpkg', ['-x', file, made], { cwd: work, stdio: 'pipe' });
    }
    if (!existsSync(root)) renameSync(made, root);
    rmSync(work, { recursive: true });
    return { root };
  } catch (error) {
    return { reason: `syslog-ng cannot be had: ${String(error).split('\n')[0] ?? ''}` };
  }
}

export interface SyslogNgOptions {
  readonly port: number;
  /** Its own certificate. */
  readonly tls?: Pair;
  /** PEM file of who may sign the certificates of clients, which are wanted then. */
  readonly clients?: string;
  /** A unix socket of streams that it listens on too. */
  readonly socket?: string;
}

export class SyslogNg {
  readonly port: number;
  readonly #folder: string;
  readonly #t: Teardown;
  readonly #root: string;
  #process: Background | undefined;

  constructor(t: Teardown, folder: string, root: string, options: SyslogNgOptions) {
    this.#t = t;
    this.#folder = folder;
    this.#root = root;
    this.port = options.port;
    const { tls, clients, socket } = options;
    const verify = clients === undefined ? 'optional-untrusted' : 'required-trusted';
    const own = tls ? `key-file("${tls.key}") cert-file("${tls.cert}")` : '';
    const trusted = clients === undefined ? '' : ` ca-file("${clients}")`;
    const transport = tls ? `transport("tls") tls(${own}${trusted} peer-verify(${verify}))` : 'transport("tcp")';
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      path.join(folder, 'syslog-ng.conf'),
      [
        '@version: 3.38',
        'options { keep-hostname(yes); keep-timestamp(yes); log-msg-size(65536); stats-freq(0); };',
        `source s { syslog(ip("127.0.0.1") port(${options.port}) ${transport});`,
        ...(socket === undefined ? [] : [`  unix-stream("${socket}");`]),
        '};',
        `destination d { file("${folder}/received" template("$PRI\\t$HOST\\t$PROGRAM\\t$MSGID\\t$MSG\\n")); };`,
        'log { source(s); destination(d); };',
        '',
      ].join('\n'),
    );
  }

  async start(): Promise<void> {
    const at = (name: string): string => path.join(this.#folder, name);
    const libraries = [
      'usr/lib/syslog-ng',
      'usr/lib/x86_64-linux-gnu',
      'lib/x86_64-linux-gnu',
      'usr/lib/aarch64-linux-gnu',
    ];
    const modules = path.join(this.#root, 'usr/lib/syslog-ng');
    const version = readdirSync(modules).find((name) => /^\d/.test(name)) ?? '';
    this.#process = start(
      this.#t,
      path.join(this.#root, 'usr/sbin/syslog-ng'),
      [
        ...['-F', '--stderr', '--no-caps', '-f', at('syslog-ng.conf'), '-R', at('persist'), '-c', at('control')],
        ...['-p', at('pid'), `--module-path=${path.join(modules, version)}`],
      ],
      {
        env: { LD_LIBRARY_PATH: libraries.map((folder) => path.join(this.#root, folder)).join(':') },
        cwd: this.#folder,
      },
    );
    const hex = this.port.toString(16).toUpperCase().padStart(4, '0');
    await until(() => readFileSync('/proc/net/tcp', 'utf8').includes(`0100007F:${hex} 0`), {
      message: () => `syslog-ng: ${this.said}`,
    });
  }

  /** What it printed. */
  get said(): string {
    return this.#process?.output.stderr ?? '';
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#process?.stop(signal);
  }

  received(): { pri: number; host: string; app: string; msgid: string; message: string }[] {
    const file = path.join(this.#folder, 'received');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => {
      const [pri, host = '', app = '', msgid = '', ...message] = line.split('\t');
      return { pri: Number(pri), host, app, msgid, message: message.join('\t') };
    });
  }
}
