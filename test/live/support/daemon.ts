// SPDX-License-Identifier: Apache-2.0
// A daemon of one's own: the real `bin/ids run` in a namespace, with pins, socket and state that nobody else has, and
// gone again afterwards, also what it left in the kernel.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Status } from '../../../engine/api/api.js';
import { ApiClient } from '../../../engine/api/client.js';
import { inNetns, startInNetns, undoAfter } from '../../helpers/privileged.js';
import type { Background, Host, RunResult } from '../../helpers/privileged.js';
import type { Teardown } from '../../helpers/undo.js';
import { invoke } from '../../unit/engine/cli/invoke.js';

export const idsProgram = fileURLToPath(new URL('../../../../bin/ids', import.meta.url));

const START_MS = 60_000;
const COMMAND_MS = 60_000;
let started = 0;

/** True for a command line that is a daemon, or looks at interfaces by itself, and so has to be in the namespace. */
const isAlone = ([command, ...words]: readonly string[]): boolean =>
  command === 'run' || (command === 'stop' && words.includes('--detach'));

/** What tap's `t` knows at the end. */
interface Verdict {
  passing(): boolean;
}

/** What a test says about its daemon; the rest keeps daemons apart. */
export interface DaemonSettings {
  /** Keys of the configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The text of the only rule file; without it the shipped rules are loaded. */
  readonly rules?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Where configuration, socket, state and records are kept; a new folder unless told. */
  readonly folder?: string;
  /** Files that it finds in /etc in the place of those there, by name. */
  readonly etc?: Readonly<Record<string, string>>;
}

/** A record of EVE, as far as tests look into it. */
export interface EveRecord {
  readonly event_type: 'alert' | 'drop';
  readonly src_ip?: string;
  readonly src_port?: number;
  readonly dest_ip?: string;
  readonly in_iface?: string;
  readonly alert?: { readonly signature_id: number; readonly action: string };
  readonly drop?: { readonly reason: string };
  readonly ids: {
    readonly id: string;
    readonly generation: number;
    readonly reason: string;
    readonly would?: boolean;
    readonly suppressed?: { readonly matched: number };
  };
}

/** The whole lines of a file; none if it is not there yet. */
export function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}

