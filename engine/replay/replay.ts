// SPDX-License-Identifier: Apache-2.0
// Runs captures through the same BPF object and the same judge as live traffic, in lock-step and on the capture's clock:
// packet, drain the rings, evaluate, apply, next packet.

import type { Detection, LineBatch, LogKind } from '../../alerts/index.js';
import { ControlFlag } from '../../common/abi.gen.js';
import { compileRules, type LanguageOptions, type Problem, type RuleSource } from '../../rules/index.js';
import { FlowMemory, indexKey, Kernel, type KernelOptions, RingReader } from '../bpf/index.js';
import { languageOptions, type Config, type LanguageChoice, type LanguageFiles } from '../config/index.js';
import { FlowFacts } from '../judge/flow-facts.js';
import { Judge, type Raised, type Shows } from '../judge/judge.js';
import { reasonName } from '../judge/names.js';
import { defaultRedaction } from '../layer7/structure/names.js';
import { structureTable } from '../layer7/structure/structure-table.js';
import { FlowLog } from '../flows/flow-log.js';
import { FlowOrders } from '../flows/orders.js';
import { settingFlags, settingsBytes } from '../layer7/settings.js';
import { FlowCuts } from '../response/index.js';
import { BlockTable, listSizes } from '../lists/table/index.js';
import type { RulesSummary } from '../api/api.js';
import { capacityFor, loadAddressLists } from './address-entries.js';
import { ByteSource } from './byte-source.js';
import { readCapture } from './capture.js';
import type { CapturedPacket } from './captured-packet.js';
import { toEthernet } from './link-types.js';

/** The kernel's test run takes no shorter frame. */
const MIN_FRAME = 14;
/** And no longer one than its program can hold in fragments. */
const MAX_FRAME = 65535;
const GENERATION = 1;
/** Flows that have ended are looked for no more often; their records say when that was. */
const FLOW_PAUSE_NS = 10e9;
/** Sections of flows that are over are looked for no more often. */
const UNFINISHED_PAUSE_NS = 1e9;
/** Windows of the kernel's pool over those that one look hands over. */
const UNFINISHED_LOOKS = 512 / 32;
/** How deep payload is inspected without a configuration: as by the reference, since nobody waits for a capture. */
const DEPTH = 1 << 20;

/** Where a run has its kernel from. */
export interface KernelSource {
  /** Empty tables. */
  take(options: KernelOptions): Kernel;
  giveBack(kernel: Kernel): void;
}

const ownKernel: KernelSource = { take: (options) => Kernel.open(options), giveBack: (kernel) => kernel.close() };

export interface ReplayOptions {
  readonly sources: readonly RuleSource[];
  /** Variables, thresholds and the like. */
  readonly files?: LanguageFiles | undefined;
  /** The whole language in the place of what the others say. */
  readonly language?: LanguageOptions;
  readonly captures: readonly string[];
  /** HOME_NET as rules write it; the RFC 1918 networks if absent. */
  readonly homeNet?: string;
  /** Variables of a configuration, and the files that it names for keywords of rules. */
  readonly vars?: LanguageChoice['vars'];
  readonly data?: Pick<LanguageOptions, 'reputation' | 'countries'> | undefined;
  /** How deep payload is inspected, if a configuration says it. */
  readonly inspect?: Config['inspect'] | undefined;
  /** Mask sensitive header values as live. */
  readonly redact: boolean;
  readonly shows?: Shows;
  /** A drop or reject acts on the rest of its flow too. */
  readonly inline: boolean;
  /** Flows that were under way when the capture began are taken for established. */
  readonly midstream?: boolean;
  /** Kinds of log lines to write. */
  readonly logs?: readonly LogKind[];
  readonly onLines?: (batch: LineBatch) => void;
  readonly onDetection?: (detection: Detection) => void;
  readonly onProblem?: (problem: Problem) => void;
  /** One of its own if absent: opened for the run, and closed after it. */
  readonly kernels?: KernelSource;
}

export interface ReplaySummary {
  readonly rules: RulesSummary;
  /** Packets that were judged. */
  readonly packets: number;
  /** Packets that were not: of a link type without IP, too short or too long for a frame. */
  readonly skipped: { readonly linkType: number; readonly short: number; readonly long: number };
  readonly reasons: readonly { readonly reason: string; readonly packets: number }[];
  readonly decode: readonly { readonly reason: string; readonly packets: number }[];
  readonly alerts: readonly { readonly sid: number; readonly count: number; readonly msg: string }[];
}

/**
 * Replays captures one after the other as one run.
 * @throws IdsError CAPTURE_INVALID, FILE_UNREADABLE; PRIVILEGE or KERNEL_FEATURE if BPF is not to be had
 */
