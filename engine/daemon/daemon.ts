// SPDX-License-Identifier: Apache-2.0
// The daemon as one object: everything opened in order, everything closed in reverse.

import { join } from 'node:path';
import type { Logger } from 'pino';
import { Dispatcher, openSink, OutboxStore, Recent, type OutputConfig, type Sink } from '../../alerts/index.js';
import { ControlFlag, Stat } from '../../common/abi.gen.js';
import { parsePrefix } from '../../common/address.js';
import { messageOf } from '../../common/errors.js';
import { Lifetime } from '../../common/lifetime.js';
import { actingAs } from '../audit/actor.js';
import { auditedApi } from '../audit/audited-api.js';
import { ApiServer, clearSocket, socketGroup } from '../api/server.js';
import { claimPins, datagramSizes, Kernel, now, shortenSlice, UnixDatagrams, wallOffset } from '../bpf/index.js';
import { resolveHomeNet, type Config } from '../config/index.js';
import { FlowFigures } from '../flows/figures.js';
import { FlowOrders } from '../flows/orders.js';
import { flowSizes } from '../flows/sizes.js';
import { BlockTable, CAPACITY, listSizes } from '../lists/table/index.js';
import { Allowlist, Blocklist, Guard, openListStore, scheduleSweep, sshPeerOf, type Clock } from '../lists/index.js';
import type { MetricsServer } from '../metrics/metrics-server.js';
import { noticeOf } from '../feeds/failure.js';
import type { Enricher } from '../enrich/enricher.js';
import { openEnricher } from '../enrich/open.js';
import { Feeds } from '../feeds/feeds.js';
import { openUpdates } from './open-updates.js';
import type { RuleUpdates } from '../updates/rule-updates.js';
import { Confirmations } from '../lists/confirmations.js';
import { EstablishedFlows, FlowCuts, Responder } from '../response/index.js';
import type { RingThread, RingThreadOptions } from '../ring/ring-thread.js';
import { unfitNote } from './address-rules.js';
import { AlertPath } from './alert-path.js';
import { auditFailedStart, auditFeed, auditStart, looksOf, openAudit, rulesFacts, type Audit } from './audit.js';
import { DaemonApi } from './daemon-api.js';
import { claimInstance } from './instance.js';
import { Interfaces } from './interfaces.js';
import { Layer7Control } from './layer7-control.js';
import type { RuleSets } from './rule-sets.js';
import { openMetrics } from './metrics.js';
import { settle } from './settle.js';
import { openThreads } from './threads.js';

const TICK_MS = 1000;
/** Interfaces and their addresses are looked at every so many ticks. */
const REFRESH_TICKS = 5;
/** How long outputs may go on delivering when the daemon ends. */
const DRAIN_MS = 5000;

export interface DaemonParts {
  readonly config: Config;
  readonly log: Logger;
  readonly kernel: Kernel;
  readonly ring: RingThread;
  readonly rules: RuleSets;
  readonly blocklist: Blocklist;
  readonly allowlist: Allowlist;
  readonly guard: Guard;
  readonly responder: Responder;
  readonly dispatcher: Dispatcher;
  readonly recent: Recent;
  readonly enricher: Enricher;
  readonly confirmations: Confirmations;
  readonly feeds: Feeds;
  readonly updates: RuleUpdates;
  readonly alertPath: AlertPath;
  readonly interfaces: Interfaces;
  readonly layer7: Layer7Control;
  readonly flows: FlowFigures;
  readonly audit: Audit;
  readonly started: Date;
}

const openOutput = (output: OutputConfig): Promise<Sink> =>
  openSink(output, { datagrams: (path) => UnixDatagrams.open(path) });

const clock: Clock = { wallMs: () => Date.now(), bootSeconds: () => now() / 1e9 };

export class Daemon {
  readonly #lifetime: Lifetime;
  readonly #parts: DaemonParts;
  #ticks = 0;
  #stopping = false;
  #cause = '';
  #metrics: MetricsServer | undefined;
  #homeNet: string;
  readonly #ended: Promise<{ detach: boolean }>;
  #end: (how: { detach: boolean }) => void = () => undefined;

  private constructor(lifetime: Lifetime, parts: DaemonParts) {
    this.#lifetime = lifetime;
    this.#parts = parts;
    this.#homeNet = resolveHomeNet(parts.config).networks.join();
    this.#ended = new Promise((resolve) => (this.#end = resolve));
  }

