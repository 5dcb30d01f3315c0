// SPDX-License-Identifier: Apache-2.0
// The blocklist while it changes: what is always listed is always dropped, what never is never; and across restarts.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parsePrefix } from '../../common/address.js';
import { ListLimit } from '../../common/abi.gen.js';
import { Kernel } from '../../engine/bpf/index.js';
import { BlockTable, type EntryValue, listSizes, packMeta, plainMemory } from '../../engine/lists/table/index.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { undoAfter } from '../helpers/undo.js';
import { tcp } from './support/frames.js';
import { Random } from './support/random.js';

const skip = whyUnprivileged() ?? false;
const DROP = 1;
const PASS = 2;
const LINE = ListLimit.LINE_ENTRIES;
const value: EntryValue = { expires: 0, set: 0, forced: false, alert: false };
const sizes = { ...listSizes({ capacity4: 600, capacity6: 600 }), ids_events: 4096, ids_bulk: 4096 };
t.setTimeout(120_000);

const pinDir = `/sys/fs/bpf/ids-table-${process.pid}`;
undoAfter(t, () => Kernel.detachAll(pinDir));

/** Over pins that all tests share, so that the programs are verified once; nothing is listed. */
function openEmpty(t: Parameters<typeof undoAfter>[0]): Kernel {
  const kernel = Kernel.open({ pinDir, sizes });
  t.teardown(() => kernel.close());
  const table = BlockTable.open(kernel.listMemory());
  const none = new Uint32Array(0);
  const lengths = new Uint8Array(0);
  table.assign({
    ...{ addr4: none, len4: lengths, meta4: none, expires4: none },
    ...{ addr6: none, len6: lengths, meta6: none, expires6: none },
  });
  return kernel;
}

/** Prefixes that hold an always listed address: at any time at least one of them is in the table. */
const holders: Readonly<Record<string, readonly string[]>> = {
  '192.0.2.200': ['192.0.2.200/32', '192.0.2.200/29', '192.0.2.192/27'],
  '203.0.113.250': ['203.0.113.250/32', '203.0.113.240/28', '203.0.113.248/30'],
  '100.64.7.9': ['100.64.7.9/32', '100.64.7.0/24', '100.64.0.0/20', '100.64.0.0/13'],
  '2001:db8:1::5': ['2001:db8:1::5/128', '2001:db8:1::/64', '2001:db8:1::/48'],
  '2a00:100::1': ['2a00:100::1/128', '2a00:100::/32', '2a00:100::/28', '2a00:100::/20'],
};
const never = ['192.0.2.129', '203.0.113.1', '203.0.113.129', '2001:db8:2::5', '2001:db8:ffff::1', '2a01:200::1'];

