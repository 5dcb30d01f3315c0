// SPDX-License-Identifier: Apache-2.0
// A rig on which layer 7 works as set.

import { indexKey } from '../../../engine/bpf/index.js';
import { settingsBytes, type Layer7Settings } from '../../../engine/layer7/settings.js';
import type { Rig } from './rig.js';

/** Sets layer 7: enum ids_l7_setting, no inspection of payload unless told. */
export function setLayer7(rig: Rig, flags: number, o: Partial<Layer7Settings> = {}): void {
  const settings = { flags, depth: [0, 0], hashKey: [1n, 2n], ignored: [], shallow: [], ...o } as const;
  rig.kernel.map('ids_l7_settings').put(indexKey(0), settingsBytes(settings));
}
