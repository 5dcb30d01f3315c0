// SPDX-License-Identifier: Apache-2.0
// geoip and iprep: what of addresses is left of a rule.

import t from 'tap';
import { parseAddress } from '../../../../common/address.js';
import type { Rule } from '../../../../rules/ast.js';
import { compileRules, type LanguageOptions } from '../../../../rules/index.js';
import { holdsAddress } from '../../../../rules/match/tests.js';
import { mmdb } from '../../../helpers/mmdb.js';
import { one, options, withOptions } from '../one-rule.js';

const data: Partial<LanguageOptions> = {
  reputation: {
    categories: { file: 'categories.txt', text: '1,BadHosts,Known bad\n' },
    lists: [{ file: 'bad.list', text: '192.0.2.1,1,80\n192.0.2.2,1,20\n198.51.100.0/24,1,30\n' }],
  },
  countries: {
    file: 'countries.mmdb',
    bytes: mmdb({ '192.0.2.0/24': 'DE', '198.51.100.0/24': 'FR', '2001:db8::/32': 'DE' }),
  },
};

const number = (text: string): bigint => BigInt(`0x${Buffer.from(parseAddress(text)).toString('hex')}`);

function hits(rule: Rule | undefined, from: string, to: string): number {
  const found = rule?.ways.filter(
    ({ source, destination }) =>
      holdsAddress(source.addresses, number(from)) && holdsAddress(destination.addresses, number(to)),
  );
  return found?.length ?? -1;
}

const [bad, mild, net, german6, other] = ['192.0.2.1', '192.0.2.2', '198.51.100.7', '2001:db8::7', '203.0.113.1'];

const cases: readonly (readonly [option: string, yes: readonly string[], no: readonly string[]])[] = [
  ['iprep:src,BadHosts,>,30', [`${bad} ${other}`], [`${net} ${other}`, `${other} ${bad}`, `${mild} ${bad}`]],
  ['iprep:src,BadHosts,>=,30', [`${bad} ${other}`, `${net} ${other}`], [`${mild} ${other}`]],
  ['iprep: dst , BadHosts , < , 30', [`${other} ${mild}`], [`${other} ${net}`, `${mild} ${other}`]],
  ['iprep:dst,BadHosts,<=,30', [`${other} ${mild}`, `${other} ${net}`], [`${other} ${bad}`]],
  ['iprep:any,BadHosts,=,80', [`${bad} ${other}`, `${other} ${bad}`, `${bad} ${bad}`], [`${mild} ${net}`]],
  ['iprep:both,BadHosts,>,10', [`${bad} ${net}`, `${mild} ${bad}`], [`${bad} ${other}`, `${other} ${bad}`]],
  ['iprep:src,BadHosts,isset', [`${mild} ${other}`], [`${other} ${mild}`]],
  ['iprep:src,BadHosts,isnotset', [`${other} ${mild}`, `${german6} ${bad}`], [`${mild} ${other}`]],
  ['iprep:any,BadHosts,isnotset', [`${other} ${mild}`, `${bad} ${other}`], [`${bad} ${mild}`]],
  ['iprep:both,BadHosts,isnotset', [`${other} ${german6}`], [`${other} ${bad}`, `${bad} ${other}`]],
  ['geoip:src,DE', [`${bad} ${other}`, `${german6} ${net}`], [`${net} ${bad}`, `${other} ${bad}`]],
  ['geoip:DE,FR', [`${bad} ${other}`, `${other} ${net}`, `${net} ${bad}`], [`${other} ${other}`]],
  ['geoip:dst,!de', [`${bad} ${net}`], [`${bad} ${bad}`, `${bad} ${other}`]],
  ['geoip:both,FR,DE', [`${bad} ${net}`], [`${bad} ${other}`]],
];

t.test('which addresses match', async (t) => {
  for (const [option, yes, no] of cases) {
    const { rule, errors } = one(withOptions(`${option};`), data);
    t.same(errors, [], option);
    // A packet is met once, whatever the rule says of both of its ends.
    for (const pair of yes) t.equal(hits(rule, ...(pair.split(' ') as [string, string])), 1, `${option}: ${pair}`);
    for (const pair of no) t.equal(hits(rule, ...(pair.split(' ') as [string, string])), 0, `${option}: not ${pair}`);
  }
});

t.test('with what the header says, in both directions', async (t) => {
  const { rule } = one(
    withOptions('iprep:src,BadHosts,>,10;', 'alert tcp 192.0.2.0/24 any <> 203.0.113.0/24 any'),
    data,
  );
  t.equal(hits(rule, bad, other), 1);
  t.equal(hits(rule, other, bad), 0, 'the sender is not listed');
  t.equal(hits(rule, net, other), 0, 'listed, and not in the header');
  const none = one(withOptions('geoip:src,FR;', 'alert tcp 10.0.0.0/8 any -> any any'), data);
  t.same(none.rule?.ways, [], 'nothing is left');
});

t.test('where such rules are judged', async (t) => {
  const text = [
    'drop ip any any -> $HOME_NET any (geoip:src,FR; sid:1;)',
    'alert ip any any -> any any (iprep:src,BadHosts,>,10; sid:2;)',
    'alert tcp any any -> any 22 (geoip:src,DE; sid:3;)',
    'alert http any any -> any any (geoip:any,DE; http.uri; content:"/x"; sid:4;)',
    'alert tcp 10.0.0.0/8 any -> any any (geoip:src,FR; sid:5;)',
  ].join('\n');
  const { rules, summary, addressLists } = compileRules([{ file: 'test.rules', text }], { ...options, ...data });
  t.same(
    rules.map(({ placement }) => placement),
    ['address', 'address', 'inline', 'engine', 'inline'],
  );
  t.equal(summary.usable, 5);
  t.equal(addressLists.length, 2);
});

t.test('what is wrong', async (t) => {
  for (const [option, cause] of [
    ['geoip:src', /is not a country/],
    ['geoip:src,Germany', /"Germany" is not a country/],
    ['geoip:src,!DE,FR', /some countries are negated/],
    ['iprep:here,BadHosts,>,1', /does not say whose/],
    ['iprep:src,GoodHosts,>,1', /"GoodHosts" is not a category/],
    ['iprep:src,BadHosts,~,1', /is not an operator/],
    ['iprep:src,BadHosts,>,128', /128/],
    ['iprep:src,BadHosts,isset,1', /takes no score/],
    ['iprep:src,BadHosts,>,1,2', /is too much/],
  ] as const) {
    t.match(one(withOptions(`${option};`), data).errors, [{ cause }], option);
  }
  t.match(one(withOptions('geoip:src,XX;'), data).warnings, [{ cause: /knows no address of XX/ }]);
  t.match(one(withOptions('geoip:src,DE;')).unsupported, { keyword: 'geoip' });
  t.match(one(withOptions('iprep:src,BadHosts,>,1;')).unsupported, { keyword: 'iprep' });
  const damaged = { countries: { file: 'x.mmdb', bytes: Buffer.from('nothing') } };
  t.match(one(withOptions('geoip:src,DE;'), damaged).errors, [
    { file: 'x.mmdb', cause: /not a database of countries/ },
  ]);
});
