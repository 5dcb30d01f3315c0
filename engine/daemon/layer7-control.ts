// SPDX-License-Identifier: Apache-2.0
// Layer 7 at run time: what is parsed, handed over and logged, as the configuration, the CLI and the rules in force want it.

import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { logKinds, type Dispatcher, type LogKind } from '../../alerts/index.js';
import { ControlFlag, L7SettingsLayout } from '../../common/abi.gen.js';
import { IdsError, messageOf, systemCode } from '../../common/errors.js';
import type { HttpLog, LogRequest, LogStatus, TopRequest, TopRow } from '../api/layer7-api.js';
import { indexKey, type Kernel } from '../bpf/index.js';
import type { Config, HttpLogConfig } from '../config/index.js';
import { flowFilter, type FlowSelection } from '../flows/selection.js';
import { headerNumber, keptHeaders, logBytes, writeSelection, type HttpSelection } from '../layer7/selection.js';
import { readTop, topKinds, topRows } from '../layer7/top.js';
import { defaultRedaction } from '../layer7/structure/names.js';
import { structureTable } from '../layer7/structure/structure-table.js';
import { settingFlags, settingsBytes } from '../layer7/settings.js';
import type { RingThread } from '../ring/ring-thread.js';

/** What the CLI has changed; what is absent is as configured. */
interface Changes {
  readonly http?: HttpSelection | 'off';
  readonly tls?: boolean;
  readonly dns?: boolean;
  readonly flow?: FlowSelection | 'off';
}

export interface Layer7ControlOptions {
  readonly config: Config;
  readonly kernel: Pick<Kernel, 'map' | 'writeStructure' | 'control'>;
  readonly ring: Pick<RingThread, 'setHttpLog' | 'setFlowLog'>;
  /** Nanoseconds of now(). */
  readonly now: () => number;
  readonly dispatcher: Pick<Dispatcher, 'takers'>;
  /** Keeps what the CLI has changed. */
  readonly file: string;
  readonly log: Pick<Logger, 'warn'>;
}

function configured(http: HttpLogConfig): HttpSelection | 'off' {
  if (http === 'off') return 'off';
  const { slower, ...rest } = http;
  const selection = { ...rest, ...(slower === undefined ? {} : { slowerMs: slower }) };
  return Object.fromEntries(Object.entries(selection).filter(([, value]) => value !== undefined));
}

export class Layer7Control {
  readonly #options: Layer7ControlOptions;
  readonly #hashKey: readonly [bigint, bigint];
  #changes: Changes;
  /** Header lines that the structure automaton in force keeps: none after a start. */
  #kept: readonly string[] = [];
  /** enum ids_l7_setting: what the rules in force need in any case. */
  #heads = 0;
  /** The same: whether the kernel selects, and by which value. */
  #selects = 0;
  /** What was counted of HTTP under another one does not count any more. */
  #epoch: number;
  #started = false;

  constructor(options: Layer7ControlOptions) {
    this.#options = options;
    this.#changes = readChanges(options.file, options.log);
    this.#hashKey = this.#keyInForce() ?? newKey();
    this.#epoch = this.#wordInForce(L7SettingsLayout.epoch);
  }

