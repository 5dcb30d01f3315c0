// SPDX-License-Identifier: Apache-2.0
// The audit log of a real daemon: who asked is who the kernel says, whatever was asked, and what is tampered with shows.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { AuditRecord } from '../../engine/audit/entry.js';
import type { Verdict } from '../../engine/audit/verify.js';
import { inNetns, privileged, twoHosts, until } from '../helpers/privileged.js';
import { idsProgram, lines, TestDaemon } from './support/daemon.js';

TestDaemon.egress = false;

const rules = 'alert tcp any any -> any 81 (msg:"a"; flags:S; sid:1;)\n';
const NOBODY = 65_534;

if (privileged(t)) {
  t.test('who, what, before and after', { timeout: 240_000 }, async (t) => {
    const { victim } = await twoHosts(t);
    const audited = { checkpoint_records: 1000, checkpoint_outputs: ['proof'] };
    const daemon = TestDaemon.prepare(t, victim);
    const proof = daemon.file('proof.json', '');
    // One that takes no engine records otherwise, and one that does.
    const outputs = [
      { type: 'file', path: daemon.eveFile },
      { type: 'file', name: 'proof', path: proof, events: ['drop'] },
    ];
    daemon.configure({ rules, config: { audit: audited, outputs } });
    await daemon.run();
    const state = join(daemon.folder, 'state');
    const file = join(state, 'audit.log');
    const show = async (): Promise<AuditRecord[]> => daemon.ids('audit', 'show', '--file', file, '-n', '1000');
    const last = async (): Promise<AuditRecord | undefined> => (await show()).at(-1);

    t.match(await show(), [
      {
        seq: 1,
        action: 'attach',
        actor: { engine: 'interfaces' },
        what: { interface: 'veth0', egress: 'off' },
      },
      {
        action: 'start',
        actor: { engine: 'start' },
        what: { mode: 'prevent', clean: true },
        after: { usable: 1, generation: 1, sha256: /^[0-9a-f]{64}$/ },
      },
    ]);

    const added = await daemon.program('blocklist', 'add', '192.0.2.7', '--ttl', '1h', '--reason', 'test');
    t.equal(added.status, 0);
    t.match(await last(), {
      action: 'blocklist.add',
      actor: { uid: 0, gid: 0, user: 'root' },
      outcome: 'done',
      what: { prefixes: ['192.0.2.7'], ttl: 3600, reason: 'test' },
      before: { entries: 0 },
      after: { entries: 1, outcomes: { added: 1 } },
    });
    const pid = Number(((await last())?.actor as { pid: number }).pid);
    t.ok(pid > 1 && pid !== process.pid, 'the process of the command');

    // Somebody else, whom the socket lets in.
    chmodSync(daemon.folder, 0o755);
    chownSync(daemon.socket, NOBODY, NOBODY);
    const other = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', idsProgram];
    await inNetns(victim.netns, 'setpriv', [...other, 'allowlist', 'add', '198.51.100.1', '--socket', daemon.socket]);
    t.match(await last(), {
      action: 'allowlist.add',
      actor: { uid: NOBODY, gid: NOBODY, user: 'nobody' },
      before: { entries: 0 },
      after: { entries: 1 },
    });

    const more = daemon.file('more.rules', `${rules}alert tcp any any -> any 82 (msg:"b"; flags:S; sid:2;)\n`);
    await daemon.ids('rules', 'load', more);
    t.match(await last(), {
      action: 'rules.load',
      what: { sources: [{ sha256: /^[0-9a-f]{64}$/ }], strict: false },
      before: { usable: 1, generation: 1, origin: 'config' },
      after: { usable: 2, generation: 2, origin: 'cli' },
    });
    await daemon.ids('rules', 'disable', '2');
    t.match(await last(), {
      action: 'rules.enable',
      what: { rules: ['2'], enabled: false },
      after: { changed: ['1:2'] },
    });
    t.equal((await daemon.cli('rules', 'disable', '77')).status, 1);
    t.match(await last(), { action: 'rules.enable', outcome: 'failed', error: { code: 'NOT_FOUND' } });
    await daemon.ids('log', 'tls', 'off');
    t.match(await last(), { action: 'log.change', before: { tls: { on: true } }, after: { tls: { on: false } } });
    await daemon.ids('outputs', 'replay', 'file');
    t.match(await last(), { action: 'outputs.replay', what: { output: 'file' } });
    await daemon.ids('outputs', 'dead', 'drop', 'file');
    t.match(await last(), { action: 'outputs.dead', what: { output: 'file', action: 'drop' } });
    await daemon.ids('blocklist', 'flush');
    t.match(await last(), { action: 'blocklist.flush', before: { entries: 1 }, after: { entries: 0, removed: 1 } });
    const count = (await show()).length;
    await daemon.ids('status');
    await daemon.ids('blocklist', 'list');
    t.equal((await show()).length, count, 'looking changes nothing');
    process.kill(daemon.process.pid, 'SIGHUP');
    await until(async () => (await last())?.action === 'reopen');
    t.match(await last(), { actor: { engine: 'SIGHUP' } });

    // Killed, and configured otherwise.
    await daemon.kill();
    daemon.configure({ rules, config: { mode: 'monitor', audit: audited, outputs } });
    await daemon.run();
    t.match((await show()).slice(-2), [
      { action: 'config.change', what: { changed: ['mode'] }, before: { sha256: /./ }, after: { sha256: /./ } },
      { action: 'start', what: { mode: 'monitor', clean: false, adopted: true } },
    ]);
    const { audit } = await daemon.status();
    t.match(audit, { records: (await show()).length, lost: 0, failures: 0 });
    await daemon.ids('stop', '--detach');
    t.match((await show()).slice(-4), [
      { action: 'stop', actor: { uid: 0 }, what: { detach: true }, after: { detached: ['veth0'] } },
      { action: 'detach', what: { interface: 'veth0' } },
      { action: 'end', actor: { engine: 'ids stop' } },
      { action: 'checkpoint' },
    ]);

    // The whole log, against the checkpoint that has left with the outputs.
    const verify = async (...words: string[]): Promise<Verdict> =>
      JSON.parse((await daemon.cli('audit', 'verify', '--file', file, '--json', ...words)).stdout) as Verdict;
    const whole = await verify();
    t.match(whole, { intact: true, first: 1 });
    t.equal(whole.signed, whole.last);
    const sent = lines(proof).filter((line) => line.includes('audit-checkpoint'));
    t.equal(sent.length, 1);
    t.notOk(lines(daemon.eveFile).some((line) => line.includes('audit-checkpoint')));
    t.match(JSON.parse(sent[0] ?? ''), {
      event_type: 'engine',
      log_level: 'Info',
      ids: { reason: 'audit-checkpoint' },
    });
    t.match(await verify('--checkpoint', proof), { intact: true });
    const bytes = readFileSync(file);
    const at = bytes.indexOf('"nobody"');
    const line = bytes.subarray(0, at).toString().split('\n').length;
    writeFileSync(file, Buffer.concat([bytes.subarray(0, at), Buffer.from('"nobudy"'), bytes.subarray(at + 8)]));
    t.match(await verify(), { intact: false, bad: { line, cause: /was changed/ } });
    const text = await daemon.cli('audit', 'verify', '--file', file);
    t.match(text, { status: 1, stdout: new RegExp(`^${file}:${line}: it was changed`) });
    const kept = bytes.toString().split('\n').slice(0, 5).join('\n');
    writeFileSync(file, `${kept}\n`);
    writeFileSync(join(state, 'audit.checkpoint'), '');
    t.match(await verify(), { intact: true, last: 5 }, 'with the checkpoint of the host gone nobody knows');
    t.match(await verify('--checkpoint', proof), {
      intact: false,
      bad: { line: 6, cause: /end of the log is missing/ },
    });
    t.match(await daemon.cli('audit', 'verify', '--file', '/nonexistent/audit.log'), { status: 2 });
  });

  t.test('a disk that is full: the action is done, and what is missing is told', { timeout: 120_000 }, async (t) => {
    const { victim } = await twoHosts(t);
    const disk = t.testdir({ audit: {} });
    const folder = join(disk, 'audit');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
    t.teardown(() => spawnSync('umount', ['-l', folder]));
    const file = join(folder, 'audit.log');
    const daemon = await TestDaemon.start(t, victim, { rules, config: { audit: { path: file } } });
    const filler = join(folder, 'filler');
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k']);
    const size = readFileSync(file).length;
    // Until the last page of the log is full too.
    for (let n = 1; (await daemon.status()).audit.waiting === 0 && n < 40; n++) {
      t.equal((await daemon.cli('blocklist', 'add', `192.0.2.${n}`)).status, 0);
    }
    const { audit, notes, blocklist } = await daemon.status();
    t.ok(audit.waiting > 0 && audit.failures > 0);
    t.ok(blocklist.entries > 0, 'blocked all the same');
    t.match(notes.join(), /the audit log lacks entries/);
    await until(() => lines(daemon.eveFile).some((line) => line.includes('audit-trouble') && line.includes('ENOSPC')));
    t.ok(readFileSync(file).length >= size && readFileSync(file, 'utf8').endsWith('\n'), 'whole lines alone');
    spawnSync('rm', [filler]);
    await until(async () => (await daemon.status()).audit.waiting === 0, { deadline: 20_000, interval: 200 });
    await daemon.ids('stop', '--detach');
    // One that cannot start says so too.
    daemon.configure({ rules, config: { audit: { path: file }, interfaces: ['nosuch0'] } });
    t.equal((await daemon.refused()).status, 2);
    t.match(await daemon.ids('audit', 'show', '--file', file, '-n', '2'), [
      { action: 'start', outcome: 'failed', error: { code: 'INTERFACE_MISSING', message: /nosuch0/ } },
      { action: 'checkpoint' },
    ]);
    t.match(await daemon.ids('audit', 'verify', '--file', file, '--key', join(daemon.folder, 'state', 'audit.pub')), {
      intact: true,
    });
    const shown = await daemon.ids<AuditRecord[]>('audit', 'show', '--file', file, '-n', '1000');
    t.equal(
      shown.filter(({ action }) => action === 'blocklist.add').length,
      blocklist.entries,
      'every one is there in the end',
    );
  });
}
