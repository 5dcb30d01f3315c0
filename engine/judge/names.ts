// SPDX-License-Identifier: Apache-2.0
// Names of reasons as operators see them.

import { ReasonNames } from '../../common/abi.gen.js';

/** `rule-drop`, `decode-tcp-doff` …: a reason as it stands in status, alerts and metrics. */
export function reasonName(reason: number): string {
  return (ReasonNames[reason] ?? `reason-${reason}`).toLowerCase().replaceAll('_', '-');
}
