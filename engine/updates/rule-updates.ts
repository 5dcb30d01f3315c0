// SPDX-License-Identifier: Apache-2.0
// Rule sets that others keep: fetched by schedule and on demand, built into a generation, tried as a whole, and put in
// force or not at all. Whatever goes wrong, the generation in use stays.

import { join } from 'node:path';
import { schedule, type ScheduledTask } from 'node-cron';
import { IdsError, messageOf } from '../../common/errors.js';
import type { Compilation, RuleSource } from '../../rules/index.js';
import type { RulesLoadResult } from '../api/api.js';
import type { RuleSourceStatus, RulesUpdateRequest, RulesUpdateResult } from '../api/updates-api.js';
import type { UpdatesConfig, UpdateSource } from '../config/updates-schema.js';
import type { FeedLog } from '../feeds/feeds.js';
import { download } from '../feeds/fetch.js';
import type { FilterFiles, SourceBytes } from './build-set.js';
import { build } from './builder.js';
import { Generations } from './generations.js';
import { SourceCache, type Cached } from './source-cache.js';

export interface RuleUpdatesOptions {
  readonly config: UpdatesConfig;
  /** Where generations and downloads are kept. */
  readonly folder: string;
  /** The operator's filter files, read anew each time. */
  readonly filters: () => FilterFiles;
  /**
   * Compiles these files with those of the configuration, asks `accept`, which throws if it does not like them, and puts
   * them in force; undefined if a set that was loaded by hand is in force, which stays.
   */
  readonly load: (
    sources: readonly RuleSource[],
    accept: (compilation: Pick<Compilation, 'problems'>) => Promise<void>,
  ) => Promise<RulesLoadResult | undefined>;
  /** Runs the operator's tests on these files. @throws IdsError UPDATE_REFUSED */
  readonly test: (files: readonly string[]) => Promise<void>;
  readonly log: FeedLog;
  /** Told what came of a scheduled update. */
  readonly watch?: (update: () => Promise<RulesUpdateResult>) => Promise<unknown>;
}

interface Fetched {
  readonly source: UpdateSource;
  readonly state: 'fetched' | 'unchanged';
  readonly content: Cached;
}

