// SPDX-License-Identifier: Apache-2.0
// The one table of keywords.

import { absentKeywords } from './absent.js';
import { addressBitKeywords } from './address-bits.js';
import { appEventKeywords } from './app-event.js';
import { appProtocolKeywords } from './app-protocol.js';
import { bufferKeywords } from './buffers.js';
import { bypassKeywords } from './bypass.js';
import { bytesKeywords } from './bytes.js';
import { contentKeywords } from './content.js';
import { dataAtKeywords } from './dataat.js';
import { datasetKeywords } from './dataset.js';
import { extensionKeywords } from './extensions.js';
import { flowKeywords } from './flow.js';
import { flowbitsKeywords } from './flowbits.js';
import { flowintKeywords } from './flowint.js';
import { geoipKeywords } from './geoip.js';
import { icmpKeywords } from './icmp.js';
import { ipKeywords } from './ip.js';
import { iprepKeywords } from './iprep.js';
import { metaKeywords } from './meta.js';
import { numberKeywords } from './numbers.js';
import { packetKeywords } from './packet.js';
import { pcreKeywords } from './pcre.js';
import { streamSizeKeywords } from './stream-size.js';
import { tcpKeywords } from './tcp.js';
import { thresholdKeywords } from './threshold.js';
import { transformKeywords } from './transforms.js';
import type { Keyword } from './types.js';
import { unsupportedKeywords } from './unsupported.js';

/** Every keyword, supported ones first, in the order of the docs. */
export const keywords: readonly Keyword[] = [
  ...metaKeywords,
  ...ipKeywords,
  ...geoipKeywords,
  ...iprepKeywords,
  ...tcpKeywords,
  ...extensionKeywords,
  ...icmpKeywords,
  ...packetKeywords,
  ...appEventKeywords,
  ...flowKeywords,
  ...flowbitsKeywords,
  ...flowintKeywords,
  ...addressBitKeywords,
  ...appProtocolKeywords,
  ...streamSizeKeywords,
  ...bypassKeywords,
  ...thresholdKeywords,
  ...bufferKeywords,
  ...numberKeywords,
  ...transformKeywords,
  ...absentKeywords,
  ...contentKeywords,
  ...dataAtKeywords,
  ...bytesKeywords,
  ...pcreKeywords,
  ...datasetKeywords,
  ...unsupportedKeywords,
];

/** Keywords by name and alias, in lower case. */
export const keywordByName: ReadonlyMap<string, Keyword> = new Map(
  keywords.flatMap((keyword) => [keyword.name, ...(keyword.aliases ?? [])].map((name) => [name, keyword] as const)),
);
