// SPDX-License-Identifier: Apache-2.0
// Files that rules load stay within the directory of the rules.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { dataFiles } from '../../../engine/data-files.js';

const folder = mkdtempSync(join(tmpdir(), 'ids-data-files-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'rules/sub'), { recursive: true });
writeFileSync(join(folder, 'secret'), 'c2VjcmV0\n');
writeFileSync(join(folder, 'rules/a.lst'), 'YQ==\n');
writeFileSync(join(folder, 'rules/sub/b.lst'), 'Yg==\n');
symlinkSync('../secret', join(folder, 'rules/link.lst'));
symlinkSync('a.lst', join(folder, 'rules/inner.lst'));
const file = join(folder, 'rules/test.rules');

t.test('what rules name is read, and nothing else', async (t) => {
  t.equal(dataFiles(file, 'alert tcp any any -> any any (msg:"load a.lst"; sid:1;)'), undefined);
  const text = ['a.lst', 'sub/b.lst', 'link.lst', 'inner.lst', '../secret', 'none.lst']
    .map((name) => `(dns.query; dataset:isset,x,type string,load ${name}; sid:1;)`)
    .join('\n');
  const found = dataFiles(file, text);
  t.match(found, {
    'a.lst': { text: 'YQ==\n' },
    'sub/b.lst': { text: 'Yg==\n' },
    'inner.lst': { text: 'YQ==\n' },
    'link.lst': { problem: /outside/ },
    '../secret': { problem: /outside/ },
    'none.lst': { problem: /ENOENT/ },
  });
  t.notMatch(JSON.stringify(found), /c2VjcmV0/);
});
