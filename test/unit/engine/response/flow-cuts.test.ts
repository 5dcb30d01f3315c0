// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { parseAddress } from '../../../../common/address.js';
import { cutKey, FlowCuts, type CutFlow } from '../../../../engine/response/index.js';
import { AddressMemory } from '../../../../engine/response/address-memory.js';

const big = (text: string): bigint => BigInt(`0x${Buffer.from(parseAddress(text)).toString('hex')}`);

function flow(src: string, sport: number, dst: string, dport: number): CutFlow {
  return { src: big(src), dst: big(dst), sport, dport, proto: 6 };
}

class Table {
  readonly map = new Map<string, readonly [Uint8Array, Uint8Array]>();
  put(key: Uint8Array, value: Uint8Array): void {
    this.map.set(Buffer.from(key).toString('hex'), [key.slice(), value.slice()]);
  }
  delete(key: Uint8Array): boolean {
    return this.map.delete(Buffer.from(key).toString('hex'));
  }
  entries(): Iterable<readonly [Uint8Array, Uint8Array]> {
    return this.map.values();
  }
}

t.test('one key for both directions: the smaller address first, of equal ones the smaller port', async (t) => {
  const there = cutKey(flow('10.0.0.9', 80, '10.0.0.10', 40000));
  t.same(there, cutKey(flow('10.0.0.10', 40000, '10.0.0.9', 80)));
  t.equal(
    Buffer.from(there).toString('hex'),
    `${'0'.repeat(20)}ffff0a000009${'0'.repeat(20)}ffff0a00000a00509c4006000000`,
  );
  const same = cutKey(flow('10.0.0.9', 40000, '10.0.0.9', 80));
  t.same(same, cutKey(flow('10.0.0.9', 80, '10.0.0.9', 40000)));
  t.same([...same.subarray(32, 36)], [0, 80, 0x9c, 0x40]);
  t.notSame(there, cutKey({ ...flow('10.0.0.9', 80, '10.0.0.10', 40000), proto: 17 }));
  t.same(
    cutKey(flow('2001:db8::1', 1, '10.0.0.1', 2)).subarray(10, 16),
    new Uint8Array([255, 255, 10, 0, 0, 1]),
    'mapped IPv4 is below 2000::/3',
  );
});

t.test('cuts expire, are renewed, give way when the table is full, and are found by the next daemon', async (t) => {
  const table = new Table();
  let now = 100.25;
  const gates: boolean[] = [];
  const gate = (open: boolean): void => void gates.push(open);
  const cuts = new FlowCuts(table, () => now, { gate, capacity: 2 });
  t.same(gates, [false], 'nothing to look for yet');
  const flows = [1, 2, 3].map((port) => flow('10.0.0.1', port, '10.0.0.2', 80)) as [CutFlow, CutFlow, CutFlow];
  cuts.cut(flows[0], 9000001, 10);
  const value = [...table.map.values()][0]?.[1] ?? new Uint8Array(8);
  t.same(
    [new DataView(value.buffer).getUint32(0, true), new DataView(value.buffer).getUint32(4, true)],
    [111, 9000001],
  );
  cuts.cut(flows[1], 1, 5);
  cuts.cut(flows[0], 1, 20);
  t.same([cuts.size, cuts.evicted], [2, 0]);
  cuts.cut(flows[2], 1, 30);
  t.same([cuts.size, cuts.evicted, table.map.size], [2, 1, 2]);
  t.notOk(table.map.has(Buffer.from(cutKey(flows[1])).toString('hex')), 'the oldest gave way');
  t.ok(gates.at(-1), 'packets look into the table');
  const next = new FlowCuts(table, () => now, { gate, capacity: 2 });
  t.ok(gates.at(-1), 'those of the next daemon as well');
  t.equal(next.size, 2);
  now = 121;
  t.equal(next.sweep(), 1);
  now = 200;
  t.equal(next.sweep(), 1);
  t.equal(table.map.size, 0);
  t.notOk(gates.at(-1), 'and no more when it is empty');
});

t.test('the memory of addresses is bounded and ends', async (t) => {
  const memory = new AddressMemory(2);
  memory.note('a', 10);
  memory.note('b', 20);
  memory.note('a', 30);
  memory.note('c', 40);
  t.same(
    [memory.until('a', 5), memory.until('b', 5), memory.until('c', 5)],
    [30, undefined, 40],
    'the oldest is forgotten',
  );
  t.equal(memory.until('a', 30), undefined);
  t.equal(memory.size, 1);
  t.equal(memory.alive(40), 0);
  memory.note('d', 50);
  memory.forget('d');
  t.equal(memory.size, 0);
});
