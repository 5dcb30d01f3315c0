// SPDX-License-Identifier: Apache-2.0
import { IdsError } from '../../../common/errors.js';
import { loadConfig } from '../../config/index.js';
import { command } from '../command.js';
import { readText } from '../../files.js';

export const run = command<{ interface?: string[] | undefined; config?: string | undefined; monitor: boolean }>({
  command: 'run',
  describe: 'run the daemon in the foreground: attach, judge, alert, until SIGTERM or "ids stop"',
  example: ['sudo ids run -i eth0 --config ids.yaml', 'protect eth0'],
  build: (yargs) =>
    yargs
      .option('interface', {
        alias: 'i',
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'network interface (again for more); takes the place of the configured ones',
      })
      .option('config', { type: 'string', requiresArg: true, describe: 'YAML configuration file' })
      .option('monitor', {
        type: 'boolean',
        default: false,
        describe: 'drop nothing, count and log what would be dropped',
      }),
  run: async (options) => {
    const file = options.config;
    const name = file ?? './ids.yaml';
    const config = loadConfig(file === undefined ? '' : readText(file), name, {
      ...(options.interface === undefined ? {} : { interfaces: options.interface }),
      ...(options.monitor ? { mode: 'monitor' as const } : {}),
      ...(process.argv.some((word) => word === '--socket' || word.startsWith('--socket='))
        ? { socket: options.socket }
        : {}),
    });
    if (config.interfaces.length === 0) {
      throw new IdsError('USAGE', 'no interface: name one with -i, or under "interfaces" in the configuration');
    }
    // Loaded here, so that other commands start without the daemon's libraries.
    const { runDaemon } = await import('../../daemon/run-daemon.js');
    await runDaemon(config, name);
    return 0;
  },
});
