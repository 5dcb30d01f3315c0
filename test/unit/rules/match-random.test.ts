// SPDX-License-Identifier: Apache-2.0
// The evaluator against the plain reference, on random rules and messages.

import t from 'tap';
import type { Buffer as BufferName } from '../../../rules/ast.js';
import { compileRules, createEvaluator, FlowState, Kind, parseRules } from '../../../rules/index.js';
import { hits, message, options, packet, rule } from './support/messages.js';
import { naiveHolds, naiveStream, type Buffers } from './support/naive-message.js';
import { Random } from './support/random.js';

/** A random rule on these buffers, of a few letters so that much matches. */
function randomOptions(r: Random, buffers: readonly BufferName[]): string {
  const word = (): string =>
    Array.from({ length: 1 + r.int(r.chance(20) ? 9 : 3) }, () => r.pick([...'abA.'])).join('');
  const parts: string[] = [];
  let negated = false;
  for (let n = 1 + r.int(2); n > 0; n--) {
    const buffer = r.pick(buffers);
    if (buffer !== 'payload') parts.push(`${buffer};`);
    if (buffer !== 'payload' && r.chance(20)) parts.push('dotprefix;');
    for (let contents = 1 + r.int(3); contents > 0; contents--) {
      // What is relative to a negated content is not looked for again, as in Suricata.
      const free = !negated;
      negated = r.chance(20);
      parts.push(`content:${negated ? '!' : ''}"${word()}";`);
      if (r.chance(40)) parts.push('nocase;');
      const where = r.int(11);
      if (where === 0) parts.push('startswith;');
      else if (where === 1) parts.push('endswith;');
      else if (where === 2) parts.push(`offset:${r.int(4)};`);
      else if (where === 3) parts.push(`offset:${r.int(3)};`, `depth:${9 + r.int(4)};`);
      else if (where > 7 && free) {
        if (r.chance(70)) parts.push(`distance:${r.int(5) - 1};`);
        if (r.chance(60)) parts.push(`within:${9 + r.int(3)};`);
      }
    }
    if (r.chance(15) && buffer !== 'payload' && !negated)
      parts.push(`isdataat:${r.pick(['', '!'])}${2 + r.int(4)},relative;`);
    if (buffer !== 'payload' && r.chance(15)) parts.push(`bsize:${r.pick(['<', '>', ''])}${1 + r.int(9)};`);
  }
  return parts.join(' ');
}

const KINDS_OF_RANDOM: readonly (readonly [Kind, BufferName[]])[] = [
  [Kind.HTTP_REQUEST, ['http.uri', 'http.user_agent', 'http.header']],
  [Kind.HTTP_RESPONSE_BODY, ['http.header', 'http.response_body', 'file.data']],
  [Kind.TLS_CERTS, ['tls.certs', 'tls.cert_subject', 'tls.cert_serial']],
  [Kind.DNS_QUERY, ['dns.query']],
  [Kind.PACKET, ['payload']],
];

t.test('random rules and messages: the same as the reference', async (t) => {
  const seed = Date.now() & 0xffffff;
  const r = new Random(seed);
  const text = (): string => Array.from({ length: r.int(14) }, () => r.pick([...'aabbAB.x'])).join('');
  let matches = 0;
  for (let round = 0; round < 60; round++) {
    const [kind, buffers] = r.pick(KINDS_OF_RANDOM);
    const body = kind === Kind.HTTP_RESPONSE_BODY ? 'http.response_body; content:!"qq"; ' : '';
    const head = `${kind === Kind.PACKET ? 'udp' : 'ip'} any any -> any any`;
    const lines = Array.from({ length: 12 }, (_, i) => rule(i + 1, body + randomOptions(r, buffers), head));
    // What can never match is an error; the others are what is judged.
    const { rules } = parseRules([{ file: 'r', text: lines.join('\n') }], options);
    const evaluator = createEvaluator(
      compileRules([{ file: 'r', text: rules.map((one) => one.text).join('\n') }], options).engine,
    );
    for (let i = 0; i < 12; i++) {
      const made: Buffers = {};
      for (const name of buffers) if (r.chance(85)) made[name] = [text()];
      for (const name of ['dns.query', 'tls.certs', 'file.data'] as const) {
        if (made[name] !== undefined) made[name] = Array.from({ length: 1 + r.int(3) }, text);
      }
      const expected = rules.flatMap((one, index) => (naiveHolds(one, made) ? [index] : []));
      const proto = kind === Kind.PACKET || kind === Kind.DNS_QUERY ? 17 : 6;
      const found = hits(evaluator, message(kind, made), new FlowState(), packet({ proto }));
      matches += found.length;
      if (found.join() !== expected.join()) {
        t.same(found, expected, `seed ${seed}`, { made, rules: rules.map((one) => one.text) });
        return;
      }
    }
  }
  t.ok(matches > 300, `${matches} matches`);
});

t.test('random streams in random chunks: the same as the reference', async (t) => {
  const seed = Date.now() & 0xffffff;
  const r = new Random(seed);
  let matches = 0;
  for (let round = 0; round < 150; round++) {
    const head = `${r.pick(['tcp', 'tcp', 'tcp-pkt', 'tcp-stream'])} any any -> any any`;
    const lines = Array.from({ length: 8 }, (_, i) => rule(i + 1, randomOptions(r, ['payload']), head));
    const { rules } = parseRules([{ file: 'r', text: lines.join('\n') }], options);
    const evaluator = createEvaluator(
      compileRules([{ file: 'r', text: rules.map((one) => one.text).join('\n') }], options).engine,
    );
    const chunks = Array.from({ length: 1 + r.int(8) }, () =>
      Array.from({ length: 1 + r.int(r.chance(50) ? 2 : 12) }, () => r.pick([...'aabbAB.x'])).join(''),
    );
    const flow = new FlowState();
    const found: number[][] = rules.map(() => []);
    let whole = '';
    chunks.forEach((chunk, number) => {
      const judged = message(Kind.STREAM, { payload: [whole + chunk] });
      judged.fresh = whole.length;
      whole += chunk;
      for (const hit of hits(evaluator, judged, flow)) found[hit]?.push(number);
    });
    const expected = rules.map((one) => naiveStream(one, chunks));
    matches += found.flat().length;
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      t.same(found, expected, `seed ${seed}`, { chunks, rules: rules.map((one) => one.text) });
      return;
    }
  }
  t.ok(matches > 150, `${matches} matches`);
});
