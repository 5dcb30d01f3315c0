// SPDX-License-Identifier: Apache-2.0
// A rig on which layer 7 works as set.

import type { Region } from '../../../common/abi.gen.js';
import { indexKey } from '../../../engine/bpf/index.js';
import { settingsBytes, type Layer7Settings } from '../../../engine/layer7/settings.js';
import { compileRules } from '../../../rules/index.js';
import { NO_END } from '../../../rules/patterns/pattern.js';
import { patternTable } from '../../../rules/patterns/table.js';
import type { Rig } from './rig.js';

/** Sets layer 7: enum ids_l7_setting, no inspection of payload unless told. */
export function setLayer7(rig: Rig, flags: number, o: Partial<Layer7Settings> = {}): void {
  const settings = { flags, depth: [0, 0], hashKey: [1n, 2n], ignored: [], shallow: [], ...o } as const;
  rig.kernel.map('ids_l7_settings').put(indexKey(0), settingsBytes(settings));
}

/** Puts a rule set in force whose only effect is that the engine wants messages whose buffer ends in this text. */
export function wantEnding(rig: Rig, region: Region, text: string): void {
  const rule = 'alert tcp any any -> any any (msg:"never"; ttl:0; sid:1;)';
  const { ruleset } = compileRules([{ file: 'test.rules', text: rule }], {
    addressVars: {},
    portVars: {},
    redact: 'off',
    addressRules: 'inline',
  });
  const ending = { region, bytes: Buffer.from(text), nocase: true, from: 0, until: NO_END, ends: true };
  const patterns = patternTable([{ ...ending, dot: false, engine: true }], []);
  rig.kernel.installRuleset({ ...ruleset, patterns }, rig.kernel.generation() + 1);
}
