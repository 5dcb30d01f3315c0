// SPDX-License-Identifier: Apache-2.0
// What the control socket changes reaches the audit log, with the caller's name, and what only looks does not.
import t from 'tap';
import { actingAs, actorOf, userName } from '../../../../engine/audit/actor.js';
import { auditedActions, auditedApi } from '../../../../engine/audit/audited-api.js';
import { Auditor } from '../../../../engine/audit/auditor.js';
import { configChange, hashesOf } from '../../../../engine/audit/config-change.js';
import type { AuditEntry } from '../../../../engine/audit/entry.js';
import { ApiClient } from '../../../../engine/api/client.js';
import { ApiServer } from '../../../../engine/api/server.js';
import { IdsError } from '../../../../common/errors.js';
import { readDoc } from '../../docs/markdown.js';
import { FakeApi } from '../api/fake-api.js';
import { temporary } from '../api/serve.js';

function audited(): { api: FakeApi; entries: AuditEntry[]; through: ReturnType<typeof auditedApi> } {
  const api = new FakeApi();
  const entries: AuditEntry[] = [];
  const auditor = new Auditor({ append: (entry) => Promise.resolve(void entries.push(entry)) });
  const look = () => ({ calls: api.calls.length });
  const through = auditedApi(api, auditor, { rules: look, blocklist: look, allowlist: look, log: look });
  return { api, entries, through };
}

t.test('through the socket: the kernel says who asks', async (t) => {
  const { entries, through } = audited();
  const socket = `${temporary(t)}/ids.sock`;
  const server = await ApiServer.open(socket, through);
  t.teardown(() => server.close());
  const client = new ApiClient(socket);
  await client.status();
  await client.listRules();
  await through.dataset({ action: 'lookup', name: 'a', value: 'x' }).catch(() => undefined);
  t.same(entries, [], 'looking changes nothing');
  await client.blocklistAdd({ prefixes: ['192.0.2.7'], force: false, reason: 'x'.repeat(900) });
  await client.stop({ detach: false });
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  const actor = { uid, gid, pid: process.pid, user: userName(uid ?? -1) };
  t.match(entries, [
    { action: 'blocklist.add', actor, outcome: 'done', before: { calls: 3 }, after: { calls: 4, outcomes: {} } },
    { action: 'stop', actor, what: { detach: false } },
  ]);
});

t.test('callers at the same time are not mixed up, and failures are told', async (t) => {
  const { api, entries, through } = audited();
  api.allowlistAdd = async ({ prefixes }) => {
    await new Promise((resolve) => setTimeout(resolve, prefixes[0] === '192.0.2.1' ? 30 : 1));
    if (prefixes[0] === '192.0.2.2') throw new IdsError('PREFIX_REFUSED', 'no');
    return [{ prefix: prefixes[0] ?? '', outcome: 'refused', cause: 'why' }];
  };
  const ask = (pid: number) =>
    actingAs({ uid: 1, gid: 1, pid }, () => through.allowlistAdd({ prefixes: [`192.0.2.${pid}`] })).catch(
      () => undefined,
    );
  await Promise.all([ask(1), ask(2)]);
  await through.allowlistRemove([]);
  t.match(entries, [
    { actor: { pid: 2 }, outcome: 'failed', error: { code: 'PREFIX_REFUSED', message: 'no' }, what: { count: 1 } },
    { actor: { pid: 1 }, after: { outcomes: { refused: 1 }, refused: [{ cause: 'why' }] } },
    { action: 'allowlist.remove', actor: { engine: 'daemon' } },
  ]);
});

t.test('names of users', async (t) => {
  t.equal(userName(0), 'root');
  t.equal(userName(4_000_000_000), undefined);
  t.equal(userName(0, '/nonexistent'), undefined);
  t.match(actorOf(undefined), { unknown: /gone/ });
  t.strictSame(actorOf({ uid: 4_000_000_000, gid: 7, pid: 0 }), { uid: 4_000_000_000, gid: 7, pid: 0 });
});

t.test('every action is documented', async (t) => {
  const doc = readDoc('docs/audit.md');
  t.same(
    auditedActions.filter((action) => !doc.includes(`\`${action}\``)),
    [],
  );
});

t.test('a configuration that is another one than before', async (t) => {
  const file = `${temporary(t)}/audit.config`;
  const now = hashesOf({ mode: 'prevent', outputs: [{ secret: { file: '/x' } }] });
  t.equal(configChange(file, now), undefined, 'the first');
  t.equal(configChange(file, now), undefined, 'the same');
  const other = hashesOf({ mode: 'monitor', outputs: [{ secret: { file: '/x' } }], audit: {} });
  t.match(configChange(file, other), { what: { changed: ['mode', 'audit'] }, before: { sha256: now.sha256 } });
  t.equal(configChange(file, other), undefined);
});
