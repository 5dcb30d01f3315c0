// SPDX-License-Identifier: Apache-2.0
// Whatever is wrong with what a user gives gets one line and the right exit status, and changes nothing.
import { existsSync } from 'node:fs';
import t from 'tap';
import type { Test } from 'tap';
import { privileged, twoHosts } from '../helpers/privileged.js';
import type { RunResult } from '../helpers/privileged.js';
import { invoke } from '../unit/engine/cli/invoke.js';
import { concurrently } from './support/concurrently.js';
import { TestDaemon } from './support/daemon.js';

TestDaemon.egress = false;

/** A classic capture of one empty Ethernet frame, or what is left of it. */
function capture(): Buffer {
  const bytes = Buffer.alloc(24 + 16 + 60);
  bytes.writeUInt32LE(0xa1b2c3d4, 0);
  bytes.writeUInt16LE(2, 4);
  bytes.writeUInt16LE(4, 6);
  bytes.writeUInt32LE(65535, 16);
  bytes.writeUInt32LE(1, 20);
  bytes.writeUInt32LE(60, 32);
  bytes.writeUInt32LE(60, 36);
  return bytes;
}

if (privileged(t)) {
  t.test('bad input', { timeout: 240_000 }, async (t) => {
    const { victim } = await twoHosts(t);
    const daemon = await TestDaemon.start(t, victim);
    await daemon.ids('blocklist', 'add', '192.0.2.7', '--reason', 'stays');
    const state = async (): Promise<unknown> => {
      const { pid, rules, interfaces, mode, blocklist, allowlist } = await daemon.status();
      const { entries, enforced, reconciler } = blocklist;
      const lists = { entries, enforced, repairs: reconciler.repairs, allowlist };
      return { pid, rules, interfaces, mode, lists, list: await daemon.api.blocklistList() };
    };
    const before = await state();
    const oneLine = (t: Test, got: RunResult, status: number, text: RegExp, title = ''): void => {
      t.equal(got.status, status, `${title}: exit status`);
      t.match(got.stderr, text, title);
      t.match(got.stderr, /^ids: [^\n]+\n$/, `${title}: one line`);
      t.equal(got.stdout, '', title);
    };

    await t.test('prefixes, durations and words', async (t) => {
      const mistakes = [
        [['blocklist', 'add', '10.0.0.256'], 2, /10\.0\.0\.256/],
        [['blocklist', 'add', '10.0.0.0/33'], 2, /10\.0\.0\.0\/33/],
        [['blocklist', 'add', '192.0.2.9', 'fe80::1%eth0/64'], 2, /fe80/],
        [['blocklist', 'add', '192.0.2.9', '--ttl', '5 parsecs'], 2, /5 parsecs/],
        [['blocklist', 'add', '192.0.2.9', '--ttl', '-1s'], 2, /-1s|ttl/],
        [['blocklist', 'add'], 2, /prefix/],
        [['blocklist', 'check', 'example.org'], 2, /example\.org/],
        [['allowlist', 'add', '1.2.3'], 2, /1\.2\.3/],
        [['rules', 'show', 'nine'], 2, /nine/],
        [['rules', 'show', '12345'], 1, /12345/],
        [['alerts', 'tail', '-n', 'many'], 2, /many/],
        [['blocklst', 'list'], 2, /blocklst|blocklist/],
        [['status', '--verbos'], 2, /verbos/],
      ] as const;
      const answers = await concurrently(mistakes, ([words]) => daemon.cli(...words));
      for (const [i, [words, status, text]] of mistakes.entries()) {
        const answer = answers[i];
        if (answer) oneLine(t, answer, status, text, words.join(' '));
      }
      const { status, stdout } = await daemon.cli('blocklist', 'add', '10.0.0.256', '--json');
      t.equal(status, 2);
      t.match(JSON.parse(stdout), { error: { code: 'ADDRESS_INVALID' } });
    });

    await t.test('rule files', async (t) => {
      const bad = daemon.file('bad.rules', 'alert tcp any any -> any any (msg:"x"; flags:Q; sid:1;)\n');
      const load = await daemon.cli('rules', 'load', bad);
      t.equal(load.status, 2);
      t.match(load.stderr, /bad\.rules:1:\d+: \S/);
      const binary = daemon.file('binary.rules', Buffer.from([0xff, 0xfe, 0, 1, 2, 0x0a, 0x28, 0x28]));
      t.equal((await daemon.cli('rules', 'load', binary)).status, 2);
      const check = await daemon.cli('rules', 'check', bad);
      t.equal(check.status, 2);
      t.match(check.stderr, /bad\.rules:1:\d+: \S/);
      oneLine(t, await daemon.cli('rules', 'check', '/nonexistent'), 2, /\/nonexistent/);
    });

    await t.test('captures', async (t) => {
      const rules = daemon.file('good.rules', 'alert ip any any -> any any (msg:"any"; sid:1;)\n');
      const eve = daemon.file('replay.json', '');
      const whole = capture();
      const wrongLength = capture();
      wrongLength.writeUInt32LE(0x7fffffff, 32);
      const damaged = [
        ['empty', Buffer.alloc(0)],
        ['text', Buffer.from('this is no capture at all, only some text')],
        ['short-header', whole.subarray(0, 10)],
        ['endless-packet', wrongLength],
        ['bad-pcapng', Buffer.from('0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffffffffffff', 'hex')],
      ] as const;
      const answers = await concurrently(damaged, ([name, bytes]) => {
        return daemon.cli('replay', '--rules', rules, '--eve', eve, daemon.file(`${name}.pcap`, bytes));
      });
      for (const [i, [name]] of damaged.entries()) {
        const answer = answers[i];
        if (answer) oneLine(t, answer, 2, new RegExp(`${name}\\.pcap`), name);
      }
      oneLine(t, await daemon.cli('replay', '--rules', rules, '/nonexistent.pcap'), 2, /\/nonexistent\.pcap/);
      const good = await daemon.cli('replay', '--json', '--rules', rules, daemon.file('good.pcap', whole));
      t.equal(good.status, 0);
      t.match(JSON.parse(good.stdout), { packets: 1 });
    });

    await t.test('configurations', async (t) => {
      const configurations = [
        ['syntax', 'interfaces: [veth0\nmode: prevent\n', /syntax\.yaml:\d+:\d+: /],
        ['key', 'interfaces: [veth0]\nmod: prevent\n', /key\.yaml:2:1: .*mod/],
        ['value', 'interfaces: [veth0]\nmode: maybe\n', /value\.yaml:2:7: .*(prevent|monitor)/],
        ['prefix', 'interfaces: [veth0]\nallowlist: [10.0.0.1/8]\n', /prefix\.yaml:2:13: .*10\.0\.0\.1\/8/],
        [
          'secret',
          'interfaces: [veth0]\noutputs: [{type: webhook, url: "http://h/", secret: "x"}]\n',
          /secret\.yaml:2:\d+: /,
        ],
        ['none', '', /no interface/],
      ] as const;
      const answers = await concurrently(configurations, async ([name, text]): Promise<RunResult> => {
        // None comes so far that it would be a daemon.
        const { status, out, err } = await invoke(['run', '--config', daemon.file(`${name}.yaml`, text)]);
        return { status, stdout: out, stderr: err };
      });
      for (const [i, [name, , expected]] of configurations.entries()) {
        const answer = answers[i];
        if (answer) oneLine(t, answer, 2, expected, name);
      }
      const checked = await daemon.cli('config', 'check', daemon.file('value.yaml', configurations[2][1]));
      t.equal(checked.status, 2);
      t.match(checked.stderr + checked.stdout, configurations[2][2]);
      oneLine(t, await daemon.cli('run', '--config', '/nonexistent.yaml'), 2, /\/nonexistent\.yaml/);
    });

    t.same(await state(), before, 'nothing of this has changed the running state');

    await t.test('nobody there', async (t) => {
      await daemon.ids('stop');
      oneLine(t, await daemon.cli('status'), 3, /no daemon/);
      oneLine(t, await daemon.cli('blocklist', 'list'), 3, /no daemon/);
      oneLine(t, await daemon.cli('stop'), 3, /no daemon/);
      t.notOk(existsSync(daemon.socket));
    });
  });
}
