// SPDX-License-Identifier: Apache-2.0
// How often programs have run and how long that took: the kernel counts it while somebody asks for that.

import { readFileSync } from 'node:fs';
import { check, closeFds } from './check.js';
import { libbpf } from './native.js';

export interface ProgramRuns {
  readonly program: string;
  readonly runs: number;
  readonly seconds: number;
}

/** struct bpf_prog_info, byte offsets. */
const O = { SIZE: 232, run_time_ns: 192, run_cnt: 200 } as const;
const BPF_STATS_RUN_TIME = 0;

export function programRuns(program: string, fd: number): ProgramRuns {
  const info = new DataView(new ArrayBuffer(O.SIZE));
  check(libbpf().objInfo(fd, info, Uint32Array.of(O.SIZE)), `query the program ${program}`);
  const read = (offset: number): number => Number(info.getBigUint64(offset, true));
  return { program, runs: read(O.run_cnt), seconds: read(O.run_time_ns) / 1e9 };
}

/** Has the kernel count until the result is closed; every program of the host runs some 20 ns longer then. @throws IdsError SYSCALL, PRIVILEGE */
export function countRuns(): { close(): void } {
  const fd = check(libbpf().enableStats(BPF_STATS_RUN_TIME), 'have the run time of programs counted');
  return { close: () => closeFds([fd]) };
}

/** Whether everybody has asked for it, by sysctl kernel.bpf_stats_enabled. */
export function countsRuns(): boolean {
  try {
    return readFileSync('/proc/sys/kernel/bpf_stats_enabled', 'latin1').trim() === '1';
  } catch {
    return false;
  }
}
