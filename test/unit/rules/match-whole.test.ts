// SPDX-License-Identifier: Apache-2.0
// Literals that are looked for in a whole head, and what is asked before a rule is tried: the same rules match as where each
// buffer is searched by itself, and as where every rule is tried.

import t from 'tap';
import { FlowBit } from '../../../common/abi.gen.js';
import {
  BUFFERS,
  type BufferId,
  BufferMessage,
  compileRules,
  createEvaluator,
  Kind,
  type EngineProgram,
  parseHttpRequest,
  parseHttpResponse,
  type Message,
} from '../../../rules/index.js';
import { buffersHold, headerHolds } from '../../../rules/match/tests.js';
import { hits, options, packet, rule } from './support/messages.js';
import { Random } from './support/random.js';
import { contentOf, OF_REQUESTS, OF_RESPONSES, requestHead, responseHead } from './support/random-heads.js';

/** What is asked of a rule before it is tried: its method, names that must not be there, the length of its target. */
function guardOf(r: Random): string {
  const method = r.pick(['GET', 'POST', 'ET', 'HEADS', '!"GET"', 'get"; nocase', 'O"; endswith', 'ST"; offset:2']);
  const name = r.pick([
    'Accept',
    'Referer',
    'User-Agent|0d 0a|',
    '|0d 0a|Accept|0d 0a|',
    'Host|0d 0a|U',
    'Cookie',
    'X-Pw',
  ]);
  const line = r.pick([
    'Accept-',
    'Referer|3a|',
    'User-Agent|3a 20|',
    '|0d 0a|Host|3a|',
    'Cookie|3a|',
    'U: app',
    'cache',
  ]);
  const chained = r.chance(30) ? ' content:"o"; content:"e"; distance:0;' : '';
  const more = r.pick(['', '', ' nocase;', ' depth:16;', ' offset:2;']);
  return r.pick([
    `http.method; content:${method.startsWith('!') ? method : `"${method}${method.includes('"') ? '' : '"'}`};`,
    `http.header_names; content:!"${name}";${more}${chained}`,
    `http.header_names; content:"${name}";${more}`,
    `http.header; content:!"${line}";${more}${chained}`,
    `urilen:${r.pick(['<6', '>5', '1', '2<>9', '!1'])};`,
    'http.method; content:"T"; content:"x"; distance:0;',
  ]);
}

/** Numbers of the rules that are judged on messages of this kind. */
function judgedOn({ kinds }: EngineProgram, kind: Kind): ReadonlySet<number> {
  const { filters = [], always = [] } = kinds[kind] ?? {};
  return new Set([...filters.flatMap(({ rules }) => [...rules]), ...always]);
}

/** The head without its bytes as a whole. */
function inPieces(message: Message): Message {
  return {
    kind: message.kind,
    buffer: (id, instance) => message.buffer(id, instance),
    open: (id) => message.open(id),
    number: message.number,
  };
}

for (const [what, names, make] of [
  ['requests', OF_REQUESTS, requestHead],
  ['responses', OF_RESPONSES, responseHead],
] as const) {
  t.test(what, async (t) => {
    const seed = Date.now() & 0xffffff;
    const r = new Random(seed);
    const parse = what === 'requests' ? parseHttpRequest : parseHttpResponse;
    const message = (text: string): BufferMessage | undefined => {
      const bytes = Buffer.from(text, 'latin1');
      const parsed = parse(bytes);
      const judged = parsed && new BufferMessage().begin(parsed.kind, parsed);
      return judged?.put(BUFFERS.indexOf('payload') as BufferId, bytes, !parsed?.complete);
    };
    const way = what === 'requests' ? FlowBit.FLOWBIT_TO_SERVER : FlowBit.FLOWBIT_TO_CLIENT;
    const from = packet({}, FlowBit.FLOWBIT_TRACKED | FlowBit.FLOWBIT_ESTABLISHED | way);
    let matches = 0;
    for (let round = 0; round < 25; round++) {
      const heads = Array.from({ length: 40 }, () => make(r));
      const direction = what === 'requests' ? 'to_server' : 'to_client';
      const rules = Array.from({ length: 60 }, (_, n) => {
        const found = message(r.pick(heads));
        const name = r.pick(names);
        const buffer = found?.buffer(BUFFERS.indexOf(name) as BufferId, 0) ?? Buffer.from('x');
        const looks = buffer.length > 0 && name !== 'http.host' ? contentOf(r, buffer) : 'content:"a";';
        const size = name !== 'payload' && r.chance(20) ? ` bsize:${buffer.length || 1};` : '';
        const tests = size.length > 0 && !looks.includes('startswith') ? `content:"|20|"; ${size}` : looks;
        const sticky = name === 'payload' ? 'pkt_data;' : `${name};`;
        const guards = what === 'requests' && r.chance(50) ? ` ${guardOf(r)}` : '';
        const lines = r.chance(30)
          ? ` http.header_names; content:!"${r.pick(['Server', 'Date', 'Accept', 'X'])}";`
          : '';
        const port = r.chance(10) ? '81' : 'any';
        return rule(n + 1, `flow:${direction}; ${sticky} ${tests}${guards}${lines}`, `http any any -> any ${port}`);
      });
      const { engine } = compileRules([{ file: 'test.rules', text: rules.join('\n') }], options);
      const evaluator = createEvaluator(structuredClone(engine));
      const asked = judgedOn(engine, what === 'requests' ? Kind.HTTP_REQUEST : Kind.HTTP_RESPONSE);
      for (const text of heads) {
        const judged = message(text);
        if (!judged) continue;
        const whole = hits(evaluator, judged, undefined, from);
        const pieces = hits(evaluator, inPieces(judged), undefined, from);
        const tried = engine.rules.filter(
          (one, n) => asked.has(n) && buffersHold(one, judged) && headerHolds(one, from),
        );
        const all = tried.map(({ index }) => index);
        matches += pieces.length;
        if (whole.join() === pieces.join() && whole.join() === all.join()) continue;
        t.same([whole, pieces], [all, all], `seed ${seed}`, {
          text,
          rules: rules.filter(
            (_, n) => whole.includes(n) !== all.includes(n) || pieces.includes(n) !== all.includes(n),
          ),
        });
        return;
      }
    }
    t.ok(matches > 2000, `${matches} matches`);
  });
}