/** A folder that is removed at the test's end. */
export function temporaryFolder(t: Teardown, label: string): string {
  const folder = mkdtempSync(join(tmpdir(), `ids-${label}-`));
  undoAfter(t, () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

export class TestDaemon {
  /** Whether what leaves is judged too, as it is by default: a file that has no use for it saves a second a start. */
  static egress = true;
  readonly host: Host;
  readonly folder: string;
  readonly pins: string;
  readonly socket: string;
  readonly configFile: string;
  readonly eveFile: string;
  /** The control socket without a process in between, for looking often. */
  readonly api: ApiClient;
  readonly #t: Teardown;
  readonly #env: NodeJS.ProcessEnv;
  readonly #etc: readonly (readonly [name: string, file: string])[];
  readonly #processes: Background[] = [];

  private constructor(t: Teardown, host: Host, settings: DaemonSettings) {
    this.#t = t;
    this.host = host;
    this.#env = settings.env ?? {};
    this.#etc = Object.entries(settings.etc ?? {});
    this.folder = settings.folder ?? temporaryFolder(t, 'live');
    this.pins = `/sys/fs/bpf/ids-test-${process.pid}-${++started}`;
    this.socket = join(this.folder, 'ids.sock');
    this.configFile = join(this.folder, 'ids.yaml');
    this.eveFile = join(this.folder, 'eve.json');
    this.api = new ApiClient(this.socket);
    undoAfter(t, () => rmSync(this.pins, { recursive: true, force: true }));
    this.configure(settings);
    t.teardown(() => this.#showLog());
  }

  /** Writes the configuration and makes a daemon that does not run yet. */
  static prepare(t: Teardown, host: Host, settings: DaemonSettings = {}): TestDaemon {
    return new TestDaemon(t, host, settings);
  }

  /** Starts a daemon on the host's interface and waits until it judges and answers. */
  static async start(t: Teardown, host: Host, settings: DaemonSettings = {}): Promise<TestDaemon> {
    const daemon = TestDaemon.prepare(t, host, settings);
    await daemon.run();
    return daemon;
  }

  /** Writes the configuration for the next start. JSON is YAML. */
  configure({ config = {}, rules }: Pick<DaemonSettings, 'config' | 'rules'>): void {
    const file = rules === undefined ? {} : { rules: [this.file('local.rules', rules)] };
    const own = {
      interfaces: [{ name: this.host.device, egress: TestDaemon.egress }],
      socket: this.socket,
      state_dir: join(this.folder, 'state'),
      pin_dir: this.pins,
      outputs: [{ type: 'file', path: this.eveFile }],
    };
    writeFileSync(this.configFile, `${JSON.stringify({ ...own, ...file, ...config }, null, 1)}\n`);
  }

  /** Writes a file into the daemon's folder and gives its path. */
  file(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  /** Starts the daemon, again after it ended, and waits until it is ready. */
  async run(...args: readonly string[]): Promise<void> {
    const [command, ...words] = this.#ownEtc([idsProgram, 'run', '--config', this.configFile, ...args]);
    const process = startInNetns(this.#t, this.host.netns, command, words, { env: this.#env });
    this.#processes.push(process);
    await process.prints(/"msg":"ready"/, START_MS);
  }

  /** Runs a daemon that is expected to refuse to start. */
  refused(...args: readonly string[]): Promise<RunResult> {
    return inNetns(this.host.netns, idsProgram, ['run', '--config', this.configFile, ...args], {
      deadline: START_MS,
      env: this.#env,
      status: 'any',
    });
  }

  /** The daemon that was started last. */
  get process(): Background {
    const process = this.#processes.at(-1);
    if (!process) throw new Error('the daemon has not been started');
    return process;
  }

  /** Everything that the daemons have logged. */
  get log(): string {
    return this.#processes.map(({ output }) => output.stdout + output.stderr).join('');
  }

  /** kill -9: nothing is tidied up. */
  async kill(): Promise<void> {
    await this.process.stop('SIGKILL');
  }

  /**
   * Runs a command line of `ids`, whatever its exit status: within the test unless it has to be in the host's
   * namespace, since each process takes a quarter of a second of a CPU.
   */
  async cli(...args: readonly string[]): Promise<RunResult> {
    if (isAlone(args)) return this.program(...args);
    const { status, out: stdout, err: stderr } = await invoke([...args, '--socket', this.socket]);
    return { status, stdout, stderr };
  }

  /** Runs `ids` as a process in the host's namespace, whatever its exit status. */
  program(...args: readonly string[]): Promise<RunResult> {
    return inNetns(this.host.netns, idsProgram, [...args, '--socket', this.socket], {
      deadline: COMMAND_MS,
      status: 'any',
    });
  }

  /** Runs `ids … --json`, which must succeed, and gives its answer. */
  async ids<T = unknown>(...args: readonly string[]): Promise<T> {
    const { status, stdout, stderr } = await this.cli(...args, '--json');
    if (status !== 0) throw new Error(`ids ${args.join(' ')}: exit status ${status}\n${stdout}${stderr}`);
    return JSON.parse(stdout) as T;
  }

  status(): Promise<Status> {
    return this.api.status();
  }

  /** Packets that had a reason. */
  async packets(reason: string): Promise<number> {
    return (await this.status()).reasons.find((row) => row.reason === reason)?.packets ?? 0;
  }

  /** Packets that blocklist entries of a prefix dropped. */
  async dropped(prefix: string): Promise<number> {
    const entries = await this.api.blocklistList();
    return entries.find((entry) => entry.prefix === prefix)?.packets ?? 0;
  }

  eve(): EveRecord[] {
    return lines(this.eveFile).map((line) => JSON.parse(line) as EveRecord);
  }

  /** Alert records of a rule. */
  alerts(sid: number): EveRecord[] {
    return this.eve().filter(({ event_type: type, alert }) => type === 'alert' && alert?.signature_id === sid);
  }

  /** The same command with the files of /etc that only it sees. */
  #ownEtc(words: [string, ...string[]]): [string, ...string[]] {
    if (this.#etc.length === 0) return words;
    const mounts = this.#etc.map(([name, file]) => `mount --bind '${file}' '/etc/${name}' && `);
    return ['unshare', '--mount', 'sh', '-c', `${mounts.join('')}exec "$0" "$@"`, ...words];
  }

  #showLog(): void {
    if ((this.#t as Partial<Verdict>).passing?.() !== false) return;
    // The runner shows what a failed file wrote here.
    process.stderr.write(`# log of the daemon in ${this.host.netns}:\n${this.log}`);
  }
}
