// SPDX-License-Identifier: Apache-2.0
// How many request heads a core parses and judges: what bench/ calls.

import { createEvaluator } from './evaluator.js';
import type { EngineProgram } from './program.js';
import { parseHttpRequest } from './request.js';

export interface Throughput {
  readonly heads: number;
  readonly matches: number;
  readonly seconds: number;
  readonly headsPerSecond: number;
}

const MAPPED = 0xffff00000000n;
const BATCH = 1000;

/**
 * Judges `heads`, over and over, for about `seconds`, after as long again to warm up. Seconds are those of the processor,
 * so that what else runs on the machine does not count.
 */
export function measureThroughput(program: EngineProgram, heads: readonly Uint8Array[], seconds = 1): Throughput {
  const evaluator = createEvaluator(program);
  const packet = { src: MAPPED | 0x0a000001n, dst: MAPPED | 0x0a000002n, sport: 40000, dport: 80, proto: 6 };
  let [judged, matches] = [0, 0];
  const cpu = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const until = (end: number): void => {
    while (cpu() < end) {
      for (let i = 0; i < BATCH; i++) {
        const head = heads[judged++ % heads.length];
        const request = head && parseHttpRequest(head);
        if (request) matches += evaluator.http(request, packet, judged * 1000).length;
      }
    }
  };
  until(cpu() + seconds);
  [judged, matches] = [0, 0];
  const start = cpu();
  until(start + seconds);
  const elapsed = cpu() - start;
  return { heads: judged, matches, seconds: elapsed, headsPerSecond: judged / elapsed };
}
