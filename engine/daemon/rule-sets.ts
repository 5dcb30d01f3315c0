// SPDX-License-Identifier: Apache-2.0
// Which rules are in force: reads, compiles, installs and remembers rule sets, one after the other.

import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stat } from '../../common/abi.gen.js';
import { collectGarbage } from '../../common/collect-garbage.js';
import { IdsError, messageOf, systemCode } from '../../common/errors.js';
import { PackedList } from '../../common/packed-list.js';
import {
  addressOrigin,
  explainRule,
  type LanguageOptions,
  type PackedCompilation,
  type Problem,
  type RuleExplanation,
  type RuleInfo,
  type RuleSource,
} from '../../rules/index.js';
import type {
  RuleCounts,
  RuleRecord,
  RulesList,
  RulesEnableResult,
  RulesLoadRequest,
  RulesLoadResult,
  RulesLoading,
} from '../api/api.js';
import type { RuleStats, RuleStatsRequest } from '../api/rule-stats-api.js';
import { trimMemory, type Kernel } from '../bpf/index.js';
import { Compiler } from '../compiler/compiler.js';
import { RuleFigures } from '../judge/rule-figures.js';
import type { RingThread } from '../ring/ring-thread.js';
import { AddressRules, type Unfit } from './address-rules.js';
import type { DatasetFiles } from './dataset-files.js';
import type { AddressTarget } from './fit-origins.js';
import { RuleStatsView, type CountedRules } from './rule-stats.js';

export interface RuleSetsOptions {
  readonly kernel: Kernel;
  readonly ring: RingThread;
  /** Where a set that came through the control socket is remembered, so that a restart goes on with it. */
  readonly stateDir: string;
  /** Where data sets are kept. */
  readonly datasets: DatasetFiles;
  /** Reads the files that the configuration names; behind them stand those of the updates, or others in their place. */
  readonly configured: (updated?: readonly RuleSource[]) => RuleSource[];
  /** Variables of the rule language, asked for at each load since addresses of interfaces change. */
  readonly language: (sources: readonly RuleSource[]) => LanguageOptions;
  /** Told which messages the engine's rules need in any case (enum ids_l7_setting), before the kernel asks them. */
  readonly onHeads?: (heads: number) => void;
  /** Told what a set that was replaced had held back in the end. */
  readonly onRetired?: (generation: number, heldBack: readonly HeldBack[]) => void;
}

/** A rule that had events held back, and how many since its set was loaded. */
export interface HeldBack {
  readonly rule: RuleInfo;
  readonly suppressed: number;
}

/** Earlier generations whose events may still be in the rings: each start makes one. */
const MAX_ALSO = 16;

/** The set in force, for the daemon after this one. */
interface Generation {
  readonly generation: number;
  /** Of what it was made from. */
  readonly digest: string;
  /** Older generations of the same set. */
  readonly also?: readonly number[];
}

/** What of a load outlives the daemon. */
type LoadedByHand = Pick<RulesLoadRequest, 'sources' | 'thresholds'>;

function loadedByHand({ sources, thresholds }: RulesLoadRequest): LoadedByHand {
  return { ...(sources ? { sources } : {}), ...(thresholds ? { thresholds } : {}) };
}

/** Updated rules may bring one along; a configured one wins. */
const isClassification = (file: string): boolean => file.endsWith('/classification.config');

/** What was compiled, and from what. */
type Compiled = PackedCompilation & {
  /** SHA-256 over rule files, thresholds and what is disabled. */
  readonly sources: string;
};

function hashOf(sources: readonly RuleSource[], rest: unknown): string {
  const hash = createHash('sha256');
  for (const { file, text } of sources) hash.update(`${file}\0${text}\0`);
  return hash.update(JSON.stringify(rest) ?? '').digest('hex');
}

/** What the main thread keeps of a compilation. */
interface KeptSet extends Pick<Compiled, 'summary' | 'heads' | 'addressLists' | 'sources'> {
  readonly rules: PackedList<RuleInfo>;
  /** Indices of rules by their position in the kernel table. */
  readonly positions: Uint32Array;
}

function keptOf({ summary, heads, addressLists, sources, rules, ruleset }: Compiled): KeptSet {
  return { summary, heads, addressLists, sources, rules: new PackedList(rules), positions: ruleset.rules };
}

