// SPDX-License-Identifier: Apache-2.0
// The binding on private tables: what is written is what the programs see, and nothing is left open.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { AllowLayout, ControlLayout, RulesetLayout } from '../../common/abi.gen.js';
import { parsePrefix, type Prefix } from '../../common/address.js';
import { IdsError } from '../../common/errors.js';
import { BpfMap, DEFAULT_OBJECT, indexKey, Kernel, MAX_FRAME, now, wallOffset } from '../../engine/bpf/index.js';
import { elfSection } from '../../engine/bpf/elf.js';
import { privileged } from '../helpers/privileged.js';
import { tcp } from './support/frames.js';
import { Rig } from './support/rig.js';
import { block, blocklistOf, hitsOf } from './support/rules.js';

const XDP_DROP = 1;
const XDP_PASS = 2;

function allow(kind: number): Uint8Array {
  const value = new Uint8Array(AllowLayout.SIZE);
  new DataView(value.buffer).setUint32(AllowLayout.kind, kind, true);
  return value;
}

const openFds = (): number => readdirSync('/proc/self/fd').length;
const ringMappings = (): number => readFileSync('/proc/self/maps', 'latin1').split('bpf-map').length;

/** The code of what is thrown. */
function codeOf(action: () => unknown): string {
  try {
    action();
    return 'nothing thrown';
  } catch (error) {
    return error instanceof IdsError ? error.code : String(error);
  }
}

