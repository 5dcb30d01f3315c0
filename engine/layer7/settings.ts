// SPDX-License-Identifier: Apache-2.0
// The value of ids_l7_settings.

import { L7Setting, L7SettingsLayout as L } from '../../common/abi.gen.js';

export interface Layer7Settings {
  /** enum ids_l7_setting */
  readonly flags: number;
  /** Bytes of payload that are handed over for inspection, by direction. */
  readonly depth: readonly [number, number];
  readonly hashKey: readonly [bigint, bigint];
  /** Of the aggregates: another one begins them anew. */
  readonly epoch?: number;
  /** Ports that are left alone, and those of which no payload is handed over. */
  readonly ignored: readonly number[];
  readonly shallow: readonly number[];
}

export function settingsBytes({ flags, depth, hashKey, epoch = 0, ignored, shallow }: Layer7Settings): Uint8Array {
  const bytes = new Uint8Array(L.SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(L.flags, flags, true);
  depth.forEach((value, i) => view.setUint32(L.depth + 4 * i, value, true));
  view.setUint32(L.epoch, epoch, true);
  hashKey.forEach((half, i) => view.setBigUint64(L.hashKey + 8 * i, half, true));
  for (const port of ignored)
    bytes[L.ignored + (port >> 3)] = (bytes[L.ignored + (port >> 3)] ?? 0) | (1 << (port & 7));
  for (const port of shallow)
    bytes[L.shallow + (port >> 3)] = (bytes[L.shallow + (port >> 3)] ?? 0) | (1 << (port & 7));
  return bytes;
}

/** The flags of protocols that are parsed, and of what is logged. */
export function settingFlags(on: {
  readonly http: boolean;
  readonly tls: boolean;
  readonly dns: boolean;
  /** `on`: responses are read for it alone. */
  readonly aggregate: 'on' | 'requests' | 'off';
  readonly logHttp: boolean;
  readonly logTls: boolean;
  readonly logDns: boolean;
}): number {
  return (
    (on.http ? L7Setting.L7_HTTP : 0) |
    (on.tls ? L7Setting.L7_TLS : 0) |
    (on.dns ? L7Setting.L7_DNS : 0) |
    (on.aggregate === 'off' ? 0 : L7Setting.L7_AGGREGATE) |
    (on.aggregate === 'on' ? L7Setting.L7_RESPONSES : 0) |
    (on.logHttp ? L7Setting.L7_LOG_HTTP : 0) |
    (on.logTls ? L7Setting.L7_LOG_TLS : 0) |
    (on.logDns ? L7Setting.L7_LOG_DNS : 0)
  );
}