export function replayCaptures(options: ReplayOptions): ReplaySummary {
  // Every file is looked at before the first packet is judged, and before programs are loaded, which takes seconds.
  const sources = options.captures.map((path) => ByteSource.open(path));
  try {
    const captures = sources.map((source) => begun(readCapture(source)));
    const run = new ReplayRun(options);
    try {
      try {
        for (const packets of captures) for (const packet of packets) run.judge(packet);
      } finally {
        // What came before the damage of a capture is told all the same.
        run.end();
      }
      return run.summary();
    } finally {
      run.close();
    }
  } finally {
    for (const source of sources) source.close();
  }
}

/** Packets of which the first is read at once: a file that is no capture throws here. */
function begun(packets: Iterator<CapturedPacket, void>): Iterable<CapturedPacket> {
  const first = packets.next();
  return {
    *[Symbol.iterator]() {
      for (let next = first; next.done !== true; next = packets.next()) yield next.value;
    },
  };
}

function language(given: ReplayOptions): LanguageOptions {
  const { homeNet, redact, inline, vars, data, files = {} } = given;
  // A drop is about the flow then, and the rest of it is dropped as that of any other rule's.
  const addressRules = inline ? 'alerts' : 'lists';
  if (given.language) return { ...given.language, addressRules };
  const addresses = homeNet
    ?.replace(/^\[|\]$/g, '')
    .split(',')
    .map((text) => text.trim());
  const options = languageOptions({ homeNet: addresses, vars, files, ...(redact ? {} : { redact: 'off' as const }) });
  return { ...options, ...data, addressRules };
}

class ReplayRun {
  readonly #options: ReplayOptions;
  readonly #kernels: KernelSource;
  readonly #kernel: Kernel;
  readonly #events: RingReader;
  readonly #bulk: RingReader;
  readonly #judge: Judge;
  readonly #flows: FlowMemory;
  readonly #flowLog: FlowLog;
  readonly #cuts: FlowCuts;
  readonly #orders: FlowOrders;
  readonly #rules: RulesSummary;
  readonly #originName: (number: number) => string;
  readonly #alerts = new Map<number, { sid: number; count: number; msg: string }>();
  readonly #skipped = { linkType: 0, short: 0, long: 0 };
  #packets = 0;
  #number = 0;
  /** Whole seconds at which the run's clock started, one day before the first packet. */
  #base: number | undefined;
  #clock = 0;
  #looked = 0;
  #timeUs = 0;

