// SPDX-License-Identifier: Apache-2.0
// The search for literals of the Emerging Threats set in request heads, beside Hyperscan where libhs.so.5 is (IDS_HYPERSCAN
// names another file): it is measured here and used nowhere.

// eslint-disable-next-line @typescript-eslint/no-restricted-imports -- a library of this benchmark alone
import koffi from 'koffi';
import { languageOptions } from '../engine/config/index.js';
import { Finds, findLiterals } from '../rules/match/literals.js';
import { compileRules, Kind } from '../rules/index.js';
import { etopenSources } from './etopen.js';
import { median, print, type Row } from './report.js';
import { TrafficMix } from './traffic-mix.js';

const HEADS = 4000;
const ROUNDS = 7;
/** HS_FLAG_CASELESS and HS_FLAG_SINGLEMATCH; HS_MODE_BLOCK. */
const FLAGS = 1 | 8;
const BLOCK = 1;

type Scan = (head: Uint8Array) => void;

interface Hyperscan {
  /** Without a call of ours for what is found, and with one each. */
  readonly silent: Scan;
  readonly told: Scan;
}

/** Hyperscan over the literals; undefined, and said so, where the library is not there. */
function hyperscan(literals: readonly Uint8Array[]): Hyperscan | undefined {
  let library;
  try {
    library = koffi.load(process.env['IDS_HYPERSCAN'] ?? 'libhs.so.5');
  } catch {
    console.log('\nno libhs.so.5 (libhyperscan5): measured without it');
    return undefined;
  }
  koffi.proto('int ids_hs_match(unsigned int id, uint64_t from, uint64_t to, unsigned int flags, void *context)');
  const compile = library.func(
    'int hs_compile_lit_multi(void *texts, void *flags, void *ids, void *lengths, unsigned int count, unsigned int mode, void *platform, _Out_ void **database, _Out_ void **error)',
  );
  const alloc = library.func('int hs_alloc_scratch(void *database, _Inout_ void **scratch)');
  const scan = library.func(
    'int hs_scan(void *database, const uint8_t *data, unsigned int length, unsigned int flags, void *scratch, ids_hs_match *told, void *context)',
  );
  const libc = koffi.load('libc.so.6');
  const malloc = libc.func('void *malloc(size_t size)');
  const memcpy = libc.func('void *memcpy(void *to, const void *from, size_t size)');
  const texts = Buffer.concat(literals);
  const memory = malloc(texts.length) as bigint;
  memcpy(memory, texts, texts.length);
  let at = typeof memory === 'bigint' ? memory : koffi.address(memory);
  const pointers = new BigUint64Array(literals.length);
  literals.forEach(({ length }, n) => {
    pointers[n] = at;
    at += BigInt(length);
  });
  const lengths = BigUint64Array.from(literals, ({ length }) => BigInt(length));
  const [database, error, scratch]: unknown[][] = [[null], [null], [null]];
  const flags = new Uint32Array(literals.length).fill(FLAGS);
  const ids = Uint32Array.from(literals.keys());
  const failed =
    compile(pointers, flags, ids, lengths, literals.length, BLOCK, null, database, error) !== 0 ||
    alloc(database?.[0], scratch) !== 0;
  if (failed) throw new Error('Hyperscan does not take the literals');
  const told = koffi.register(() => 0, koffi.pointer('ids_hs_match'));
  return {
    silent: (head) => void scan(database?.[0], head, head.length, 0, scratch?.[0], null, null),
    told: (head) => void scan(database?.[0], head, head.length, 0, scratch?.[0], told, null),
  };
}

export function benchPrefilter(): void {
  const sources = etopenSources();
  if (!sources) return;
  const { engine } = compileRules(sources, languageOptions({ homeNet: ['10.0.0.0/8'] }));
  const whole = engine.kinds[Kind.HTTP_REQUEST]?.whole;
  if (!whole) throw new Error('no literals in heads');
  const { index, from } = whole;
  const literals = Array.from({ length: from.length - 1 }, (_, n) =>
    index.bytes.slice(index.starts[n], index.starts[n + 1]),
  );
  const mix = new TrafficMix();
  const heads = Array.from({ length: HEADS }, () => Buffer.from(mix.head().section, 'latin1'));
  const finds = new Finds(literals.length);
  const own: Scan = (head) => {
    finds.begin();
    findLiterals(index, head, 0, finds);
  };
  const peer = hyperscan(literals);
  const scans: readonly (readonly [string, Scan])[] = [
    ['the index of runs', own],
    ...(peer
      ? ([
          ['Hyperscan, told of nothing', peer.silent],
          ['Hyperscan, told of what is found', peer.told],
        ] as const)
      : []),
  ];
  const times = scans.map((): number[] => []);
  for (let round = 0; round <= ROUNDS; round++) {
    scans.forEach(([, scan], n) => {
      const begin = process.cpuUsage();
      for (const head of heads) scan(head);
      const { user, system } = process.cpuUsage(begin);
      if (round > 0) times[n]?.push((user + system) / HEADS);
    });
  }
  const figures = times.map(median);
  const base = figures[0] ?? NaN;
  print(
    `${literals.length.toLocaleString('en-US')} literals in a request head, processor time`,
    scans.map(([what], n): Row => {
      const figure = figures[n] ?? NaN;
      return { what, figure: `${figure.toFixed(2)} µs`, ratio: (figure / base).toFixed(2) };
    }),
  );
}
