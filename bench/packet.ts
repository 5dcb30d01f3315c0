// SPDX-License-Identifier: Apache-2.0
// Nanoseconds a packet of the whole program, beside XDP programs that only return a verdict, in alternating rounds.

import { join } from 'node:path';
import { Kernel, VerdictProgram } from '../engine/bpf/index.js';
import { languageOptions } from '../engine/config/index.js';
import { compileRules } from '../rules/index.js';
import { tcp, TCP } from '../test/kernel/support/frames.js';
import { block } from '../test/kernel/support/rules.js';
import { headerRules } from './rules.js';
import { median, print, type Row } from './report.js';

const ROUNDS = 9;
const REPEAT = 400_000;
const XDP_DROP = 1;
const XDP_PASS = 2;

interface Subject {
  readonly what: string;
  run(): number;
  close(): void;
}

function floor(what: string, verdict: number, frame: Uint8Array): Subject {
  const program = VerdictProgram.load(verdict);
  return { what, run: () => program.run(frame, REPEAT).durationNs, close: () => program.close() };
}

function installRules(kernel: Kernel, rules: string): void {
  const compiled = compileRules([{ file: 'bench', text: rules }], {
    ...languageOptions({ homeNet: ['10.0.0.0/8'] }),
    addressRules: 'inline',
  });
  if (compiled.problems.length > 0) throw new Error(JSON.stringify(compiled.problems[0]));
  kernel.installRuleset(compiled.ruleset, 1);
  kernel.control.update({ sourceRate: 1000, ruleRate: 5000, blockedRate: 1 });
}

/** The whole program with a rule set and lists of its own. */
function subject(
  what: string,
  rules: string,
  frame: Uint8Array,
  prepare: (kernel: Kernel) => void = () => {},
): Subject {
  const kernel = Kernel.open();
  installRules(kernel, rules);
  prepare(kernel);
  return { what, run: () => kernel.run(frame, { repeat: REPEAT }).durationNs, close: () => kernel.close() };
}

const NEXT_SEGMENTS = 100_000;

/**
 * A flow that is known, each packet its next segment: see known.bpf.c. The other side acknowledges in between, as nobody
 * sends more than his peer has room for.
 */
function knownFlow(what: string, rules: string, prepare: (kernel: Kernel) => void, egress: boolean): Subject {
  const kernel = Kernel.open({ object: join(import.meta.dirname, 'known.bpf.o'), egress });
  installRules(kernel, rules);
  prepare(kernel);
  const tcpOptions = Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1);
  const client = { src: '192.0.2.7', dst: '10.0.0.1', sport: 40000, dport: 443, tcpOptions };
  const server = { src: client.dst, dst: client.src, sport: 443, dport: 40000, tcpOptions };
  const payload = new Uint8Array(512);
  let seq = 1001;
  kernel.run(tcp({ ...client, flags: TCP.SYN, seq: seq - 1 }));
  kernel.run(tcp({ ...server, flags: TCP.SYN | TCP.ACK, seq: 5000, ack: seq }));
  kernel.run(tcp({ ...client, flags: TCP.ACK, seq, ack: 5001 }));
  const run = (): number => {
    const frame = tcp({ ...client, flags: TCP.ACK, seq, ack: 5001, payload });
    const { durationNs } = egress
      ? kernel.runEgress(frame, { repeat: NEXT_SEGMENTS })
      : kernel.run(frame, { repeat: NEXT_SEGMENTS });
    seq = (seq + NEXT_SEGMENTS * payload.length) >>> 0;
    kernel.run(tcp({ ...server, flags: TCP.ACK, seq: 5001, ack: seq }));
    return durationNs;
  };
  return { what, run, close: () => kernel.close() };
}

export function benchPacket(): void {
  const data = tcp({
    src: '192.0.2.7',
    dst: '10.0.0.1',
    sport: 40000,
    dport: 443,
    flags: TCP.ACK,
    payload: new Uint8Array(512),
  });
  const entries = (kernel: Kernel): void => {
    for (let i = 1; i <= 10_000; i++) block({ kernel }, `203.${i >> 12}.${(i >> 4) & 255}.${(i & 15) * 16}`);
  };
  const listed = (kernel: Kernel): void => {
    entries(kernel);
    block({ kernel }, '192.0.2.7');
  };
  const subjects = [
    floor('a program that only returns XDP_PASS', XDP_PASS, data),
    floor('a program that only returns XDP_DROP', XDP_DROP, data),
    knownFlow(
      'data packet of a known flow, 256 header rules, 10,000 blocklist entries',
      headerRules(256),
      entries,
      false,
    ),
    knownFlow('the same, where it leaves', headerRules(256), entries, true),
    subject('clean TCP data packet, no rules, empty lists', '', data),
    subject('clean TCP data packet, 10 header rules, 10,000 blocklist entries', headerRules(10), data, entries),
    subject('clean TCP data packet, 256 header rules, 10,000 blocklist entries', headerRules(256), data, entries),
    subject('clean TCP data packet, 2,000 header rules, 10,000 blocklist entries', headerRules(2000), data, entries),
    subject('packet of a blocklisted source, 256 header rules, 10,001 entries', headerRules(256), data, listed),
  ];
  const samples = subjects.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) subjects.forEach((one, i) => samples[i]?.push(one.run()));
  const figures = samples.map(median);
  const base = figures[0] ?? NaN;
  print(
    'Nanoseconds a packet (BPF_PROG_TEST_RUN, median of alternating rounds)',
    subjects.map(({ what }, i): Row => {
      const figure = figures[i] ?? NaN;
      return {
        what,
        figure: `${figure.toFixed(0)} ns`,
        ratio: i < 2 ? '' : `floor + ${(figure - base).toFixed(0)} ns`,
      };
    }),
  );
  for (const one of subjects) one.close();
}
