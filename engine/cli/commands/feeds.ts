// SPDX-License-Identifier: Apache-2.0
import type { FeedStatus } from '../../api/bulk-api.js';
import { command, type ExitStatus } from '../command.js';
import type { Context } from '../context.js';
import { badLineText } from '../list-files.js';
import { count, plain, plural, table, type Column } from '../table.js';

const columns: readonly Column<FeedStatus>[] = [
  { title: 'name', value: ({ name }) => name },
  { title: 'state', value: ({ state, running }) => (running ? 'running' : state) },
  { title: 'entries', align: 'right', value: ({ entries }) => count(entries) },
  { title: 'action', value: ({ action }) => action },
  { title: 'last success', value: ({ lastSuccess }) => lastSuccess ?? 'never' },
  { title: 'next', value: ({ next }) => next ?? '' },
  { title: 'error', value: ({ lastError }) => lastError ?? '' },
];

export const feedsList = command({
  name: 'feeds list',
  describe: 'the feeds of the configuration and how they do',
  example: ['ids feeds list', 'entries, last success and next update of each'],
  run: async (_values, context) => {
    const feeds = await context.client.listFeeds();
    if (context.json) context.data(feeds);
    else {
      context.lines(table(columns, feeds, context.width));
      context.line(plural(feeds.length, 'feed'));
    }
    return 0;
  },
});

function print(feed: FeedStatus, context: Context): void {
  const rows: [string, string | number | undefined][] = [
    ['source', feed.source],
    ['schedule', feed.schedule],
    ['action', feed.action],
    ['state', feed.running ? 'running' : feed.state],
    ['error', feed.lastError],
    ['entries', count(feed.entries)],
    ['refused', feed.refused > 0 ? count(feed.refused) : undefined],
    ['bad lines', feed.badLines > 0 ? count(feed.badLines) : undefined],
    ['format', feed.format],
    ['bytes', feed.bytes > 0 ? count(feed.bytes) : undefined],
    ['etag', feed.etag],
    ['modified', feed.lastModified],
    ['last attempt', feed.lastAttempt],
    ['last success', feed.lastSuccess],
    ['next', feed.next],
    ['failures', feed.failures > 0 ? `${feed.failures} in a row` : undefined],
  ];
  context.line(feed.name);
  for (const [name, value] of rows) if (value !== undefined) context.line(plain(`  ${name.padEnd(13)} ${value}`));
  for (const bad of feed.firstBadLines) context.line(`    ${badLineText(feed.name, bad)}`);
  const more = feed.badLines - feed.firstBadLines.length;
  if (feed.firstBadLines.length > 0 && more > 0) context.line(`    ${count(more)} more`);
}

export const feedsShow = command({
  name: 'feeds show',
  describe: 'all there is to know about one feed',
  positionals: { name: { describe: 'its name in the configuration' } },
  example: ['ids feeds show level1', 'its source, state and last error'],
  run: async ({ name }, context) => {
    const feed = await context.client.showFeed(name);
    if (context.json) context.data(feed);
    else print(feed, context);
    return 0;
  },
});

export const feedsUpdate = command({
  name: 'feeds update',
  describe: 'fetch feeds now, all or those named; exit status 1 if one was not taken',
  positionals: { names: { many: true, optional: true, describe: 'their names; default: all' } },
  options: { force: { type: 'boolean', describe: 'also if nothing changed, and if the feed shrank' } },
  example: ['ids feeds update level1 --force', 'take what is there, even if it is much shorter'],
  run: async ({ names, force }, context): Promise<ExitStatus> => {
    const feeds = await context.client.updateFeeds({ force, ...(names.length === 0 ? {} : { names }) });
    if (context.json) context.data(feeds);
    else {
      for (const { name, state, entries, lastError } of feeds) {
        const text =
          lastError === undefined ? `${state}, ${plural(entries, 'entry', 'entries')}` : `${state}: ${lastError}`;
        context.line(plain(`${name}: ${text}`));
      }
    }
    return feeds.some(({ lastError }) => lastError !== undefined) ? 1 : 0;
  },
});
