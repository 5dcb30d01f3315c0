// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { errorCodes } from '../../../common/error-codes.js';
import { IdsError, messageOf, systemCode } from '../../../common/errors.js';

t.test('an error carries code, exit status, cause and details', async (t) => {
  const cause = new Error('below');
  const error = new IdsError('LIST_FULL', 'no room', { cause, details: { entries: 3 } });
  t.match(error, {
    name: 'IdsError',
    code: 'LIST_FULL',
    message: 'no room',
    exit: errorCodes.LIST_FULL.exit,
    details: { entries: 3 },
  });
  t.equal(error.cause, cause);
  t.same(new IdsError('INTERNAL', 'x').details, {});
  t.notOk('cause' in new IdsError('INTERNAL', 'x'));
});

t.test('every code has an exit status and a meaning', async (t) => {
  for (const [code, { exit, meaning }] of Object.entries(errorCodes)) {
    t.match(code, /^[A-Z][A-Z_]*$/);
    t.ok([1, 2, 3, 4].includes(exit), code);
    t.match(meaning, /^[a-z].*[^.]$/, code);
  }
});

t.test('of anything that was thrown', async (t) => {
  t.equal(messageOf(new Error('a')), 'a');
  t.equal(messageOf('b'), 'b');
  t.equal(systemCode(Object.assign(new Error('x'), { code: 'ENOENT' })), 'ENOENT');
  t.equal(systemCode(Object.assign(new Error('x'), { code: 5 })), undefined);
  t.equal(systemCode('ENOENT'), undefined);
});