t.test('changes while packets are judged', { skip }, async (t) => {
  const kernel = openEmpty(t);
  const table = BlockTable.open(kernel.listMemory());
  const random = new Random(7);
  for (const prefixes of Object.values(holders)) table.put(parsePrefix(prefixes[0] ?? ''), value);

  const agent = spawn(
    process.execPath,
    [
      fileURLToPath(new URL('./support/list-agent.js', import.meta.url)),
      pinDir,
      Object.keys(holders).join(),
      never.join(),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  undoAfter(t, () => agent.kill('SIGKILL'));
  let output = '';
  agent.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(agent.stdout, 'data');

  const held = new Map(Object.entries(holders).map(([address, [first = '']]) => [address, new Set([first])]));
  /* Neighbours in the same lines, /24s and records, none of which holds an address that is never listed. */
  const neighbour = (): string => {
    const host = random.below(64);
    switch (random.below(6)) {
      case 0:
        return `192.0.2.${host}/32`;
      case 1:
        return `192.0.2.${host & ~3}/${30 + random.below(2)}`;
      case 2:
        return `203.0.113.${64 + host}/32`;
      case 3:
        return `198.51.${random.below(200)}.0/${24 - random.below(6)}`;
      case 4:
        return `2001:db8:1:${host.toString(16)}::/${64 + random.below(20)}`;
      default:
        return `2a00:1${host.toString(16).padStart(2, '0')}::/${32 + random.below(9)}`;
    }
  };
  const listed: string[] = [];
  let changes = 0;
  const end = Date.now() + 5000;
  while (Date.now() < end) {
    for (let i = 0; i < 200; i++, changes++) {
      if (i === 0 || random.below(40) === 0) {
        // Another prefix takes over, and then the one before goes.
        const address = random.pick(Object.keys(holders));
        const now = held.get(address) ?? new Set();
        const next = random.pick(holders[address] ?? []);
        table.put(parsePrefix(next), { ...value, set: random.below(9) });
        table.barrier();
        for (const one of now) if (one !== next) table.delete(parsePrefix(one));
        held.set(address, new Set([next]));
      } else if (listed.length > 250 || (listed.length > 0 && random.below(3) === 0)) {
        const [gone = ''] = listed.splice(random.below(listed.length), 1);
        // 198.51… may hold others of its kind, but no address of the test.
        if (![...held.values()].some((prefixes) => prefixes.has(gone))) table.delete(parsePrefix(gone));
      } else {
        const one = neighbour();
        table.put(parsePrefix(one), { ...value, expires: random.below(4) === 0 ? 1 : 0 });
        listed.push(one);
      }
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  agent.stdin.end();
  await once(agent, 'close');
  const { packets, missed, dropped } = JSON.parse(output.trim().split('\n').at(-1) ?? '{}') as Record<string, number>;
  t.comment(`${packets} packets, ${changes} changes`);
  t.ok((packets ?? 0) > 1000 && changes > 1000);
  t.equal(missed, 0, 'what is always listed was always dropped');
  t.equal(dropped, 0, 'what is never listed was never dropped');
  t.match(table.check(), { missing: 0, foreign: 0, index: 0 });
});

t.test('a restart adopts the entries and mends what was left half done', { skip }, async (t) => {
  const first = openEmpty(t);
  const before = BlockTable.open(first.listMemory());
  const prefixes = Object.values(holders).flat();
  for (const prefix of prefixes) before.put(parsePrefix(prefix), { ...value, set: 7 });
  before.delete(parsePrefix('192.0.2.192/27'));
  const columns = before.columns();
  first.close();

  const second = Kernel.open({ pinDir, sizes });
  t.teardown(() => second.close());
  const memory = second.listMemory();
  // As if the writer had died before it linked what it had entered, and an entry had been damaged since.
  memory.front4.fill(0);
  memory.mixed6.fill(0);
  const table = BlockTable.open(memory);
  t.same(table.columns(), columns, 'entries, values and places');
  t.equal(table.get(parsePrefix('192.0.2.200/29'))?.set, 7);
  t.match(table.check(), { missing: 0, foreign: 0, index: 0 });
  for (const address of Object.keys(holders))
    t.equal(
      second.run(tcp({ src: address, dst: address.includes(':') ? '::2' : '198.51.100.2' })).verdict,
      DROP,
      address,
    );
});

t.test('what is changed behind its back is found and mended', { skip }, async (t) => {
  const kernel = openEmpty(t);
  const memory = kernel.listMemory();
  const table = BlockTable.open(memory);
  for (let i = 0; i < 200; i++) table.put(parsePrefix(`192.0.${i}.7`), value);
  for (let i = 0; i < 200; i++) table.put(parsePrefix(`2001:db8:${i.toString(16)}::/48`), value);
  const send = (src: string): number =>
    kernel.run(tcp({ src, dst: src.includes(':') ? '::2' : '198.51.100.2' })).verdict;
  t.match(table.sample(100), { missing: 0, foreign: 0, index: 0 });

  memory.entries4.fill(0);
  t.equal(send('192.0.5.7'), PASS, 'deleted');
  t.ok(table.sample(50).missing > 0, 'a sample sees it');
  t.equal(table.check().missing, 200);
  t.equal(table.repair().missing, 200);
  t.equal(send('192.0.5.7'), DROP, 'back again');

  // The number of lines, without which nothing is found.
  memory.root[0] = 1;
  t.ok(table.sample(10).index > 0, 'a sample sees the root');
  t.same(table.intact(), { four: 0, six: 0 });
  t.ok(table.repair().index > 0);
  table.writeSet(7, 7);
  memory.sets[7 * 4] = 9;
  t.equal(table.repair().index, 1, 'whose packets they are');
  t.equal(memory.sets[7 * 4], 7);

  memory.filter6.fill(0);
  t.equal(send('2001:db8:5::1'), PASS);
  t.ok(table.sample(50).index > 0);
  t.ok(table.repair().index > 0);
  t.equal(send('2001:db8:5::1'), DROP);

  // An entry that nobody listed: the meta word of a free place next to one of ours, with its line's own address.
  const slot = table.find(parsePrefix('192.0.9.7'));
  const word = Math.floor(slot / LINE) * 16 + 1 + (slot % LINE) * 3;
  const copy = memory.entries4.slice(word, word + 3);
  table.delete(parsePrefix('192.0.9.7'));
  memory.entries4.set(copy, word);
  t.match(table.repair(), { foreign: 1, missing: 0 });
  t.equal(send('192.0.9.7'), PASS);
  t.match(table.check(), { missing: 0, foreign: 0, index: 0 });
});

t.test('what weakens an entry waits for what takes over from it', async (t) => {
  const plain = plainMemory({ capacity4: 100, capacity6: 100 });
  const seen: [small: boolean, large: string][] = [];
  const small = parsePrefix('192.0.2.7');
  // What another table over the same memory makes of it at the moment of the wait.
  const memory = {
    ...plain,
    synchronize: () =>
      seen.push([BlockTable.open(plain).get(small)?.alert ?? true, table.find(large) < 0 ? 'none' : 'there']),
  };
  const large = parsePrefix('192.0.2.0/24');
  const table = BlockTable.open(memory);
  table.put(small, value);
  const none = new Uint32Array(0);
  const result = table.putBatch({
    addr4: Uint32Array.of(0xc0000207, 0xc0000200),
    len4: Uint8Array.of(32, 24),
    meta4: Uint32Array.of(packMeta({ ...value, alert: true }), packMeta(value)),
    expires4: new Uint32Array(2),
    ...{ addr6: none, len6: new Uint8Array(0), meta6: none, expires6: none },
  });
  t.match(result, { added: 1, changed: 1, same: 0 });
  t.same(seen, [[false, 'there']], 'the /24 was there and the address still dropped');
  t.equal(table.get(small)?.alert, true);
});

t.test('what does not fit is refused with counts, and nothing has changed', async (t) => {
  const table = BlockTable.open(plainMemory({ capacity4: 100, capacity6: 10 }));
  const count = table.capacity4 + 5;
  const none = new Uint32Array(0);
  const columns = (from: number, length: number): Parameters<BlockTable['putBatch']>[0] => ({
    addr4: Uint32Array.from({ length }, (_, i) => 0x0a000000 + from + i),
    len4: new Uint8Array(length).fill(32),
    meta4: new Uint32Array(length),
    expires4: new Uint32Array(length),
    ...{ addr6: none, len6: new Uint8Array(0), meta6: none, expires6: none },
  });
  table.putBatch(columns(0, 50));
  const before = table.columns();
  t.throws(() => table.putBatch(columns(0, count)), {
    code: 'LIST_FULL',
    details: { family: 'IPv4', entries: 50, capacity: table.capacity4, requested: count - 50 },
  });
  t.throws(() => table.assign(columns(0, count)), { code: 'LIST_FULL' });
  t.same(table.columns(), before);
  t.match(table.putBatch(columns(0, table.capacity4)), { added: table.capacity4 - 50, same: 50 });
  t.throws(() => table.put(parsePrefix('192.0.2.1'), value), { code: 'LIST_FULL' });
  // All of it replaced by all else: old and new do not fit at the same time.
  t.match(table.assign(columns(100_000, table.capacity4)), { added: table.capacity4, removed: table.capacity4 });
  t.match(table.check(), { missing: 0, foreign: 0, index: 0, checked: table.capacity4 });
});
