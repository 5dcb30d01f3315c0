// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { one, withOptions } from '../one-rule.js';

const meta = (options: string) => one(withOptions(options)).rule?.meta;

t.test('everything that a rule says about itself', async (t) => {
  t.same(
    meta(
      'msg:"a \\"b\\"\\; c\\\\d"; gid:3; rev:7; classtype:attempted-recon; reference:url,example.org/a; reference:cve,2020-1;' +
        ' metadata:a b c, created_at 2020_01_01,lonely; target:dest_ip; noalert;',
    ),
    {
      sid: 1,
      gid: 3,
      rev: 7,
      msg: 'a "b"; c\\d',
      classtype: 'attempted-recon',
      category: 'Attempted Information Leak',
      priority: 2,
      references: [
        { system: 'url', value: 'example.org/a' },
        { system: 'cve', value: '2020-1' },
      ],
      metadata: [
        ['a', 'b c'],
        ['created_at', '2020_01_01'],
      ],
      target: 'dest_ip',
      noalert: true,
    },
  );
});

t.test('defaults', async (t) => {
  t.match(meta(''), { gid: 1, rev: 0, msg: '', category: '', priority: 3, noalert: false });
  t.equal(meta('noalert; alert;')?.noalert, false);
});

t.test('priority beats the classtype', async (t) => {
  t.equal(meta('priority:1; classtype:attempted-recon;')?.priority, 1);
});

t.test('an unknown classtype is a warning', async (t) => {
  const { rule, warnings } = one(withOptions('classtype:new-kind;'));
  t.match(rule?.meta, { classtype: 'new-kind', category: '', priority: 3 });
  t.match(warnings, [{ severity: 'warning', column: 41, cause: /classtype new-kind is not known/ }]);
});

t.test('errors', async (t) => {
  for (const [options, column, cause] of [
    ['msg:abc;', 35, /not in double quotes/],
    ['msg:"a"; msg:"b";', 40, /msg stands twice/],
    ['priority:0;', 40, /not a number from 1 to 255/],
    ['rev:x;', 35, /not a number/],
    ['reference:url;', 41, /is not a reference/],
    ['target:client;', 38, /is not a target/],
    ['classtype:9;', 41, /is not a classtype/],
    ['noalert:1;', 39, /has no value/],
    ['sid:2;', 38, /sid stands twice/],
  ] as const) {
    t.match(one(withOptions(options)).errors[0], { column, cause }, options);
  }
});

t.test('a rule needs a sid', async (t) => {
  t.match(one('alert tcp any any -> any any (msg:"a";)').errors, [{ keyword: 'sid', cause: /no sid/ }]);
  t.match(one('alert tcp any any -> any any (sid:0;)').errors, [
    { keyword: 'sid', cause: /"0" is not a number from 1/ },
  ]);
});
