// SPDX-License-Identifier: Apache-2.0
import { unionBatches } from '../../lists/batch-ops.js';
import { batchTexts } from '../../lists/batch-text.js';
import type { DiffResult, PrefixBatch } from '../../lists/prefix-batch.js';
import { sshPeerOf } from '../../lists/ssh-peer.js';
import { command, type ExitStatus } from '../command.js';
import { groupsOf, warnBadLines } from '../list-files.js';
import { parseLimit } from '../limit.js';
import { count, plural } from '../table.js';
import { actionOf, importOptions, readWithProgress, warnRefused } from './blocklist-import.js';

export const blocklistDiff = command({
  name: 'blocklist diff',
  describe: 'what an import of these files would change; exit status 0 nothing, 1 something',
  positionals: { files: { many: true, complete: 'file', describe: 'files; - is standard input' } },
  options: {
    ...importOptions,
    replace: { type: 'boolean', describe: 'as if the origin were to list exactly this, as a feed does' },
    limit: { type: 'string', value: 'N', default: '20', describe: 'lines of each kind to show' },
  },
  example: ['ids blocklist diff new.netset --origin feed:level1 --replace', 'what the next update of a feed would do'],
  run: async ({ files, origin, action, force, replace, limit, ...reading }, context): Promise<ExitStatus> => {
    const shown = parseLimit(limit);
    const peer = sshPeerOf(process.pid, process.env);
    const { lists, progress } = readWithProgress(files, reading, context);
    actionOf(action);
    // An empty file is a list as well: with --replace it takes everything away.
    const groups = new Map<string, PrefixBatch[]>(
      lists.some((list) => list.count > 0) ? [] : [[origin ?? 'manual', []]],
    );
    for (const { origin: to, batch } of groupsOf(lists, origin)) groups.set(to, [...(groups.get(to) ?? []), batch]);
    const diffs: DiffResult[] = [];
    try {
      for (const [to, batches] of groups) {
        progress.show('comparing');
        diffs.push(
          await context.client.blocklistDiff(unionBatches(batches), {
            origin: to,
            force,
            replace,
            ...(peer === undefined ? {} : { sshPeer: peer }),
          }),
        );
      }
    } finally {
      progress.end();
    }
    warnBadLines(lists, context);
    const added = unionBatches(diffs.map((diff) => diff.added));
    const removed = unionBatches(diffs.map((diff) => diff.removed));
    const kept = diffs.reduce((sum, diff) => sum + diff.kept, 0);
    const refusedCount = diffs.reduce((sum, diff) => sum + diff.refusedCount, 0);
    const refused = diffs.flatMap((diff) => diff.refused);
    if (context.json) {
      context.data({ added: [...batchTexts(added)], removed: [...batchTexts(removed)], kept, refusedCount, refused });
    } else {
      for (const [sign, batch] of [
        ['+', added],
        ['-', removed],
      ] as const) {
        let left = shown;
        for (const text of batchTexts(batch)) {
          if (left-- <= 0) break;
          context.line(`${sign} ${text}`);
        }
        if (batch.count > shown) context.line(`${sign} … ${plural(batch.count - shown, 'more entry', 'more entries')}`);
      }
      context.line(
        `${count(added.count)} would be added, ${count(removed.count)} removed, ${count(kept)} stay as they are`,
      );
      warnRefused(refused, refusedCount, context);
    }
    return added.count + removed.count > 0 ? 1 : 0;
  },
});
