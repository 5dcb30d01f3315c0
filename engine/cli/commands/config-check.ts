// SPDX-License-Identifier: Apache-2.0
import { readText } from '../../files.js';
import { command } from '../command.js';
import { plural } from '../table.js';

export const configCheck = command({
  name: 'config check',
  describe: 'check a configuration file and that the rule files it names are there; exit status 0 right, 2 not',
  positionals: { file: { describe: 'a YAML file', complete: 'file' } },
  example: ['ids config check /etc/ids/ids.yaml', 'every error with line and column'],
  run: async ({ file }, context) => {
    const { configuredPaths, loadConfig, readLanguageFiles, ruleFiles } = await import('../../config/index.js');
    const config = loadConfig(readText(file), file);
    const rules = ruleFiles(config.rules, file);
    readLanguageFiles(configuredPaths(config, file));
    const interfaces = config.interfaces.map(({ name }) => name);
    if (context.json) context.data({ ok: true, interfaces, mode: config.mode, rules });
    else {
      const where = interfaces.length === 0 ? 'no interface (name one with -i)' : interfaces.join(', ');
      context.line(`${file} is right: ${where}, mode ${config.mode}, ${plural(rules.length, 'rule file')}`);
    }
    return 0;
  },
});
