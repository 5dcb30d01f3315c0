// SPDX-License-Identifier: Apache-2.0
// Links and pins: attached, kept, taken over, moved, removed. The veth pairs are in the namespace of the test itself.

import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { abiHash, AllowLayout } from '../../common/abi.gen.js';
import { parsePrefix } from '../../common/address.js';
import { claimPins, Kernel, type KernelOptions } from '../../engine/bpf/index.js';
import type { Attachment } from '../../engine/bpf/attachments.js';
import { libbpf } from '../../engine/bpf/native.js';
import { xdpState } from '../../engine/bpf/netdev.js';
import { closeFds } from '../../engine/bpf/check.js';
import { privileged, run, undoAfter } from '../helpers/privileged.js';
import { giveBack, take } from './support/bench-pool.js';

type Test = Parameters<typeof undoAfter>[0];

const sizes = { ids_allowlist: 64, ids_events: 4096, ids_bulk: 4096 };
let made = 0;

/** A veth pair of this test alone, both ends up. */
async function pair(t: Test): Promise<[string, string]> {
  const stem = `bd${process.pid % 100000}x${++made}`;
  const [a, b] = [`${stem}a`, `${stem}b`];
  undoAfter(t, () => spawnSync('ip', ['link', 'del', a]));
  await run('ip', ['link', 'add', a, 'type', 'veth', 'peer', 'name', b]);
  for (const end of [a, b]) await run('ip', ['link', 'set', end, 'up']);
  return [a, b];
}

/** A pin directory of this test alone. */
function pinDirectory(t: Test): string {
  const path = `/sys/fs/bpf/ids-test-${process.pid}-${++made}`;
  undoAfter(t, () => Kernel.detachAll(path));
  return path;
}

function open(t: Test, pinDir?: string, options: KernelOptions = {}): Kernel {
  const kernel = Kernel.open({ sizes, ...options, ...(pinDir === undefined ? {} : { pinDir }) });
  t.teardown(() => kernel.close());
  return kernel;
}

const shared = `/sys/fs/bpf/ids-test-${process.pid}-shared`;
undoAfter(t, () => Kernel.detachAll(shared));

/** Over pins that tests share, so that the programs are verified once; no test leaves anything attached. */
function openShared(t: Test): Kernel {
  const kernel = open(t, shared);
  if (kernel.attachments().length > 0) throw new Error('a test before left something attached');
  // Before the interfaces go.
  t.teardown(() => {
    const last = Kernel.open({ sizes, pinDir: shared });
    for (const { name } of last.attachments()) last.detach(name);
    last.close();
  });
  return kernel;
}

/** Private, perhaps one that another test has had. */
function openPrivate(t: Test): Kernel {
  const kernel = take({ sizes });
  t.teardown(() => giveBack(kernel));
  return kernel;
}

/** Names a link for as long as it exists. */
function linkId(path: string): number {
  const fd = libbpf().objGet(path);
  const info = new Uint32Array(32);
  libbpf().objInfo(fd, info, Uint32Array.of(128));
  closeFds([fd]);
  return info[1] ?? 0;
}

