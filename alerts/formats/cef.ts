// SPDX-License-Identifier: Apache-2.0
// Common Event Format (ArcSight, Microsoft Sentinel): one line, a header with bars and an extension of key=value pairs.
// Micro Focus Security ArcSight Common Event Format, version 25.

import { version } from '../../common/version.js';
import { appOf } from '../eve.js';
import type { Detection, DetectionEnrichment } from '../model.js';
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

const header = (text: string): string => text.replace(/[\\|]/g, '\\$&').replace(/[\r\n]+/g, ' ');
const value = (text: string | number): string =>
  String(text).replace(/[\\=]/g, '\\$&').replace(/\r/g, '\\r').replace(/\n/g, '\\n');

type Pair = readonly [key: string, value: string | number | undefined];

/** Addresses of IPv6 have fields of their own. */
function addresses(d: Detection): Pair[] {
  if (d.src === '') return [];
  if (d.ipVersion === 4)
    return [
      ['src', d.src],
      ['dst', d.dst],
    ];
  return [
    ['c6a2', d.src],
    ['c6a2Label', 'Source IPv6 Address'],
    ['c6a3', d.dst],
    ['c6a3Label', 'Destination IPv6 Address'],
  ];
}

function labelled(key: string, label: string, text: string | number | undefined): Pair[] {
  return text === undefined || text === ''
    ? []
    : [
        [key, text],
        [`${key}Label`, label],
      ];
}

/** What has fields of its own; countries and owners of networks get those that one may name. */
function enrichment({ src, dst, process }: DetectionEnrichment): Pair[] {
  const [name, pid] = process?.end === 'src' ? ['sproc', 'spid'] : ['dproc', 'dpid'];
  return [
    ['shost', src?.name],
    ['slat', src?.latitude],
    ['slong', src?.longitude],
    ['dlat', dst?.latitude],
    ['dlong', dst?.longitude],
    [name, process?.executable ?? process?.name],
    [pid, process?.pid],
    ...labelled('cs5', 'sourceCountry', src?.country),
    ...labelled('cs6', 'destinationCountry', dst?.country),
    ...labelled('flexString1', 'sourceAS', asText(src)),
    ...labelled('flexString2', 'destinationAS', asText(dst)),
  ];
}

function pairs(d: Detection): Pair[] {
  const { rule, http } = d;
  return [
    ['rt', timeMs(d)],
    ['externalId', detectionId(d)],
    ['cat', rule?.category === '' ? undefined : rule?.category],
    ...addresses(d),
    ['spt', d.sport],
    ['dpt', d.dport],
    ['proto', d.proto === '' ? undefined : d.proto],
    ['app', appOf(d)],
    ['act', outcomeOf(d)],
    ['reason', d.reason],
    ['cnt', countOf(d)],
    ['start', d.repeats && Math.floor(d.repeats.first / 1000)],
    ['end', d.repeats && Math.floor(d.repeats.last / 1000)],
    ['deviceInboundInterface', d.iface],
    ['deviceDirection', d.direction === undefined ? undefined : d.direction === 'to_server' ? 0 : 1],
    ['in', d.flow?.toServer.bytes],
    ['out', d.flow?.toClient.bytes],
    ['dhost', http?.hostname ?? text(d.tls?.['sni']) ?? d.enrichment?.dst?.name],
    ['request', http?.url],
    ['requestMethod', http?.method],
    ['requestClientApplication', http?.userAgent],
    ['requestContext', http?.referer],
    ...labelled('cs1', 'classtype', rule?.classtype),
    ...labelled('cs2', 'communityId', communityIdOf(d)),
    ...labelled('cs3', 'origin', d.origin),
    ...labelled('cs4', 'references', rule && rule.references.length > 0 ? rule.references.join(' ') : undefined),
    ...(d.enrichment ? enrichment(d.enrichment) : []),
    ...labelled('cn1', 'revision', rule?.rev),
    ...labelled('cn2', 'generation', d.generation),
  ];
}

const text = (known: unknown): string | undefined => (typeof known === 'string' ? known : undefined);

/** The record as one line of CEF, without a newline. */
export function cefLine(d: Detection): string {
  const head = [VENDOR, PRODUCT, version, signatureOf(d), titleOf(d), tenths(d)];
  const extension = pairs(d).flatMap(([key, one]) => (one === undefined ? [] : [`${key}=${value(one)}`]));
  return plain(`CEF:0|${head.map((one) => header(String(one))).join('|')}|${extension.join(' ')}`);
}

/** Without control characters: they would end the line, or act on a terminal. */
function plain(line: string): string {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  return escapeLine(line.replace(/[\x00-\x1f]/g, ' '));
}
