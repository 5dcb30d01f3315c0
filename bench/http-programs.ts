// SPDX-License-Identifier: Apache-2.0
// What a request and its response cost in the kernel: the whole program over their segments, on connections that go on.

import { ControlFlag, L7Setting } from '../common/abi.gen.js';
import { indexKey } from '../engine/bpf/index.js';
import { keptHeaders, writeSelection, type HttpSelection } from '../engine/layer7/selection.js';
import { defaultRedaction } from '../engine/layer7/structure/names.js';
import { structureTable } from '../engine/layer7/structure/structure-table.js';
import { Conversation } from '../test/kernel/support/conversation.js';
import { setLayer7 } from '../test/kernel/support/layer7-rig.js';
import { Rig } from '../test/kernel/support/rig.js';
import { browserRequest, nginxResponse, toolRequest } from './layer7.js';
import { median, print, type Row } from './report.js';

const CONNECTIONS = 64;
const TRANSACTIONS = 200;
const ROUNDS = 5;

interface Setup {
  readonly what: string;
  /** enum ids_l7_setting beside L7_HTTP. */
  readonly flags: number;
  readonly selection?: HttpSelection;
}

const LOG = L7Setting.L7_LOG_HTTP;
const setups: readonly Setup[] = [
  { what: 'requests seen', flags: 0 },
  { what: 'requests counted', flags: L7Setting.L7_AGGREGATE },
  { what: 'both seen', flags: L7Setting.L7_RESPONSES },
  { what: 'both counted', flags: L7Setting.L7_AGGREGATE | L7Setting.L7_RESPONSES },
  { what: 'logged', flags: LOG },
  { what: 'logged, two kept lines', flags: LOG, selection: { headers: ['X-Request-ID', 'Accept'] } },
  { what: 'left out by its host', flags: LOG, selection: { host: 'www.example.net' } },
  { what: 'left out by its status', flags: LOG, selection: { status: [500, 599] } },
  { what: 'one in 100', flags: LOG, selection: { sample: 100 } },
];

export class ProgramLane {
  readonly #rig: Rig;
  readonly #talks: Conversation[];

  constructor(rig: Rig) {
    this.#rig = rig;
    this.#talks = Array.from({ length: CONNECTIONS }, () => Conversation.open(rig, { dport: 80 }));
  }

  /** Nanoseconds of the middle request and of the middle response. */
  measure(request: Uint8Array, response: Uint8Array): [number, number] {
    const times: [number[], number[]] = [[], []];
    for (let n = 0; n < TRANSACTIONS; n++) {
      for (const talk of this.#talks) {
        for (const side of [0, 1] as const) {
          const payload = side === 0 ? request : response;
          const frame = talk.frame(side, { payload });
          talk.seq[side] += payload.length;
          this.#rig.advance(1e-5);
          times[side].push(this.#rig.time(frame));
        }
      }
      this.#rig.settle();
    }
    return [median(times[0]), median(times[1])];
  }
}

/** Both in the middle of the rounds, for each setup, which take turns: the machine is not always equally fast. */
export function benchHttpPrograms(): void {
  const closers: (() => void)[] = [];
  const rig = Rig.open({ teardown: (closer) => closers.push(closer) }, { sizes: { ids_bulk: 1 << 22 } });
  try {
    rig.kernel.control.update({ flags: ControlFlag.CONTROL_UNLIMITED | ControlFlag.CONTROL_REDACT });
    // Without the body that it tells of, so that the next one follows at once.
    const response = Buffer.from(nginxResponse.replace(/Content-Length: \d+/, 'Content-Length: 0'));
    const lane = new ProgramLane(rig);
    for (const [name, request] of [
      ['browser', browserRequest.replace('*'.repeat(32), 'id=0123456789abcdef0123456789abc')],
      ['short', toolRequest],
    ] as const) {
      const bytes = Buffer.from(request);
      const figures = setups.map((): [number[], number[]] => [[], []]);
      for (let round = 0; round < ROUNDS; round++) {
        setups.forEach(({ flags, selection = {} }, i) => {
          rig.kernel.writeStructure(structureTable({ ...defaultRedaction, kept: keptHeaders(selection) }));
          const put = (slot: number, value: Uint8Array): void => rig.kernel.map('ids_log').put(indexKey(slot), value);
          setLayer7(rig, L7Setting.L7_HTTP | flags | writeSelection(selection, 0, put));
          const [asked, answered] = lane.measure(bytes, response);
          figures[i]?.[0].push(asked);
          figures[i]?.[1].push(answered);
        });
      }
      const rows = setups.map(({ what }, i): Row => {
        const [asked, answered] = (figures[i] ?? [[], []]).map(median) as [number, number];
        return {
          what,
          figure: `${Math.round(asked)} and ${Math.round(answered)} ns`,
          ratio: `${Math.round(asked + answered)} ns`,
        };
      });
      print(`${name} request and its response through the XDP program, each; and together`, rows);
    }
  } finally {
    for (const closer of closers.reverse()) closer();
  }
}