if (privileged(t)) {
  t.test('native where the driver has it, generic when asked; XDP_TX is probed', async (t) => {
    const [a, b] = await pair(t);
    const kernel = openPrivate(t);
    const lonely = kernel.attach(a);
    t.match(
      lonely,
      { name: a, mode: 'native', tx: false, vlanStripped: true },
      'a veth whose peer has no XDP loses XDP_TX',
    );
    t.equal(kernel.map('ids_interfaces').get(new Uint8Array(Uint32Array.of(lonely.ifindex).buffer))?.[0], 0);
    t.match(kernel.attach(b), { mode: 'native', tx: true }, 'its peer has a program now');
    t.match(kernel.attach(a), { mode: 'native', tx: true }, 'attaching anew probes anew');
    t.equal(kernel.map('ids_interfaces').get(new Uint8Array(Uint32Array.of(lonely.ifindex).buffer))?.[0], 1);
    t.match(kernel.attach(b, 'generic'), { mode: 'generic', tx: true });
    t.same(
      kernel
        .attachments()
        .map(({ name }) => name)
        .sort(),
      [a, b],
    );
    kernel.detach(b);
    t.throws(() => kernel.detach(b), { code: 'NOT_FOUND' });
    kernel.close();
    t.equal(xdpState(lonely.ifindex).program, 0, 'private links end with their owner');
  });

  t.test('a driver without native XDP gets generic, unless native was demanded', async (t) => {
    const name = `bd${process.pid % 100000}d${++made}`;
    undoAfter(t, () => spawnSync('ip', ['link', 'del', name]));
    await run('ip', ['link', 'add', name, 'type', 'bridge']);
    const kernel = openPrivate(t);
    t.match(kernel.attach(name), { mode: 'generic', tx: true, fallback: /native/ });
    kernel.detach(name);
    t.throws(() => kernel.attach(name, 'native'), { code: 'SYSCALL', message: /native mode/ });
  });

  t.test('no such interface, a foreign program', async (t) => {
    const [a] = await pair(t);
    const [first, second] = [openPrivate(t), openShared(t)];
    for (const name of ['bdnothing', '', 'a/b', 'much-too-long-a-name']) {
      t.throws(() => first.attach(name), { code: 'INTERFACE_MISSING' });
    }
    const { ifindex } = first.attach(a);
    const { program } = xdpState(ifindex);
    const expected = { code: 'INTERFACE_BUSY', message: new RegExp(`id ${program}\\b.*bpftool`), details: { program } };
    for (const mode of ['auto', 'native', 'generic'] as const) t.throws(() => second.attach(a, mode), expected);
    t.same(second.attachments(), []);
    first.detach(a);
    t.equal(second.attach(a).mode, 'native');
  });

  t.test('pins are ours alone, and a later run finds its tables and links again', async (t) => {
    const [a] = await pair(t);
    const pinDir = pinDirectory(t);
    const first = open(t, pinDir, { unfinished: true });
    t.equal(first.adopted, false);
    for (const path of [pinDir, join(pinDir, abiHash)]) t.equal(statSync(path).mode & 0o777, 0o700);
    first.allowlist.put(parsePrefix('192.0.2.0/24'), new Uint8Array(AllowLayout.SIZE));
    const before = first.attach(a);
    const { secret } = first.control.read();
    first.close();
    const path = join(pinDir, abiHash, `link_${before.ifindex}_${a}`);
    const [link, program] = [linkId(path), xdpState(before.ifindex).program];
    t.not(program, 0, 'the program outlives its loader');

    const second = Kernel.open({ pinDir, unfinished: true, sizes: { ...sizes, ids_allowlist: 128 } });
    t.teardown(() => second.close());
    t.equal(second.adopted, true);
    t.same(second.kept, ['ids_allowlist'], 'a pinned table keeps its size');
    t.equal([...second.allowlist.entries()].length, 1);
    t.same(second.control.read().secret, secret);
    t.same(second.attachments(), [before], 'what an earlier run attached is known');
    t.same(second.attach(a), before);
    t.equal(linkId(path), link, 'the same link');
    t.equal(xdpState(before.ifindex).program, program, 'the same code over the same tables is not loaded again');
    second.handOverUnfinished();
    second.close();
    // Other settings make other code.
    const third = Kernel.open({ pinDir, replay: true });
    t.teardown(() => third.close());
    third.attach(a);
    t.equal(linkId(path), link, 'the same link');
    t.not(xdpState(before.ifindex).program, program, 'with the new program');
    const makes = readdirSync(join(pinDir, abiHash)).flatMap((name) => /^program_([0-9a-f]+)_/.exec(name)?.[1] ?? []);
    t.equal(new Set(makes).size, 1, 'the pins of before are gone');
    third.detach(a);
    t.equal(xdpState(before.ifindex).program, 0);
    t.same(third.attachments(), []);
  });

  t.test('another ABI: tables can be read, the link moves without a gap, the old pins go', async (t) => {
    const [[a], [b]] = [await pair(t), await pair(t)];
    const pinDir = shared;
    const old = openShared(t);
    old.allowlist.put(parsePrefix('192.0.2.0/24'), new Uint8Array(AllowLayout.SIZE));
    const { ifindex } = old.attach(a);
    old.attach(b);
    old.close();
    const oldPath = join(pinDir, '0123456789ab');
    renameSync(join(pinDir, abiHash), oldPath);
    const link = linkId(join(oldPath, `link_${ifindex}_${a}`));

    const kernel = open(t, pinDir);
    t.equal(kernel.adopted, false);
    const [previous, ...others] = kernel.previousPins();
    t.same([previous?.hash, others.length], ['0123456789ab', 0]);
    const list = previous?.map('ids_allowlist');
    t.equal([...(list?.entries() ?? [])].length, 1);
    list?.close();
    t.equal(previous?.map('ids_nothing'), undefined);
    kernel.attach(a);
    t.equal(linkId(join(pinDir, abiHash, `link_${ifindex}_${a}`)), link, 'the very link, never detached');
    t.ok(readdirSync(pinDir).includes('0123456789ab'), 'the old pins stay while one of their links is in force');
    kernel.attach(b);
    t.same(readdirSync(pinDir), [abiHash]);
    t.same(kernel.previousPins(), []);
  });

  t.test('what another ABI left on interfaces that are not ours any more can be removed', async (t) => {
    const [a] = await pair(t);
    const pinDir = shared;
    const old = openShared(t);
    const { ifindex } = old.attach(a);
    old.close();
    renameSync(join(pinDir, abiHash), join(pinDir, 'ffffffffffff'));
    const kernel = open(t, pinDir);
    kernel.removePrevious();
    t.equal(xdpState(ifindex).program, 0);
    t.same(readdirSync(pinDir), [abiHash]);
  });

  t.test('an interface that vanished and came back under the same name', async (t) => {
    const [a, b] = await pair(t);
    const kernel = openShared(t);
    const first = kernel.attach(a);
    await run('ip', ['link', 'del', a]);
    t.same(kernel.attachments(), []);
    await run('ip', ['link', 'add', a, 'type', 'veth', 'peer', 'name', b]);
    const second = kernel.attach(a);
    t.not(second.ifindex, first.ifindex);
    t.same(kernel.attachments(), [second]);
  });

  t.test('another mode on request, by a new link', async (t) => {
    const [a] = await pair(t);
    const kernel = openShared(t);
    t.equal(kernel.attach(a).mode, 'native');
    t.equal(kernel.attach(a, 'generic').mode, 'generic');
    t.equal(kernel.attach(a).mode, 'generic', 'auto keeps what there is');
    t.equal(kernel.attachments().length, 1);
  });

  t.test('one process at a time writes to the tables of a pin directory', async (t) => {
    const pinDir = shared;
    openShared(t);
    const release = claimPins(pinDir);
    t.throws(() => claimPins(pinDir), { code: 'DAEMON_RUNNING', message: /pin_dir of its own/ });
    release();
    claimPins(pinDir)();
  });

  t.test('everything of every ABI is removed without a daemon, twice no less', async (t) => {
    const [a, b] = await pair(t);
    const pinDir = shared;
    const kernel = open(t, pinDir);
    const indexes = [a, b].map((name) => kernel.attach(name).ifindex);
    kernel.close();
    mkdirSync(join(pinDir, 'abcdefabcdef'), { mode: 0o700 });
    const fds = readdirSync('/proc/self/fd').length;
    t.same(Kernel.detachAll(pinDir).sort(), [a, b]);
    for (const ifindex of indexes) t.equal(xdpState(ifindex).program, 0);
    t.throws(() => statSync(pinDir), { code: 'ENOENT' });
    t.same(Kernel.detachAll(pinDir), []);
    t.equal(readdirSync('/proc/self/fd').length, fds);
  });

  t.test('a pin directory of somebody else is refused', async (t) => {
    const pinDir = pinDirectory(t);
    mkdirSync(join(pinDir, abiHash), { recursive: true, mode: 0o700 });
    // Given back before it is cleaned up.
    undoAfter(t, () => existsSync(pinDir) && chownSync(pinDir, 0, 0));
    chownSync(pinDir, 1234, 1234);
    t.throws(() => Kernel.open({ pinDir, sizes }), { code: 'PIN_FOREIGN', details: { owner: 1234 } });
    t.throws(() => Kernel.detachAll(pinDir), { code: 'PIN_FOREIGN' });
    chownSync(pinDir, 0, 0);
    const inner = join(pinDir, abiHash);
    Kernel.detachAll(pinDir);
    mkdirSync(inner, { recursive: true });
    chownSync(inner, 1234, 1234);
    t.throws(() => Kernel.open({ pinDir, sizes }), { code: 'PIN_FOREIGN' });
    t.throws(() => Kernel.detachAll(pinDir), { code: 'PIN_FOREIGN' });
    rmdirSync(inner);
    rmdirSync(pinDir);
  });

  t.test('what leaves is judged by tcx or clsact, which are kept, moved and removed like XDP links', async (t) => {
    const pinDir = pinDirectory(t);
    const hooks = ['tcx', 'clsact'] as const;
    const pins = (): string[] =>
      readdirSync(join(pinDir, abiHash))
        .filter((name) => /^(egress|clsact)_/.test(name))
        .sort();
    const filters = (name: string): string =>
      spawnSync('tc', ['filter', 'show', 'dev', name, 'egress']).stdout.toString();
    const [[a, b], [c, d]] = [await pair(t), await pair(t)];
    const ends = { tcx: [a, b], clsact: [c, d] } as const;
    const first = open(t, pinDir, { egress: true });
    const attached = hooks.map((hook) => first.attach(ends[hook][0], 'auto', hook));
    t.match(
      attached,
      hooks.map((egress) => ({ egress })),
    );
    const [clsactPin = '', tcxPin = '', ...more] = pins();
    t.match([clsactPin, tcxPin, more], [/^clsact_/, /^egress_/, []]);
    const before = filters(c);
    t.same(
      [a, c].map((name) => filters(name).includes('ids_egress')),
      [false, true],
    );
    const id = linkId(join(pinDir, abiHash, tcxPin));
    first.close();

    const second = open(t, pinDir, { egress: true });
    const sorted = (list: readonly Attachment[]): Attachment[] => [...list].sort((x, y) => x.ifindex - y.ifindex);
    t.same(sorted(second.attachments()), attached, 'an earlier run is known');
    t.same([second.attach(a, 'auto', true), second.attach(c, 'auto', 'clsact')], attached);
    second.close();
    renameSync(join(pinDir, abiHash), join(pinDir, '0123456789ab'));
    const third = open(t, pinDir, { egress: true });
    t.same([third.attach(a), third.attach(c)], attached, 'as does another ABI');
    t.same([pins(), readdirSync(pinDir)], [[clsactPin, tcxPin], [abiHash]]);
    t.equal(linkId(join(pinDir, abiHash, tcxPin)), id, 'the very link, never detached');
    t.not(filters(c), before, 'another program in the same place');
    for (const name of [a, c])
      t.match(third.attach(name, 'auto', false), { egress: undefined }, 'let go of on request');
    t.same([pins(), filters(a), filters(c)], [[], '', '']);
    for (const hook of hooks) {
      const [kept, gone] = ends[hook];
      third.attach(kept, 'auto', hook);
      third.attach(gone, 'auto', hook);
      third.detach(gone);
      t.equal(filters(gone), '');
    }
    t.same(
      sorted(third.attachments()).map(({ name, egress }) => [name, egress]),
      hooks.map((hook) => [ends[hook][0], hook]),
    );
    spawnSync('tc', ['qdisc', 'del', 'dev', c, 'clsact']);
    t.match(sorted(third.attachments()), [{ egress: 'tcx' }, { egress: undefined }], 'anybody can take a filter away');
    t.match(third.attach(c, 'auto', 'clsact'), { egress: 'clsact' });
    spawnSync('tc', ['filter', 'add', 'dev', c, 'ingress', 'protocol', 'all', 'u32', 'match', 'u32', '0', '0']);
    third.close();
    t.same(Kernel.detachAll(pinDir).sort(), [a, c].sort());
    t.same([filters(a), filters(c)], ['', '']);
    t.same(
      [a, c].map((name) => /clsact/.test(spawnSync('tc', ['qdisc', 'show', 'dev', name]).stdout.toString())),
      [false, true],
      'somebody else uses the queueing discipline by now',
    );
  });
}