  /**
   * Starts in an order that leaves no packet unjudged: tables are filled before a program that reads them is attached,
   * and what an earlier daemon left in the kernel goes on until it is replaced.
   * @throws IdsError DAEMON_RUNNING, PRIVILEGE, KERNEL_FEATURE, INTERFACE_MISSING, INTERFACE_BUSY, OUTPUT_FAILED …
   */
  static async start(config: Config, file: string, log: Logger): Promise<Daemon> {
    const lifetime = new Lifetime();
    const begun: { audit?: Audit } = {};
    try {
      return await Daemon.#open(config, file, log, lifetime, begun);
    } catch (error) {
      if (begun.audit) await auditFailedStart(begun.audit, file, error);
      await lifetime
        .close()
        .catch((second: unknown) => log.error({ error: messageOf(second) }, 'closing after a failed start'));
      throw error;
    }
  }

  static async #open(
    config: Config,
    file: string,
    log: Logger,
    lifetime: Lifetime,
    begun: { audit?: Audit },
  ): Promise<Daemon> {
    await clearSocket(config.socket);
    const group = socketGroup();
    lifetime.defer(claimInstance(config.state_dir));
    const audit = (begun.audit = openAudit(config, log));
    lifetime.own(audit.log);
    Interfaces.look(config.interfaces);
    const kernel = lifetime.own(
      Kernel.open({
        pinDir: config.pin_dir,
        egress: config.interfaces.some((one) => one.egress),
        unfinished: true,
        sizes: { ...listSizes(CAPACITY), ...datagramSizes(config.flows.datagrams), ...flowSizes(config.flows.size) },
      }),
    );
    lifetime.defer(claimPins(config.pin_dir));
    // A first start that fails leaves nothing in the kernel; one that took over leaves what it found.
    const running: { daemon?: Daemon; alertPath?: AlertPath; layer7?: Layer7Control; ready?: true } = {};
    const first = !kernel.adopted && kernel.previousPins().length === 0;
    lifetime.defer(() => {
      if (!running.ready && first) Kernel.detachAll(config.pin_dir);
    });
    settle(kernel, config);

    const outbox = lifetime.own(openOutbox(config, log));
    const { ring, rules, datasets } = openThreads(kernel, config, file, {
      offsets: clockOffsets(outbox, log),
      onRaised: (raised) => running.alertPath?.onRaised(raised),
      onLines: (batches) => running.alertPath?.onLines(batches),
      onHeads: (heads) => running.layer7?.setHeads(heads),
      onRetired: (generation, heldBack) => running.alertPath?.onRetired(generation, heldBack),
      onDatasetFailure: (error) => log.error({ error: messageOf(error) }, 'a data set could not be written'),
      onFailure: (error) => {
        log.fatal({ error: messageOf(error) }, 'the ring reader failed');
        running.daemon?.stop(false, 'the ring reader failed');
      },
    });
    // Behind those that are not in a hurry, which would get it too.
    shortenSlice();
    // Behind the ring reader, which may tell of more until it ends.
    lifetime.defer(() => datasets.close());
    // For a start that fails before they are owned below, at their place in the order of closing.
    lifetime.defer(() => ring.close());
    lifetime.defer(() => rules.close());
    rules.prepare();

    const store = lifetime.own(openListStore(join(config.state_dir, 'lists.db')));
    const established = new EstablishedFlows();
    const allowlist = Allowlist.open({
      table: kernel.allowlist,
      store,
      clock,
      configured: config.allowlist.map((text) => parsePrefix(text)),
    });
    const guard = lifetime.own(
      new Guard({
        allowlist,
        clock,
        sshPeer: sshPeerOf(process.pid, process.env),
        established: (address) => established.has(address),
      }),
    );
    guard.start();
    const blocklist = lifetime.own(
      Blocklist.open({
        tables: {
          blocklist: BlockTable.open(kernel.listMemory()),
          allowlist: kernel.allowlist,
          originHits: (origin) => kernel.originHits(origin),
          clearOriginHits: (origin) => kernel.clearOriginHits(origin),
        },
        store,
        clock,
        allowlist,
        guard,
        onError: (error, what) => log.error({ error: messageOf(error) }, `blocklist ${what}`),
      }),
    );

    const recent = lifetime.own(new Recent());
    const enricher = lifetime.own(openEnricher(config, file));
    const dispatcher = await Dispatcher.open(config.outputs, { log, store: outbox, sink: openOutput });
    lifetime.defer(async () => {
      await dispatcher.close(DRAIN_MS);
      for (const { name, pending } of dispatcher.status()) {
        if (pending > 0) log.info({ output: name, pending }, 'records wait for the next start');
      }
    });

    const responder = new Responder({
      config: config.response,
      mode: config.mode,
      blocklist,
      allowlist,
      established,
      clock,
    });
    const flowMemory = kernel.flowMemory();
    const orders = new FlowOrders(flowMemory);
    const cuts = new FlowCuts(kernel.cuts, () => clock.bootSeconds(), {
      gate: (open) => kernel.control.flag(ControlFlag.CONTROL_CUTS, open),
      orders,
      turn: () => kernel.control.turnFlows(),
    });
    const alertPath = new AlertPath({ blocklist, responder, cuts, orders, enricher, recent, dispatcher, log });
    running.alertPath = alertPath;
    audit.tell((notice, outputs) => alertPath.onNotice(notice, outputs));
    lifetime.own(ring);
    lifetime.own(rules);
    const confirmations = lifetime.own(openConfirmations(config, blocklist, log, audit));
    const feeds = lifetime.own(
      Feeds.open({
        feeds: config.feeds,
        lists: blocklist.bulk,
        countOf: (origin) => blocklist.stats().origins.find((one) => one.origin === origin)?.entries ?? 0,
        file: join(config.state_dir, 'feeds.json'),
        log,
        onFailure: (feed) => alertPath.onNotice(noticeOf(feed)),
        onChange: (change) => auditFeed(audit.auditor, change),
      }),
    );
    const updates = lifetime.own(openUpdates(config, file, rules, log, audit.auditor));
    const interfaces = new Interfaces({
      configured: config.interfaces,
      kernel,
      ring,
      log,
      onChange: (action, what) => void audit.auditor.done(action, { what }, 'interfaces'),
    });
    const layer7 = new Layer7Control({
      config,
      kernel,
      ring,
      dispatcher,
      log,
      now,
      file: join(config.state_dir, 'log.json'),
    });
    running.layer7 = layer7;
    layer7.apply();
    const flows = new FlowFigures({
      memory: flowMemory,
      now,
      timeouts: () => kernel.control.read().timeouts,
      wallMs: (ns) => (ns + wallOffset()) / 1e6,
      stats: () => kernel.stats(),
      times: () => kernel.flowTimes(),
    });
    const parts: DaemonParts = {
      config,
      log,
      kernel,
      ring,
      rules,
      blocklist,
      allowlist,
      guard,
      responder,
      dispatcher,
      recent,
      enricher,
      confirmations,
      feeds,
      updates,
      alertPath,
      interfaces,
      layer7,
      flows,
      audit,
      started: new Date(),
    };
    const daemon = new Daemon(lifetime, parts);
    running.daemon = daemon;
    const loaded = await rules.start(blocklist);
    for (const problem of loaded.problems) log.warn(problem, 'rule');
    daemon.#tellUnfit();
    interfaces.attach();
    const tick = setInterval(() => daemon.#tick(), TICK_MS);
    lifetime.defer(() => clearInterval(tick));
    await auditStart(audit, parts, file);
    const api = auditedApi(new DaemonApi(parts, daemon), audit.auditor, looksOf(parts));
    lifetime.own(await ApiServer.open(config.socket, api, group));
    const metrics = await openMetrics(parts);
    if (metrics) lifetime.own(metrics);
    daemon.#metrics = metrics;
    running.ready = true;
    // What nobody waits for.
    const onSweepError = (error: unknown): void => log.error({ error: messageOf(error) }, 'expiry sweep');
    lifetime.own(scheduleSweep(() => void blocklist.sweep(), onSweepError));
    blocklist.startReconciler();
    log.info({ generation: loaded.generation, rules: loaded.summary, adopted: kernel.adopted }, 'ready');
    return daemon;
  }

  /** Resolves when somebody asked the daemon to stop, with what they asked for. */
  get ended(): Promise<{ detach: boolean }> {
    return this.#ended;
  }

  /** @param cause what made it stop, where that was no request */
  stop(detach: boolean, cause = 'ids stop'): void {
    if (!this.#stopping) this.#cause = cause;
    this.#stopping = true;
    this.#end({ detach });
  }

  /** Files are opened anew, after log rotation, and secrets read. */
  reopen(): Promise<void> {
    const { audit, dispatcher, enricher } = this.#parts;
    const work = async (): Promise<void> => {
      await dispatcher.reopen();
      await this.#metrics?.reload();
      enricher.reload();
    };
    return audit.auditor.watch('reopen', work, {}, 'SIGHUP');
  }

  /** @param detached interfaces that everything was taken off of */
  async close(detached: readonly string[] = []): Promise<void> {
    this.#tellHeldBack();
    const { auditor, log } = this.#parts.audit;
    for (const name of detached) await auditor.done('detach', { what: { interface: name } }, this.#cause);
    await auditor.done('end', {}, this.#cause);
    // Signed before the outputs end, which may have to take the checkpoint along.
    await log.checkpoint('stop');
    await this.#lifetime.close();
  }

  #tick(): void {
    // An interface that was just detached must not be attached again.
    if (this.#stopping) return;
    const { alertPath, interfaces, kernel, log } = this.#parts;
    try {
      alertPath.sweep();
      kernel.handOverUnfinished();
      if (++this.#ticks % REFRESH_TICKS === 0) {
        interfaces.refresh();
        this.#followHomeNet();
      }
      this.#tellHeldBack();
    } catch (error) {
      log.error({ error: messageOf(error) }, 'tick');
    }
  }

  #tellHeldBack(): void {
    const { alertPath, kernel, ring, rules } = this.#parts;
    alertPath.tellHeldBack((kernel.stats()[Stat.EVENTS_SUPPRESSED] ?? 0) + ring.counts.suppressed, rules);
  }

  /** A set that came into force without all of its addresses is nothing to keep silent about. */
  #tellUnfit(): void {
    const { alertPath, log, rules } = this.#parts;
    const message = unfitNote(rules.unfit);
    if (message === undefined) return;
    log.error(rules.unfit, message);
    alertPath.onNotice({ level: 'Error', module: 'rules', reason: 'address-rules-list-full', message });
  }

  /** Addresses come and go: with `home_net: auto` the rules are compiled anew for the new ones. */
  #followHomeNet(): void {
    const { audit, config, rules, log } = this.#parts;
    const homeNet = resolveHomeNet(config).networks.join();
    if (homeNet === this.#homeNet) return;
    const told = { what: { before: this.#homeNet, homeNet }, look: () => rulesFacts(rules) };
    this.#homeNet = homeNet;
    audit.auditor
      .watch('rules.reload', () => rules.reload(), told, 'home_net')
      .then(
        ({ generation }) => {
          log.info({ homeNet, generation }, 'home_net has changed');
          this.#tellUnfit();
        },
        (error: unknown) => log.error({ error: messageOf(error) }, 'home_net has changed, the rules could not follow'),
      );
  }
}

/** What waits for outputs. */
function openOutbox({ state_dir, outbox }: Config, log: Logger): OutboxStore {
  const store = OutboxStore.open(join(state_dir, 'outbox.db'), {
    keep: outbox.keep * 1000,
    keepBytes: outbox.keep_bytes,
  });
  if (store.damaged !== undefined) {
    log.error(
      { file: store.damaged },
      'the store of what waits for outputs was damaged: it was moved aside, a new one is begun',
    );
  }
  return store;
}

/** The clocks' distance is kept with the records: their times, and so their ids, are the same when they are read again. */
function clockOffsets(outbox: OutboxStore, log: Logger): NonNullable<RingThreadOptions['offsets']> {
  const name = 'clock offset';
  return {
    read: () => {
      const text = outbox.fact(name);
      return text === undefined ? undefined : Number(text);
    },
    write: (offsetUs) => {
      try {
        outbox.setFact(name, String(offsetUs));
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'the distance of the clocks could not be stored');
      }
    },
  };
}

/** The change on probation, if an earlier daemon left one too. */
function openConfirmations(config: Config, blocklist: Blocklist, log: Logger, audit: Audit): Confirmations {
  return Confirmations.open({
    file: join(config.state_dir, 'unconfirmed.bin'),
    lists: blocklist.bulk,
    onRolledBack: (change) => {
      log.warn(change, 'nobody said "ids confirm": the change was undone');
      const told = { what: { ...change }, after: { entries: blocklist.status().entries } };
      // Not in the name of the one who is still waiting for it.
      actingAs({ engine: 'no "ids confirm"' }, () => void audit.auditor.done('blocklist.undo', told, ''));
    },
    onError: (error) => log.error({ error: messageOf(error) }, 'the change on probation'),
  });
}
