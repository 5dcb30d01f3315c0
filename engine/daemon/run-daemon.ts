// SPDX-License-Identifier: Apache-2.0
// The daemon as a process: its log, its signals, its end.

import { format } from 'node:util';
import { pino, type Logger } from 'pino';
import { IdsError, messageOf } from '../../common/errors.js';
import { Kernel } from '../bpf/index.js';
import type { Config } from '../config/index.js';
import { Daemon } from './daemon.js';

function logger({ log }: Config): Logger {
  const pretty = log.format === 'pretty' || (log.format === 'auto' && process.stderr.isTTY);
  const options = { level: log.level, base: null };
  if (!pretty) return pino(options, pino.destination({ fd: 2, sync: true }));
  return pino({
    ...options,
    transport: { target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } },
  });
}

/** Has what libraries print end in the log: standard output belongs to the output of that name. */
function takeConsole(log: Logger): void {
  const print = (...words: unknown[]): void => log.debug({ said: format(...words) }, 'a library says');
  Object.assign(console, { log: print, info: print, warn: print, error: print });
}

/**
 * Runs until SIGTERM, SIGINT or a stop through the control socket. The first signal drains and ends, the second one
 * ends at once; SIGHUP opens files anew.
 */
export async function runDaemon(config: Config, file: string): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new IdsError('PRIVILEGE', 'ids run needs root: it loads BPF programs and attaches them to interfaces');
  }
  const log = logger(config);
  takeConsole(log);
  let daemon: Daemon | undefined;
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals++;
    log.info({ signal }, signals === 1 ? 'draining' : 'ending at once');
    if (signals > 1) process.exit(1);
    daemon?.stop(false, signal);
  };
  const onHangup = (): void => {
    daemon?.reopen().catch((error: unknown) => log.error({ error: messageOf(error) }, 'reopen'));
  };
  // From the beginning: a signal must not end a start halfway, with a program attached that nobody has looked after.
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal).on('SIGHUP', onHangup);
  try {
    daemon = await Daemon.start(config, file, log);
    if (signals > 0) daemon.stop(false, 'a signal during the start');
    const { detach } = await daemon.ended;
    // Taken out before the daemon closes: a client that waits for the end then finds nothing left.
    const interfaces = detach ? Kernel.detachAll(config.pin_dir) : [];
    if (detach) log.info({ interfaces }, 'detached');
    await daemon.close(interfaces);
  } finally {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal).off('SIGHUP', onHangup);
  }
  log.info('ended');
}
