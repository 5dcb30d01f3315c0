// SPDX-License-Identifier: Apache-2.0
// Address rules on a bench: one frame through the programs, and what the judge makes of its events.

import { ControlFlag } from '../../../common/abi.gen.js';
import { type Kernel, RingReader } from '../../../engine/bpf/index.js';
import { Judge } from '../../../engine/judge/judge.js';
import { BlockTable, listSizes } from '../../../engine/lists/table/index.js';
import { loadAddressLists } from '../../../engine/replay/address-entries.js';
import { compileRules, type Compilation, type LanguageOptions } from '../../../rules/index.js';
import { giveBack, take } from './bench-pool.js';

export interface Judged {
  /** XDP_DROP 1, PASS 2 */
  readonly verdict: number;
  /** sid and action of each alert, sorted: `7 blocked`. */
  readonly alerts: readonly string[];
  /** sid of each drop record, or the origin. */
  readonly drops: readonly string[];
}

/** One size for all benches, so that they can follow each other. */
const CAPACITY = { capacity4: 8192, capacity6: 8192 };

interface Owner {
  teardown(undo: () => void): void;
}

export class AddressBench {
  readonly compilation: Compilation;
  readonly kernel: Kernel;
  readonly #events: RingReader;
  readonly #judge: Judge;
  readonly #originName: (number: number) => string;
  #packet = 0;
  #closed = false;

  private constructor(text: string, placed: LanguageOptions['addressRules']) {
    this.compilation = compileRules([{ file: 'test.rules', text }], {
      addressVars: { HOME_NET: '[10.0.0.0/8,2001:db8::/48]' },
      portVars: {},
      redact: [],
      ...(placed ? { addressRules: placed } : {}),
    });
    const { addressLists, problems } = this.compilation;
    const [problem] = problems;
    if (problem) throw new Error(`${problem.line}:${problem.column} ${problem.cause}`);
    this.kernel = take({
      replay: true,
      sizes: listSizes(CAPACITY),
    });
    this.kernel.control.update({ flags: ControlFlag.CONTROL_UNLIMITED });
    this.kernel.installRuleset(this.compilation.ruleset, 1);
    this.#originName = loadAddressLists(BlockTable.open(this.kernel.listMemory()), addressLists);
    this.#events = RingReader.open(this.kernel.rings.events);
    this.#judge = new Judge({ timeUs: (ns) => ns / 1000, interfaceName: () => undefined, replay: true });
    this.#judge.install({ generation: 1, ...this.compilation });
  }

  /** Closed when the test ends. */
  static open(t: Owner, text: string | readonly string[], placed?: LanguageOptions['addressRules']): AddressBench {
    const bench = new AddressBench([text].flat().join('\n'), placed);
    t.teardown(() => bench.close());
    return bench;
  }

  send(frame: Uint8Array, seconds: number): Judged {
    this.kernel.control.setClock(Math.round((1000 + seconds) * 1e9), ++this.#packet);
    const { verdict } = this.kernel.run(frame);
    this.#events.drain((view, at) => this.#judge.onEvent(view, at));
    const raised = this.#judge.take().filter(({ trial }) => !trial);
    const sid = ({ detection: { rule }, origin = 0 }: (typeof raised)[number]): string =>
      String(rule?.sid ?? this.#originName(origin));
    const of = (kind: string): typeof raised => raised.filter(({ detection }) => detection.kind === kind);
    return {
      verdict,
      alerts: of('alert')
        .map((one) => `${sid(one)} ${one.detection.rule?.action}`)
        .sort(),
      drops: of('drop').map(sid),
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events.close();
    giveBack(this.kernel);
  }
}
