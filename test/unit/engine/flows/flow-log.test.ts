// SPDX-License-Identifier: Apache-2.0
// Which flows are told, when, and how often.

import t from 'tap';
import { FlowEnd, FlowState } from '../../../../common/abi.gen.js';
import { FlowLog, type FlowLogSettings } from '../../../../engine/flows/flow-log.js';
import { FlowMarks } from '../../../../engine/flows/marks.js';
import { LogLines } from '../../../../engine/layer7/log-lines.js';
import { flowMemory, putFlow, type FakeFlow } from './memory.js';

const S = 1e9;
const timeouts = [60, 600, 60, 30, 300, 30, 300, 30];
const EST = FlowState.FLOW_ESTABLISHED;

function open(settings: Partial<FlowLogSettings> | undefined = {}, memory = flowMemory(1024)) {
  const lines = new LogLines(new Set(['flow']));
  const log = new FlowLog({ memory, lines, timeUs: (ns) => ns / 1000, interfaceName: () => undefined });
  log.set({ timeouts, ...settings });
  const take = (): string[] =>
    lines
      .take(true)
      .flatMap(({ bytes }) => Buffer.from(bytes).toString().trim().split('\n'))
      .map((line) => JSON.parse(line) as { src_port: number; ids: { end: string; failed?: string } })
      .map(({ src_port: port, ids }) => [port, ids.end, ids.failed].filter((word) => word !== undefined).join(' '));
  const at = (seconds: number): string[] => {
    log.sweep(seconds * S);
    return take();
  };
  return { memory, log, take, at, put: (index: number, flow: FakeFlow) => putFlow(memory, index, flow) };
}

t.test('a flow is told once: when it is idle, or a second behind its end', async (t) => {
  const { put, at, memory } = open();
  put(1, { id: 5000, cport: 1, last: 10 * S, state: FlowState.FLOW_NEW });
  put(2, { id: 5001, cport: 2, last: 10 * S, state: EST, proven: true });
  put(3, { id: 5002, cport: 3, last: 10 * S, state: FlowState.FLOW_CLOSED, end: FlowEnd.FIN, proven: true });
  put(4, { id: 5003, cport: 4, last: 10 * S, proto: 17 });
  put(5, { id: 1, cport: 5 });
  t.same(at(10.5), []);
  t.same(at(12), ['3 fin']);
  t.same(at(50), ['4 timeout']);
  t.same(at(80), ['1 timeout unanswered']);
  t.same(at(100), []);
  t.same(at(611), ['2 timeout']);
  put(1, { id: 6000, cport: 9, last: 611 * S, state: FlowState.FLOW_CLOSED, end: FlowEnd.RST });
  t.same(at(613), ['9 rst refused'], 'the next one in its place');
  t.same(open({}, memory).at(700), [], 'the next daemon knows what was told');
});

t.test('what goes on behind its end is told again at the next one', async (t) => {
  const { put, at } = open();
  const flow = { id: 5000, cport: 1, proven: true };
  put(1, { ...flow, last: 10 * S, state: FlowState.FLOW_CLOSED, end: FlowEnd.RST });
  t.same(at(12), ['1 rst']);
  put(1, { ...flow, last: 13 * S, state: EST });
  t.same(at(14), []);
  t.same(at(614), ['1 timeout']);
});

t.test('long flows are told at intervals', async (t) => {
  const { put, at } = open({ interval: 100 });
  const flow = { id: 5000, cport: 1, proven: true, state: EST };
  put(1, { ...flow, start: 1000 * S, last: 1000 * S });
  t.same(at(1001), []);
  for (const [now, told] of [
    [1050, []],
    [1101, ['1 ongoing']],
    [1150, []],
    [1201, ['1 ongoing']],
  ] as const) {
    put(1, { ...flow, start: 1000 * S, last: now * S });
    t.same(at(now), told, String(now));
  }
  t.same(at(1900), ['1 timeout']);
});

t.test('only what is asked for', async (t) => {
  const flows: readonly FakeFlow[] = [
    { id: 5000, cport: 1, state: EST, proven: true },
    { id: 5001, cport: 2, state: FlowState.FLOW_ANSWERED, serverUs: 9 },
    { id: 5002, cport: 3, server: '10.1.0.9', sport: 5432 },
    { id: 5003, cport: 4, client: '10.1.0.9', flags: 16 },
    { id: 5004, cport: 5, server: '10.1.0.9', sport: 5432, state: EST, proven: true },
  ];
  for (const [settings, told] of [
    [{}, ['1 timeout', '2 timeout half_open', '3 timeout unanswered', '4 timeout', '5 timeout']],
    [{ failed: true }, ['2 timeout half_open', '3 timeout unanswered']],
    [{ net: ['10.1.0.0/16'] }, ['3 timeout unanswered', '4 timeout', '5 timeout']],
    [{ failed: true, net: ['10.1.0.0/16', '::/0'], port: 5432 }, ['3 timeout unanswered']],
  ] as const) {
    const { put, at } = open(settings);
    flows.forEach((flow, index) => put(index, flow));
    t.same(at(1000), told, JSON.stringify(settings));
  }
});

t.test('switched on later, it tells nothing of before; at the end of a replay it tells everything', async (t) => {
  const { put, at, log, take, memory } = open();
  log.set(undefined);
  put(1, { id: 5000, cport: 1, last: 10 * S });
  t.same(at(100), []);
  log.set({ timeouts }, 100 * S);
  put(2, { id: 5001, cport: 2, last: 200 * S, start: 7 });
  put(3, { id: 5002, cport: 3, last: 300 * S, start: 6, proto: 17, state: EST });
  t.same(at(270), ['2 timeout unanswered']);
  new FlowMarks(memory).setTold(9, 1);
  log.close(310 * S);
  t.same(take(), ['3 shutdown']);
});
