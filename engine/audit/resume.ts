// SPDX-License-Identifier: Apache-2.0
// Where an audit log goes on after a restart: behind its last line, if that is what the remembered checkpoint says.

import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IdsError, messageOf } from '../../common/errors.js';
import { GENESIS, opened, type Head } from './chain.js';
import { checkpointsIn, doubtful, type Checkpoint } from './checkpoint.js';
import type { Facts } from './entry.js';
import { linesOf, logFiles } from './files.js';
import type { AuditKeys } from './keys.js';

/** The latest checkpoint, apart from the log. */
export const CHECKPOINT_FILE = 'audit.checkpoint';

export interface Resumed {
  readonly head: Head;
  /** Number of the first line of the file that is written; 0 if there is none in it. */
  readonly first: number;
  /** The checkpoint that was remembered. */
  readonly signed: number;
  /** The last line is what a daemon writes when it ends in good order, or there is none. */
  readonly clean: boolean;
  /** What was found wrong and has to be told, for a line of its own. */
  readonly damage: readonly Facts[];
}

/** The checkpoint that was remembered, if it is one that our key has signed. */
export function remembered(folder: string, keys: Pick<AuditKeys, 'publicKey'>): Checkpoint | undefined {
  const file = join(folder, CHECKPOINT_FILE);
  if (!existsSync(file)) return undefined;
  return checkpointsIn(readFileSync(file, 'latin1')).find((one) => doubtful(one, [keys.publicKey]) === undefined);
}

/** Cuts a line off that a crash has left unfinished; what it was is told. */
function cutRest(file: string, size: number, rest: Buffer): Facts {
  const fd = openSync(file, 'r+');
  try {
    ftruncateSync(fd, size);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  const sha256 = createHash('sha256').update(rest).digest('hex');
  return { found: 'an unfinished line at the end of the log was cut off', bytes: rest.length, sha256 };
}

/** Reads the end of the log. @param folder where the checkpoint is remembered. @throws IdsError AUDIT_FAILED */
export function resume(file: string, folder: string, keys: AuditKeys): Resumed {
  try {
    return ended(file, folder, keys);
  } catch (error) {
    const text = `cannot read the end of the audit log ${file}: ${messageOf(error)}`;
    throw new IdsError('AUDIT_FAILED', `${text}: mend that, or move the log away`, { cause: error });
  }
}

function ended(file: string, folder: string, keys: AuditKeys): Resumed {
  const checkpoint = remembered(folder, keys);
  const damage: Facts[] = keys.replaced === undefined ? [] : [{ found: 'the key was lost', key: keys.replaced }];
  let [head, first, clean] = [GENESIS, 0, true];
  for (const path of logFiles(file).reverse()) {
    const bytes = readFileSync(path);
    const { lines, rest } = linesOf(bytes);
    if (rest.length > 0) damage.push(cutRest(path, bytes.length - rest.length, rest));
    const [begin, end] = [lines.at(0), lines.at(-1)].map((line) => line && opened(line));
    if (path === file) first = begin && 'record' in begin ? begin.record.seq : lines.length > 0 ? 1 : 0;
    if (!end) continue;
    if ('record' in end) {
      head = { seq: end.record.seq, hash: end.record.hash };
      clean = end.record.action === 'checkpoint' && end.record.what?.['at'] === 'stop';
    } else damage.push({ found: `the last line of the log is damaged: ${end.cause}` });
    break;
  }
  if (checkpoint && checkpoint.seq > head.seq) {
    damage.push({ found: 'the end of the log is missing', ends: head.seq, signed: checkpoint.seq });
    head = checkpoint;
  } else if (checkpoint && checkpoint.seq === head.seq && checkpoint.hash !== head.hash) {
    damage.push({ found: 'the last line of the log is not the one that was signed', line: head.seq });
  }
  const { seq, hash } = head;
  return { head: { seq, hash }, first, signed: checkpoint?.seq ?? 0, clean: clean && damage.length === 0, damage };
}
