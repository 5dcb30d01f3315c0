// SPDX-License-Identifier: Apache-2.0
import { formatPrefix, parsePrefix } from '../../../common/address.js';
import { parseDuration } from '../../../common/duration.js';
import { IdsError } from '../../../common/errors.js';
import type { FlowSelection } from '../../flows/selection.js';
import { command } from '../command.js';
import { answer, portOf } from './log.js';

export const logFlow = command({
  name: 'log flow',
  describe: 'change at once which flows are logged when they end; the whole selection is replaced',
  positionals: {
    state: {
      optional: true,
      describe: '`on`, `off`, or `default` for what the configuration says',
      complete: ['on', 'off', 'default'],
    },
  },
  options: {
    failed: {
      type: 'boolean',
      describe: 'only TCP connections that did not come about: refused, unanswered, half-open',
    },
    net: { type: 'list', value: 'CIDR', describe: 'only with an address in this network' },
    port: { type: 'string', value: 'PORT', describe: 'only this port of the server' },
    interval: { type: 'string', value: 'TIME', describe: 'flows that go on are logged this often too: 1h; or `off`' },
  },
  example: ['ids log flow --failed --net 10.1.0.0/16 --port 5432', 'who is not let in at the database, and by whom'],
  run: async ({ state, failed, net, port, interval }, context) => {
    const selection: FlowSelection = {
      ...(failed ? { failed } : {}),
      ...(net.length === 0 ? {} : { net: net.map((text) => formatPrefix(parsePrefix(text))) }),
      ...(port === undefined ? {} : { port: portOf(port) }),
      ...(interval === undefined ? {} : { interval: interval === 'off' ? 0 : parseDuration(interval) }),
    };
    const chosen = Object.keys(selection).length > 0;
    if (state !== undefined && !['on', 'off', 'default'].includes(state)) {
      throw new IdsError('USAGE', `"${state}" is neither on, off nor default`);
    }
    if (state === undefined && !chosen) {
      const text = 'nothing was asked for: write on, off, default or options (see "ids log flow --help")';
      throw new IdsError('USAGE', text);
    }
    if (state !== undefined && state !== 'on' && chosen) throw new IdsError('USAGE', `${state} takes no options`);
    const flow = state === 'off' || state === 'default' ? state : selection;
    return answer(await context.client.changeLog({ flow }), context, 'flow');
  },
});
