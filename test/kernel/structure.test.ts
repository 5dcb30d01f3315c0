// SPDX-License-Identifier: Apache-2.0
// Pass 1 in the kernel says of every byte what the automaton in TypeScript says, however the bytes come.

import t from 'tap';
import { L7Limit, Region, StructureBit as Bit } from '../../common/abi.gen.js';
import { Layer7Program } from '../../bench/layer7-program.js';
import type { StructureNames } from '../../engine/layer7/structure/automaton.js';
import { defaultRedaction } from '../../engine/layer7/structure/names.js';
import { structureTable } from '../../engine/layer7/structure/structure-table.js';
import { hiddenCases, hiddenParameters } from '../helpers/mask-cases.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { randomSection, seededRandom } from '../helpers/random-section.js';
import { labelsOf, mask, runStructure } from '../helpers/run-structure.js';

const skip = whyUnprivileged() ?? false;
const names: StructureNames = { ...defaultRedaction, kept: ['X-Request-ID', 'User-Agent'] };
const others: StructureNames = { headers: [], parameters: [], kept: [] };

function open(t: { teardown(undo: () => void): void }): Layer7Program {
  const program = Layer7Program.load(true);
  t.teardown(() => program.close());
  program.setStructure(structureTable(names));
  return program;
}

/** What the kernel and the automaton make of the section; equal texts mean equal findings. */
function compare(program: Layer7Program, text: string, start: number, step: number): [string, string] {
  const bytes = Buffer.from(text, 'latin1');
  const got = program.pass(bytes, { start, step });
  const want = runStructure(names, bytes, start);
  const scanned = got.returned > 0 ? got.returned : bytes.length;
  const show = (...parts: unknown[]): string => JSON.stringify([text, start, step, ...parts]);
  return [
    show(got.returned, got.odd, got.crowded, got.edges, got.scanned),
    show(want.ended ? want.labels.length : 0, want.odd, false, want.edges, scanned),
  ];
}

t.test('the kernel reads sections as the automaton does', { skip }, async (t) => {
  const program = open(t);
  const random = seededRandom(4711);
  const fixed = [...hiddenCases, ...hiddenParameters].map(([, text]) => text);
  const known = [...names.headers, ...names.kept, 'Host', 'Content-Length', 'Upgrade'];
  let differing = 0;
  for (let i = 0; i < 4000 && differing === 0; i++) {
    const text = fixed[i] ?? `GET /?${i}&token=a HTTP/1.1\r\n${randomSection(random, known)}`;
    const [got, want] = compare(program, text, i % 7 ? Bit.STRUCTURE_REQUEST : 2 + (i % 2), Math.floor(random() * 70));
    if (got !== want) differing++;
    if (got !== want) t.equal(got, want);
  }
  t.equal(differing, 0);
});

t.test('the end of a section at every place', { skip }, async (t) => {
  const program = open(t);
  for (let fill = 0; fill < 80; fill++) {
    const text = `GET / HTTP/1.1\r\nX: ${'x'.repeat(fill)}\r\n\r\nGET /?token=b HTTP/1.1\r\n`;
    for (const step of [0, 1, 33]) {
      const [got, want] = compare(program, text, Bit.STRUCTURE_REQUEST, step);
      if (got !== want) t.equal(got, want);
    }
  }
  const long = Buffer.from(`GET /${'a'.repeat(L7Limit.SECTION_MAX)}`).subarray(0, L7Limit.SECTION_MAX);
  t.match(program.pass(long, { start: Bit.STRUCTURE_REQUEST }), { returned: 0, scanned: L7Limit.SECTION_MAX });
});

t.test('where edges run out, what is sensitive is masked at once', { skip }, async (t) => {
  const program = open(t);
  const line = 'Cookie: S3CRET\r\nUser-Agent: seen\r\nReferer: /?token=S3CRET&x\r\n';
  for (const step of [0, 1, 50]) {
    const bytes = Buffer.from(`GET / HTTP/1.1\r\n${line.repeat(80)}\r\n`);
    const want = runStructure(names, bytes, Bit.STRUCTURE_REQUEST);
    const got = program.pass(bytes, { start: Bit.STRUCTURE_REQUEST, step });
    t.match(got, { returned: bytes.length, crowded: true });
    t.equal(got.edges.length, L7Limit.EDGES);
    const masked = mask(got.bytes, labelsOf(got.edges, bytes.length));
    t.equal(masked, mask(bytes, want.labels));
    t.equal((got.edges.at(-1) ?? 0) & Region.MASKED, 0);
  }
});

t.test('a section goes on under another automaton', { skip }, async (t) => {
  const program = open(t);
  const bytes = Buffer.from('GET / HTTP/1.1\r\nCookie: a\r\n\r\n');
  program.setStructure(structureTable(others), 2);
  t.same(
    program.pass(bytes, { start: Bit.STRUCTURE_REQUEST }).edges,
    runStructure(others, bytes, Bit.STRUCTURE_REQUEST).edges,
  );
  // The one of generation 3 is not written.
  const blank = structureTable(others);
  blank.fill(0, 8);
  program.setStructure(blank, 3);
  t.equal(program.pass(bytes, { start: Bit.STRUCTURE_REQUEST }).returned, -1);
});
