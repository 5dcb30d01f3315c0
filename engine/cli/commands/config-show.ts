// SPDX-License-Identifier: Apache-2.0
import { readText } from '../../files.js';
import { command } from '../command.js';

export const configShow = command({
  name: 'config show',
  describe: 'the configuration with all defaults: that of the daemon, or of a file; secrets are never shown',
  positionals: { file: { describe: 'a YAML file, read without a daemon', optional: true, complete: 'file' } },
  example: ['ids config show', 'what is in force'],
  run: async ({ file }, context) => {
    const { loadConfig, shownConfig } = await import('../../config/index.js');
    const config = file === undefined ? await context.client.config() : shownConfig(loadConfig(readText(file), file));
    if (context.json) context.data(config);
    else {
      const { stringify } = await import('yaml');
      context.line(stringify(config).trimEnd());
    }
    return 0;
  },
});
