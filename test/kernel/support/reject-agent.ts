// SPDX-License-Identifier: Apache-2.0
// Attaches in its network namespace, rejects by its rules, and answers what the programs leave to the engine. Tells how it
// is attached as a line of JSON, and on a signal how many answers it sent itself.
//   reject-agent.js INTERFACE MODE [RULES]

import { EventFlag, readEvent } from '../../../common/abi.gen.js';
import { type AttachMode, Kernel, RawReply, RingReader } from '../../../engine/bpf/index.js';
import { compileRules } from '../../../rules/index.js';

const [name = '', mode = 'auto', text = ''] = process.argv.slice(2);
const kernel = Kernel.open();
const compiled = compileRules([{ file: 'test.rules', text }], {
  addressVars: {},
  portVars: {},
  redact: [],
  addressRules: 'inline',
});
kernel.control.update({ rejectRate: 1000, sourceRate: 1000, ruleRate: 1000 });
kernel.installRuleset(compiled.ruleset, 1);
const ring = RingReader.open(kernel.rings.events);
const raw = RawReply.open();
setInterval(() => {
  ring.drain((view, at) => {
    const event = readEvent(view, at);
    if ((event.flags & EventFlag.EVENT_NEED_REJECT) !== 0) raw.send(view, event);
  });
}, 5);
console.log(
  JSON.stringify({ attachment: kernel.attach(name, mode as AttachMode), problems: compiled.problems.length }),
);
process.once('SIGTERM', () => {
  console.log(JSON.stringify({ sent: raw.sent, failed: raw.failed }));
  process.exit(0);
});
