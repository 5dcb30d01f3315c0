// SPDX-License-Identifier: Apache-2.0
import { logKinds, type LineBatch, type LogKind } from '../../../alerts/lines.js';
import { IdsError } from '../../../common/errors.js';
import type { Problem, RuleSource } from '../../../rules/index.js';
import type { LanguagePaths } from '../../config/language-files.js';
import type { ReplayOptions, ReplaySummary } from '../../replay/replay.js';
import { command } from '../command.js';
import { readConfigured } from '../configured.js';
import type { Context } from '../context.js';
import { languageFileOptions, languagePaths } from '../language-options.js';
import { openLineFile } from '../line-file.js';
import { printProblems, printSummary } from '../rules-summary.js';
import { readRuleSources } from '../sources.js';
import { isCapture } from '../capture-name.js';
import { count, plural, table } from '../table.js';

/** @throws IdsError USAGE */
function logsOf(text: string | undefined): LogKind[] {
  const words = (text ?? '').split(',').filter((word) => word !== '');
  return words.map((word) => {
    const kind = logKinds.find((one) => one === word);
    if (!kind) throw new IdsError('USAGE', `--log: "${word}" is none of ${logKinds.join(', ')}`);
    return kind;
  });
}

/** Whole lines, the last one without its newline. */
const textOf = ({ bytes }: LineBatch): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length - 1).toString();

function show(summary: ReplaySummary, context: Context): void {
  printSummary(summary.rules, context);
  const { packets, skipped } = summary;
  const indent = (lines: readonly string[]): void => context.lines(lines.map((line) => `  ${line}`));
  const left = Object.values(skipped).reduce((sum, value) => sum + value, 0);
  context.line(`${plural(packets, 'packet')} judged, ${count(left)} skipped`);
  indent(
    table(
      [
        { title: 'reason', value: (row) => row.reason },
        { title: 'packets', align: 'right', value: (row) => count(row.packets) },
      ],
      summary.reasons,
    ),
  );
  const total = summary.alerts.reduce((sum, alert) => sum + alert.count, 0);
  context.line(plural(total, 'alert'));
  if (summary.alerts.length === 0) return;
  indent(
    table(
      [
        { title: 'sid', align: 'right', value: (row) => row.sid },
        { title: 'alerts', align: 'right', value: (row) => count(row.count) },
        { title: 'message', value: (row) => row.msg },
      ],
      summary.alerts,
      context.width - 2,
    ),
  );
}

async function fromConfig(
  file: string | undefined,
  paths: LanguagePaths,
  sources: readonly RuleSource[],
): Promise<Pick<ReplayOptions, 'homeNet' | 'vars' | 'inspect' | 'data' | 'files'>> {
  const { config, files, data, homeNet } = await readConfigured(file, paths, sources);
  if (config === undefined || data === undefined) return { files };
  const { vars, inspect } = config;
  return { vars, inspect, data, files, ...(homeNet === undefined ? {} : { homeNet: homeNet.join(',') }) };
}

export const replay = command({
  name: 'replay',
  describe: 'run captures through the same program and engine as live traffic, with no interface (needs root for BPF)',
  positionals: {
    captures: { many: true, optional: true, describe: 'pcap or pcapng files, one run in this order', complete: 'file' },
  },
  options: {
    rules: {
      type: 'list',
      value: 'PATH',
      required: true,
      describe: 'rule files, directories of *.rules files, or - for standard input',
      complete: 'file',
    },
    eve: {
      type: 'string',
      value: 'FILE',
      describe: 'write EVE JSON lines to this file, or with - to standard output',
      complete: 'file',
    },
    'home-net': {
      type: 'string',
      value: 'LIST',
      describe: 'HOME_NET as rules write it; the RFC 1918 networks if not given',
    },
    config: {
      type: 'string',
      value: 'FILE',
      describe:
        'take variables, home_net, inspection depth, reputation, countries and the files below from this configuration',
      complete: 'file',
    },
    log: {
      type: 'string',
      value: 'KINDS',
      describe: 'write log records into the EVE file too: http,tls,dns,flow,anomaly',
    },
    ...languageFileOptions,
    redact: { type: 'boolean', describe: 'mask sensitive header values as live' },
    midstream: { type: 'boolean', describe: 'judge flows that were under way when the capture began' },
    inline: { type: 'boolean', describe: 'let drops and rejects act on the rest of their flow' },
  },
  example: ['ids replay --rules local.rules --eve out.json incident.pcap', 'test rules on a capture'],
  run: async (options, context) => {
    // "--rules a.rules b.rules x.pcap": what follows --rules is a list, and captures may be at its end.
    const captures = [...options.captures, ...options.rules.filter(isCapture)];
    const paths = options.rules.filter((path) => !isCapture(path));
    if (captures.length === 0) throw new IdsError('USAGE', 'no capture was named (see "ids replay --help")');
    if (paths.length === 0) throw new IdsError('USAGE', 'no rule file was named (see "ids replay --help")');
    const logs = logsOf(options.log);
    if (logs.length > 0 && options.eve === undefined) {
      throw new IdsError('USAGE', '--log writes into the EVE file: name one with --eve');
    }
    const sources = readRuleSources(paths);
    const { replayCaptures } = await import('../../replay/replay.js');
    const { eveLine } = await import('../../../alerts/eve.js');
    const eve = options.eve === undefined ? undefined : openLineFile(options.eve);
    const configured = await fromConfig(options.config, languagePaths(options), sources);
    const homeNet = options['home-net'] ?? configured.homeNet;
    const problems: Problem[] = [];
    const judge = (): ReplaySummary => {
      try {
        return replayCaptures({
          sources,
          files: configured.files,
          captures,
          redact: options.redact,
          inline: options.inline,
          midstream: options.midstream,
          logs,
          vars: configured.vars,
          data: configured.data,
          inspect: configured.inspect,
          ...(homeNet === undefined ? {} : { homeNet }),
          ...(eve === undefined
            ? {}
            : {
                onDetection: (detection) => eve.write(eveLine(detection)),
                onLines: (batch) => eve.write(textOf(batch)),
              }),
          onProblem: (problem) => problems.push(problem),
        });
      } finally {
        eve?.flush();
      }
    };
    try {
      const summary = judge();
      if (context.json) context.data(summary);
      else if (options.eve !== '-') show(summary, context);
      return 0;
    } finally {
      await printProblems(problems, context);
      eve?.close();
    }
  },
});
