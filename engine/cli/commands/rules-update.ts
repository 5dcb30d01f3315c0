// SPDX-License-Identifier: Apache-2.0
import { IdsError } from '../../../common/errors.js';
import { command } from '../command.js';
import { printSummary } from '../rules-summary.js';
import { count, table } from '../table.js';

export const rulesUpdate = command({
  name: 'rules update',
  describe:
    'fetch the rule sets that the configuration names and put them in force as a whole; exit status 1 if they were not taken',
  options: {
    force: { type: 'boolean', describe: 'also if nothing has changed, and if they shrank' },
    rollback: { type: 'boolean', describe: 'fetch nothing: go back to the generation before' },
  },
  example: ['ids rules update --rollback', 'the rules of before, at once'],
  // Downloads, a compilation and tests.
  patienceMs: 1_200_000,
  run: async ({ force, rollback }, context) => {
    if (force && rollback) throw new IdsError('USAGE', '--force and --rollback exclude each other: write one of them');
    const result = await context.client.updateRules({ force, rollback });
    if (context.json) {
      context.data(result);
      return 0;
    }
    for (const { name, state, bytes } of result.sources) context.line(`${name}: ${state}, ${count(bytes)} bytes`);
    if (result.summary) printSummary(result.summary, context);
    context.lines(
      table(
        [
          { title: 'generation', align: 'right', value: (row) => row.generation },
          { title: 'rules', align: 'right', value: (row) => count(row.rules) },
          { title: 'created', value: (row) => row.created },
          { title: '', value: (row) => (row.generation === result.generation ? 'in use' : '') },
        ],
        result.kept,
        context.width,
      ),
    );
    context.line(
      result.outcome === 'stored'
        ? `generation ${result.generation} is there; a set that was loaded by hand is in force: "ids rules load" puts it in its place`
        : `${result.outcome}: generation ${result.generation}`,
    );
    return 0;
  },
});
