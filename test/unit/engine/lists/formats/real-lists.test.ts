// SPDX-License-Identifier: Apache-2.0
// Public lists as they are published load without a bad line.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parseList } from '../../../../../engine/lists/formats/parse.js';

const data = process.env['IDS_DATA'] ?? fileURLToPath(new URL('../../../../../../../shared/data', import.meta.url));
const folder = join(data, 'lists');

/** Entries as the publisher's files have them, comments left out. */
const lists: Readonly<Record<string, number>> = {
  'bitwire-inbound-ipv6.txt': 1117,
  'bitwire-inbound-networks.txt': 213_288,
  'bitwire-outbound-single-ips.txt': 162_496,
  'country-cn-ipv4.cidr': 5493,
  'country-de-ipv4.cidr': 8534,
  'country-de-ipv6.cidr': 3033,
  'country-ru-ipv4.cidr': 8472,
  'country-us-ipv4.cidr': 27_769,
  'ipsum.txt': 120_430,
  'ipsum-level3.txt': 14_217,
  'mk-bad-ip-addresses.list': 10_000,
  'romainmarcoux-full.txt': 552_293,
  'spamhaus-drop.txt': 989,
  'spamhaus-drop_ipv6.txt': 51,
  'spamhaus-edrop.txt': 322,
};

void t.test('public lists', { skip: existsSync(folder) ? false : `${folder} is not there` }, (t) => {
  for (const [file, entries] of Object.entries(lists)) {
    const { format, count, duplicates, bad, badLines } = parseList(readFileSync(join(folder, file)));
    t.same(
      { format, count: count + duplicates, bad, badLines },
      { format: 'plain', count: entries, bad: 0, badLines: [] },
      file,
    );
  }
  for (const file of ['bad-referrers.list', 'bad-user-agents.list', 'crawler-user-agents.json']) {
    t.throws(
      () => parseList(readFileSync(join(folder, file))),
      { code: 'LIST_INVALID' },
      `${file} is no list of addresses`,
    );
  }
  t.end();
});
