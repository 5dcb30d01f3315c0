// SPDX-License-Identifier: Apache-2.0
// A rig whose rules want HTTP requests, and requests put into frames.

import type tap from 'tap';
import { ControlFlag, L7Setting } from '../../../common/abi.gen.js';
import { RingReader } from '../../../engine/bpf/index.js';
import { defaultRedaction } from '../../../engine/layer7/structure/names.js';
import { structureTable } from '../../../engine/layer7/structure/structure-table.js';
import { compileRules } from '../../../rules/index.js';
import { tcp, TCP, type TcpPart } from './frames.js';
import { setLayer7 } from './layer7-rig.js';
import { Rig } from './rig.js';

type Test = Pick<typeof tap, 'teardown'>;

export const httpRule = 'alert http any any -> any any (msg:"h"; http.method; content:"GET"; sid:1; rev:1;)';

/** Puts these rules in force. */
export function install(rig: Rig, text: string): void {
  const compiled = compileRules([{ file: 'test.rules', text }], {
    addressVars: {},
    portVars: {},
    redact: 'off',
    addressRules: 'inline',
  });
  if (compiled.problems.length > 0) throw new Error(compiled.problems.map(({ cause }) => cause).join('; '));
  rig.kernel.installRuleset(compiled.ruleset, rig.kernel.generation() + 1);
}

/** The automaton that the tests work with. */
export const structure = (): Uint8Array => structureTable({ ...defaultRedaction, kept: ['X-Request-ID'] });

/** @param table the structure automaton; null leaves it unwritten. */
export function openHttpRig(t: Test, table: Uint8Array | null = structure()): Rig {
  const rig = Rig.open(t, { sizes: { ids_bulk: 65536, ids_events: 65536 } });
  install(rig, httpRule);
  // Segments come without a handshake.
  rig.kernel.control.update({ flags: ControlFlag.CONTROL_REDACT | ControlFlag.CONTROL_MIDSTREAM });
  // Whatever the rule's literals say: these tests look at what is handed over.
  setLayer7(rig, L7Setting.L7_HTTP | L7Setting.L7_ALL_HEADS);
  if (table !== null) rig.kernel.writeStructure(table);
  return rig;
}

/** A rig without rules, the same for all tests of a file: to load the programs takes longer than they do. */
export function sharedRig(t: Test, skip: unknown): (flags: number) => Rig {
  const open = skip === false ? Rig.open(t, { sizes: { ids_events: 65536 } }) : undefined;
  return (flags) => {
    if (!open) throw new Error('the rig is not open');
    install(open, '');
    setLayer7(open, flags);
    open.settle();
    return open;
  };
}

const peers = { src: '192.0.2.1', dst: '198.51.100.2', flags: TCP.PSH | TCP.ACK | TCP.FIN };
let port = 10_000;

/** A segment of a flow of its own with this payload (text is Latin-1), which is the last one: nothing waits for more. */
export function segment(payload: string | Uint8Array, part: Partial<TcpPart> = {}): Uint8Array {
  port = port < 65_000 ? port + 1 : 10_000;
  return tcp({
    ...peers,
    sport: port,
    ...part,
    payload: typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload,
  });
}

/** Every byte of the bulk ring's memory, read or not, as Latin-1. */
export function ringMemory(rig: Rig): string {
  const reader = RingReader.open(rig.kernel.rings.bulk);
  let text = '';
  try {
    // A record to be handed the memory with; it is read again by nobody.
    rig.push(segment('GET / HTTP/1.1\r\n\r\n'));
    reader.drain((view) => (text = Buffer.from(view.buffer, view.byteOffset, view.byteLength / 2).toString('latin1')));
  } finally {
    reader.close();
  }
  return text;
}
