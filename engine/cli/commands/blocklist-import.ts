// SPDX-License-Identifier: Apache-2.0
import { IdsError } from '../../../common/errors.js';
import type { ImportRequest, ImportResult } from '../../api/bulk-api.js';
import { parseList } from '../../lists/formats/parse.js';
import type { ListAction } from '../../lists/prefix-batch.js';
import { sshPeerOf } from '../../lists/ssh-peer.js';
import { command, type ExitStatus } from '../command.js';
import type { Context } from '../context.js';
import { groupsOf, listOptions, readLists, warnBadLines, type OriginGroup, type ReadFile } from '../list-files.js';
import { parseConfirm, parseTtl } from '../prefixes.js';
import { openProgress, silent, type Progress } from '../progress.js';
import { count, plain, plural } from '../table.js';

const ACTIONS = ['drop', 'alert'] as const;

export function actionOf(text: string | undefined): ListAction | undefined {
  if (text === undefined || text === 'drop' || text === 'alert') return text;
  throw new IdsError('USAGE', `"${text}" is no action: write drop or alert`);
}

/** What both `import` and `diff` send beside the entries. */
export const importOptions = {
  origin: { type: 'string', value: 'ORIGIN', describe: 'who lists them; default: what the file says, else manual' },
  ...listOptions,
  action: {
    type: 'string',
    value: 'ACTION',
    complete: ACTIONS,
    describe: 'drop, or alert: let through and told as would-be drops',
  },
  force: { type: 'boolean', describe: 'even if it would lock somebody out or covers very much' },
} as const;

