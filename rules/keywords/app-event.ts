// SPDX-License-Identifier: Apache-2.0
// app-layer-event: what is wrong with a message of an application protocol.

import { appEvents } from '../app-events.js';
import { failValue, unsupported, type Draft } from '../draft.js';
import { didYouMean } from '../suggest.js';
import { appEventNames } from './app-event-names.js';
import { pushNumber } from './numbers.js';
import { supported, type Keyword } from './types.js';

function parseAppEvent(draft: Draft, value: string): void {
  const name = value.toLowerCase();
  const event = appEvents.get(name);
  if (event === undefined) {
    if (appEventNames.has(name)) return unsupported(draft, `the event ${value} is not raised`);
    const remedy = didYouMean(name, appEventNames, 'see docs/rules.md for the names');
    return failValue(draft, `"${value}" is not an event of an application protocol`, remedy);
  }
  const { buffer, bit, header } = event;
  if (header !== undefined && draft.options.redact.headers.some((masked) => masked.toLowerCase() === header)) {
    return unsupported(draft, `needs a redacted value (${header})`);
  }
  pushNumber(draft, buffer, [{ mask: bit, lo: bit, hi: bit, negate: false }]);
}

export const appEventKeywords: readonly Keyword[] = [
  supported(
    'packet',
    'app-layer-event',
    'What is wrong with a message of HTTP, TLS or DNS; names below',
    parseAppEvent,
  ),
];
