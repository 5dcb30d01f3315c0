// SPDX-License-Identifier: Apache-2.0
// Lists as text. Plain, netset and nft hold each prefix once; JSON holds all there is to know.

import { unionBatches } from '../batch-ops.js';
import { batchTexts, text4, text6 } from '../batch-text.js';
import type { ExportChunk, PrefixBatch } from '../prefix-batch.js';

export const EXPORT_FORMATS = ['plain', 'netset', 'nft', 'json'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Lines that are handed on together. */
const LINES = 4096;

function* blocks(lines: Iterable<string>): Generator<string> {
  let block: string[] = [];
  for (const line of lines) {
    block.push(line);
    if (block.length < LINES) continue;
    yield block.join('');
    block = [];
  }
  if (block.length > 0) yield block.join('');
}

function bare({ count, addr4, len4, addr6, len6 }: PrefixBatch): PrefixBatch {
  return { count, addr4, len4, addr6, len6 };
}

function* nftSet(name: string, type: string, texts: Iterable<string>): Generator<string> {
  yield `\tset ${name} {\n\t\ttype ${type}\n\t\tflags interval\n\t\tauto-merge\n`;
  let first = true;
  for (const text of texts) {
    yield first ? `\t\telements = { ${text}` : `,\n\t\t\t${text}`;
    first = false;
  }
  yield first ? '\t}\n' : ' }\n\t}\n';
}

function* nft(batch: PrefixBatch): Generator<string> {
  yield 'table inet ids_blocklist {\n';
  yield* nftSet('blocked4', 'ipv4_addr', batchTexts({ ...batch, addr6: new Uint32Array(0), len6: new Uint8Array(0) }));
  yield* nftSet('blocked6', 'ipv6_addr', batchTexts({ ...batch, addr4: new Uint32Array(0), len4: new Uint8Array(0) }));
  yield '}\n';
}

/** `null` = for ever, so that an import with a ttl leaves it so. */
function expiresText(expires: number | undefined): string | null {
  return expires === undefined || !Number.isFinite(expires) ? null : new Date(expires).toISOString();
}

function* json(chunks: readonly ExportChunk[]): Generator<string> {
  let separator = '[\n';
  for (const { origin, action, forced, batch } of chunks) {
    const { addr4, len4, addr6, len6, extra } = batch;
    const entry = (prefix: string, expires: number | undefined, reason: number | undefined): string => {
      const record = {
        prefix,
        origin,
        action,
        forced,
        reason: extra?.reasons[reason ?? 0] ?? '',
        expires: expiresText(expires),
      };
      const text = `${separator}${JSON.stringify(record)}`;
      separator = ',\n';
      return text;
    };
    for (let i = 0; i < len4.length; i++) {
      yield entry(text4(addr4[i] ?? 0, len4[i] ?? 0), extra?.expires4[i], extra?.reason4[i]);
    }
    for (let i = 0; i < len6.length; i++)
      yield entry(text6(addr6, i, len6[i] ?? 0), extra?.expires6[i], extra?.reason6[i]);
  }
  yield separator === '[\n' ? '[]\n' : '\n]\n';
}

function* lines(texts: Iterable<string>): Generator<string> {
  for (const text of texts) yield `${text}\n`;
}

/** The text of a list, in blocks. */
export function writeList(format: ExportFormat, chunks: readonly ExportChunk[]): Generator<string> {
  if (format === 'json') return blocks(json(chunks));
  const all = unionBatches(chunks.map(({ batch }) => bare(batch)));
  if (format === 'nft') return blocks(nft(all));
  return blocks(format === 'plain' ? lines(batchTexts(all)) : netset(all));
}

function* netset(batch: PrefixBatch): Generator<string> {
  yield `# blocklist of ids\n#\n# ${batch.len4.length} IPv4 and ${batch.len6.length} IPv6 prefixes\n#\n`;
  yield* lines(batchTexts(batch));
}
