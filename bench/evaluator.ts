// SPDX-License-Identifier: Apache-2.0
// How many request heads and DNS questions a core judges with the whole Emerging Threats set: records of the ring in,
// matches out, and on what the time goes.

import {
  BytesRecordLayout,
  EventFlag,
  EventLayout,
  EventType,
  FlowBit,
  HttpFlag,
  HttpLayout,
} from '../common/abi.gen.js';
import { languageOptions } from '../engine/config/index.js';
import { Judge } from '../engine/judge/judge.js';
import { compileRules } from '../rules/index.js';
import { etopenSources } from './etopen.js';
import { headRecord } from './layer7.js';
import { median, print, type Row } from './report.js';
import { stagesOf } from './stages.js';
import { TrafficMix } from './traffic-mix.js';

const ROUNDS = 7;
const MESSAGES = 8192;
const FLOWS = 1024;
/** Times the records of the ring are judged in a round. */
const TURNS = 8;
const ESTABLISHED = FlowBit.FLOWBIT_TRACKED | FlowBit.FLOWBIT_ESTABLISHED | FlowBit.FLOWBIT_TO_SERVER;
const OUTSIDE = '00000000000000000000ffffc6336407';

/** A record of the bulk ring with a DNS message over UDP. */
function questionRecord(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((BytesRecordLayout.SIZE + message.length + 7) & ~7);
  const view = new DataView(bytes.buffer);
  bytes.set(message, BytesRecordLayout.SIZE);
  bytes.set(Buffer.from('00000000000000000000ffff0a010002', 'hex'), EventLayout.saddr);
  bytes.set(Buffer.from(OUTSIDE, 'hex'), EventLayout.daddr);
  view.setUint8(EventLayout.type, EventType.EVENT_DNS);
  view.setUint8(EventLayout.flags, EventFlag.EVENT_PORTS | EventFlag.EVENT_L4);
  view.setUint16(EventLayout.sport, 40000);
  view.setUint16(EventLayout.dport, 53);
  view.setUint8(EventLayout.proto, 17);
  view.setUint8(EventLayout.ipVersion, 4);
  view.setUint32(BytesRecordLayout.length, message.length, true);
  return bytes;
}

/** Records one behind the other, as in the ring, each of one of FLOWS flows. */
class RingMemory {
  readonly view: DataView;
  readonly #at: number[] = [];
  readonly #lengths: number[] = [];
  #time = 1e9;

  constructor(records: readonly Uint8Array[]) {
    const memory = new Uint8Array(records.reduce((sum, { length }) => sum + length, 0));
    this.view = new DataView(memory.buffer);
    let at = 0;
    for (const record of records) {
      memory.set(record, at);
      this.#at.push(at);
      this.#lengths.push(record.length);
      this.view.setUint32(at + EventLayout.generation, 1, true);
      this.view.setUint32(at + EventLayout.flowBits, ESTABLISHED, true);
      at += record.length;
    }
  }

  /** Has every record judged once more, later and as further messages of their flows. */
  judge(judge: Judge, http: boolean, turn: number): void {
    const { view } = this;
    this.#at.forEach((at, number) => {
      this.#time += 10_000;
      view.setUint32(at + EventLayout.time, this.#time % 2 ** 32, true);
      view.setUint32(at + EventLayout.time + 4, Math.floor(this.#time / 2 ** 32), true);
      view.setUint32(at + EventLayout.flow, number % FLOWS, true);
      view.setUint32(at + EventLayout.flowId, 1 + (number % FLOWS), true);
      if (http) view.setUint32(at + HttpLayout.message, 1 + turn * MESSAGES + number, true);
      judge.onBulk(view, at, this.#lengths[number] ?? 0);
    });
  }
}

interface Measured {
  readonly us: number;
  /** Alerts of a turn over all records. */
  readonly alerts: number;
  readonly stages: Awaited<ReturnType<typeof stagesOf>>;
}

async function measure(judge: Judge, memory: RingMemory, http: boolean): Promise<Measured> {
  let turn = 0;
  let alerts = 0;
  const work = (): void => {
    for (let n = 0; n < TURNS; n++) {
      memory.judge(judge, http, turn++);
      alerts = judge.take().length;
    }
  };
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begin = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(begin);
    // The first round warms up.
    if (round > 0) times.push((user + system) / (TURNS * MESSAGES));
  }
  return { us: median(times), alerts, stages: await stagesOf(work) };
}

export async function benchEvaluator(): Promise<void> {
  const sources = etopenSources();
  if (!sources) return;
  const compiled = compileRules(sources, languageOptions({ homeNet: ['10.0.0.0/8'] }));
  const judge = new Judge({ timeUs: (ns) => ns / 1000, interfaceName: () => 'eth0', replay: false });
  judge.install({ generation: 1, ...compiled });
  const mix = new TrafficMix();
  const heads = Array.from({ length: MESSAGES }, () => {
    const { section, attack } = mix.head();
    const record = headRecord(section, false);
    new DataView(record.buffer).setUint32(HttpLayout.flags, HttpFlag.HTTP_WANTED, true);
    // Users go out, attacks come in.
    record.set(Buffer.from(OUTSIDE, 'hex'), attack ? EventLayout.saddr : EventLayout.daddr);
    return record;
  });
  const questions = Array.from({ length: MESSAGES }, () => questionRecord(mix.question()));
  const rows: Row[] = [];
  const spread: Row[] = [];
  for (const [what, records, http, floor] of [
    ['HTTP request heads', heads, true, 100_000],
    ['DNS questions', questions, false, 250_000],
  ] as const) {
    const { us, alerts, stages } = await measure(judge, new RingMemory(records), http);
    const rate = Math.round(1e6 / us);
    const share = `${((100 * alerts) / MESSAGES).toFixed(1)} alerts in 100, ${(rate / floor).toFixed(2)} of the floor`;
    rows.push({ what, figure: `${rate.toLocaleString('en-US')} /s a core`, ratio: share });
    for (const { stage, share: part } of stages) {
      const figure = `${(us * part).toFixed(2)} µs`;
      spread.push({ what: `${what}: ${stage}`, figure, ratio: `${(100 * part).toFixed(0)} %` });
    }
  }
  print(
    `Messages judged by ${compiled.engine.rules.length.toLocaleString('en-US')} rules of the Emerging Threats set`,
    rows,
  );
  print('On what the time goes', spread);
}
