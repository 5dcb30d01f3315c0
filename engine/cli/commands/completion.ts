// SPDX-License-Identifier: Apache-2.0
import { basename } from 'node:path';
import { IdsError } from '../../../common/errors.js';
import { command } from '../command.js';

export const completion = command({
  name: 'completion',
  describe: 'print a completion script for bash or zsh; needs no daemon',
  positionals: {
    shell: { optional: true, describe: 'bash or zsh; the one you run if not given', complete: ['bash', 'zsh'] },
  },
  example: ['source <(ids completion bash)', 'complete in this shell; put the line into ~/.bashrc for every one'],
  run: async ({ shell = basename(process.env['SHELL'] ?? 'bash') }, context) => {
    const { bashScript, zshScript } = await import('../completion-scripts.js');
    const script = { bash: bashScript, zsh: zshScript }[shell];
    if (!script) throw new IdsError('USAGE', `"${shell}": there is completion for bash and zsh: name one of them`);
    const text = script();
    if (context.json) context.data({ shell, script: text });
    else context.io.out(text);
    return 0;
  },
});
