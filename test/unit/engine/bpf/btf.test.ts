// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import t from 'tap';
import { abi, abiHash } from '../../../../common/abi.gen.js';
import { IdsError } from '../../../../common/errors.js';
import { Btf } from '../../../../engine/bpf/btf.js';
import { elfSection } from '../../../../engine/bpf/elf.js';
import { abiFacts, hashFacts } from '../../../../engine/bpf/facts.js';
import { DEFAULT_OBJECT } from '../../../../engine/bpf/object.js';

const object = readFileSync(DEFAULT_OBJECT);

t.test('the built object gives the facts of abi.gen.ts', async (t) => {
  const facts = abiFacts(Btf.ofObject(object));
  t.same(facts, abi);
  t.equal(hashFacts(facts), abiHash);
  t.same(facts.structs.ids_prefix, { size: 20, fields: { prefix: [0, 4, 'u32'], addr: [4, 16, 'u8[16]'] } });
  t.same(facts.structs.ids_event?.fields.sport, [64, 2, 'be16'], 'byte order is part of a type');
  t.equal(facts.structs.ids_ruleset?.fields.l4?.[2], 'u16[3][256]', 'dimensions from the outside in');
  t.equal(facts.enums.ids_verdict?.IDS_VERDICT_REJECT, 2);
  t.equal(facts.maps.ids_rulesets?.inner?.valueSize, facts.structs.ids_ruleset?.size, 'inner maps have their shape');
  t.equal(facts.maps.ids_packets, undefined, 'scratch is no part of the ABI');
});

t.test('BTF kinds that the object has are read', async (t) => {
  const btf = Btf.ofObject(object);
  const kinds = new Set(btf.types.map((type) => type.kind));
  for (const kind of ['int', 'ptr', 'array', 'struct', 'enum', 'typedef', 'func', 'proto', 'var', 'datasec'] as const) {
    t.ok(kinds.has(kind), kind);
  }
  t.equal(btf.find('typedef', '__be16')?.kind, 'typedef');
  t.throws(() => btf.type(1e6), { code: 'OBJECT_INVALID' });
});

/** Numbers that look random and come again with the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function tryParse(bytes: Uint8Array): 'fine' | 'refused' {
  try {
    abiFacts(Btf.ofObject(bytes));
    return 'fine';
  } catch (error) {
    if (error instanceof IdsError && error.code === 'OBJECT_INVALID') return 'refused';
    throw error;
  }
}

t.test('a file that is cut off anywhere is refused with a typed error', async (t) => {
  let refused = 0;
  const step = 97;
  for (let size = 0; size < object.length; size += step)
    if (tryParse(object.subarray(0, size)) === 'refused') refused++;
  t.equal(refused, Math.ceil(object.length / step));
});

t.test('mutated bytes give a typed error or other facts, never anything else', async (t) => {
  const pick = random(7);
  const section = elfSection(object, '.BTF');
  if (section === undefined) throw new Error('no .BTF section');
  const start = section.byteOffset - object.byteOffset;
  let refused = 0;
  for (let round = 0; round < 1500; round++) {
    const bytes = Uint8Array.from(object);
    // Most of the damage goes into the BTF itself, some into the ELF headers.
    const inBtf = round % 3 !== 0;
    for (let n = 1 + pick(4); n > 0; n--) bytes[inBtf ? start + pick(section.length) : pick(64)] = pick(256);
    if (tryParse(bytes) === 'refused') refused++;
  }
  t.ok(refused > 300, `${refused} of 1500 were refused`);
});

t.test('what is no BPF object says so', async (t) => {
  t.throws(() => Btf.ofObject(Buffer.from('hello')), { code: 'OBJECT_INVALID' });
  const x86 = Uint8Array.from(object);
  x86[18] = 62;
  t.throws(() => Btf.ofObject(x86), { code: 'OBJECT_INVALID', message: /machine 62/ });
});
