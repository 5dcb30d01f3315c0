// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { IdsError } from '../../../common/errors.js';
import type { AuditRecord } from '../../audit/entry.js';
import type { Checkpoint } from '../../audit/checkpoint.js';
import { DEFAULT_STATE_DIR } from '../../config/defaults.js';
import { readText } from '../../files.js';
import { command, type ExitStatus } from '../command.js';
import { parseLimit } from '../limit.js';
import { count, plain, plural } from '../table.js';

const fileOption = {
  type: 'string',
  value: 'PATH',
  default: join(DEFAULT_STATE_DIR, 'audit.log'),
  describe: 'the log; those that were rotated away are looked for beside it',
  complete: 'file',
} as const;

/** Where key and checkpoint of a log are: beside it, or where they are by default. */
function folderOf(file: string): string {
  return existsSync(join(dirname(file), 'audit.pub')) ? dirname(file) : DEFAULT_STATE_DIR;
}

/** The public key, and those that it has replaced. */
function keysIn(folder: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const older = names.filter((name) => /^audit\.pub\.[0-9a-f]{16}$/.test(name));
  return ['audit.pub', ...older].map((name) => join(folder, name));
}

/** Checkpoints that a user names: words, or files in which they stand. */
async function checkpointsOf(given: readonly string[]): Promise<Checkpoint[]> {
  const { checkpointsIn } = await import('../../audit/checkpoint.js');
  return given.flatMap((one) => {
    const found = checkpointsIn(one.includes('ids-audit-1:') ? one : readText(one));
    if (found.length > 0) return found;
    throw new IdsError(
      'USAGE',
      `there is no checkpoint in ${one.slice(0, 100)}: it is a word that begins with ids-audit-1:`,
    );
  });
}

async function filesOf(file: string): Promise<string[]> {
  const { logFiles } = await import('../../audit/files.js');
  const files = logFiles(file);
  if (files.length > 0) return files;
  throw new IdsError('FILE_UNREADABLE', `there is no audit log ${file}, or you may not see it: name it with --file`);
}

export const auditVerify = command({
  name: 'audit verify',
  describe: 'whether the audit log is whole: no line removed, changed or moved, and no end cut off that was signed',
  options: {
    file: fileOption,
    key: { type: 'list', value: 'PUB', describe: 'public keys; default: audit.pub beside the log', complete: 'file' },
    checkpoint: {
      type: 'list',
      value: 'WORD',
      describe: 'checkpoints that were kept elsewhere, or files that hold some; besides audit.checkpoint',
    },
  },
  example: ['ids audit verify --checkpoint siem-export.json', 'also against the checkpoints that the SIEM has got'],
  run: async ({ file, key, checkpoint }, context): Promise<ExitStatus> => {
    const { readPublicKey } = await import('../../audit/keys.js');
    const { verifyLog } = await import('../../audit/verify.js');
    const folder = folderOf(file);
    const keys = (key.length > 0 ? key : keysIn(folder)).map(readPublicKey);
    // Before the log, which may grow meanwhile.
    const kept = join(folder, 'audit.checkpoint');
    const { checkpointsIn } = await import('../../audit/checkpoint.js');
    const remembered = existsSync(kept) ? checkpointsIn(readText(kept)) : [];
    const checkpoints = [...(await checkpointsOf(checkpoint)), ...remembered];
    const verdict = verifyLog({ files: await filesOf(file), keys, checkpoints });
    const { intact, bad, first, last, signed } = verdict;
    if (context.json) context.data(verdict);
    else if (bad) context.line(plain(`${bad.file}:${bad.line}: ${bad.cause}`));
    else if (last === 0) context.line('the log is empty');
    else {
      const tail = last - signed;
      const open =
        tail > 0 ? `; ${plural(tail, 'line')} behind the last checkpoint: an end cut off there shows in nothing` : '';
      context.line(`intact: lines ${count(first)} to ${count(last)}, signed up to ${count(signed)}${open}`);
    }
    if (checkpoints.length === 0) {
      context.warn(`ids: no checkpoint is kept in ${kept}: whether an end was cut off is not known`);
    }
    return intact ? 0 : 1;
  },
});

/** Who did it, in a word or two. */
function who({ actor }: AuditRecord): string {
  if ('engine' in actor) return `engine (${actor.engine})`;
  if ('unknown' in actor) return 'unknown';
  const name = actor.user ?? `uid ${actor.uid}`;
  return actor.login === undefined || actor.login === name ? name : `${actor.login} as ${name}`;
}

function describe(record: AuditRecord): string {
  const { seq, time, action, outcome, error } = record;
  const facts = (['what', 'before', 'after'] as const).flatMap((name) =>
    record[name] === undefined ? [] : [`${name} ${JSON.stringify(record[name])}`],
  );
  const failed = outcome === 'failed' ? ` FAILED: ${error?.message ?? ''}` : '';
  return plain([`${seq} ${time} ${who(record)}: ${action}${failed}`, ...facts].join(' '));
}

export const auditShow = command({
  name: 'audit show',
  describe: 'the last lines of the audit log, as they are: "ids audit verify" says whether they are to be trusted',
  options: {
    file: fileOption,
    n: { type: 'string', value: 'N', default: '20', describe: 'how many of the last' },
  },
  example: ['ids audit show -n 50', 'who has changed what'],
  run: async ({ file, n }, context): Promise<ExitStatus> => {
    const { linesOf } = await import('../../audit/files.js');
    const { opened } = await import('../../audit/chain.js');
    const wanted = parseLimit(n);
    let lines: { readonly place: string; readonly bytes: Buffer }[] = [];
    for (const path of (await filesOf(file)).reverse()) {
      if (lines.length >= wanted) break;
      const found = linesOf(readFileSync(path)).lines;
      lines = [...found.map((bytes, at) => ({ place: `${basename(path)}:${at + 1}`, bytes })), ...lines];
    }
    const records: AuditRecord[] = [];
    let bad = 0;
    for (const { place, bytes } of lines.slice(Math.max(0, lines.length - wanted))) {
      const read = opened(bytes);
      if ('record' in read) records.push(read.record);
      else {
        bad++;
        context.warn(`ids: ${place}: ${read.cause}`);
      }
    }
    if (context.json) context.data(records);
    else for (const record of records) context.line(describe(record));
    return bad === 0 ? 0 : 1;
  },
});
