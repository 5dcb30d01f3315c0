// SPDX-License-Identifier: Apache-2.0
// One download of a feed: conditional, bounded in size, time and redirects, and whole or not at all.

import { open } from 'node:fs/promises';
import type { Agent, Dispatcher } from 'undici';
import { IdsError, messageOf } from '../../common/errors.js';
import type { FeedConfig } from '../config/feeds-schema.js';
import { version } from '../../common/version.js';
import { Body } from './body.js';
import { failed } from './failure.js';
import { readHeaders } from './secret.js';

const MAX_REDIRECTS = 5;

/** What the source said about the content that we have: sent back so that it can say "unchanged". */
export interface Validators {
  readonly etag?: string;
  readonly lastModified?: string;
}

export type Download =
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'content';
      /** As they came: perhaps gzip. */
      readonly bytes: Uint8Array;
      /** True if gzip is only how they travelled. */
      readonly encoded: boolean;
      readonly validators: Validators;
    };

export type FetchConfig = Pick<FeedConfig, 'url' | 'file' | 'timeout' | 'max_bytes' | 'headers'>;

/** A URL without its query: that may hold a key. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function headerOf(headers: Dispatcher.ResponseData['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

async function fetchFile(file: string, maxBytes: number, known: Validators): Promise<Download> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size, mtimeMs, ino } = await handle.stat();
      const etag = `${ino}-${size}-${mtimeMs}`;
      if (known.etag === etag) return { kind: 'unchanged' };
      if (size > maxBytes) throw failed('too-large', `${file} has ${size} bytes, more than max_bytes (${maxBytes})`);
      const body = new Body(size);
      for await (const chunk of handle.createReadStream({ autoClose: false })) {
        body.add(chunk as Buffer);
        if (body.length > maxBytes) throw failed('too-large', `${file} has more than max_bytes (${maxBytes})`);
      }
      return { kind: 'content', bytes: body.bytes(), encoded: false, validators: { etag } };
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw error instanceof IdsError
      ? error
      : failed('unreachable', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** Reads a body to its end. @throws IdsError FEED_FAILED if it is too long or was cut off */
async function readBody(response: Dispatcher.ResponseData, where: string, maxBytes: number): Promise<Uint8Array> {
  const promised = headerOf(response.headers, 'content-length');
  const tooLarge = `${where} sends more than max_bytes (${maxBytes})`;
  if (promised !== undefined && Number(promised) > maxBytes) throw failed('too-large', tooLarge);
  const body = new Body(Number(promised) || 0);
  try {
    for await (const chunk of response.body) {
      if (body.length + (chunk as Buffer).length > maxBytes) throw failed('too-large', tooLarge);
      body.add(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof IdsError) throw error;
    throw failed('truncated', `${where} broke off after ${body.length} bytes: ${messageOf(error)}`, { cause: error });
  }
  if (promised !== undefined && Number(promised) !== body.length) {
    throw failed('truncated', `${where} was cut off: ${body.length} bytes of ${promised}`);
  }
  return body.bytes();
}

async function send(url: URL, headers: Record<string, string>, agent: Agent, signal: AbortSignal) {
  const { request } = await import('undici');
  try {
    return await request(url, { headers, dispatcher: agent, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw failed('unreachable', `${shownUrl(url)}: ${messageOf(error)}`, { cause: error });
  }
}

async function fetchUrl(
  config: FetchConfig & { url: string },
  known: Validators,
  agent: Agent,
  signal: AbortSignal,
): Promise<Download> {
  const own = await readHeaders(config.headers);
  const first = new URL(config.url);
  let url = first;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const headers = {
      'user-agent': `ids/${version}`,
      'accept-encoding': 'gzip',
      ...(known.etag === undefined ? {} : { 'if-none-match': known.etag }),
      ...(known.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }),
      // What was written for one server is for no other.
      ...(url.origin === first.origin ? own : {}),
    };
    const response = await send(url, headers, agent, signal);
    const { statusCode: status } = response;
    const location = headerOf(response.headers, 'location');
    if (status >= 300 && status < 400 && status !== 304 && location !== undefined) {
      await response.body.dump().catch(() => undefined);
      const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
      if (!next || !/^https?:$/.test(next.protocol))
        throw failed('unreachable', `${shownUrl(url)} redirects to no http URL`);
      if (url.protocol === 'https:' && next.protocol === 'http:') {
        throw failed(
          'unreachable',
          `${shownUrl(url)} redirects from https to http: name the other URL if it is to be trusted`,
        );
      }
      url = next;
      continue;
    }
    if (status === 304 && (known.etag !== undefined || known.lastModified !== undefined)) {
      await response.body.dump().catch(() => undefined);
      return { kind: 'unchanged' };
    }
    if (status !== 200) {
      await response.body.dump({ limit: 65_536, signal }).catch(() => undefined);
      throw failed('unreachable', `${shownUrl(url)} answers ${status}`);
    }
    const coding = headerOf(response.headers, 'content-encoding')?.toLowerCase() ?? 'identity';
    if (!['identity', 'gzip', 'x-gzip', ''].includes(coding)) {
      throw failed('unreachable', `${shownUrl(url)} sends ${coding}, which was not asked for`);
    }
    const bytes = await readBody(response, shownUrl(url), config.max_bytes);
    const etag = headerOf(response.headers, 'etag');
    const lastModified = headerOf(response.headers, 'last-modified');
    const validators = {
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { lastModified }),
    };
    return { kind: 'content', bytes, encoded: coding.endsWith('gzip'), validators };
  }
  throw failed('unreachable', `${shownUrl(first)} redirects more than ${MAX_REDIRECTS} times`);
}

/**
 * Fetches a feed.
 * @param known what was said about the content that we have; `{}` = fetch in any case
 * @throws IdsError FEED_FAILED
 */
export async function download(config: FetchConfig, known: Validators, signal: AbortSignal): Promise<Download> {
  const { url, file, timeout, max_bytes: maxBytes } = config;
  if (url === undefined) return fetchFile(file ?? '', maxBytes, known);
  const timeoutMs = timeout * 1000;
  // Loaded here: the daemon starts without it.
  const { Agent } = await import('undici');
  const agent = new Agent({
    connections: 1,
    pipelining: 0,
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(failed('timeout', `${shownUrl(new URL(url))} took longer than ${timeout} s`)),
    timeoutMs,
  );
  const stop = (): void => limit.abort(failed('failed', 'the daemon ends'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) stop();
    limit.signal.throwIfAborted();
    return await fetchUrl({ ...config, url }, known, agent, limit.signal);
  } catch (error) {
    // Whatever an aborted request says, the reason is the abort.
    if (limit.signal.aborted) throw limit.signal.reason;
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    await agent.destroy().catch(() => undefined);
  }
}
