// SPDX-License-Identifier: Apache-2.0
// The feeds of the configuration: updated by their schedules and on demand, each by itself.

import { schedule, type ScheduledTask } from 'node-cron';
import { IdsError, messageOf } from '../../common/errors.js';
import type { FeedStatus, FeedUpdateRequest } from '../api/bulk-api.js';
import type { FeedConfig } from '../config/feeds-schema.js';
import { EMPTY_BATCH } from '../lists/batch-ops.js';
import type { BulkLists } from '../lists/prefix-batch.js';
import type { FailedFeed, FeedFailure } from './failure.js';
import { shownUrl } from './fetch.js';
import { FeedStates, type FeedState } from './feed-state.js';
import { originOf, updateFeed } from './update-feed.js';

/** Downloads at the same time. */
const PARALLEL = 4;

/** Where feeds tell what an operator should know; pino's Logger is one. */
export interface FeedLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
}

export interface FeedChange {
  readonly name: string;
  /** Entries before and after. */
  readonly before: number;
  readonly after: number;
  readonly added: number;
  readonly removed: number;
}

export interface FeedsOptions {
  readonly feeds: readonly FeedConfig[];
  readonly lists: BulkLists;
  /** Entries that an origin lists now. */
  readonly countOf: (origin: string) => number;
  /** Where states are kept. */
  readonly file: string;
  readonly log: FeedLog;
  /** Raises an alert. */
  readonly onFailure?: (feed: FailedFeed) => void;
  /** Told when the list of a feed has changed. */
  readonly onChange?: (change: FeedChange) => void;
  /** Update all feeds at once when opened; default true. */
  readonly atStart?: boolean;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export class Feeds {
  readonly #options: FeedsOptions;
  readonly #states: FeedStates;
  readonly #tasks = new Map<string, ScheduledTask>();
  /** Updates that are under way, by feed. */
  readonly #running = new Map<string, Promise<void>>();
  readonly #abort = new AbortController();
  readonly #waiting: (() => void)[] = [];
  #free = PARALLEL;
  /** Large contents are held one after the other. */
  #large: Promise<unknown> = Promise.resolve();

  private constructor(options: FeedsOptions, states: FeedStates) {
    this.#options = options;
    this.#states = states;
  }

  /** Starts the schedules and, in the background, a first update of each feed. */
  static open(options: FeedsOptions): Feeds {
    const states = FeedStates.open(options.file, (error) =>
      options.log.warn({ error: messageOf(error) }, 'the states of feeds are damaged: every feed is fetched anew'),
    );
    const feeds = new Feeds(options, states);
    void feeds.#forgetOld();
    for (const config of options.feeds) {
      const run = (): void => void feeds.#start(config, false);
      feeds.#tasks.set(
        config.name,
        schedule(config.schedule, run, { name: config.name, unref: true, suppressMissedWarning: true }),
      );
      if (options.atStart !== false) run();
    }
    return feeds;
  }