/** How long after a load its memory is given back. */
const TIDY_MS = 2000;

interface Current {
  readonly compilation: KeptSet;
  /** Counts of the rules that the engine judges. */
  readonly figures: RuleFigures;
  readonly generation: number;
  readonly loadedAt: string;
  readonly origin: 'config' | 'cli';
  /** What had not been inspected when it came into force. */
  readonly before: Uninspected;
}

/** Payload that rules look into and that was not judged. */
export interface Uninspected {
  /** Beyond the inspection depth. */
  readonly bytes: number;
  /** Streams that bytes were missing of, or that there was no room for. */
  readonly streams: number;
  /** Rules given up on a message. */
  readonly inspections: number;
}

const noCounts: RuleCounts = { matched: 0, events: 0, suppressed: 0, lost: 0, silenced: 0 };

export class RuleSets {
  readonly #options: RuleSetsOptions;
  readonly #compiler = new Compiler();
  #addresses: AddressRules | undefined;
  #current: Current | undefined;
  readonly #stats = new RuleStatsView();
  /** The first set, on its way through the compiler. */
  #first: { readonly request: RulesLoadRequest; readonly compilation: Promise<Compiled> } | undefined;
  #loading: RulesLoading = {};
  #tidying: NodeJS.Timeout | undefined;
  /** Loads come one after the other. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: RuleSetsOptions) {
    this.#options = options;
  }

  /** Since the set in force was loaded. */
  uninspected(): Uninspected {
    const { before } = this.current;
    const { bytes, streams, inspections } = this.#uninspected();
    return {
      bytes: bytes - before.bytes,
      streams: streams - before.streams,
      inspections: inspections - before.inspections,
    };
  }

