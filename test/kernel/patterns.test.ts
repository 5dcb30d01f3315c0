// SPDX-License-Identifier: Apache-2.0
// Pass 2 in the kernel: what it finds in buffers is what the evaluator finds in them. IDS_FUZZ sets how many requests.

import t from 'tap';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { L7Limit, Region, StructureBit as Bit } from '../../common/abi.gen.js';
import { Layer7Program, type Order } from '../../bench/layer7-program.js';
import { defaultRedaction } from '../../engine/layer7/structure/names.js';
import { structureTable } from '../../engine/layer7/structure/structure-table.js';
import { BufferId, BufferMessage, compileRules, createEvaluator, Kind, parseHttpRequest } from '../../rules/index.js';
import type { Compilation, Evaluator, JudgedPacket, Message } from '../../rules/index.js';
import { patternTable } from '../../rules/patterns/table.js';
import type { MessageRule, Pattern } from '../../rules/patterns/pattern.js';
import { NO_END } from '../../rules/patterns/pattern.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { Random } from '../unit/rules/support/random.js';
import { judged, randomName, randomRequest, randomRule, repeatsName, sentHeaders } from './support/message-rules.js';

const skip = whyUnprivileged() ?? false;
const REQUESTS = Number(process.env['IDS_FUZZ'] ?? 3000);
const request: Order = { start: Bit.STRUCTURE_REQUEST, judge: 1 };
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

function open(t: { teardown(undo: () => void): void }): Layer7Program {
  const program = Layer7Program.load(true);
  t.teardown(() => program.close());
  program.setStructure(structureTable({ ...defaultRedaction, kept: ['X-Long-Name'] }));
  return program;
}

function compile(lines: readonly string[]): Compilation {
  const compiled = compileRules([{ file: 'test.rules', text: lines.join('\n') }], {
    ...{ addressVars: {}, portVars: {}, redact: 'off', addressRules: 'inline' },
  });
  const [problem] = compiled.problems;
  if (problem) throw new Error(`${problem.line}:${problem.column} ${problem.cause}`);
  return compiled;
}

const pattern = (region: Region, text: string, o: Partial<Pattern> = {}): Pattern => ({
  ...{ region, bytes: bytes(text), nocase: false, from: 0, until: NO_END, ends: false, dot: false, engine: false },
  ...o,
});
const rule = (position: number, region: Region, ...patterns: number[]): MessageRule => ({
  ...{ position, region, toServer: true, toClient: false },
  terms: patterns.map((number) => ({ pattern: number, negated: false })),
});

const regions: Readonly<Record<string, Region>> = {
  ...{ 'http.method': Region.METHOD, 'http.uri': Region.URI, 'http.host': Region.HOST },
  ...{ 'http.user_agent': Region.USER_AGENT, 'http.header': Region.HEADERS, 'tls.sni': Region.SNI },
  'dns.query': Region.QUERY,
};

/** Differences between what the kernel decides on a message and what the evaluator says of it. */
function differences(
  kernel: { positions: readonly number[]; told: number },
  found: readonly number[],
  compiled: Compilation,
  asked: (region: Region) => boolean,
  whole: boolean,
): string[] {
  return compiled.rules.flatMap(({ text, positions: [position = -1] }, index) => {
    const region = regions[/; (http\.\w+|tls\.sni|dns\.query);/.exec(text)?.[1] ?? ''] ?? 0;
    if (position < 0 || !asked(region)) return [];
    const [here, there] = [kernel.positions.includes(position), found.includes(index)];
    const told = (kernel.told >>> region) & 1;
    // What is odd may come after what was found already; in one piece all of it is seen first.
    return here === there || (!told && (!here || !whole))
      ? []
      : [`${here ? 'only the kernel' : 'only the evaluator'}: ${text}`];
  });
}

