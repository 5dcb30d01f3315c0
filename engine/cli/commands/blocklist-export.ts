// SPDX-License-Identifier: Apache-2.0
import { IdsError } from '../../../common/errors.js';
import { EXPORT_FORMATS, writeList } from '../../lists/formats/write.js';
import type { ExportChunk } from '../../lists/prefix-batch.js';
import { command } from '../command.js';
import { actionOf } from './blocklist-import.js';

export const blocklistExport = command({
  name: 'blocklist export',
  describe: 'the list as text on standard output; JSON keeps origins, expiry and reasons',
  options: {
    format: {
      type: 'string',
      value: 'FORMAT',
      default: 'plain',
      complete: EXPORT_FORMATS,
      describe: EXPORT_FORMATS.join(', '),
    },
    origin: { type: 'string', value: 'ORIGIN', describe: 'of this origin alone' },
    action: { type: 'string', value: 'ACTION', complete: ['drop', 'alert'], describe: 'of this action alone' },
  },
  example: ['ids blocklist export --format json > blocklist.json', 'all there is to know, for "ids blocklist import"'],
  run: async ({ format, origin, action }, context) => {
    const known = EXPORT_FORMATS.find((name) => name === (context.json ? 'json' : format));
    if (!known) throw new IdsError('USAGE', `"${format}" is no format: write ${EXPORT_FORMATS.join(', ')}`);
    const what = actionOf(action);
    const filter = { ...(origin === undefined ? {} : { origin }), ...(what === undefined ? {} : { action: what }) };
    const chunks: ExportChunk[] = [];
    for await (const chunk of context.client.blocklistExport(filter)) chunks.push(chunk);
    for (const block of writeList(known, chunks)) {
      if (context.io.gone.aborted) break;
      context.io.out(block);
    }
    return 0;
  },
});
