// SPDX-License-Identifier: Apache-2.0
// The floor of the live benchmarks: a program that only returns XDP_PASS, attached inside a network namespace until its
// input ends:  pass-program.js INTERFACE

import { attachXdp } from '../engine/bpf/xdp-link.js';
import { VerdictProgram } from '../engine/bpf/verdict-program.js';

const XDP_PASS = 2;

const program = VerdictProgram.load(XDP_PASS);
attachXdp(process.argv[2] ?? '', 'native', program.fd, undefined);
console.log('ready');
process.stdin.resume().once('end', () => program.close());