  #uninspected(): Uninspected {
    const { kernel, ring } = this.#options;
    const { brokenStreams: streams, limited: inspections } = ring.counts;
    return { bytes: kernel.stats()[Stat.UNINSPECTED] ?? 0, streams, inspections };
  }

  /** How far a load is. */
  get loading(): RulesLoading {
    return this.#loading;
  }

  get current(): Current {
    if (!this.#current) throw new IdsError('INTERNAL', 'no rule set is loaded yet');
    return this.#current;
  }

  #lists(): AddressRules {
    if (!this.#addresses) throw new IdsError('INTERNAL', 'rule sets are not started yet');
    return this.#addresses;
  }

  /**
   * Has the first set compiled, in the compiler's thread: what was loaded by hand before the last stop, else what the
   * configuration names. `start` puts it in force.
   */
  prepare(): void {
    const request = { ...this.#remembered(), strict: false };
    const compilation = this.#compile(request);
    // A failure is told by `start`.
    compilation.catch(() => undefined);
    this.#first = { request, compilation };
  }

  /** The first load. @param blocklist where address rules list their sources */
  async start(blocklist: AddressTarget): Promise<RulesLoadResult> {
    if (!this.#first) this.prepare();
    this.#addresses = new AddressRules(blocklist);
    const { request = { strict: false }, compilation } = this.#first ?? {};
    this.#first = undefined;
    return this.#load(request, false, compilation).finally(() => {
      this.#loading = {};
      this.#tidy();
    });
  }

  async #compile(
    { sources, thresholds }: RulesLoadRequest,
    disabled: readonly string[] = this.#disabled(),
  ): Promise<Compiled> {
    const { configured, language } = this.#options;
    const named = sources ?? configured();
    const taken = named.filter(({ file }) => !isClassification(file));
    const classification = named.find(({ file }) => isClassification(file));
    const options = { ...(classification ? { classification } : {}), ...language(taken), disabled };
    this.#loading = { stage: 'parsing', share: 0 };
    const onParsed = (share: number): void => void (this.#loading = { stage: 'parsing', share });
    const compilation = await this.#compiler.compile(
      taken,
      thresholds ? { ...options, thresholds } : options,
      onParsed,
    );
    this.#loading = { stage: 'installing' };
    return { ...compilation, sources: hashOf(named, [thresholds, disabled]) };
  }

  /** Addresses of the set in force that found no room: at the start and after `reload()` the rest of it is in force. */
  get unfit(): Unfit {
    return this.#lists().unfit;
  }

  /**
   * Compiles and puts a whole set in force; on failure the set before stays.
   * @throws IdsError RULES_INVALID
   */
  load(request: RulesLoadRequest): Promise<RulesLoadResult> {
    return this.#next(() => this.#load(request, true));
  }

  /** Gives back what a load has left, once its answer has gone out. */
  #tidy(): void {
    clearTimeout(this.#tidying);
    this.#tidying = setTimeout(() => {
      collectGarbage();
      trimMemory();
    }, TIDY_MS);
    this.#tidying.unref();
  }

  /** Does it when what was asked for before is done. */
  #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work).finally(() => {
      this.#loading = {};
      this.#tidy();
    });
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /**
   * Compiles what the configuration names with other updated files, asks `accept`, and puts the set in force. A set that
   * was loaded by hand stays: undefined then.
   */
  loadUpdated(
    updated: readonly RuleSource[],
    accept: (compilation: PackedCompilation) => Promise<void>,
  ): Promise<RulesLoadResult | undefined> {
    return this.#next(async () => {
      const { thresholds } = this.#remembered();
      const sources = this.#options.configured(updated);
      const compilation = await this.#compile({ sources, strict: false, ...(thresholds ? { thresholds } : {}) });
      await accept(compilation);
      if (this.current.origin === 'cli') return undefined;
      return await this.#load({ strict: false }, false, Promise.resolve(compilation));
    });
  }

  /**
   * Disables or enables rules, over reloads and restarts. @param names `SID`, of every group, or `GID:SID`
   * @throws IdsError NOT_FOUND
   */
  enable(names: readonly string[], enabled: boolean): Promise<RulesEnableResult> {
    return this.#next(() => this.#enable(names, enabled));
  }

  async #enable(names: readonly string[], enabled: boolean): Promise<RulesEnableResult> {
    const { rules } = this.current.compilation;
    const before = new Set(this.#disabled());
    const known = new Set(before);
    for (const { gid, sid } of rules) known.add(`${gid}:${sid}`);
    const keys = names.flatMap((name) => {
      const found = name.includes(':')
        ? [name].filter((key) => known.has(key))
        : [...known].filter((key) => key.endsWith(`:${name}`));
      if (found.length === 0) throw new IdsError('NOT_FOUND', `no rule ${name} is loaded: see "ids rules list"`);
      return found;
    });
    const changed = [...new Set(keys)].filter((key) => before.has(key) === enabled);
    if (changed.length === 0) return { generation: this.current.generation, changed };
    for (const key of changed) if (enabled) before.delete(key);
    for (const key of changed) if (!enabled) before.add(key);
    const disabled = [...before].sort();
    const request = { ...this.#remembered(), strict: false };
    const { generation } = await this.#load(request, false, this.#compile(request, disabled), disabled);
    return { generation, changed };
  }

  /** Rules that are disabled, as `GID:SID`. */
  #disabled(): readonly string[] {
    return (this.#read('disabled.json') as readonly string[] | null) ?? [];
  }

  async #load(
    request: RulesLoadRequest,
    remember: boolean,
    first?: Promise<Compiled>,
    disabled?: readonly string[],
  ): Promise<RulesLoadResult> {
    return this.#enforce(await (first ?? this.#compile(request)), request, remember, disabled);
  }

  async #enforce(
    compilation: Compiled,
    request: RulesLoadRequest,
    remember: boolean,
    disabled: readonly string[] | undefined,
  ): Promise<RulesLoadResult> {
    const { kernel, ring } = this.#options;
    const { problems, summary } = compilation;
    if (request.strict && summary.errors + summary.unsupported > 0) {
      throw new IdsError(
        'RULES_INVALID',
        `nothing was loaded: ${summary.errors} rules have errors and ${summary.unsupported} are unsupported`,
        {
          details: { problems, summary },
        },
      );
    }
    if (remember && summary.usable === 0 && summary.errors > 0) {
      throw new IdsError('RULES_INVALID', 'nothing was loaded: no rule is usable; the rules in force stay', {
        details: { problems, summary },
      });
    }
    const before = kernel.generation();
    const generation = before + 1;
    const digest = createHash('sha256').update(compilation.ruleset.blob).digest('hex');
    const { rules, addresses, suppressed } = compilation;
    const kept = keptOf(compilation);
    const figures = new RuleFigures(kept.rules.length);
    const engine = { ...compilation.engine, datasets: this.#options.datasets.begin(compilation.engine.datasets) };
    const ruleset = { rules: kept.positions };
    // The reader must know a set before the kernel's first event of it.
    // Events that an earlier daemon left in the rings are explained by the same rules, if they are the same.
    const also = this.#current ? [] : this.#alsoKnown(before, digest);
    await ring.install({ generation, rules, ruleset, engine, addresses, suppressed, figures: figures.buffer }, also);
    // A load by hand can be refused as a whole; without it the set would protect nobody.
    const refusals = await this.#listAddresses(kept, generation, !remember);
    // What cannot be remembered is not put in force either: a full disk is found before the kernel is told.
    const files = ['generation.json', ...(remember ? ['rules.json'] : []), ...(disabled ? ['disabled.json'] : [])];
    try {
      this.#stage('generation.json', { generation, digest, also });
      if (remember) this.#stage('rules.json', loadedByHand(request));
      if (disabled) this.#stage('disabled.json', disabled);
    } catch (error) {
      await this.#unlistAddresses(kept, generation);
      throw error;
    }
    // Until the old set's events are read both have what they need.
    this.#options.onHeads?.(compilation.heads | (this.#current?.compilation.heads ?? 0));
    const last = kernel.installRuleset(compilation.ruleset, generation);
    this.#options.onHeads?.(compilation.heads);
    ring.retire(generation);
    for (const name of files) this.#keep(name);
    if (this.#current) this.#options.onRetired?.(this.#current.generation, this.#heldBack(this.#current, last));
    const origin = request.sources ? 'cli' : 'config';
    const passedBy = this.#uninspected();
    this.#current = {
      compilation: kept,
      figures,
      generation,
      loadedAt: new Date().toISOString(),
      origin,
      before: passedBy,
    };
    await this.#lists().settle(kept);
    return { generation, summary, problems: [...problems, ...refusals] };
  }

  /** The sources of address rules, listed; if that fails, events are explained by the set before again. */
  async #listAddresses(compilation: KeptSet, generation: number, whatFits: boolean): Promise<Problem[]> {
    try {
      return await this.#lists().put(compilation, this.#current?.compilation, whatFits);
    } catch (error) {
      await this.#explainAgain(generation);
      throw error;
    }
  }

  /** The sources of the set before, listed again. */
  async #unlistAddresses(compilation: KeptSet, generation: number): Promise<void> {
    const before = this.#current?.compilation;
    if (before) {
      await this.#lists().put(before, compilation, true);
      await this.#lists().settle(before);
    }
    await this.#explainAgain(generation);
  }

  async #explainAgain(generation: number): Promise<void> {
    if (!this.#current) return;
    await this.#options.ring.alias(generation, this.#current.generation);
  }

  /** Compiles the set in force again, for variables that have changed. */
  reload(): Promise<RulesLoadResult> {
    return this.#next(() => this.#load({ ...this.#remembered(), strict: false }, false));
  }

  list(): RulesList {
    const { compilation, generation, loadedAt, origin } = this.current;
    return { generation, loadedAt, origin, summary: compilation.summary, rules: this.#records(this.current) };
  }

  /** @throws IdsError NOT_FOUND */
  show(sid: number): readonly RuleRecord[] {
    const found = this.#records(this.current).filter((rule) => rule.sid === sid);
    if (found.length === 0) throw new IdsError('NOT_FOUND', `no rule with sid ${sid} is loaded`);
    return found;
  }

  /** @throws IdsError NOT_FOUND */
  explain(sid: number): readonly RuleExplanation[] {
    const found = [...this.current.compilation.rules].filter((rule) => rule.sid === sid);
    if (found.length === 0) throw new IdsError('NOT_FOUND', `no rule with sid ${sid} is loaded`);
    return found.map((rule) => explainRule(rule, this.#options.language([{ file: rule.file, text: rule.text }])));
  }

  /** What rules cost and what came of it. */
  stats(request: RuleStatsRequest): RuleStats {
    return this.#stats.stats(this.#counted(), request);
  }

  /** What `stats` tells begins anew. */
  resetStats(): void {
    this.#stats.reset(this.#counted());
  }

  #counted(): CountedRules {
    const { generation, loadedAt, figures } = this.current;
    return { generation, loadedAt, records: this.#records(this.current), profile: figures.profile.columns };
  }

  /** Rules that had events held back, with how many, since their set was loaded. */
  suppressed(): HeldBack[] {
    return this.#heldBack(this.current);
  }

  #heldBack(
    { compilation: { rules, positions }, figures }: Current,
    counts: readonly RuleCounts[] = this.#options.kernel.ruleCounts(),
  ): HeldBack[] {
    const byKernel = new Map<number, number>();
    positions.forEach((index, position) => {
      const suppressed = counts[position]?.suppressed ?? 0;
      if (suppressed > 0) byKernel.set(index, (byKernel.get(index) ?? 0) + suppressed);
    });
    const held: HeldBack[] = [];
    for (let index = 0; index < rules.length; index++) {
      const [own, kernels] = [figures.suppressed(index), byKernel.get(index) ?? 0];
      const rule = own + kernels > 0 ? rules.at(index) : undefined;
      const suppressed = rule?.placement === 'inline' ? kernels : own;
      if (rule && suppressed > 0) held.push({ rule, suppressed });
    }
    return held;
  }

  async close(): Promise<void> {
    await this.#queue;
    clearTimeout(this.#tidying);
    await this.#compiler.close();
  }

  /** @param counts of the kernel's rules by position */
  #records(
    { compilation, figures }: Current,
    counts: readonly RuleCounts[] = this.#options.kernel.ruleCounts(),
  ): RuleRecord[] {
    const listed = this.#lists().matched();
    return Array.from(compilation.rules, (rule, index) => {
      if (rule.placement === 'engine') return { ...rule, counts: { ...noCounts, ...figures.read(index) } };
      if (rule.placement === 'address') {
        const matched = listed.get(addressOrigin(rule)) ?? 0;
        return { ...rule, counts: { ...noCounts, ...figures.read(index), matched } };
      }
      const own = rule.positions.map((position) => counts[position] ?? noCounts);
      const sum = (field: keyof RuleCounts): number => own.reduce((total, one) => total + one[field], 0);
      // The kernel has raised what a `suppress` of a threshold file has kept quiet then.
      const quiet = figures.read(index).silenced;
      return {
        ...rule,
        counts: {
          matched: sum('matched'),
          events: Math.max(0, sum('events') - quiet),
          suppressed: sum('suppressed'),
          lost: sum('lost'),
          silenced: sum('silenced') + quiet,
        },
      };
    });
  }

  /** What was loaded by hand; nothing = what the configuration names. A list alone is what an older daemon wrote. */
  #remembered(): LoadedByHand {
    const known = this.#read('rules.json') as readonly RuleSource[] | LoadedByHand | null;
    return known === null ? {} : Array.isArray(known) ? { sources: known } : (known as LoadedByHand);
  }

  /** Generations that were the same set as this one, if the kernel's is: events of theirs may be in the rings. */
  #alsoKnown(generation: number, digest: string): number[] {
    const known = this.#read('generation.json') as Generation | null;
    if (known?.generation !== generation || known.digest !== digest) return [];
    return [generation, ...(known.also ?? [])].slice(0, MAX_ALSO);
  }

  /** A file of the state directory, null if there is none. */
  #read(name: string): unknown {
    const file = join(this.#options.stateDir, name);
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as unknown;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null;
      throw new IdsError(
        'STORE_FAILED',
        `${file} cannot be read (${messageOf(error)}): remove it to go on without it`,
        {
          cause: error,
        },
      );
    }
  }

  /** Written beside; `#keep` puts it in place, so that a crash leaves the old or the new one. */
  #stage(name: string, value: unknown): void {
    const file = join(this.#options.stateDir, name);
    try {
      writeFileSync(`${file}.new`, JSON.stringify(value), { mode: 0o600, flush: true });
    } catch (error) {
      const text = `nothing was loaded: ${file} cannot be written (${messageOf(error)}): free its disk and try again`;
      throw new IdsError('STORE_FAILED', text, { cause: error });
    }
  }

  #keep(name: string): void {
    const file = join(this.#options.stateDir, name);
    renameSync(`${file}.new`, file);
  }
}
