// SPDX-License-Identifier: Apache-2.0
// The programs and tables in the kernel as one object: opened, attached, written, read, closed.

import { randomBytes } from 'node:crypto';
import { abiHash, mapShapes, StructureLayout } from '../../common/abi.gen.js';
import { IdsError } from '../../common/errors.js';
import type { RuleCountRecord } from '../../common/abi.gen.js';
import { type Attachment, Attachments } from './attachments.js';
import { BpfMap, indexKey } from './bpf-map.js';
import { type Control, ControlMap, DEFAULT_TIMEOUTS } from './control.js';
import { type Hits, readCounts, readOriginHits, readVerdicts, type VerdictCount } from './counters.js';
import type { EgressHook } from './egress-link.js';
import { type FlowHandle, flowHandle, FlowMemory } from './flow-memory.js';
import { ListMemory } from './list-memory.js';
import { detachLinks, type LinkPlace } from './links.js';
import { DEFAULT_OBJECT, LoadedObject } from './object.js';
import { abiDirs, openPinDir, removePins } from './pins.js';
import { PrefixTable } from './prefix-table.js';
import { PreviousPins } from './previous-pins.js';
import { type ProgramRuns, programRuns } from './program-runs.js';
import { RcuBarrier } from './rcu-barrier.js';
import type { RingHandle } from './ring-reader.js';
import { type RulesetBytes, Rulesets } from './rulesets.js';
import { MIN_FRAME, type RunOptions, type RunResult, TestRun } from './test-run.js';
import type { AttachMode } from './xdp-link.js';

export interface KernelOptions {
  /** The object file; default: the one that was built with this program. */
  readonly object?: string;
  /** Pins live under it and outlive the process; absent: everything ends with `close()`. */
  readonly pinDir?: string;
  /** The programs take the time from `control.setClock`. */
  readonly replay?: boolean;
  /** The program that judges what leaves is loaded too. In replay every packet comes in. */
  readonly egress?: boolean;
  /** The program of `handOverUnfinished` is loaded too. */
  readonly unfinished?: boolean;
  /** Entries of maps by name, instead of what the object says. */
  readonly sizes?: Readonly<Record<string, number>>;
}

const INGRESS = 'ids_xdp';
const EGRESS = 'ids_egress';
const UNFINISHED = 'ids_unfinished_xdp';
/** Replay is repeatable, so its hashes have a fixed key; live it is nobody's to guess. */
const REPLAY_SECRET = [0x6964735f7265706cn, 0x61795f736563726en] as const;

export class Kernel {
  /** Pinned maps of an earlier run were reused. */
  readonly adopted: boolean;
  /** Maps that keep the size of an earlier run, though another one was asked for. */
  readonly kept: readonly string[];
  readonly control: ControlMap;
  readonly allowlist: PrefixTable;
  readonly cuts: BpfMap;
  readonly rings: { readonly events: RingHandle; readonly bulk: RingHandle };
  readonly #object: LoadedObject;
  readonly #place: LinkPlace | undefined;
  readonly #maps = new Map<string, BpfMap>();
  readonly #rulesets: Rulesets;
  readonly #test: TestRun;
  readonly #testEgress: TestRun | undefined;
  readonly #unfinished: TestRun | undefined;
  readonly #replay: boolean;
  readonly #attachments: Attachments;
  #lists: ListMemory | undefined;
  #flows: FlowMemory | undefined;
  #barrier: RcuBarrier | undefined;
  #closed = false;

