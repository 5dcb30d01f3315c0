// SPDX-License-Identifier: Apache-2.0
// The metrics endpoint with the daemon's parts.

import { messageOf } from '../../common/errors.js';
import { countRuns, countsRuns } from '../bpf/index.js';
import { Collector } from '../metrics/collector.js';
import { MetricsServer } from '../metrics/metrics-server.js';
import type { DaemonParts } from './daemon.js';
import { statusOf } from './status.js';

/** Opens it where the configuration says so; undefined: nowhere. @throws IdsError METRICS_FAILED */
export async function openMetrics(parts: DaemonParts): Promise<MetricsServer | undefined> {
  const { config, feeds, kernel, log, ring } = parts;
  const { listen, program_time: timed } = config.metrics;
  if (listen === 'off') return undefined;
  const counting = timed ? startCounting(parts) : undefined;
  const collector = new Collector(() => {
    const { events, bulk } = ring.counts;
    return {
      status: statusOf(parts),
      feeds: feeds.list(),
      programs: kernel.programRuns(),
      timed: counting !== undefined || countsRuns(),
      ring: { events, bulk },
      interfaces: config.interfaces.length,
      now: Date.now(),
    };
  });
  const close = (): void => {
    counting?.close();
    collector.close();
  };
  try {
    const { text, contentType } = { text: () => collector.text(), contentType: collector.contentType };
    const server = await MetricsServer.open(config.metrics, listen, { text, contentType, close });
    log.info({ host: listen.host, port: server.port }, 'metrics');
    return server;
  } catch (error) {
    close();
    throw error;
  }
}

/** The run time of programs is worth having, not worth a start that fails. */
function startCounting({ log }: DaemonParts): { close(): void } | undefined {
  try {
    return countRuns();
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'the run time of programs is not counted');
    return undefined;
  }
}
