// SPDX-License-Identifier: Apache-2.0
// The formats of records: views of one model.

import { eveLine } from '../eve.js';
import type { Detection } from '../model.js';
import { cefLine } from './cef.js';
import { ecsLine } from './ecs.js';
import { leefLine } from './leef.js';
import { ocsfLine } from './ocsf.js';

export const formatNames = ['eve', 'ecs', 'cef', 'leef', 'ocsf'] as const;
export type Format = (typeof formatNames)[number];

/** One line of a record, without a newline. */
export const lineIn: Readonly<Record<Format, (detection: Detection) => string>> = {
  eve: eveLine,
  ecs: ecsLine,
  cef: cefLine,
  leef: leefLine,
  ocsf: ocsfLine,
};
