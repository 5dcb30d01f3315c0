// SPDX-License-Identifier: Apache-2.0
// docs/errors.md lists every code with its exit status and meaning, and no other.
import t from 'tap';
import { errorCodes } from '../../../common/error-codes.js';
import { readDoc, tables } from './markdown.js';

t.test('the table is that of common/error-codes.ts, in its order', async (t) => {
  const [[titles = [], ...rows] = []] = tables(readDoc('docs/errors.md'));
  t.strictSame(titles, ['code', 'exit', 'meaning', 'what to do']);
  t.strictSame(
    rows.map(([code = '', exit, meaning]) => [code.replaceAll('`', ''), Number(exit), meaning]),
    Object.entries(errorCodes).map(([code, { exit, meaning }]) => [code, exit, meaning]),
  );
  for (const [code, , , remedy = ''] of rows) t.ok(remedy.length > 10, `${code}: says what to do`);
});
