// SPDX-License-Identifier: Apache-2.0
// Figures of the flows that are there, read from the kernel's table in portions: other requests come between them.

import { setImmediate } from 'node:timers/promises';
import { FlowLayout as L, FlowTime, Stat } from '../../common/abi.gen.js';
import { formatAddress } from '../../common/address.js';
import { protocolName } from '../../alerts/index.js';
import type { FlowRow, FlowsInUse, Talkers, TalkerRow, TcpStats, TopFlowsRequest } from '../api/flows-api.js';
import type { FlowViews } from '../bpf/index.js';
import { appNames } from '../layer7/anomalies.js';
import { FIRST_ID, timeoutOf, wideAt, type Flow } from './flow.js';
import { FlowTable } from './flow-table.js';
import { flowStateName, flowStates } from './names.js';
import { timesOf } from './times.js';

const PORTION = 16_384;

export interface FigureSources {
  readonly memory: FlowViews;
  /** Nanoseconds of the kernel's now(). */
  readonly now: () => number;
  /** Idle times in seconds by enum ids_timeout. */
  readonly timeouts: () => readonly number[];
  /** Wall clock of the kernel's time, in milliseconds. */
  readonly wallMs: (nanoseconds: number) => number;
  /** By enum ids_stat. */
  readonly stats: () => readonly number[];
  readonly times: () => readonly number[];
}

const bytesOf = ({ toServer, toClient }: Flow): number => toServer.bytes + toClient.bytes;
const packetsOf = ({ toServer, toClient }: Flow): number => toServer.packets + toClient.packets;

/** The `limit` largest, in order. */
function largest<T>(items: Iterable<T>, limit: number, sizeOf: (item: T) => number): T[] {
  return [...items].sort((a, b) => sizeOf(b) - sizeOf(a)).slice(0, limit);
}

class Tally {
  readonly #rows = new Map<string, { flows: number; packets: number; bytes: number }>();

  add(name: string, packets: number, bytes: number): void {
    const row = this.#rows.get(name);
    if (!row) this.#rows.set(name, { flows: 1, packets, bytes });
    else {
      row.flows++;
      row.packets += packets;
      row.bytes += bytes;
    }
  }

  top({ limit, by }: TopFlowsRequest): TalkerRow[] {
    const rows = largest(this.#rows, limit, ([, row]) => row[by]);
    return rows.map(([name, row]) => ({ name, ...row }));
  }
}

export class FlowFigures {
  readonly #sources: FigureSources;
  readonly #table: FlowTable;

  constructor(sources: FigureSources) {
    this.#sources = sources;
    this.#table = new FlowTable(sources.memory);
  }

  /** Places whose flow is not over, as the kernel judges it. */
  *#live(from: number, to: number): Generator<number> {
    const { memory, now, timeouts } = this.#sources;
    const time = now();
    const idle = timeouts();
    for (let index = from; index < to; index++) {
      if (this.#table.idAt(index) < FIRST_ID) continue;
      const at = index * L.SIZE;
      const timeout = idle[timeoutOf(memory.flows.getUint8(at + L.proto), memory.flows.getUint8(at + L.state))] ?? 0;
      if (time - wideAt(memory.flows, at + L.last) <= timeout * 1e9) yield index;
    }
  }

  /** Walks over the live flows, with a pause behind each portion. */
  async #each(work: (flow: Flow) => void): Promise<void> {
    const { capacity } = this.#table;
    for (let from = 0; from < capacity; from += PORTION) {
      for (const index of this.#live(from, Math.min(from + PORTION, capacity))) {
        const flow = this.#table.read(index);
        if (flow) work(flow);
      }
      await setImmediate();
    }
  }

  inUse(): FlowsInUse {
    const { capacity } = this.#table;
    let used = 0;
    for (const index of this.#live(0, capacity)) used += Number(index >= 0);
    const stats = this.#sources.stats();
    return { used, capacity, full: stats[Stat.FLOWS_FULL] ?? 0, evicted: stats[Stat.FLOWS_EVICTED] ?? 0 };
  }

  async topFlows(request: TopFlowsRequest): Promise<FlowRow[]> {
    const sizeOf = request.by === 'bytes' ? bytesOf : packetsOf;
    let kept: Flow[] = [];
    await this.#each((flow) => {
      kept.push(flow);
      if (kept.length > 2 * request.limit + 1000) kept = largest(kept, request.limit, sizeOf);
    });
    return largest(kept, request.limit, sizeOf).map((flow) => this.#row(flow));
  }

  #row(flow: Flow): FlowRow {
    const { wallMs } = this.#sources;
    const { toServer, toClient } = flow;
    const app = appNames[flow.app];
    const side = ({ packets, bytes }: Flow['toServer']): { packets: number; bytes: number } => ({ packets, bytes });
    return {
      proto: protocolName(flow.proto),
      client: formatAddress(flow.client),
      clientPort: flow.clientPort,
      server: formatAddress(flow.server),
      serverPort: flow.serverPort,
      ...(app === undefined ? {} : { app }),
      state: flowStateName(flow.state),
      packets: packetsOf(flow),
      bytes: bytesOf(flow),
      toServer: side(toServer),
      toClient: side(toClient),
      start: new Date(wallMs(flow.start)).toISOString(),
      last: new Date(wallMs(flow.last)).toISOString(),
      ...(flow.rttUs > 0 ? { rttUs: flow.rttUs } : {}),
    };
  }

  async talkers(request: TopFlowsRequest): Promise<Talkers> {
    const [sources, destinations, ports] = [new Tally(), new Tally(), new Tally()];
    await this.#each((flow) => {
      const [packets, bytes] = [packetsOf(flow), bytesOf(flow)];
      sources.add(formatAddress(flow.client), packets, bytes);
      destinations.add(formatAddress(flow.server), packets, bytes);
      const proto = protocolName(flow.proto);
      ports.add(flow.serverPort > 0 ? `${proto}/${flow.serverPort}` : proto, packets, bytes);
    });
    const top = (tally: Tally): TalkerRow[] => tally.top(request);
    return { sources: top(sources), destinations: top(destinations), ports: top(ports) };
  }

  async tcp(): Promise<TcpStats> {
    const states = Object.fromEntries(flowStates.map((name) => [name, 0])) as Record<
      (typeof flowStates)[number],
      number
    >;
    await this.#each(({ proto, state }) => {
      if (proto === 6) states[flowStateName(state)]++;
    });
    const stats = this.#sources.stats();
    const stat = (index: number): number => stats[index] ?? 0;
    const times = this.#sources.times();
    return {
      states,
      handshakes: stat(Stat.HANDSHAKES),
      refused: stat(Stat.REFUSED),
      unanswered: stat(Stat.UNANSWERED),
      halfOpen: stat(Stat.HALF_OPEN),
      resets: stat(Stat.RESETS),
      retransmissions: stat(Stat.RETRANSMISSIONS),
      server: timesOf(times, FlowTime.TIME_SERVER),
      network: timesOf(times, FlowTime.TIME_CLIENT),
      rtt: timesOf(times, FlowTime.TIME_RTT),
    };
  }
}
