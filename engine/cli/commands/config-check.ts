// SPDX-License-Identifier: Apache-2.0
import { loadConfig } from '../../config/index.js';
import { command } from '../command.js';
import { readText } from '../../files.js';

export const configCheck = command<{ file: string }>({
  command: 'check <file>',
  describe: 'check a configuration file: every error with line and column',
  example: ['ids config check /etc/ids/ids.yaml', 'exit status 0 if it is right, 2 if not'],
  build: (yargs) => yargs.positional('file', { type: 'string', demandOption: true, describe: 'a YAML file' }),
  run: ({ file }, context) => {
    const config = loadConfig(readText(file), file);
    if (context.json)
      context.data({ ok: true, interfaces: config.interfaces.map(({ name }) => name), mode: config.mode });
    else context.line(`${file} is right`);
    return Promise.resolve(0);
  },
});