  /** The key that programs which go on have: equal values keep equal hashes over a restart of the daemon. */
  #keyInForce(): readonly [bigint, bigint] | undefined {
    const bytes = this.#settingsInForce();
    if (!bytes) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const key = [
      view.getBigUint64(L7SettingsLayout.hashKey, true),
      view.getBigUint64(L7SettingsLayout.hashKey + 8, true),
    ];
    return key[0] === 0n && key[1] === 0n ? undefined : [key[0] ?? 0n, key[1] ?? 0n];
  }

  #settingsInForce(): Uint8Array | undefined {
    return this.#options.kernel.map('ids_l7_settings').get(indexKey(0));
  }

  #wordInForce(at: number): number {
    const bytes = this.#settingsInForce();
    return bytes ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true) : 0;
  }

  /** Another rule set is in force. */
  setHeads(heads: number): void {
    this.#heads = heads;
    this.#writeSettings();
  }

  get #flow(): FlowSelection | 'off' {
    return this.#changes.flow ?? this.#options.config.flows.log;
  }

  get #http(): HttpSelection | 'off' {
    return this.#changes.http ?? configured(this.#options.config.layer7.log.http);
  }

  /** Brings the kernel and the ring reader in line. */
  apply(): void {
    const selection = this.#http;
    const wanted = selection === 'off' ? {} : selection;
    const kept = keptHeaders(wanted);
    if (kept.join() !== this.#kept.join()) this.#options.kernel.writeStructure(this.#structure(kept));
    this.#kept = kept;
    const { headers } = wanted;
    this.#options.ring.setHttpLog({
      headers: headers === 'all' ? 'all' : (headers ?? 'none'),
      selection: wanted,
    });
    const flags = this.#wordInForce(L7SettingsLayout.flags);
    this.#selects = writeSelection(wanted, flags, (slot, value) =>
      this.#options.kernel.map('ids_log').put(indexKey(slot), value),
    );
    this.#writeSettings();
    this.#applyFlow();
  }

  /** The kernel tells of flows whose places it gives away, the ring reader looks for the others. */
  #applyFlow(): void {
    const { kernel, ring, now } = this.#options;
    const selection = this.#flow;
    const on = selection !== 'off' && this.#taken('flow');
    const bit = ControlFlag.CONTROL_LOG_FLOWS;
    const { flags, timeouts } = kernel.control.read();
    if (((flags & bit) !== 0) !== on) kernel.control.flag(bit, on);
    // What ended while nobody was there is told; what ended while the log was off is not.
    ring.setFlowLog(on ? { ...selection, timeouts } : undefined, this.#started ? now() : 0);
    this.#started = true;
  }

  /** @throws IdsError CONFIG_INVALID if the names do not fit */
  #structure(kept: readonly string[]): Uint8Array {
    const { redact } = this.#options.config;
    return structureTable({ ...(redact === 'off' ? defaultRedaction : redact), kept });
  }

  #writeSettings(): void {
    const { layer7, inspect } = this.#options.config;
    const on = this.#on();
    const flags = settingFlags({
      ...layer7,
      logHttp: on.http && this.#taken('http'),
      logTls: on.tls && this.#taken('tls'),
      logDns: on.dns && this.#taken('dns'),
    });
    const bytes = settingsBytes({
      flags: flags | this.#heads | this.#selects,
      depth: [inspect.to_server, inspect.to_client],
      hashKey: this.#hashKey,
      epoch: this.#epoch,
      ignored: layer7.ignore_ports,
      shallow: inspect.shallow_ports,
    });
    this.#options.kernel.map('ids_l7_settings').put(indexKey(0), bytes);
  }

  #on(): { readonly http: boolean; readonly tls: boolean; readonly dns: boolean } {
    const { log } = this.#options.config.layer7;
    return { http: this.#http !== 'off', tls: this.#changes.tls ?? log.tls, dns: this.#changes.dns ?? log.dns };
  }

  #taken(kind: LogKind): boolean {
    return this.#options.dispatcher.takers(kind).length > 0;
  }

  /** @throws IdsError USAGE, CONFIG_INVALID for a selection that the kernel has no room for: nothing is changed then */
  change(request: LogRequest): LogStatus {
    if (request.flow && request.flow !== 'default' && request.flow !== 'off') flowFilter(request.flow);
    if (request.http && request.http !== 'default' && request.http !== 'off') {
      logBytes(request.http);
      this.#structure(keptHeaders(request.http));
    }
    const next: { -readonly [K in keyof Changes]: Changes[K] } = { ...this.#changes };
    for (const key of ['http', 'tls', 'dns', 'flow'] as const) {
      const value = request[key];
      if (value === undefined) continue;
      if (value === 'default') delete next[key];
      else Object.assign(next, { [key]: value });
    }
    this.#save(next);
    this.#changes = next;
    this.apply();
    return this.status();
  }

  status(): LogStatus {
    const on = this.#on();
    const selection = this.#http;
    const origin = (key: keyof Changes): 'config' | 'cli' => (this.#changes[key] === undefined ? 'config' : 'cli');
    const http: HttpLog = { on: on.http, origin: origin('http'), ...(selection === 'off' ? {} : selection) };
    return {
      http,
      tls: { on: on.tls, origin: origin('tls') },
      dns: { on: on.dns, origin: origin('dns') },
      flow: { on: this.#flow !== 'off', origin: origin('flow'), ...(this.#flow === 'off' ? {} : this.#flow) },
      outputs: logKinds.map((kind) => ({ kind, outputs: this.#options.dispatcher.takers(kind) })),
    };
  }

  /** @throws IdsError NOT_FOUND for a header that is not kept, and where nothing is counted */
  top({ by, header, limit }: TopRequest): TopRow[] {
    const selection = this.#http;
    const names = selection === 'off' || !Array.isArray(selection.headers) ? [] : (selection.headers as string[]);
    const index = headerNumber(header ?? '');
    if (by === 'header' && !names.some((name) => headerNumber(name) === index)) {
      const remedy = 'say so first: ids log http --header NAME';
      throw new IdsError('NOT_FOUND', `the header ${header ?? ''} is not among those that are kept: ${remedy}`);
    }
    if (this.#options.config.layer7.aggregate === 'off') {
      throw new IdsError('NOT_FOUND', 'nothing is counted: layer7.aggregate is off in the configuration');
    }
    return topRows(
      readTop((name) => this.#options.kernel.map(name), this.#epoch),
      topKinds[by],
      index,
      limit,
    );
  }

  /** Begins to count anew. */
  resetTop(): void {
    this.#epoch = (this.#epoch + 1) >>> 0;
    this.#writeSettings();
  }

  #save(changes: Changes): void {
    const { file } = this.#options;
    if (Object.keys(changes).length === 0) {
      rmSync(file, { force: true });
      return;
    }
    writeFileSync(`${file}.new`, `${JSON.stringify(changes)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
}

function newKey(): [bigint, bigint] {
  const random = randomBytes(16);
  return [random.readBigUInt64LE(0), random.readBigUInt64LE(8)];
}

/** What an earlier daemon was told; a file that cannot be read is as good as none. */
function readChanges(file: string, log: Pick<Logger, 'warn'>): Changes {
  try {
    const changes = JSON.parse(readFileSync(file, 'utf8')) as Changes;
    if (changes.http && changes.http !== 'off') logBytes(changes.http);
    return changes;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') log.warn({ file, error: messageOf(error) }, 'what ids log had changed is lost');
    return {};
  }
}
