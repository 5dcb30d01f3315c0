// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { parseClassifications, parseReferences, standardClassifications } from '../../../rules/classification.js';
import { one, withOptions } from './one-rule.js';

t.test('classification.config', async (t) => {
  const { classifications, problems } = parseClassifications({
    file: 'c',
    text: '\ufeff# comment\r\nconfig classification: my-kind, What it is, 2\n\n config classification: x,y\nconfig classification: z,z,0\n',
  });
  t.same([...classifications], [['my-kind', { description: 'What it is', priority: 2 }]]);
  t.match(problems, [
    { file: 'c', line: 4, column: 2, remedy: /priority from 1 to 255/ },
    { file: 'c', line: 5, column: 1 },
  ]);
  t.match(one(withOptions('classtype:My-Kind;'), { classifications }).rule?.meta, {
    category: 'What it is',
    priority: 2,
  });
});

t.test('reference.config', async (t) => {
  const { systems, problems } = parseReferences({
    file: 'r',
    text: 'config reference: CVE   https://x/?name=\nreference: y\n',
  });
  t.same([...systems], [['cve', 'https://x/?name=']]);
  t.match(problems, [{ line: 2 }]);
});

t.test('the stock classtypes', async (t) => {
  t.match(standardClassifications.get('network-scan'), { description: 'Detection of a Network Scan', priority: 3 });
  t.equal(standardClassifications.size, 43);
});