  private constructor(object: LoadedObject, place: LinkPlace | undefined, replay: boolean) {
    this.#object = object;
    this.#place = place;
    this.adopted = object.adopted;
    this.kept = object.kept;
    for (const name of Object.keys(mapShapes)) {
      const fd = object.maps.get(name);
      if (fd !== undefined) this.#maps.set(name, BpfMap.ofFd(name, fd, { owned: false }));
    }
    const ingress = object.programs.get(INGRESS) ?? -1;
    const egress = object.programs.get(EGRESS);
    const unfinished = object.programs.get(UNFINISHED);
    this.#test = new TestRun(ingress);
    this.#testEgress = egress === undefined ? undefined : new TestRun(egress, 'tc');
    this.#unfinished = unfinished === undefined ? undefined : new TestRun(unfinished);
    this.#replay = replay;
    this.control = ControlMap.open(this.map('ids_control').fd);
    this.#rulesets = new Rulesets(this.control, {
      rulesets: this.map('ids_rulesets'),
      addresses: this.map('ids_addresses'),
      counts: this.map('ids_rule_counts'),
      patterns: this.map('ids_pattern_sets'),
    });
    this.allowlist = new PrefixTable(this.map('ids_allowlist'));
    this.cuts = this.map('ids_cuts');
    this.#attachments = new Attachments({ ingress, egress }, place, this.map('ids_interfaces'));
    const ring = (name: string): RingHandle => ({ fd: this.map(name).fd, size: this.map(name).info.maxEntries });
    this.rings = { events: ring('ids_events'), bulk: ring('ids_bulk') };
    this.control.update({ datagramSets: this.map('ids_datagram_sets').info.maxEntries });
    const { secret, timeouts } = this.control.read();
    if (timeouts.every((seconds) => seconds === 0)) this.control.update({ timeouts: DEFAULT_TIMEOUTS });
    if (replay) this.control.update({ secret: REPLAY_SECRET });
    else if (secret[0] === 0n && secret[1] === 0n) {
      const random = randomBytes(16);
      this.control.update({ secret: [random.readBigUInt64LE(0), random.readBigUInt64LE(8)] });
    }
  }

  /**
   * Loads the programs and opens the tables, those of an earlier run if they are pinned under `pinDir`.
   * @throws IdsError LIBRARY_MISSING, OBJECT_INVALID, ABI_MISMATCH, PIN_FOREIGN, PRIVILEGE, KERNEL_FEATURE, SYSCALL
   */
  static open(o: KernelOptions = {}): Kernel {
    const path = o.pinDir === undefined ? undefined : openPinDir(o.pinDir, abiHash);
    const place = o.pinDir === undefined || path === undefined ? undefined : { pinDir: o.pinDir, path };
    const object = LoadedObject.load({
      file: o.object ?? DEFAULT_OBJECT,
      programs: [INGRESS, ...(o.unfinished === true ? [UNFINISHED] : []), ...(o.egress === true ? [EGRESS] : [])],
      pinPath: path,
      pinPrograms: true,
      settings: { ids_replay: o.replay ? 1 : 0 },
      sizes: o.sizes ?? {},
    });
    try {
      return new Kernel(object, place, o.replay ?? false);
    } catch (error) {
      object.close();
      throw error;
    }
  }

  /** Closes descriptors and mappings; pins stay, private links go. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#attachments.close();
    this.#rulesets.close();
    this.#lists?.close();
    this.#flows?.close();
    this.#barrier?.close();
    this.control.close();
    for (const map of this.#maps.values()) map.close();
    this.#object.close();
  }

  /** Any table by name. @throws IdsError INTERNAL if there is none. */
  map(name: string): BpfMap {
    const map = this.#maps.get(name);
    if (map === undefined || this.#closed) throw new IdsError('INTERNAL', `there is no open map ${name}`);
    return map;
  }

  /**
   * Fills the spare slot with fresh maps and turns to it; returns, when no program can still use the old rule set, what
   * that one counted in the end, by rule position.
   */
  installRuleset(compiled: RulesetBytes, generation: number): RuleCountRecord[] {
    return this.#rulesets.install(compiled, generation);
  }

  /** Generation of the rule set in force; 0 = none. */
  generation(): number {
    return this.#rulesets.generation();
  }

  /** By rule position, of the rule set in force. */
  ruleCounts(): RuleCountRecord[] {
    return this.#rulesets.counts();
  }

  /** The blocklist's tables as memory, mapped when they are first asked for. Not to be touched after `close()`. */
  listMemory(): ListMemory {
    return (this.#lists ??= ListMemory.open(
      (name) => this.map(name),
      () => this.synchronize(),
      () => this.control.turnFlows(),
    ));
  }

  /** The tables of flows as memory, mapped when they are first asked for. Not to be touched after `close()`. */
  flowMemory(): FlowMemory {
    return (this.#flows ??= FlowMemory.open(this.flowHandle()));
  }

  /** To open that memory in another thread, which has to end before `close()`. */
  sharedFlows(): FlowHandle {
    return this.flowMemory().shared(this.flowHandle());
  }

  /** To open the flow tables as memory with FlowMemory. */
  flowHandle(): FlowHandle {
    return flowHandle((name) => this.map(name));
  }

  /** Returns when every run of a program that had begun before the call has ended. Some 10 ms. */
  synchronize(): void {
    (this.#barrier ??= RcuBarrier.open()).wait();
  }

  originHits(index: number): Hits {
    return readOriginHits(this.map('ids_origin_hits'), index);
  }

  /** Zeroes the counters of an origin, before its index is handed out anew. */
  clearOriginHits(index: number): void {
    const map = this.map('ids_origin_hits');
    map.put(indexKey(index), new Uint8Array(map.valueBytes));
  }

  /**
   * Puts a structure automaton in force; sections that are being read begin anew under it.
   * @param table struct ids_structure; its generation is written here.
   */
  writeStructure(table: Uint8Array): void {
    if (table.length !== StructureLayout.SIZE)
      throw new IdsError('INTERNAL', `a structure automaton has ${StructureLayout.SIZE} bytes`);
    const before = this.control.read().structure;
    const generation = (before + 1) % 2 ** 32 || 2;
    const bytes = table.slice();
    new DataView(bytes.buffer).setUint32(StructureLayout.generation, generation, true);
    // Who took up the one before the last, in whose place this one goes, has ended.
    if (before > 1) this.synchronize();
    this.map('ids_structures').put(indexKey(generation & 1), bytes);
    this.control.update({ structure: generation });
  }

  verdicts(): VerdictCount[] {
    return readVerdicts(this.map('ids_verdicts'));
  }

  /** By reason. */
  decodes(): number[] {
    return readCounts(this.map('ids_decodes'));
  }

  /** By enum ids_stat. */
  stats(): number[] {
    return readCounts(this.map('ids_stats'));
  }

  /** Of the programs that judge packets; they stand still unless the kernel counts. */
  programRuns(): ProgramRuns[] {
    return [INGRESS, EGRESS].flatMap((name) => {
      const fd = this.#object.programs.get(name);
      return fd === undefined || this.#closed ? [] : [programRuns(name, fd)];
    });
  }

  /** Histograms of enum ids_flow_time one behind the other, FlowLimit.TIME_BUCKETS each. */
  flowTimes(): number[] {
    return readCounts(this.map('ids_flow_times'));
  }

  /**
   * Attaches to an interface, or takes over the links of an earlier run (also of another ABI) in one step each.
   * @param egress what leaves is judged too; by tcx or clsact alone if one of them is named.
   * @throws IdsError INTERFACE_MISSING, INTERFACE_BUSY
   */
  attach(name: string, mode: AttachMode = 'auto', egress: boolean | EgressHook = true): Attachment {
    return this.#attachments.attach(name, mode, egress);
  }

  /** What is attached, by this or an earlier run; interfaces that are gone are left out. */
  attachments(): Attachment[] {
    return this.#attachments.list();
  }

  /** @throws IdsError NOT_FOUND if nothing of ours is attached there. */
  detach(name: string): void {
    this.#attachments.detach(name);
  }

  /** One frame through the program, without an interface. @throws IdsError FRAME_INVALID */
  run(frame: Uint8Array, o: { ifindex?: number; repeat?: number } = {}): RunResult {
    if (this.#closed) throw new IdsError('INTERNAL', 'the kernel binding is closed');
    return this.#test.run(frame, o);
  }

  /** As `run`, on its way out: TC_ACT_UNSPEC is PASS here, and TC_ACT_SHOT DROP. */
  runEgress(frame: Uint8Array, o: RunOptions = {}): RunResult {
    if (this.#closed || this.#testEgress === undefined)
      throw new IdsError('INTERNAL', 'the program that judges what leaves is not loaded');
    return this.#testEgress.run(frame, o);
  }

  /**
   * Hands over the sections that wait for more in flows that are over, as they are; some dozens a call.
   * @param all of every flow, as no packet comes any more.
   */
  handOverUnfinished(all = false): void {
    if (this.#closed || this.#unfinished === undefined)
      throw new IdsError('INTERNAL', 'the program that hands over what is unfinished is not loaded');
    const frame = new Uint8Array(MIN_FRAME);
    frame[0] = all ? 1 : 0;
    // Live as packets are run: without another one in between on the same CPU.
    if (this.#replay) this.#unfinished.run(frame);
    else this.#unfinished.live(frame, 0);
  }

  /** Pins of other ABIs under the same pin directory, to read their tables from. They go when their last link is taken over. */
  previousPins(): PreviousPins[] {
    if (this.#place === undefined) return [];
    return abiDirs(this.#place.pinDir).flatMap(({ hash, path }) =>
      hash === abiHash ? [] : [new PreviousPins(hash, path)],
    );
  }

  /** Removes what other ABIs left: links to interfaces that were not taken over, and their pins. */
  removePrevious(): void {
    for (const previous of this.previousPins()) {
      detachLinks([previous.path]);
      removePins(previous.path);
    }
  }

  /** Removes every link and pin of every ABI under a pin directory, without a daemon; gives the interfaces that were freed. */
  static detachAll(pinDir: string): string[] {
    const directories = abiDirs(pinDir).map(({ path }) => path);
    const names = detachLinks(directories);
    for (const directory of directories) removePins(directory);
    return names;
  }
}

export type { Control };