  /** What a feed listed that is not configured any more is taken off. */
  async #forgetOld(): Promise<void> {
    const { feeds, lists, log } = this.#options;
    const known = new Set(feeds.map(({ name }) => name));
    for (const name of this.#states.names().filter((one) => !known.has(one))) {
      try {
        const { removed } = await lists.replaceOrigin(originOf({ name }), EMPTY_BATCH, {});
        this.#states.delete(name);
        if (removed > 0) this.#options.onChange?.({ name, before: removed, after: 0, added: 0, removed });
        log.info({ feed: name, removed }, 'the feed is not configured any more: its entries were taken off');
      } catch (error) {
        log.warn({ feed: name, error: messageOf(error) }, 'the entries of a feed that is gone could not be taken off');
      }
    }
  }

  async #slot(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }

  readonly #alone = <T>(work: () => Promise<T>): Promise<T> => {
    const result = this.#large.then(work);
    this.#large = result.catch(() => undefined);
    return result;
  };

  /** An update of this feed: the one that runs already, or a new one. */
  #start(config: FeedConfig, force: boolean): Promise<void> {
    const running = this.#running.get(config.name);
    // A forced update may not be answered by one that is not.
    if (running) return force ? running.then(() => this.#start(config, true)) : running;
    const work = this.#update(config, force).finally(() => this.#running.delete(config.name));
    this.#running.set(config.name, work);
    return work;
  }

  async #update(config: FeedConfig, force: boolean): Promise<void> {
    const { lists, countOf, log } = this.#options;
    await this.#slot();
    try {
      if (this.#abort.signal.aborted) return;
      const before = this.#states.get(config.name);
      const listed = countOf(originOf(config));
      const now = Date.now();
      const request = { config, before, lists, listed, force, now, signal: this.#abort.signal, alone: this.#alone };
      const { after: bare, badLines, refused, changed, failure } = await updateFeed(request);
      if (changed && changed.added + changed.removed > 0) {
        const after = countOf(originOf(config));
        this.#options.onChange?.({ name: config.name, before: listed, after, ...changed });
      }
      if (this.#abort.signal.aborted && bare.error !== undefined) return;
      const after = failure === undefined ? bare : this.#alert(config, bare, failure);
      if (before.error !== undefined && failure === undefined) log.info({ feed: config.name }, 'feed: it works again');
      this.#states.set(config.name, after);
      this.#tell(config, after, badLines, refused);
    } catch (error) {
      log.warn({ feed: config.name, error: messageOf(error) }, 'feed: its state could not be kept');
    } finally {
      this.#release();
    }
  }

  /** A failure is told once a kind until the feed works again, also over a restart. */
  #alert(config: FeedConfig, after: FeedState, failure: FeedFailure): FeedState {
    const { told = [], error = '' } = after;
    if (told.includes(failure)) return after;
    const { name } = config;
    const entries = this.#options.countOf(originOf(config));
    this.#options.onFailure?.({ name, failure, error, entries });
    return { ...after, told: [...told, failure] };
  }

  #tell(config: FeedConfig, after: FeedState, badLines: readonly object[], refused: readonly object[]): void {
    const { log } = this.#options;
    const { state, entries, error, failures } = after;
    const fields = { feed: config.name, state, entries };
    if (error !== undefined)
      log.warn({ ...fields, failures, error }, 'feed: the new content was not taken, the old stays');
    else log.info(fields, 'feed');
    if (error !== undefined) return;
    if (state === 'updated' && after.badLines > 0)
      log.warn({ ...fields, bad: after.badLines, badLines }, 'feed: bad lines');
    if (state === 'updated' && after.refused > 0)
      log.warn({ ...fields, refused }, 'feed: entries that the guard refused');
  }

  #config(name: string): FeedConfig {
    const config = this.#options.feeds.find((feed) => feed.name === name);
    if (config) return config;
    const names = this.#options.feeds.map((feed) => feed.name).join(', ');
    const known = names === '' ? 'the configuration has none' : `the configuration has ${names}`;
    throw new IdsError('NOT_FOUND', `there is no feed "${name}": ${known}`);
  }

  list(): FeedStatus[] {
    return this.#options.feeds.map((config) => this.#status(config));
  }

  /** @throws IdsError NOT_FOUND */
  show(name: string): FeedStatus {
    return this.#status(this.#config(name));
  }

  /** Updates feeds now. @throws IdsError NOT_FOUND */
  async update({ names, force }: FeedUpdateRequest): Promise<FeedStatus[]> {
    const configs = names ? names.map((name) => this.#config(name)) : this.#options.feeds;
    await Promise.all(configs.map((config) => this.#start(config, force)));
    return configs.map((config) => this.#status(config));
  }

  #status(config: FeedConfig): FeedStatus {
    const { name, url, file, action } = config;
    const {
      fingerprint: _fingerprint,
      told: _told,
      until: _until,
      error,
      lastAttempt,
      lastSuccess,
      etag,
      lastModified,
      format,
      firstBadLines = [],
      ...figures
    } = this.#states.get(name);
    const next = this.#tasks.get(name)?.getNextRun();
    return {
      name,
      source: url === undefined ? (file ?? '') : shownUrl(new URL(url)),
      schedule: config.schedule,
      action,
      ...figures,
      firstBadLines,
      ...(format === undefined ? {} : { format }),
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { lastModified }),
      ...(lastAttempt === undefined ? {} : { lastAttempt: iso(lastAttempt) }),
      ...(lastSuccess === undefined ? {} : { lastSuccess: iso(lastSuccess) }),
      ...(error === undefined ? {} : { lastError: error }),
      ...(next ? { next: next.toISOString() } : {}),
      running: this.#running.has(name),
    };
  }

  /** A sentence for each feed that an operator should look at: `ids status` shows them. */
  notes(): string[] {
    return this.list().flatMap(({ name, lastError, lastSuccess }) =>
      lastError === undefined
        ? []
        : [`feed ${name} is not up to date (last success ${lastSuccess ?? 'never'}): ${lastError}`],
    );
  }

  /** Ends schedules and downloads; a change that is being made is made to its end. */
  async close(): Promise<void> {
    this.#abort.abort();
    for (const task of this.#tasks.values()) await task.destroy();
    this.#tasks.clear();
    await Promise.allSettled(this.#running.values());
  }
}
