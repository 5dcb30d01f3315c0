// SPDX-License-Identifier: Apache-2.0
// Figures of the flows that are there.

import t from 'tap';
import { FlowLimit, FlowState, Stat } from '../../../../common/abi.gen.js';
import { FlowFigures } from '../../../../engine/flows/figures.js';
import { timesOf } from '../../../../engine/flows/times.js';
import { flowMemory, putFlow } from './memory.js';

const S = 1e9;

t.test('top flows, talkers, states and use: of what is not over', async (t) => {
  const memory = flowMemory(20_000);
  const EST = FlowState.FLOW_ESTABLISHED;
  putFlow(memory, 3, { id: 5000, cport: 1, last: 100 * S, state: EST, bytes: [1000, 9000] });
  putFlow(memory, 17_000, { id: 5001, cport: 2, last: 100 * S, state: EST, bytes: [3000, 3000], client: '::1' });
  putFlow(memory, 19_999, { id: 5002, cport: 3, last: 100 * S, proto: 17, sport: 53, bytes: [70_000, 0] });
  putFlow(memory, 5, { id: 5003, cport: 4, last: 10 * S, bytes: [1e6, 0] });
  const stats: number[] = [];
  stats[Stat.FLOWS_FULL] = 4;
  stats[Stat.RETRANSMISSIONS] = 6;
  const figures = new FlowFigures({
    memory,
    now: () => 110 * S,
    timeouts: () => [60, 600, 60, 30, 300, 30, 300, 30],
    wallMs: (ns) => ns / 1e6,
    stats: () => stats,
    times: () => new Array<number>(3 * FlowLimit.TIME_BUCKETS).fill(0),
  });
  t.same(figures.inUse(), { used: 3, capacity: 20_000, full: 4, evicted: 0 });
  const ports = (rows: readonly { clientPort: number }[]): number[] => rows.map(({ clientPort }) => clientPort);
  t.same(ports(await figures.topFlows({ by: 'bytes', limit: 2 })), [3, 1]);
  t.match(await figures.topFlows({ by: 'packets', limit: 1 }), [
    { proto: 'UDP', client: '192.0.2.1', server: '10.0.0.1', serverPort: 53, state: 'new', packets: 70, bytes: 70_000 },
  ]);
  const { sources, destinations, ports: byPort } = await figures.talkers({ by: 'bytes', limit: 5 });
  t.same(sources, [
    { name: '192.0.2.1', flows: 2, packets: 80, bytes: 80_000 },
    { name: '::1', flows: 1, packets: 6, bytes: 6000 },
  ]);
  t.match(destinations, [{ name: '10.0.0.1', flows: 3 }]);
  t.match(byPort, [{ name: 'UDP/53' }, { name: 'TCP/80', flows: 2 }]);
  t.match(await figures.tcp(), { states: { new: 0, established: 2 }, retransmissions: 6, rtt: { count: 0 } });
});

t.test('percentiles are the upper bounds of their buckets', async (t) => {
  const values = new Array<number>(3 * FlowLimit.TIME_BUCKETS).fill(0);
  const base = FlowLimit.TIME_BUCKETS;
  // 50 between 96 and 127, 45 between 1024 and 1535, 5 of a second and more.
  [values[base + 13], values[base + 20], values[base + 40]] = [50, 45, 5];
  t.same(timesOf(values, 1), { count: 100, p50Us: 128, p90Us: 1536, p99Us: 1_572_864 });
  t.same(timesOf(values, 0), { count: 0 });
});
