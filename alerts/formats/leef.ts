// SPDX-License-Identifier: Apache-2.0
// Log Event Extended Format 2.0 (IBM QRadar): a header with bars, then attributes with tabs between them.

import { version } from '../../common/version.js';
import { appOf } from '../eve.js';
import type { Detection } from '../model.js';
import { escapeLine } from '../text.js';
import {
  asText,
  communityIdOf,
  countOf,
  outcomeOf,
  PRODUCT,
  signatureOf,
  tenths,
  timeMs,
  titleOf,
  VENDOR,
} from './facts.js';
import { detectionId } from '../detection-id.js';

// eslint-disable-next-line no-control-regex -- tabs and ends of lines are what separates
const oneLine = (text: string | number): string => String(text).replace(/[\x00-\x1f]+/g, ' ');
const header = (text: string): string => oneLine(text).replaceAll('|', ' ');

/** `MMM dd yyyy HH:mm:ss.SSS`, the format that is named in devTimeFormat, in UTC. */
function deviceTime(d: Detection): string {
  const [, day = '', month = '', year = '', clock = ''] =
    /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(timeMs(d)).toUTCString()) ?? [];
  return `${month} ${day} ${year} ${clock}.${String(timeMs(d) % 1000).padStart(3, '0')} UTC`;
}

function attributes(d: Detection): readonly (readonly [string, string | number | undefined])[] {
  const { rule, http } = d;
  const { src, dst, process } = d.enrichment ?? {};
  return [
    ['devTime', deviceTime(d)],
    ['devTimeFormat', 'MMM dd yyyy HH:mm:ss.SSS z'],
    ['cat', rule?.category === '' ? undefined : rule?.category],
    ['sev', tenths(d)],
    ['src', d.src === '' ? undefined : d.src],
    ['dst', d.dst === '' ? undefined : d.dst],
    ['srcPort', d.sport],
    ['dstPort', d.dport],
    ['proto', d.proto === '' ? undefined : d.proto],
    ['srcBytes', d.flow?.toServer.bytes],
    ['dstBytes', d.flow?.toClient.bytes],
    ['srcPackets', d.flow?.toServer.packets],
    ['dstPackets', d.flow?.toClient.packets],
    ['action', outcomeOf(d)],
    ['reason', d.reason],
    ['name', titleOf(d)],
    ['id', detectionId(d)],
    ['rev', rule?.rev],
    ['classtype', rule?.classtype],
    ['policy', d.origin],
    ['interface', d.iface],
    ['app', appOf(d)],
    ['url', http?.url],
    ['method', http?.method],
    ['host', http?.hostname],
    ['userAgent', http?.userAgent],
    ['sni', typeof d.tls?.['sni'] === 'string' ? d.tls['sni'] : undefined],
    ['communityId', communityIdOf(d)],
    ['srcCountry', src?.country],
    ['dstCountry', dst?.country],
    ['srcAS', asText(src)],
    ['dstAS', asText(dst)],
    ['srcName', src?.name],
    ['dstName', dst?.name],
    ['process', process?.executable ?? process?.name],
    ['processId', process?.pid],
    ['processEnd', process?.end],
    ['count', countOf(d)],
    ['firstTime', d.repeats && Math.floor(d.repeats.first / 1000)],
    ['lastTime', d.repeats && Math.floor(d.repeats.last / 1000)],
  ];
}

/** The record as one line of LEEF 2.0, without a newline; the delimiter is a tab, as the header says (x09). */
export function leefLine(d: Detection): string {
  const head = [VENDOR, PRODUCT, version, signatureOf(d)].map(header).join('|');
  const body = attributes(d).flatMap(([key, one]) => (one === undefined ? [] : [`${key}=${oneLine(one)}`]));
  return `LEEF:2.0|${head}|x09|${body.map(escapeLine).join('\t')}`;
}
