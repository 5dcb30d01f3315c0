// SPDX-License-Identifier: Apache-2.0
import { toEve, type Detection } from '../../../alerts/index.js';
import { IdsError } from '../../../common/errors.js';
import { command, type Context } from '../command.js';
import { plain } from '../table.js';

/** One line for people: when, what was done, which rule, who to whom. */
function describe(detection: Detection): string {
  const { rule, src, dst, sport, dport, proto, kind, verdict, would, suppressed } = detection;
  const time = new Date(detection.timeUs / 1000).toISOString();
  const from = sport === undefined ? src : `${src.includes(':') ? `[${src}]` : src}:${sport}`;
  const to = dport === undefined ? dst : `${dst.includes(':') ? `[${dst}]` : dst}:${dport}`;
  const done = would ? `would ${verdict}` : verdict;
  const what = rule === undefined ? detection.reason : `${rule.sid} ${rule.msg}`;
  const held = suppressed === undefined ? '' : ` (${suppressed.matched} more held back)`;
  return plain(`${time} ${kind} ${done}: ${what}${held} ${proto} ${from} -> ${to}`);
}

function print(detection: Detection, context: Context): void {
  if (context.json) context.data(toEve(detection));
  else context.line(describe(detection));
}

export const alertsTail = command<{ n: string; follow: boolean }>({
  command: 'tail',
  describe: 'the last alerts, and with --follow those that come (--json: EVE records)',
  example: ['ids alerts tail -n 50 --follow', 'the last 50, then every new one until Ctrl-C'],
  build: (yargs) =>
    yargs
      .option('n', { type: 'string', default: '20', requiresArg: true, describe: 'how many of the last' })
      .option('follow', { alias: 'f', type: 'boolean', default: false, describe: 'go on with new ones' }),
  run: async ({ n, follow }, context) => {
    if (!/^\d{1,6}$/.test(n) || Number(n) > 100_000)
      throw new IdsError('USAGE', `-n ${n}: write a number up to 100000`);
    if (!follow) {
      for (const detection of await context.client.recentAlerts(Number(n))) print(detection, context);
      return 0;
    }
    const stop = new AbortController();
    const onSignal = (): void => stop.abort();
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
    // A closed pipe (`| head`) ends the command like Ctrl-C.
    process.stdout.once('error', onSignal);
    await context.client.followAlerts(Number(n), stop.signal, (detection) => print(detection, context));
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    return 0;
  },
});
