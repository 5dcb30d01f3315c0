// SPDX-License-Identifier: Apache-2.0
import { command, type Command } from '../command.js';
import { parseRuleName } from '../sid.js';
import { plural } from '../table.js';

function switching(name: 'disable' | 'enable', describe: string): Command {
  return command({
    name: `rules ${name}`,
    describe,
    positionals: { rules: { many: true, describe: 'signature ids, or GID:SID for one of several groups' } },
    example: [`ids rules ${name} 2002087 2002088`, 'two rules at once'],
    run: async ({ rules }, context) => {
      const request = { rules: rules.map(parseRuleName), enabled: name === 'enable' };
      const result = await context.client.enableRules(request);
      if (context.json) context.data(result);
      else {
        context.line(
          `${plural(result.changed.length, 'rule')} ${name}d, generation ${result.generation} is in force` +
            (result.changed.length > 0 ? `: ${result.changed.join(', ')}` : ''),
        );
      }
      return 0;
    },
  });
}

export const rulesDisable = switching(
  'disable',
  'leave rules out, at once and over reloads and restarts, until they are enabled again; exit status 1 if one is not loaded',
);

export const rulesEnable = switching('enable', 'use rules again that were disabled; exit status 1 if one is not known');
