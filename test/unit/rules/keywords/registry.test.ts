// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { keywordByName, keywords } from '../../../../rules/keywords/index.js';
import { keywordTable } from '../../../../rules/keywords/table.js';
import { one, withOptions } from '../one-rule.js';

t.test('names are unique and in lower case', async (t) => {
  const names = keywords.flatMap((keyword) => [keyword.name, ...(keyword.aliases ?? [])]);
  t.equal(new Set(names).size, names.length);
  t.equal(keywordByName.size, names.length);
  for (const name of names) t.match(name, /^[a-z][a-z0-9._-]*$/);
});

t.test('supported keywords have a parser, others a reason', async (t) => {
  for (const keyword of keywords) {
    t.equal(keyword.parse !== undefined, keyword.scope === 'supported', keyword.name);
    t.match(keyword.summary, /\S/, keyword.name);
  }
});

t.test('a rule with a keyword that is not done is unsupported by that name', async (t) => {
  for (const keyword of keywords.filter(({ scope }) => scope !== 'supported')) {
    for (const name of [keyword.name, ...(keyword.aliases ?? [])]) {
      const { unsupported, errors } = one(withOptions(`${name}:"x";`));
      if (unsupported?.keyword !== name || errors.length > 0) t.fail(name);
    }
  }
  t.pass('all of them');
});

const BEGIN = '<!-- keywords -->\n';
const END = '<!-- end of keywords -->';

// IDS_UPDATE=1 renews the tables in docs/rules.md.
t.test('the table in docs/rules.md is this one', async (t) => {
  const file = new URL('../../../../../docs/rules.md', import.meta.url);
  const docs = readFileSync(file, 'utf8');
  const from = docs.indexOf(BEGIN) + BEGIN.length;
  const to = docs.indexOf(END);
  t.ok(from >= BEGIN.length && to >= from, 'both marks are there');
  const wanted = `\n${keywordTable()}\n`;
  if (process.env['IDS_UPDATE'] === '1') writeFileSync(file, docs.slice(0, from) + wanted + docs.slice(to));
  else t.equal(docs.slice(from, to), wanted, 'run this test with IDS_UPDATE=1');
});