export class RuleUpdates {
  readonly #options: RuleUpdatesOptions;
  readonly #generations: Generations;
  readonly #cache: SourceCache;
  readonly #abort = new AbortController();
  readonly #task: ScheduledTask | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: RuleUpdatesOptions) {
    this.#options = options;
    this.#generations = new Generations(options.folder);
    this.#cache = new SourceCache(join(options.folder, 'sources'));
    const { config } = options;
    if (config.sources.length > 0 && config.schedule !== 'off') {
      const update = (): Promise<RulesUpdateResult> => this.update({ force: false, rollback: false });
      const run = (): void => void (options.watch?.(update) ?? update()).catch(() => undefined);
      this.#task = schedule(config.schedule, run, { name: 'rules', unref: true, suppressMissedWarning: true });
    }
  }

  /** The files of the generation in use. */
  sources(): RuleSource[] {
    return this.#generations.sources(this.#generations.current);
  }

  /** One after the other. @throws IdsError UPDATE_REFUSED, FEED_FAILED, NOT_FOUND, RULES_INVALID … */
  update(request: RulesUpdateRequest): Promise<RulesUpdateResult> {
    const result = this.#queue.then(() => this.#logged(request));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #logged(request: RulesUpdateRequest): Promise<RulesUpdateResult> {
    const { log } = this.#options;
    try {
      const result = request.rollback ? await this.#rollback() : await this.#update(request);
      log.info({ outcome: result.outcome, generation: result.generation }, 'rules update');
      return result;
    } catch (error) {
      const generation = this.#generations.current;
      log.warn({ error: messageOf(error), generation }, 'rules update: the generation in use stays');
      throw error;
    }
  }

  async #update({ force }: RulesUpdateRequest): Promise<RulesUpdateResult> {
    const { config, filters } = this.#options;
    if (config.sources.length === 0) {
      throw new IdsError('NOT_FOUND', 'the configuration names no sources of rules: write them under rules_update');
    }
    const fetched: Fetched[] = [];
    for (const source of config.sources) fetched.push(await this.#fetch(source, force));
    const bytes = fetched.map(({ source, content }): SourceBytes => {
      const { name, checksum, max_unpacked: maxBytes } = source;
      return { name, bytes: content.bytes, maxBytes, ...(checksum === undefined ? {} : { checksum }) };
    });
    const { files, counts } = await build({ sources: bytes, filters: filters() });
    const states = fetched.map(({ source, state, content }): RuleSourceStatus => {
      return { name: source.name, state, bytes: content.bytes.length };
    });
    const current = this.#generations.current;
    if (!force && current !== undefined && this.#isSame(current, files)) {
      this.#remember(fetched);
      return this.#result('unchanged', current, states);
    }
    const number = this.#generations.add(files, counts);
    try {
      const result = await this.#activate(number, force);
      this.#remember(fetched);
      return { ...result, sources: states };
    } catch (error) {
      this.#generations.remove(number);
      throw error;
    }
  }

  async #fetch(source: UpdateSource, force: boolean): Promise<Fetched> {
    const known = force ? undefined : this.#cache.get(source);
    const answer = await download(source, known?.validators ?? {}, this.#abort.signal);
    if (answer.kind === 'content') {
      const { bytes, validators } = answer;
      return { source, state: 'fetched', content: { bytes, validators } };
    }
    if (known) return { source, state: 'unchanged', content: known };
    throw new IdsError('UPDATE_REFUSED', `${source.name}: it says that nothing has changed, and nothing is there`);
  }

  #remember(fetched: readonly Fetched[]): void {
    for (const { source, state, content } of fetched) if (state === 'fetched') this.#cache.put(source, content);
  }

  #isSame(number: number, files: readonly RuleSource[]): boolean {
    const before = this.#generations.sources(number);
    return (
      before.length === files.length &&
      before.every(({ file, text }, i) => {
        const other = files[i];
        return other !== undefined && file.endsWith(`/${other.file}`) && text === other.text;
      })
    );
  }

  /** Puts a generation that is on disk in force, and in use if that worked. */
  async #activate(number: number, force: boolean): Promise<RulesUpdateResult> {
    const { config, load, test } = this.#options;
    const sources = this.#generations.sources(number);
    const mine = new Set(sources.map(({ file }) => file));
    const before = this.#generations.list().find((one) => one.number === this.#generations.current)?.counts.rules;
    const after = this.#generations.list().find((one) => one.number === number)?.counts.rules ?? 0;
    if (!force && before !== undefined && after < before * (1 - config.max_shrink)) {
      const text = `the sources shrank from ${before} to ${after} rules (max_shrink ${config.max_shrink * 100} %)`;
      throw new IdsError('UPDATE_REFUSED', `${text}: "ids rules update --force" takes them`);
    }
    const loaded = await load(sources, async ({ problems }) => {
      const wrong = problems.filter(({ severity, file }) => severity === 'error' && mine.has(file));
      if (wrong.length > config.max_errors) {
        const text = `${wrong.length} rules have errors, max_errors is ${config.max_errors}`;
        throw new IdsError(
          'UPDATE_REFUSED',
          `${text}; the first: ${wrong[0]?.file}:${wrong[0]?.line}: ${wrong[0]?.cause}`,
        );
      }
      await test([...mine].filter((file) => file.endsWith('.rules')));
    });
    this.#generations.use(number, config.keep);
    const result = this.#result(loaded ? 'updated' : 'stored', number, []);
    return loaded ? { ...result, summary: loaded.summary } : result;
  }

  async #rollback(): Promise<RulesUpdateResult> {
    const { current } = this.#generations;
    const before = this.#generations.list().filter(({ number }) => current !== undefined && number < current);
    const target = before.at(-1);
    if (!target) throw new IdsError('NOT_FOUND', 'no earlier generation of updated rules is kept');
    const result = await this.#activate(target.number, true);
    return { ...result, outcome: result.outcome === 'updated' ? 'rolled-back' : 'stored' };
  }

  #result(
    outcome: RulesUpdateResult['outcome'],
    generation: number,
    sources: readonly RuleSourceStatus[],
  ): RulesUpdateResult {
    const kept = this.#generations
      .list()
      .map(({ number, created, counts }) => ({ generation: number, created, ...counts }));
    return { outcome, generation, sources, kept };
  }

  /** When the next scheduled update is; undefined: never. */
  get next(): Date | undefined {
    return this.#task?.getNextRun() ?? undefined;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#task?.destroy();
    await this.#queue;
  }
}