t.test('random rules on random messages', { skip }, async (t) => {
  const program = open(t);
  const random = new Random(20_261_126);
  const found = (evaluator: Evaluator, message: Message, packet: JudgedPacket): number[] =>
    evaluator.judge(message, packet, undefined, 0).map((match) => match.rule);
  let [matches, told, differing, queries, repeated] = [0, 0, 0, 0, 0];
  const SETS = Math.ceil(REQUESTS / 150);
  for (let set = 0; set < SETS && differing === 0; set++) {
    const compiled = compile(Array.from({ length: 60 }, (_, i) => randomRule(random, i + 1)));
    const evaluator = createEvaluator(compiled.engine);
    if (compiled.ruleset.patterns) program.setPatterns(compiled.ruleset.patterns, set + 1);
    for (let i = 0; i < 150 && differing === 0; i++) {
      const step = random.pick([0, 0, 1, 7, 40]);
      const named = random.chance(25) ? random.pick([Region.SNI, Region.QUERY]) : undefined;
      const text = named === undefined ? randomRequest(random) : randomName(random);
      const again = named === undefined && repeatsName(text);
      let message: Message | undefined;
      if (named === undefined) message = parseHttpRequest(bytes(text));
      else if (named === Region.SNI) message = new BufferMessage().begin(Kind.TLS_HELLO).put(BufferId.SNI, bytes(text));
      else message = new BufferMessage().begin(Kind.DNS_QUERY).put(BufferId.DNS_QUERY, bytes(text));
      if (message === undefined) throw new Error(`not read: ${text}`);
      const kernel = program.pass(bytes(text), named === undefined ? { ...request, step } : { judge: named, step });
      const expected = found(evaluator, message, named === Region.QUERY ? { ...judged, proto: 17 } : judged);
      const asked = (region: Region): boolean =>
        named === undefined
          ? region !== Region.SNI && region !== Region.QUERY && !(region === Region.HEADERS && again)
          : region === named;
      const wrong = differences(kernel, expected, compiled, asked, step === 0);
      if (again) {
        const sent = new BufferMessage().begin(message.kind, message).put(BufferId.HEADER, bytes(sentHeaders(text)));
        const headers = (region: Region): boolean => region === Region.HEADERS;
        wrong.push(...differences(kernel, found(evaluator, sent, judged), compiled, headers, step === 0));
      }
      queries += Number(named === Region.QUERY);
      repeated += Number(again);
      matches += expected.length;
      told += Number((kernel.told >>> Region.USER_AGENT) & 1);
      differing += wrong.length;
      if (wrong.length > 0) t.same(wrong, [], `${JSON.stringify(text)} by ${step}, told ${kernel.told.toString(2)}`);
    }
  }
  t.equal(differing, 0);
  t.ok(matches > REQUESTS, `${matches} matches`);
  t.ok(queries > REQUESTS / 10 && repeated > REQUESTS / 50, `${queries} questions, ${repeated} with a name twice`);
  t.ok(told > REQUESTS / 5, `${told} requests whose User-Agent was judged whole`);
});

t.test('the bad User-Agents of a list, and two thousand patterns in all', { skip }, async (t) => {
  const program = open(t);
  const folder = join(process.env['IDS_DATA'] ?? join(import.meta.dirname, '../../../../shared/data'), 'lists');
  let list: string[];
  try {
    list = readFileSync(join(folder, 'bad-user-agents.list'), 'utf8').split('\n').filter(Boolean);
  } catch {
    list = Array.from({ length: 699 }, (_, i) => `Bad${i * 7919}bot`);
  }
  const agents = list.map((line) => line.replaceAll('\\', ''));
  const others = Array.from({ length: 2000 - agents.length }, (_, i) => `/path-${i * 31}/x`);
  const patterns = [
    ...agents.map((agent) => pattern(Region.USER_AGENT, agent.toLowerCase(), { nocase: true })),
    ...others.map((path) => pattern(Region.URI, path)),
  ];
  const table = patternTable(
    patterns,
    patterns.map(({ region }, i) => rule(i, region, i)),
  );
  if (table) program.setPatterns(table);
  const judge = (uri: string, agent: string): readonly number[] =>
    program.pass(bytes(`GET ${uri} HTTP/1.1\r\nHost: a\r\nUser-Agent: ${agent}\r\n\r\n`), request).positions;
  for (let i = 0; i < agents.length; i += 7) {
    const agent = agents[i] ?? '';
    if (!judge('/', `Mozilla/5.0 (${agent.toUpperCase()})`).includes(i)) t.fail(agent);
  }
  t.same(judge('/path-31/x', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'), [
    agents.length + 1,
  ]);
  t.same(judge('/PATH-31/x', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36'), []);
});

t.test('more hits than are remembered are counted on and judged by the engine', { skip }, async (t) => {
  const program = open(t);
  const texts = Array.from({ length: L7Limit.HITS + 8 }, (_, i) => `<${i}>`);
  const patterns = [...texts.map((text) => pattern(Region.URI, text)), pattern(Region.URI, 'never')];
  const table = patternTable(
    patterns,
    texts.map((_, i) => rule(i, Region.URI, i, texts.length)),
  );
  if (table) program.setPatterns(table);
  const got = program.pass(bytes(`GET /${texts.join('')} HTTP/1.1\r\n\r\n`), request);
  t.equal(got.hits.length, L7Limit.HITS);
  t.equal(got.wanted, true);
  t.equal(got.told, 0);
});

t.test('literals of the engine, and hits in masked values', { skip }, async (t) => {
  const program = open(t);
  const table = patternTable(
    [pattern(Region.URI, 'evil', { engine: true }), pattern(Region.HEADERS, 's3cret', { nocase: true, engine: true })],
    [],
  );
  if (table) program.setPatterns(table);
  const judge = (text: string): { hits: readonly number[]; wanted: boolean } => program.pass(bytes(text), request);
  t.match(judge('GET /good HTTP/1.1\r\n\r\n'), { hits: [], wanted: false });
  t.match(judge('GET /evil HTTP/1.1\r\n\r\n'), { hits: [], wanted: true }, 'only that it was there');
  t.match(judge('GET / HTTP/1.1\r\nX-Api-Key: aS3cretb\r\n\r\n'), { hits: [1], wanted: true }, 'which one it was');
  t.match(judge('GET /?x=%20evil HTTP/1.1\r\n\r\n'), { hits: [], wanted: true }, 'behind an escape');
});
