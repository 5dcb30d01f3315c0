// SPDX-License-Identifier: Apache-2.0
// Stands guard on one interface with the rules of its arguments: node reject-guard.js DEVICE MODE RULE…
// Prints "ready" and what it attached, and on SIGTERM its reject counters as JSON.

import { Kernel } from '../../engine/bpf/index.js';
import { Stat } from '../../common/abi.gen.js';
import { compileRules } from '../../rules/index.js';

const [device = '', mode = 'generic', ...rules] = process.argv.slice(2);
const kernel = Kernel.open();
kernel.control.update({ rejectRate: 1000, sourceRate: 1000, ruleRate: 1000 });
const source = { file: 'guard.rules', text: rules.join('\n') };
const compiled = compileRules([source], { addressVars: {}, portVars: {}, redact: 'off', addressRules: 'inline' });
for (const { line, cause } of compiled.problems) throw new Error(`rule ${line}: ${cause}`);
kernel.installRuleset(compiled.ruleset, 1);
const attachment = kernel.attach(device, mode === 'native' ? 'native' : 'generic');
console.log(`ready ${JSON.stringify(attachment)}`);

const idle = setInterval(() => undefined, 60_000);
process.on('SIGTERM', () => {
  const stats = kernel.stats();
  console.log(JSON.stringify({ sent: stats[Stat.REJECTS_SENT], limited: stats[Stat.REJECTS_LIMITED] }));
  kernel.detach(device);
  kernel.close();
  clearInterval(idle);
});