function summary(results: readonly ImportResult[], alert: boolean): string {
  const sum = (of: (result: ImportResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const parts = [
    `${plural(
      sum(({ added }) => added),
      'entry',
      'entries',
    )} added`,
    `${count(sum(({ kept }) => kept))} listed before`,
  ];
  const refused = sum(({ refusedCount }) => refusedCount);
  if (refused > 0) parts.push(`${count(refused)} refused`);
  return `${parts.join(', ')}${alert ? ' (would drop)' : ''}`;
}

/** What was refused, on standard error. */
export function warnRefused(
  refused: readonly { prefix: string; cause: string }[],
  total: number,
  context: Context,
): void {
  for (const { prefix, cause } of refused) {
    context.warn(plain(`ids: refused: ${cause.startsWith(prefix) ? cause : `${prefix}: ${cause}`}`));
  }
  if (total > refused.length)
    context.warn(`ids: refused: ${plural(total - refused.length, 'more entry', 'more entries')}`);
}

async function send(
  groups: readonly OriginGroup[],
  request: Omit<ImportRequest, 'origin'>,
  context: Context,
  progress: Progress,
): Promise<ImportResult[]> {
  const results: ImportResult[] = [];
  for (const [i, { origin, action, forced, batch }] of groups.entries()) {
    progress.show(
      `putting ${plural(batch.count, 'entry', 'entries')} in force`,
      groups.length > 1 ? i / groups.length : undefined,
    );
    const what = { ...(action === undefined ? {} : { action }), ...(forced === undefined ? {} : { forced }) };
    results.push(await context.client.blocklistImport(batch, { ...request, ...what, origin }));
  }
  return results;
}

/** Reads files with a bar for each on a terminal. */
export function readWithProgress(
  files: readonly string[],
  options: { readonly format?: string | undefined; readonly column?: string | undefined },
  context: Context,
): { lists: ReadFile[]; progress: Progress } {
  const progress = openProgress(context.io.terminal);
  const lists = readLists(files, options, (file, share) => progress.show(`reading ${plain(file)}`, share));
  return { lists, progress };
}

export const blocklistImport = command({
  name: 'blocklist import',
  describe:
    'list all that files hold: lists, netsets, CSV, JSON, ipset or nft, also in gzip; exit status 1 if a part was left out',
  positionals: { files: { many: true, complete: 'file', describe: 'files; - is standard input' } },
  options: {
    ...importOptions,
    ttl: { type: 'string', value: 'DURATION', describe: 'how long: 90s, 15m, 1h, 7d; for ever if not given' },
    reason: { type: 'string', value: 'TEXT', describe: 'a note for those who read the list' },
    confirm: { type: 'string', value: 'DURATION', describe: 'undo it after this time unless "ids confirm" is said' },
  },
  example: [
    'ids blocklist import firehol_level1.netset --ttl 7d --confirm 30s',
    'a list for a week, on probation at first',
  ],
  run: async ({ files, origin, action, force, ttl, reason, confirm, ...reading }, context): Promise<ExitStatus> => {
    const what = actionOf(action);
    const peer = sshPeerOf(process.pid, process.env);
    const request = {
      force,
      ...(ttl === undefined ? {} : { ttl: parseTtl(ttl) }),
      ...(reason === undefined ? {} : { reason }),
      ...(confirm === undefined ? {} : { confirm: parseConfirm(confirm) }),
      ...(peer === undefined ? {} : { sshPeer: peer }),
    };
    const { lists, progress } = readWithProgress(files, reading, context);
    const groups = groupsOf(lists, origin, what);
    if (confirm !== undefined && groups.length > 1) {
      throw new IdsError(
        'USAGE',
        'the files hold entries of several kinds (origin, action, forced or not): --confirm takes one kind at a time, so import them from a file each',
      );
    }
    let results: ImportResult[];
    try {
      results = await send(groups, request, context, progress);
    } finally {
      progress.end();
    }
    const bad = warnBadLines(lists, context);
    for (const { refused, refusedCount } of results) warnRefused(refused, refusedCount, context);
    report(lists, groups, results, context);
    return statusOf(results, bad);
  },
});

/** `add --confirm`: words that were checked already, put in force on probation. */
export async function addOnProbation(
  words: readonly string[],
  request: Omit<ImportRequest, 'origin'>,
  context: Context,
): Promise<ExitStatus> {
  const list = parseList(Buffer.from(words.join('\n')), { format: 'plain' });
  const groups = groupsOf([{ ...list, file: 'the command line' }]);
  const results = await send(groups, request, context, silent);
  for (const { refused, refusedCount } of results) warnRefused(refused, refusedCount, context);
  if (context.json) context.data({ origin: groups[0]?.origin, ...results[0] });
  else tell(groups, results, context);
  return statusOf(results, 0);
}

/** As `add`: 0 if all is listed, 1 for a part, 2 if all was refused. */
function statusOf(results: readonly ImportResult[], bad: number): ExitStatus {
  if (results.every(({ refusedCount }) => refusedCount === 0)) return bad > 0 ? 1 : 0;
  return results.some(({ added, kept }) => added + kept > 0) ? 1 : 2;
}

function report(
  lists: readonly ReadFile[],
  groups: readonly OriginGroup[],
  results: readonly ImportResult[],
  context: Context,
): void {
  if (context.json) {
    const files = lists.map(({ file, format, lines, count: entries, duplicates, bad, badLines }) => ({
      file,
      format,
      lines,
      entries,
      duplicates,
      bad,
      badLines,
    }));
    context.data({ files, origins: groups.map(({ origin }, i) => ({ origin, ...results[i] })) });
    return;
  }
  tell(groups, results, context);
}

function tell(groups: readonly OriginGroup[], results: readonly ImportResult[], context: Context): void {
  const [first] = results;
  context.line(summary(results, groups.length > 0 && groups.every(({ action }) => action === 'alert')));
  if (first) {
    const { entries4, capacity4, entries6, capacity6 } = results.at(-1)?.capacity ?? first.capacity;
    context.line(
      `listed now: IPv4 ${count(entries4)} of ${count(capacity4)}, IPv6 ${count(entries6)} of ${count(capacity6)}`,
    );
  }
  const confirmBy = results.find((result) => result.confirmBy !== undefined)?.confirmBy;
  if (confirmBy !== undefined) context.line(`undone at ${confirmBy} unless you say: ids confirm`);
}
