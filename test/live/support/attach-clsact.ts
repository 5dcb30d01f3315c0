// SPDX-License-Identifier: Apache-2.0
// What a daemon leaves behind that ran where the kernel has no tcx (before 6.6): node attach-clsact.js PINDIR INTERFACE
import { Kernel } from '../../../engine/bpf/index.js';

const [pinDir = '', name = ''] = process.argv.slice(2);
const kernel = Kernel.open({ pinDir, egress: true });
kernel.attach(name, 'auto', 'clsact');
kernel.close();
