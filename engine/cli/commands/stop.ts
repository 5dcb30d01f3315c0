// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import { IdsError } from '../../../common/errors.js';
import { DEFAULT_PIN_DIR } from '../../config/index.js';
import { command, type Context } from '../command.js';

/** How long a daemon may take to drain its outputs and end. */
const PATIENCE_MS = 30_000;
const POLL_MS = 50;

const isUnreachable = (error: unknown): boolean => error instanceof IdsError && error.code === 'DAEMON_UNREACHABLE';

/** Waits until nobody answers any more. */
async function gone(context: Context): Promise<void> {
  for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
    try {
      await context.client.status();
    } catch (error) {
      if (isUnreachable(error)) return;
    }
    await sleep(POLL_MS);
  }
  throw new IdsError('DAEMON_FAILED', 'the daemon was told to stop but still answers: look at its log');
}

export const stop = command<{ detach: boolean; 'pin-dir': string }>({
  command: 'stop',
  describe: 'end the daemon; the kernel goes on dropping until --detach takes everything out, with or without a daemon',
  example: ['ids stop --detach', 'end the daemon and take programs, links and tables out of the kernel'],
  build: (yargs) =>
    yargs
      .option('detach', { type: 'boolean', default: false, describe: 'also take everything out of the kernel' })
      .option('pin-dir', {
        type: 'string',
        default: DEFAULT_PIN_DIR,
        requiresArg: true,
        describe: 'with --detach and no daemon: where the pins are',
      }),
  run: async ({ detach, pinDir }, context) => {
    let detached: readonly string[];
    let daemon = true;
    try {
      ({ detached } = await context.client.stop({ detach }));
      await gone(context);
    } catch (error) {
      if (!detach || !isUnreachable(error)) throw error;
      daemon = false;
      const { Kernel } = await import('../../bpf/index.js');
      detached = Kernel.detachAll(pinDir);
    }
    if (context.json) context.data({ daemon, detached });
    else {
      context.line(daemon ? 'the daemon has ended' : 'no daemon was running');
      for (const what of detached) context.line(`removed ${what}`);
      if (detach && detached.length === 0) context.line('there was nothing to take out of the kernel');
      if (!detach) context.line('the kernel goes on dropping; "ids stop --detach" takes everything out');
    }
    return 0;
  },
});
