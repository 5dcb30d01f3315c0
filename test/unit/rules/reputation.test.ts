// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { addressDomain, resolveAddresses } from '../../../rules/addresses.js';
import type { AddressSet } from '../../../rules/ast.js';
import { Reputation } from '../../../rules/reputation.js';

const source = (file: string, text: string): { file: string; text: string } => ({ file, text });
const categories = source('categories.txt', '# number,name,description\n1,BadHosts,Known bad\n2,Tor,Exit nodes\n');

const set = (...texts: string[]): AddressSet => {
  const found = resolveAddresses(`[${texts.join(',')}]`, addressDomain({}));
  if (!('set' in found)) throw new Error(found.cause);
  return found.set;
};

t.test('scores by category; the longest prefix decides, and of equal ones the last', async (t) => {
  const text = [
    '10.0.0.0/8,1,10',
    '10.1.0.0/16,1,50',
    '10.1.2.3,1,0',
    '10.1.2.3,1,90',
    '2001:db8::/32,1,60',
    '10.0.0.1,2,127',
  ];
  const reputation = new Reputation({ categories, lists: [source('a.list', text.join('\r\n'))] });
  t.same(reputation.problems, []);
  t.same(reputation.having(1, 0, 127), set('10.0.0.0/8', '2001:db8::/32'));
  t.same(reputation.having(1, 11, 127), set('10.1.0.0/16', '2001:db8::/32'));
  t.same(reputation.having(1, 50, 50), set('10.1.0.0/16', '!10.1.2.3'));
  t.same(reputation.having(1, 90, 127), set('10.1.2.3'));
  t.same(reputation.having(1, 10, 10), set('10.0.0.0/8', '!10.1.0.0/16'));
  t.same(reputation.having(2, 1, 127), set('10.0.0.1'));
  t.same(reputation.having(1, 91, 127), []);
});

t.test('lines that are wrong are named, the others are used', async (t) => {
  const wrong = ['10.0.0.1,1,128', '10.0.0.2,3,5', '10.0.0.300,1,5', '10.0.0.4', '10.0.0.5,1,5'];
  const reputation = new Reputation({
    categories: source('categories.txt', '0,Zero,\n1,BadHosts\nx\n'),
    lists: [source('a.list', wrong.join('\n'))],
  });
  t.match(reputation.problems, [
    { file: 'categories.txt', line: 1, cause: 'not a category of reputation' },
    { file: 'categories.txt', line: 3 },
    { file: 'a.list', line: 1, cause: 'not an entry of a reputation list' },
    { file: 'a.list', line: 2, cause: 'there is no category 3' },
    { file: 'a.list', line: 3 },
    { file: 'a.list', line: 4 },
  ]);
  t.same(reputation.having(1, 0, 127), set('10.0.0.5'));
});
