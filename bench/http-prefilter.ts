// SPDX-License-Identifier: Apache-2.0
// What a request and its response cost in the kernel with the whole Emerging Threats set: where the prefilter keeps them back,
// and where all of them are handed over. Time in the engine is not in it.

import { ControlFlag, L7Setting, Stat } from '../common/abi.gen.js';
import { languageOptions } from '../engine/config/index.js';
import { defaultRedaction } from '../engine/layer7/structure/names.js';
import { structureTable } from '../engine/layer7/structure/structure-table.js';
import { compileRules } from '../rules/index.js';
import { setLayer7 } from '../test/kernel/support/layer7-rig.js';
import { Rig } from '../test/kernel/support/rig.js';
import { etopenSources } from './etopen.js';
import { ProgramLane } from './http-programs.js';
import { nginxResponse } from './layer7.js';
import { AGENT } from './http-lane.js';
import { median, print } from './report.js';

const ROUNDS = 5;
const SERVER = '198.51.100.2';
const request = Buffer.from(`GET /index.html HTTP/1.1\r\nHost: ${SERVER}\r\nUser-Agent: ${AGENT}\r\n\r\n`);
// Without a body, so that the next one follows at once.
const response = Buffer.from(nginxResponse.replace('200 OK', '304 Not Modified'));

export function benchHttpPrefilter(): void {
  const sources = etopenSources();
  if (sources === undefined) return;
  const { ruleset, heads } = compileRules(sources, languageOptions({ homeNet: [SERVER] }));
  const closers: (() => void)[] = [];
  const rig = Rig.open({ teardown: (closer) => closers.push(closer) }, { sizes: { ids_bulk: 1 << 22 } });
  try {
    rig.kernel.control.update({ flags: ControlFlag.CONTROL_UNLIMITED | ControlFlag.CONTROL_REDACT });
    rig.kernel.writeStructure(structureTable({ ...defaultRedaction, kept: [] }));
    const on = L7Setting.L7_HTTP | L7Setting.L7_AGGREGATE;
    const all = on | L7Setting.L7_ALL_HEADS | L7Setting.L7_ALL_RESPONSES;
    const setups = [
      { what: 'no rules, responses read', flags: on | L7Setting.L7_RESPONSES, times: [[], []] as [number[], number[]] },
      { what: 'the whole set, kept back', flags: on | heads, times: [[], []] as [number[], number[]] },
      { what: 'the whole set, all handed over', flags: all | heads, times: [[], []] as [number[], number[]] },
    ];
    let lane = new ProgramLane(rig);
    const measure = ({ flags, times }: (typeof setups)[number]): void => {
      setLayer7(rig, flags);
      const figures = lane.measure(request, response);
      figures.forEach((figure, side) => times[side]?.push(figure));
    };
    for (let round = 0; round < ROUNDS; round++) setups.slice(0, 1).forEach(measure);
    rig.kernel.installRuleset(ruleset, rig.kernel.generation() + 1);
    lane = new ProgramLane(rig);
    for (let round = 0; round < ROUNDS; round++) setups.slice(1).forEach(measure);
    print(
      'short request and its response through the XDP program, each; and together',
      setups.map(({ what, times }) => {
        const [asked, answered] = times.map(median) as [number, number];
        const figure = `${Math.round(asked)} and ${Math.round(answered)} ns`;
        return { what, figure, ratio: `${Math.round(asked + answered)} ns` };
      }),
    );
    const stats = rig.kernel.stats();
    const [kept, passed] = [stats[Stat.PREFILTER_KEPT] ?? 0, stats[Stat.PREFILTER_PASSED] ?? 0];
    print('The same run', [
      { what: 'sections kept back, and handed over by the prefilter', figure: `${kept} and ${passed}` },
    ]);
  } finally {
    for (const closer of closers.reverse()) closer();
  }
}
