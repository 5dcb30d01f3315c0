// SPDX-License-Identifier: Apache-2.0
// The operator's tests of new rules: `ids rules test` in a process of its own, which has tables of its own.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { IdsError } from '../../common/errors.js';

const PROGRAM = fileURLToPath(new URL('../../../bin/ids', import.meta.url));
const DEADLINE_MS = 600_000;
const OUTPUT = 4000;

/**
 * @param captures captures with their expectations beside them
 * @param rules files that are tested, beside those of the configuration
 * @throws IdsError UPDATE_REFUSED with what differed
 */
export async function runTests(
  captures: readonly string[],
  rules: readonly string[],
  config: string | undefined,
): Promise<void> {
  if (captures.length === 0) return;
  const options = config === undefined ? [] : ['--config', config];
  const words = ['rules', 'test', ...captures, ...options, '--rules', ...rules];
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
  });
  let output = '';
  const take = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-OUTPUT));
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status === 0) return;
  const told = output.trim().split('\n').slice(-10).join(' | ');
  throw new IdsError('UPDATE_REFUSED', `the tests of rules_update.tests fail (status ${status ?? 'none'}): ${told}`);
}
