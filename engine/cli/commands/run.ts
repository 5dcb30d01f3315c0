// SPDX-License-Identifier: Apache-2.0
import { IdsError } from '../../../common/errors.js';
import { command } from '../command.js';

export const run = command({
  name: 'run',
  describe: 'run the daemon in the foreground: attach, judge, alert, until SIGTERM or "ids stop"',
  options: {
    interface: {
      type: 'list',
      alias: 'i',
      value: 'NAME',
      describe: 'network interface, again for more; takes the place of the configured ones',
      complete: 'interface',
    },
    config: { type: 'string', value: 'FILE', describe: 'YAML configuration file', complete: 'file' },
    monitor: { type: 'boolean', describe: 'drop nothing; count and log what would be dropped' },
  },
  example: ['sudo ids run -i eth0 --config ids.yaml', 'protect eth0'],
  run: async ({ interface: interfaces, config: file, monitor }, { socket }) => {
    const { loadConfig, readConfig } = await import('../../config/index.js');
    const said = {
      ...(interfaces.length === 0 ? {} : { interfaces }),
      ...(monitor ? { mode: 'monitor' as const } : {}),
      ...(socket === undefined ? {} : { socket }),
    };
    const name = file ?? './ids.yaml';
    // Without a file every key has its default.
    const config = file === undefined ? loadConfig('', name, said) : readConfig(file, said);
    if (config.interfaces.length === 0) {
      const remedy = 'name one with -i, or under "interfaces" in the configuration';
      throw new IdsError('USAGE', `no interface: ${remedy}`);
    }
    // Loaded here, so that other commands start without the daemon's libraries.
    const { runDaemon } = await import('../../daemon/run-daemon.js');
    await runDaemon(config, name);
    return 0;
  },
});