if (privileged(t)) {
  t.test('a blocklist entry is seen by the next packet, and its counters are the kernel’s own memory', async (t) => {
    const rig = Rig.open(t);
    const { kernel } = rig;
    const frame = tcp({ src: '192.0.2.7', dst: '198.51.100.1' });
    t.equal(rig.send(frame).verdict, XDP_PASS);
    block(rig, '192.0.2.0/24', { origin: 3 });
    const seen = rig.send(frame);
    t.equal(seen.verdict, XDP_DROP);
    t.same(seen.reasons, { BLOCKLIST: 1 });
    rig.send(frame);
    // In units of 2^32 ns, in whole seconds.
    const lastSeen = Math.floor((Math.floor(rig.now / 2 ** 32) * 2 ** 32) / 1e9);
    t.same(hitsOf(rig, '192.0.2.0/24'), { packets: 2, lastSeen });
    t.same(kernel.originHits(3), { packets: 2, bytes: 2 * frame.length, lastSeen: rig.now });
    kernel.clearOriginHits(3);
    t.equal(kernel.originHits(3).packets, 0);
    t.equal(blocklistOf(kernel).delete(parsePrefix('192.0.2.0/24')), true);
    t.equal(blocklistOf(kernel).delete(parsePrefix('192.0.2.0/24')), false, 'it is gone already');
    t.equal(rig.send(frame).verdict, XDP_PASS);
    t.same(blocklistOf(kernel).hits(2 ** 31), { packets: 0, lastSeen: 0 }, 'a place beyond the end has no counters');
  });

  t.test('prefix tables: exact entries, batches, the end of the room', async (t) => {
    const { kernel } = Rig.open(t);
    const { allowlist } = kernel;
    const prefixes: Prefix[] = [];
    for (let i = 0; i < 200; i++)
      prefixes.push(parsePrefix(i % 2 ? `2001:db8:${i.toString(16)}::/48` : `10.${i >> 8}.${i & 255}.0/24`));
    const values = new Uint8Array(200 * AllowLayout.SIZE);
    prefixes.forEach((_, i) => values.set(allow(i), i * AllowLayout.SIZE));
    allowlist.putBatch(prefixes, values);
    const listed = new Map(
      [...allowlist.entries()].map(([prefix, value]) => [JSON.stringify([prefix.length, [...prefix.bytes]]), value]),
    );
    t.equal(listed.size, 200);
    const fifth = prefixes[5] ?? parsePrefix('::');
    t.same(listed.get(JSON.stringify([fifth.length, [...fifth.bytes]])), allow(5));
    t.same(allowlist.lookup(parsePrefix('10.0.2.9')), allow(2), 'the longest prefix answers');
    t.equal(allowlist.get(parsePrefix('10.0.2.9')), undefined, 'but is not that very entry');
    t.same(allowlist.get(parsePrefix('10.0.2.0/24')), allow(2));
    const more = Array.from({ length: 200 }, (_, i) => parsePrefix(`172.16.${i}.0/24`));
    t.throws(() => allowlist.putBatch(more, new Uint8Array(200 * AllowLayout.SIZE)), {
      code: 'LIST_FULL',
      details: { written: 56, maxEntries: 256 },
    });
    t.throws(() => allowlist.put(parsePrefix('192.0.2.1'), allow(0)), { code: 'LIST_FULL' });
    t.equal(
      allowlist.deleteBatch([...more, ...prefixes.slice(0, 10), parsePrefix('203.0.113.0/24')]),
      66,
      'missing ones are skipped',
    );
    t.equal(allowlist.clear(), 190);
    t.same([...allowlist.entries()], []);
  });

  t.test('the settings are one memory with the kernel', async (t) => {
    const { kernel } = Rig.open(t);
    const map = kernel.map('ids_control');
    kernel.control.update({ sourceRate: 123, flags: 8 });
    kernel.control.setClock(0x123456789abcden, 7);
    const view = new DataView((map.get(indexKey(0)) ?? new Uint8Array()).slice().buffer);
    t.equal(view.getUint32(ControlLayout.sourceRate, true), 123);
    t.equal(view.getBigUint64(ControlLayout.clock, true), 0x123456789abcden);
    t.equal(view.getBigUint64(ControlLayout.packet, true), 7n);
    view.setUint32(ControlLayout.ruleRate, 456, true);
    map.put(indexKey(0), new Uint8Array(view.buffer));
    t.equal(kernel.control.read().ruleRate, 456, 'and the other way round');
    kernel.control.setClock(2 ** 40 + 5, 8);
    t.equal(
      new DataView((map.get(indexKey(0)) ?? new Uint8Array()).slice().buffer).getBigUint64(0, true),
      2n ** 40n + 5n,
    );
    const live = Kernel.open();
    t.notSame(live.control.read().secret, [0n, 0n], 'live, the key of the hashes is random');
    t.notSame(live.control.read().secret, kernel.control.read().secret);
    live.close();
  });

  t.test('a rule set goes into the spare slot and takes force at once', async (t) => {
    const { kernel } = Rig.open(t);
    t.equal(kernel.generation(), 0);
    t.same(kernel.ruleCounts(), []);
    const blob = new Uint8Array(RulesetLayout.SIZE);
    new DataView(blob.buffer).setUint32(RulesetLayout.rules, 5, true);
    const entry = new Uint8Array(24);
    new DataView(entry.buffer).setUint32(0, 120, true);
    for (let generation = 1; generation <= 5; generation++) {
      kernel.installRuleset({ blob, addresses: entry }, generation);
      t.equal(kernel.control.read().slot, generation % 2);
      t.equal(kernel.generation(), generation);
    }
    t.same(kernel.ruleCounts(), Array(5).fill({ matched: 0, events: 0, suppressed: 0, lost: 0, silenced: 0 }));
    t.equal(
      new DataView(blob.buffer).getUint32(RulesetLayout.generation, true),
      0,
      'the caller’s bytes stay as they are',
    );
    t.equal(
      codeOf(() => kernel.installRuleset({ blob: blob.subarray(1), addresses: entry }, 6)),
      'INTERNAL',
    );
    t.equal(kernel.generation(), 5, 'what is refused changes nothing');
  });

  t.test('frames of every size that the kernel takes, others refused by name', async (t) => {
    const { kernel } = Rig.open(t);
    for (const size of [14, 60, 1514, 9014, MAX_FRAME])
      t.equal(kernel.run(new Uint8Array(size)).verdict, XDP_PASS, `${size} bytes`);
    t.equal(kernel.run(new Uint8Array(9014).fill(7)).frame.length, 9014, 'the frame comes back whole');
    for (const size of [0, 13, MAX_FRAME + 1])
      t.throws(() => kernel.run(new Uint8Array(size)), { code: 'FRAME_INVALID' });
    t.throws(() => kernel.runEgress(new Uint8Array(60)), { code: 'INTERNAL' }, 'a program that was not asked for');
    t.throws(() => kernel.handOverUnfinished(), { code: 'INTERNAL' });
  });

  t.test('what is opened is closed, also after a failure', async (t) => {
    const sizes = { ids_allowlist: 16 };
    const [fds, mappings] = [openFds(), ringMappings()];
    const kernel = Kernel.open({ sizes });
    kernel.installRuleset({ blob: new Uint8Array(RulesetLayout.SIZE), addresses: new Uint8Array(0) }, 1);
    kernel.ruleCounts();
    kernel.close();
    kernel.close();
    for (const action of [
      () => kernel.run(new Uint8Array(60)),
      () => kernel.control.update({ flags: 1 }),
      () => kernel.allowlist.put(parsePrefix('::1'), allow(0)),
    ])
      t.equal(codeOf(action), 'INTERNAL');
    t.throws(() => Kernel.open({ sizes: { ids_nothing: 1 } }), { code: 'INTERNAL' });
    t.throws(() => Kernel.open({ sizes: { ids_entries4: 2 ** 32 - 1 } }), { code: 'SYSCALL' }, 'more than there is');
    t.equal(openFds(), fds);
    t.equal(ringMappings(), mappings);
  });

  t.test('an object that does not fit is refused with the reason', async (t) => {
    const file = join(t.testdir(), 'ids.bpf.o');
    const object = readFileSync(DEFAULT_OBJECT);
    const save = (change: (bytes: Buffer) => void): void => {
      const bytes = Buffer.from(object);
      change(bytes);
      writeFileSync(file, bytes);
    };
    t.throws(() => Kernel.open({ object: join(t.testdir(), 'none.o') }), { code: 'OBJECT_INVALID' });
    save((bytes) => bytes.fill(0, 0, 4));
    t.throws(() => Kernel.open({ object: file }), { code: 'OBJECT_INVALID' });
    // The names of members are in the string table of the BTF: one letter makes another ABI.
    save((bytes) => bytes.write('tcp_flagz', bytes.indexOf('tcp_flags\0')));
    t.throws(() => Kernel.open({ object: file }), { code: 'ABI_MISMATCH', message: /ids_event.*tcp_flag/ });
    save((bytes) => {
      const text = elfSection(object, 'xdp.frags');
      // An opcode that does not exist, in place of the first instruction.
      bytes[(text?.byteOffset ?? 0) - object.byteOffset] = 0xff;
    });
    t.throws(() => Kernel.open({ object: file }), {
      code: 'KERNEL_FEATURE',
      message: /6\.1 or later/,
      details: { verifierLog: /\w/ },
    });
  });

  t.test('the clock is the kernel’s boot clock', async (t) => {
    const uptime = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1e9;
    t.ok(Math.abs(now() - uptime) < 1e9);
    t.ok(Math.abs((now() + wallOffset()) / 1e6 - Date.now()) < 100);
    const first = now();
    t.ok(now() >= first);
  });

  t.test('a map of its own', async (t) => {
    const map = BpfMap.create('ids_test_hash', { type: 1, keySize: 4, valueSize: 8, maxEntries: 10000, flags: 0 });
    t.teardown(() => map.close());
    const keys = new Uint32Array(10000).map((_, i) => i);
    const values = new BigUint64Array(10000).map((_, i) => BigInt(i) * 3n);
    map.putBatch(new Uint8Array(keys.buffer), new Uint8Array(values.buffer));
    const found = new Map(
      [...map.entries()].map(([key, value]) => [Buffer.from(key).readUInt32LE(), Buffer.from(value).readBigUInt64LE()]),
    );
    t.equal(found.size, 10000);
    t.equal(found.get(9999), 29997n);
    t.equal(map.get(indexKey(10001)), undefined);
    t.equal(
      codeOf(() => map.get(new Uint8Array(3))),
      'INTERNAL',
      'a key of the wrong size never reaches the kernel',
    );
  });
}
