// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, writeSync } from 'node:fs';
import { eveLine } from '../../../alerts/index.js';
import { IdsError, messageOf } from '../../../common/errors.js';
import { formatProblem } from '../../../rules/index.js';
import type { ReplaySummary } from '../../replay/replay.js';
import { command, type Context } from '../command.js';
import { printSummary } from '../rules-summary.js';
import { readRuleSources } from '../sources.js';
import { count, plural, table } from '../table.js';

/** EVE lines are written in pieces of this many characters. */
const WRITE_AT = 1 << 16;

interface LineFile {
  write(line: string): void;
  close(): void;
}

function openEve(path: string): LineFile {
  let fd: number;
  try {
    fd = path === '-' ? 1 : openSync(path, 'w', 0o640);
  } catch (error) {
    throw new IdsError('OUTPUT_FAILED', `cannot write ${path}: ${messageOf(error)}`, { cause: error });
  }
  let waiting = '';
  const flush = (): void => {
    if (waiting !== '') writeSync(fd, waiting);
    waiting = '';
  };
  return {
    write: (line) => {
      waiting += `${line}\n`;
      if (waiting.length >= WRITE_AT) flush();
    },
    close: () => {
      flush();
      if (fd !== 1) closeSync(fd);
    },
  };
}

function show(summary: ReplaySummary, context: Context): void {
  printSummary(summary.rules, context);
  const { packets, skipped } = summary;
  context.line(`${plural(packets, 'packet')} judged, ${count(skipped.linkType + skipped.short)} skipped`);
  const reasons = table(
    [
      { title: 'reason', value: (row) => row.reason },
      { title: 'packets', align: 'right', value: (row) => count(row.packets) },
    ],
    summary.reasons,
  );
  for (const line of reasons) context.line(`  ${line}`);
  context.line(
    plural(
      summary.alerts.reduce((sum, alert) => sum + alert.count, 0),
      'alert',
    ),
  );
  const alerts = table(
    [
      { title: 'sid', align: 'right', value: (row) => row.sid },
      { title: 'alerts', align: 'right', value: (row) => count(row.count) },
      { title: 'message', value: (row) => row.msg },
    ],
    summary.alerts,
  );
  if (summary.alerts.length > 0) for (const line of alerts) context.line(`  ${line}`);
}

interface ReplayWords {
  captures: string[];
  rules: string[];
  eve?: string | undefined;
  'home-net'?: string | undefined;
  redact: boolean;
  inline: boolean;
}

export const replay = command<ReplayWords>({
  command: 'replay <captures..>',
  describe: 'run captures through the same program and engine, with no interface (needs root for BPF)',
  example: ['ids replay --rules local.rules --eve out.json incident.pcap', 'test rules on a capture'],
  build: (yargs) =>
    yargs
      .positional('captures', { type: 'string', array: true, demandOption: true, describe: 'pcap or pcapng files' })
      .option('rules', {
        type: 'string',
        array: true,
        demandOption: true,
        requiresArg: true,
        describe: 'rule files or directories',
      })
      .option('eve', {
        type: 'string',
        requiresArg: true,
        describe: 'write EVE JSON lines to this file, - for standard output',
      })
      .option('home-net', {
        type: 'string',
        requiresArg: true,
        describe: 'HOME_NET as rules write it; the RFC 1918 networks if not given',
      })
      .option('redact', { type: 'boolean', default: false, describe: 'mask sensitive header values as live' })
      .option('inline', {
        type: 'boolean',
        default: false,
        describe: 'let engine-placed drops cut the rest of their flow',
      }),
  run: async (options, context) => {
    const { replayCaptures } = await import('../../replay/replay.js');
    const homeNet = options['home-net'];
    const sources = readRuleSources(options.rules);
    const eve = options.eve === undefined ? undefined : openEve(options.eve);
    try {
      const summary = replayCaptures({
        sources,
        captures: options.captures,
        redact: options.redact,
        inline: options.inline,
        ...(homeNet === undefined ? {} : { homeNet }),
        ...(eve === undefined ? {} : { onDetection: (detection) => eve.write(eveLine(detection)) }),
        onProblem: (problem) => context.warn(formatProblem(problem)),
      });
      eve?.close();
      if (context.json) context.data(summary);
      else if (options.eve !== '-') show(summary, context);
      return 0;
    } catch (error) {
      eve?.close();
      throw error;
    }
  },
});
