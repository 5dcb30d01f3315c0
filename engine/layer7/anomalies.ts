// SPDX-License-Identifier: Apache-2.0
// What is wrong with streams and messages, in EVE's words: Suricata's name where it has one.

import { App, L7Flag } from '../../common/abi.gen.js';

const events: ReadonlyMap<number, readonly ['stream' | 'applayer', string]> = new Map([
  [L7Flag.L7_GAP, ['stream', 'stream.reassembly_seq_gap']],
  [L7Flag.L7_CONFLICT, ['stream', 'stream.reassembly_overlap_different_data']],
  [L7Flag.L7_NO_WINDOW, ['stream', 'stream.reassembly_no_segment']],
  [L7Flag.L7_TOO_LONG, ['applayer', 'section_too_long']],
  [L7Flag.L7_LENGTHS, ['applayer', 'conflicting_message_lengths']],
  [L7Flag.L7_RESYNC, ['applayer', 'no_message_where_one_begins']],
]);

export const appNames: Readonly<Record<number, string>> = {
  [App.HTTP]: 'http',
  [App.TLS]: 'tls',
  [App.DNS]: 'dns',
  [App.HTTP2]: 'http2',
  [App.QUIC]: 'quic',
  [App.OTHER]: 'failed',
};

/** The `anomaly` object for a bit of enum ids_l7_flag. */
export function anomalyObject(flag: number, app: number): Readonly<Record<string, unknown>> {
  const [type, event] = events.get(flag) ?? ['stream', `l7_flag_${flag}`];
  const name = appNames[app];
  return { ...(name === undefined ? {} : { app_proto: name }), type, event };
}
