// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { configuredPaths, languageOptions, loadConfig, readLanguageFiles } from '../../../../engine/config/index.js';
import { parseVarsFile } from '../../../../engine/config/vars-file.js';
import { compileRules } from '../../../../rules/index.js';

const yaml = `%YAML 1.1
---
# as in the stock file
vars:
  address-groups:
    HOME_NET: "[192.0.2.0/24]"
    EXTERNAL_NET: "any"
    HTTP_SERVERS: "$HOME_NET"
  port-groups:
    HTTP_PORTS: "80"
    MY_PORTS: 8080
default-log-dir: /var/log/suricata/
`;

t.test('the variables of a suricata.yaml, and what is wrong with them', async (t) => {
  const { address, port } = parseVarsFile({ file: 'suricata.yaml', text: yaml });
  t.same(address, { HOME_NET: '[192.0.2.0/24]', EXTERNAL_NET: 'any', HTTP_SERVERS: '$HOME_NET' });
  t.same(port, { HTTP_PORTS: '80', MY_PORTS: '8080' });
  for (const [text, message] of [
    ['rules: x\n', 'v.yaml:1:1: there is no section vars; name a suricata.yaml or a file like it'],
    ['vars:\n  address-groups: 7\n', 'v.yaml:2:19: address-groups is no mapping; write NAME: "value" lines'],
    [
      'vars:\n  address-groups:\n    A-B: x\n',
      'v.yaml:3:5: "A-B" is not the name of a variable; write letters, digits and _',
    ],
    ['vars:\n  port-groups:\n    A:\n', 'v.yaml:3:5: A has no value; write it in quotes, for example "[10.0.0.0/8]"'],
  ] as const) {
    t.throws(() => parseVarsFile({ file: 'v.yaml', text }), { code: 'CONFIG_INVALID', message });
  }
  t.throws(() => parseVarsFile({ file: 'v.yaml', text: 'vars: [' }), {
    code: 'CONFIG_INVALID',
    message: /^v.yaml:1:8: /,
  });
});

t.test('files that the configuration names stand beside it, and rules use them', async (t) => {
  const dir = t.testdir({
    'suricata.yaml': yaml,
    'threshold.config': 'suppress gen_id 1, sig_id 1, track by_src, ip $HTTP_SERVERS\n',
    'classification.config': 'config classification: my-kind,My kind,2\n',
    'reference.config': 'config reference: url http://\nconfig reference: wrong\n',
  });
  const file = join(dir, 'ids.yaml');
  const text = `vars: { file: suricata.yaml, port: { MY_PORTS: 9090 } }
threshold_file: threshold.config
classification_file: classification.config
reference_file: reference.config
`;
  const files = readLanguageFiles(configuredPaths(loadConfig(text, file), file));
  const language = languageOptions({ files, vars: loadConfig(text, file).vars });
  t.match(language.addressVars, { HOME_NET: '[[192.0.2.0/24]]', EXTERNAL_NET: 'any' });
  t.match(language.portVars, { HTTP_PORTS: '80', MY_PORTS: '9090', SSH_PORTS: '22' });
  t.match(languageOptions({ files, homeNet: ['10.0.0.0/8'] }).addressVars, { HOME_NET: '[10.0.0.0/8]' });
  const rule = 'alert tcp $EXTERNAL_NET any -> any $MY_PORTS (classtype:my-kind; reference:url,example.org/1; sid:1;)';
  const { rules, problems, summary } = compileRules([{ file: 'a.rules', text: rule }], language);
  t.match(rules[0], {
    ...{ category: 'My kind', priority: 2, suppress: ['by_src $HTTP_SERVERS'] },
    references: [{ system: 'url', value: 'example.org/1', url: 'http://example.org/1' }],
  });
  t.match(problems, [{ file: join(dir, 'reference.config'), line: 2, severity: 'error' }]);
  t.match(summary, { rules: 1, usable: 1, errors: 1 });
  writeFileSync(file, text.replace('threshold.config', 'missing.config'));
  const missing = loadConfig(text.replace('threshold.config', 'missing.config'), file);
  t.throws(() => readLanguageFiles(configuredPaths(missing, file)), { code: 'FILE_UNREADABLE' });
});
