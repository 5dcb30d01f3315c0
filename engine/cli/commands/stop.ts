// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { IdsError, messageOf } from '../../../common/errors.js';
import type { Status } from '../../api/api.js';
import { DEFAULT_PIN_DIR } from '../../config/defaults.js';
import type { Config } from '../../config/index.js';
import { command } from '../command.js';
import type { Context } from '../context.js';

/** Who is cut off by his own rules does not wait for a daemon that hangs. */
const ANSWER_MS = 5000;
/** How long a daemon may take to drain its outputs and end. */
const PATIENCE_MS = 30_000;
const POLL_MS = 50;

const isUnreachable = (error: unknown): boolean => error instanceof IdsError && error.code === 'DAEMON_UNREACHABLE';

/** When a process was started: with its number it names one process for good (proc(5), field 22); undefined = it ended. */
function startOf(pid: number | undefined): string | undefined {
  if (pid === undefined) return undefined;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie waits for its parent, nothing else.
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

async function answers({ client }: Context): Promise<boolean> {
  try {
    await client.status();
    return true;
  } catch (error) {
    return !isUnreachable(error);
  }
}

/** Waits until the process has ended: it drains its outputs after it answers no more. */
async function gone(context: Context, pid: number | undefined, started: string | undefined): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    // A process that cannot be seen from here (another namespace) is asked.
    const alive = started === undefined ? await answers(context) : startOf(pid) === started;
    if (!alive) return;
    await sleep(POLL_MS);
  }
  const process = pid === undefined ? '' : ` (process ${pid})`;
  throw new IdsError('DAEMON_FAILED', `the daemon was told to stop but still runs${process}: look at its log`);
}

/** What is done without a daemon: where, and who tells the audit log of it. */
interface Alone {
  readonly pinDir: string;
  /** The one that was named. */
  readonly config?: Config;
  readonly context: Context;
}

/** Reads the configuration; one that has errors holds nobody up. */
async function settle(context: Context, said: string, file: string | undefined): Promise<Alone> {
  if (file === undefined) return { context, pinDir: said };
  const { readConfig } = await import('../../config/index.js');
  try {
    const config = readConfig(file);
    return { context, config, pinDir: said === DEFAULT_PIN_DIR ? config.pin_dir : said };
  } catch (error) {
    context.warn(`ids: ${messageOf(error).split('\n')[0]}: the defaults are taken`);
    return { context, pinDir: said };
  }
}

/** Tells the audit log; if that cannot be, it is said, and no more. */
async function note({ pinDir, config, context }: Alone, interfaces: readonly string[]): Promise<void> {
  if (interfaces.length === 0) return;
  const { loadConfig } = await import('../../config/index.js');
  const { noteDetach } = await import('../../daemon/note-detach.js');
  try {
    for (const trouble of await noteDetach(config ?? loadConfig('', ''), { interfaces, pinDir }))
      context.warn(`ids: ${trouble}`);
  } catch (error) {
    context.warn(`ids: this is not in the audit log: ${messageOf(error)}`);
  }
}

/** Takes everything out of the kernel without a daemon. */
async function takeOut(alone: Alone): Promise<readonly string[]> {
  const { Kernel } = await import('../../bpf/index.js');
  const { pinDir } = alone;
  try {
    const names = Kernel.detachAll(pinDir);
    await note(alone, names);
    return names;
  } catch (error) {
    // What belongs to root is foreign to others: what they lack is the privilege.
    if (process.geteuid?.() === 0 || !(error instanceof IdsError) || error.code !== 'PIN_FOREIGN') throw error;
    const text = `no daemon answers, and without one --detach needs root (pins in ${pinDir})`;
    throw new IdsError('PRIVILEGE', text, { cause: error });
  }
}

/** Takes everything out of the kernel though there is a daemon, which does not answer. */
async function takeOutUnder(daemon: unknown, alone: Alone): Promise<never> {
  const names = await takeOut(alone);
  const { pinDir } = alone;
  const what = names.length > 0 ? `detached from ${names.join(', ')}` : `nothing was attached from ${pinDir}`;
  const text = `${messageOf(daemon)}; ${what}: kill the daemon, or it may attach again`;
  throw new IdsError('DAEMON_FAILED', text, { cause: daemon, details: { detached: names } });
}

/** Stops the daemon; undefined if there is none. */
async function stopDaemon(detach: boolean, alone: Alone): Promise<readonly string[] | undefined> {
  const { context } = alone;
  let status: Status | undefined;
  try {
    status = await context.client.status();
  } catch (error) {
    if (detach && isUnreachable(error)) return undefined;
    // One that cannot tell how it is may still be able to stop.
    if (!(error instanceof IdsError) || ['DAEMON_UNREACHABLE', 'PRIVILEGE'].includes(error.code)) throw error;
  }
  const started = startOf(status?.pid);
  const request = context.client.stop({ detach });
  const { detached } = detach
    ? await request.catch((error: unknown) =>
        takeOutUnder(error, { ...alone, pinDir: status?.kernel.pins ?? alone.pinDir }),
      )
    : await request;
  await gone(context, status?.pid, started);
  if (!detach || !status || process.getuid?.() !== 0) return detached;
  // What a daemon that failed on its way out left behind.
  return [...new Set([...detached, ...(await takeOut({ ...alone, pinDir: status.kernel.pins }))])];
}

export const stop = command({
  name: 'stop',
  describe:
    'end the daemon; the kernel goes on dropping until --detach takes everything out of it, with or without a daemon',
  options: {
    detach: { type: 'boolean', describe: 'also take programs, links and tables out of the kernel' },
    'pin-dir': {
      type: 'string',
      value: 'PATH',
      default: DEFAULT_PIN_DIR,
      describe: 'where the pins are, for --detach without a daemon',
      complete: 'file',
    },
    config: {
      type: 'string',
      value: 'FILE',
      describe: "the daemon's configuration, for --detach without a daemon: where its pins and its audit log are",
      complete: 'file',
    },
  },
  example: ['ids stop --detach', 'end the daemon and let every packet through again'],
  patienceMs: ANSWER_MS,
  run: async ({ detach, 'pin-dir': said, config }, context) => {
    const alone = await settle(context, said, config);
    const { pinDir } = alone;
    const stopped = await stopDaemon(detach, alone);
    const daemon = stopped !== undefined;
    const detached = stopped ?? (await takeOut(alone));
    if (context.json) context.data({ daemon, detached });
    else {
      context.line(daemon ? 'the daemon has ended' : 'no daemon was running');
      for (const what of detached) context.line(`detached from ${what}`);
      if (detach && detached.length === 0) {
        context.line(daemon ? 'nothing is attached any more' : `nothing was attached from ${pinDir}`);
      }
      if (!detach) context.line('the kernel goes on dropping; "ids stop --detach" takes everything out');
    }
    return 0;
  },
});