  constructor(options: ReplayOptions) {
    this.#options = options;
    const compilation = compileRules([...options.sources], language(options));
    for (const problem of compilation.problems) options.onProblem?.(problem);
    this.#rules = compilation.summary;
    const { addressLists } = compilation;
    this.#kernels = options.kernels ?? ownKernel;
    const sizes = listSizes(capacityFor(addressLists));
    this.#kernel = this.#kernels.take({ replay: true, unfinished: true, sizes });
    const { control, rings } = this.#kernel;
    const flags =
      ControlFlag.CONTROL_UNLIMITED |
      (options.redact ? ControlFlag.CONTROL_REDACT : 0) |
      (options.midstream ? ControlFlag.CONTROL_MIDSTREAM : 0) |
      (options.inline ? ControlFlag.CONTROL_FLOW_DROPS : 0) |
      (options.logs?.includes('flow') ? ControlFlag.CONTROL_LOG_FLOWS : 0);
    control.update({ flags });
    this.#settle(compilation.heads);
    this.#kernel.writeStructure(structureTable({ ...defaultRedaction, kept: [] }));
    this.#kernel.installRuleset(compilation.ruleset, GENERATION);
    this.#originName = loadAddressLists(BlockTable.open(this.#kernel.listMemory()), addressLists);
    this.#events = RingReader.open(rings.events);
    this.#bulk = RingReader.open(rings.bulk);
    this.#flows = FlowMemory.open(this.#kernel.flowHandle());
    this.#orders = new FlowOrders(this.#flows);
    this.#cuts = new FlowCuts(this.#kernel.cuts, () => this.#clock / 1e9, {
      gate: (open) => control.flag(ControlFlag.CONTROL_CUTS, open),
      orders: this.#orders,
      turn: () => control.turnFlows(),
    });
    const logs = new Set(options.logs);
    const context = {
      // Records carry the packet's own time; what is older is as much before it as the clock says.
      timeUs: (ns: number) => this.#timeUs - Math.floor((this.#clock - ns) / 1000),
      interfaceName: () => undefined,
    };
    this.#judge = new Judge({
      ...context,
      onFlow: (view, at) => this.#flowLog.onRecord(view, at),
      onAlerted: (index, id) => this.#flowLog.onAlerted(index, id),
      flows: new FlowFacts(this.#flows),
      replay: true,
      logs,
      ...(options.shows ? { shows: options.shows } : {}),
    });
    const { lines } = this.#judge.layer7;
    this.#flowLog = new FlowLog({ ...context, memory: this.#flows, lines, pause: FLOW_PAUSE_NS });
    if (logs.has('flow')) this.#flowLog.set({ timeouts: control.read().timeouts });
    const { rules, ruleset, engine, addresses, suppressed } = compilation;
    this.#judge.install({ generation: GENERATION, rules, ruleset, engine, addresses, suppressed });
  }

  /** Layer 7 as a daemon has it; values that are masked have the same hash in every run. */
  #settle(heads: number): void {
    const { inspect } = this.#options;
    const logs = new Set(this.#options.logs);
    const flags = settingFlags({
      ...{ http: true, tls: true, dns: true, aggregate: 'off' },
      logHttp: logs.has('http'),
      logTls: logs.has('tls'),
      logDns: logs.has('dns'),
    });
    const settings = settingsBytes({
      flags: flags | heads,
      depth: [inspect?.to_server ?? DEPTH, inspect?.to_client ?? DEPTH],
      hashKey: [1n, 2n],
      ignored: [],
      shallow: inspect?.shallow_ports ?? [],
    });
    this.#kernel.map('ids_l7_settings').put(indexKey(0), settings);
  }

  judge(packet: CapturedPacket): void {
    this.#number++;
    const frame = toEthernet(packet.linkType, packet.data);
    if (!frame) this.#skipped.linkType++;
    else if (frame.length < MIN_FRAME) this.#skipped.short++;
    else if (frame.length > MAX_FRAME) this.#skipped.long++;
    else this.#run(packet, frame);
  }

  #run(packet: CapturedPacket, frame: Uint8Array): void {
    this.#packets++;
    this.#base ??= packet.seconds - 86400;
    // DESIGN: the clock never goes backwards, also when a capture does; records keep the packet's own time.
    this.#clock = Math.max(this.#clock, (packet.seconds - this.#base) * 1e9 + packet.nanos);
    this.#timeUs = packet.seconds * 1e6 + Math.floor(packet.nanos / 1000);
    this.#kernel.control.setClock(this.#clock, this.#number);
    if (this.#clock - this.#looked >= UNFINISHED_PAUSE_NS) {
      this.#looked = this.#clock;
      this.#kernel.handOverUnfinished();
      this.#drain();
    }
    this.#kernel.run(frame);
    this.#drain();
    this.#judge.layer7.sweep(this.#clock);
    this.#flowLog.sweep(this.#clock);
    this.#tellLines();
  }

  #drain(): void {
    this.#events.drain((view, at) => this.#judge.onEvent(view, at));
    this.#bulk.drain((view, at, length) => this.#judge.onBulk(view, at, length));
    for (const raised of this.#judge.take()) this.#apply(raised);
  }

  #tellLines(): void {
    for (const batch of this.#judge.layer7.lines.take(true)) this.#options.onLines?.(batch);
  }

  /** The capture is over, and with it every flow. */
  end(): void {
    for (let i = 0; i < UNFINISHED_LOOKS; i++) {
      this.#kernel.handOverUnfinished(true);
      this.#drain();
    }
    this.#judge.layer7.close();
    this.#flowLog.close(this.#clock);
    this.#tellLines();
  }

  #apply(raised: Raised): void {
    const { cut, pass, origin, quiet, trial } = raised;
    if (pass) this.#orders.pass(pass.flow, pass.flowId, pass.sid);
    const detection =
      origin === undefined ? raised.detection : { ...raised.detection, origin: this.#originName(origin) };
    if (cut && this.#options.inline) this.#cuts.cut(cut, detection.rule?.sid ?? 0);
    // The only lists of a replay are those of address rules.
    if (quiet || trial) return;
    const { rule } = detection;
    if (detection.kind === 'alert' && rule) {
      const known = this.#alerts.get(rule.sid) ?? { sid: rule.sid, count: 0, msg: rule.msg };
      known.count++;
      this.#alerts.set(rule.sid, known);
    }
    this.#options.onDetection?.(detection);
  }

  summary(): ReplaySummary {
    const named = (rows: readonly { reason: number; packets: number }[]): { reason: string; packets: number }[] =>
      rows.filter(({ packets }) => packets > 0).map(({ reason, packets }) => ({ reason: reasonName(reason), packets }));
    return {
      rules: this.#rules,
      packets: this.#packets,
      skipped: this.#skipped,
      reasons: named(this.#kernel.verdicts()),
      decode: named(this.#kernel.decodes().map((packets, reason) => ({ reason, packets }))),
      alerts: [...this.#alerts.values()].sort((a, b) => a.sid - b.sid),
    };
  }

  close(): void {
    this.#bulk.close();
    this.#events.close();
    this.#flows.close();
    this.#kernels.giveBack(this.#kernel);
  }
}
