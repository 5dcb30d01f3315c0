// SPDX-License-Identifier: Apache-2.0
// A record as a person wants to read it in a chat or on a pager: one bounded line without markup.

import type { Detection } from '../model.js';
import { cutText } from '../text.js';
import { countOf, outcomeOf, signatureOf, titleOf } from './facts.js';

const TITLE_MAX = 150;

const end = (ip: string, port: number | undefined): string =>
  port === undefined ? ip : ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;

/** The title alone, without control characters. */
export function headline(d: Detection): string {
  return cutText(
    titleOf(d)
      .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
      .trim(),
    TITLE_MAX,
  );
}

/** `IDS SCAN … (1:9000001, severity 2) 192.0.2.1:4000 → 198.51.100.2:80 TCP, dropped, 12 times` */
export function sentence(d: Detection): string {
  const count = countOf(d);
  const severity = d.rule ? `, severity ${d.rule.severity}` : '';
  const what = d.engine ? `(${d.engine.level})` : `(${signatureOf(d)}${severity})`;
  const who = d.src === '' ? '' : `${end(d.src, d.sport)} → ${end(d.dst, d.dport)} ${d.proto}, `;
  const outcome = d.engine ? '' : `${outcomeOf(d)}${d.would ? ' (monitor mode)' : ''}`;
  const often = count === undefined || count < 2 ? '' : `, ${count} times`;
  return `${headline(d)} ${what} ${who}${outcome}${often}`.trim();
}
