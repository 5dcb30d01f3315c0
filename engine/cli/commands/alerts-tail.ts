// SPDX-License-Identifier: Apache-2.0
import type { Detection } from '../../../alerts/index.js';
import { IdsError } from '../../../common/errors.js';
import { command } from '../command.js';
import type { Context } from '../context.js';
import { count, plain } from '../table.js';

/** The daemon remembers no more; a larger number is a typing error. */
const MAX_COUNT = 100_000;

function endpoint(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** One line for people: when, what was done, which rule, who to whom. */
function describe(detection: Detection, context: Context): string {
  const { rule, src, dst, sport, dport, proto, kind, verdict, would, suppressed } = detection;
  const time = new Date(detection.timeUs / 1000).toISOString();
  if (detection.engine) {
    const { level, message } = detection.engine;
    return `${time} ${context.style(`engine ${level.toLowerCase()}`, 'yellow')}: ${plain(message)}`;
  }
  const done = `${kind} ${would ? `would ${verdict}` : verdict}`;
  const what = rule === undefined ? detection.reason : `${rule.sid} ${rule.msg}`;
  const held = suppressed === undefined ? '' : ` (${count(suppressed.matched)} more held back)`;
  // A frame without a readable IP header has no addresses.
  const who = src === '' ? '' : ` ${proto} ${endpoint(src, sport)} -> ${endpoint(dst, dport)}`;
  const rest = plain(`: ${what}${held}${who}`);
  return `${time} ${verdict === 'pass' ? done : context.style(done, would ? 'yellow' : 'red')}${rest}`;
}

async function printer(context: Context): Promise<(detection: Detection) => void> {
  if (!context.json) return (detection) => context.line(describe(detection, context));
  const { toEve } = await import('../../../alerts/eve.js');
  return (detection) => context.data(toEve(detection));
}

/** Follows until Ctrl-C, SIGTERM, a closed pipe or the daemon's end; false if the daemon ended it. */
async function follow(n: number, print: (detection: Detection) => void, context: Context): Promise<boolean> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    await context.client.followAlerts(n, AbortSignal.any([stop.signal, context.io.gone]), print);
    return stop.signal.aborted || context.io.gone.aborted;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

export const alertsTail = command({
  name: 'alerts tail',
  describe: 'the last alerts, and with --follow those that come; with --json EVE records, one a line',
  options: {
    n: { type: 'string', value: 'N', default: '20', describe: 'how many of the last' },
    follow: { type: 'boolean', alias: 'f', describe: 'go on with new ones until Ctrl-C' },
  },
  example: ['ids alerts tail -n 50 --follow', 'the last 50, then every new one'],
  run: async ({ n, follow: following }, context) => {
    if (!/^\d{1,6}$/.test(n) || Number(n) > MAX_COUNT) {
      throw new IdsError('USAGE', `-n ${n}: write a number from 0 to ${MAX_COUNT}`);
    }
    const print = await printer(context);
    if (following) {
      if (await follow(Number(n), print, context)) return 0;
      throw new IdsError('DAEMON_UNREACHABLE', 'the daemon has ended');
    }
    for (const detection of await context.client.recentAlerts(Number(n))) print(detection);
    return 0;
  },
});
