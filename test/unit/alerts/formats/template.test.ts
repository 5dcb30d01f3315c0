// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { Template } from '../../../../alerts/formats/template.js';

const JSON_TYPE = 'application/json';
const hostile = '"},{"x":"\u2028\n\\';
const facts = { id: 'msg_1', records: [{ alert: { signature: hostile, severity: 2 }, src_ip: '192.0.2.1' }, { a: 1 }] };
const render = (text: string, type = JSON_TYPE): string => new Template(text, type).render(facts);

t.test('JSON: values with and without the filter stay inside their text', async (t) => {
  t.same(JSON.parse(render('{"m": {{ record.alert.signature | json }}, "s": {{ record.alert.severity }}}')), {
    m: hostile,
    s: 2,
  });
  t.same(JSON.parse(render('{"m": "{{ record.alert.signature }} from {{ record.src_ip }}{{ record.none }}"}')), {
    m: `${hostile} from 192.0.2.1`,
  });
  t.same(
    JSON.parse(render('[{% for r in records %}{{ r | json }}{% unless forloop.last %},{% endunless %}{% endfor %}]')),
    facts.records,
  );
  t.same(JSON.parse(render('{"id": {{ id | json }}, "n": {{ count }}, "none": {{ record.none | json }}}')), {
    id: 'msg_1',
    n: 2,
    none: null,
  });
  t.notMatch(render('{{ record.alert.signature | json }}'), /\u2028/);
});

t.test('text is as the template has it', async (t) => {
  t.equal(render('{{ record.src_ip }}: {{ record.alert.severity }}', 'text/plain'), '192.0.2.1: 2');
  t.equal(new Template('{{ record }}', 'text/plain').render({ id: '', records: ['CEF:0|x'] }), 'CEF:0|x');
});

const wrong: readonly (readonly [string, RegExp])[] = [
  ['a {{ b', /^template 1:3: output "\{\{ b" not closed$/],
  ['{}\n  {% foo %}', /^template 2:3: tag "foo" not found$/],
  ['{{ record | nofilter }}', /^template 1:1: undefined filter: nofilter$/],
  ['{"a": {{ record.src_ip }}}', /^template 1:1: renders no JSON: .*write values as \{\{ value \| json \}\}$/],
  ['{% include "/etc/passwd" %}', /^template 1:1: ENOENT/],
  ['{% for i in (1..100000000) %}{{ i }}{% endfor %}', /^template .*(memory|render) .*limit exceeded/],
];

t.test('mistakes are told with their place', async (t) => {
  for (const [text, message] of wrong) t.throws(() => render(text), { code: 'OUTPUT_FAILED', message }, text);
  const file = path.join(t.testdir(), 'body.liquid');
  t.throws(() => new Template({ file }, JSON_TYPE), { message: new RegExp(`^${file}:ENOENT`) });
  writeFileSync(file, '{\n{{ a | b }}');
  t.throws(() => new Template({ file }, JSON_TYPE), { message: `${file}:2:1: undefined filter: b` });
  writeFileSync(file, '{"ip": "{{ record.src_ip }}"}');
  t.equal(new Template({ file }, JSON_TYPE).render(facts), '{"ip": "192.0.2.1"}');
});

t.test('prototypes are out of reach', async (t) => {
  t.equal(render('"{{ record.constructor.name }}{{ record.__proto__ }}"'), '""');
});
