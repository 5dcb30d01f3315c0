// SPDX-License-Identifier: Apache-2.0
// Which files beside the rules are read, and when.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ruleData } from '../../../../engine/config/index.js';

const folder = mkdtempSync(join(tmpdir(), 'ids-rule-data-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'rep'));
writeFileSync(join(folder, 'rep/categories.txt'), '1,BadHosts\n');
writeFileSync(join(folder, 'rep/bad.list'), '192.0.2.1,1,80\n');
writeFileSync(join(folder, 'countries.mmdb'), 'M');

const config = {
  reputation: { categories: 'rep/categories.txt', files: ['rep/bad.list'] },
  geoip: { database: 'countries.mmdb' },
};
const file = join(folder, 'ids.yaml');
const rules = (text: string): { file: string; text: string }[] => [{ file: 'test.rules', text }];

t.test('only what rules ask is read, from the directory of the configuration', async (t) => {
  t.same(ruleData(config, file, rules('alert ip any any -> any any (sid:1;)')), {});
  t.same(ruleData({ reputation: undefined, geoip: undefined }, file, rules('geoip:src,DE; iprep:src,A,>,1')), {});
  t.same(ruleData(config, file, rules('(iprep:src,BadHosts,>,1; sid:1;)')), {
    reputation: {
      categories: { file: join(folder, 'rep/categories.txt'), text: '1,BadHosts\n' },
      lists: [{ file: join(folder, 'rep/bad.list'), text: '192.0.2.1,1,80\n' }],
    },
  });
  t.same(ruleData(config, file, rules('(geoip : src,DE; sid:1;)')), {
    countries: { file: join(folder, 'countries.mmdb'), bytes: Uint8Array.of(0x4d) },
  });
});

t.test('a file that cannot be read is named with its key', async (t) => {
  const missing = { ...config, geoip: { database: 'none.mmdb' } };
  t.throws(() => ruleData(missing, file, rules('geoip:src,DE')), {
    code: 'FILE_UNREADABLE',
    message: /^geoip\.database: .*none\.mmdb/,
  });
});
