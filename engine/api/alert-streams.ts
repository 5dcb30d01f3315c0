// SPDX-License-Identifier: Apache-2.0
// Answers that do not end by themselves: one JSON object a line for everyone who follows the alerts.

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from './api.js';
import { MAX_FOLLOWER_BYTES } from './limits.js';

/** How long a follower may take to read its last lines when the daemon ends. */
const GRACE_MS = 1000;

export class AlertStreams {
  readonly #ending = new AbortController();
  readonly #open = new Set<Promise<void>>();

  /** Writes the last `count` detections and then every new one until the reader goes, is too slow, or the daemon ends. */
  follow(api: Api, out: ServerResponse, count: number): Promise<void> {
    const stream = this.#follow(api, out, count).finally(() => this.#open.delete(stream));
    this.#open.add(stream);
    return stream;
  }

  async #follow(api: Api, out: ServerResponse, count: number): Promise<void> {
    const gone = new AbortController();
    out.once('close', () => gone.abort());
    if (out.destroyed) return;
    out.writeHead(200, { 'content-type': 'application/x-ndjson' });
    // The reader knows that it is being served before the first alert comes.
    out.flushHeaders();
    try {
      await api.followAlerts(count, AbortSignal.any([gone.signal, this.#ending.signal]), (detection) => {
        if (out.destroyed) return;
        if (out.writableLength > MAX_FOLLOWER_BYTES) out.destroy();
        else out.write(`${JSON.stringify(detection)}\n`);
      });
    } catch {
      // The head of the answer is out: a connection that breaks off is all that can still be said.
      out.destroy();
    }
    if (out.destroyed) return;
    out.end();
    await Promise.race([once(out, 'close'), sleep(GRACE_MS, undefined, { ref: false })]);
  }

  /** Ends every stream in good order; idempotent. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#open);
  }
}
