// SPDX-License-Identifier: Apache-2.0
// Literals that are looked for in a whole head, and what is asked before a rule is tried: the same rules match as where each
// buffer is searched by itself, and as where every rule is tried.

import t from 'tap';
import { FlowBit } from '../../../common/abi.gen.js';
import type { Buffer as BufferName } from '../../../rules/ast.js';
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

const OF_REQUESTS: readonly BufferName[] = [
  ...(['http.method', 'http.uri', 'http.uri.raw', 'http.host', 'http.host.raw', 'http.user_agent'] as const),
  ...(['http.request_line', 'http.header', 'http.header.raw', 'http.request_header', 'http.header_names'] as const),
  ...(['http.cookie', 'http.accept', 'http.referer', 'http.protocol', 'http.start', 'payload'] as const),
];
const OF_RESPONSES: readonly BufferName[] = [
  ...(['http.stat_code', 'http.stat_msg', 'http.response_line', 'http.header', 'http.server'] as const),
  ...(['http.response_header', 'http.header_names', 'http.cookie', 'http.start', 'payload'] as const),
];

function requestHead(r: Random): string {
  const target = r.pick(['/', '/a/b.php?x=1', '/A%20b', '/a//b/../c', 'http://u@EXAMPLE.org:81/x', 'a b/ c', '/x#y']);
  return head(
    r,
    `${r.pick(['GET', 'POST', 'get', 'HEAD', 'BREW'])} ${target} ${r.pick(['HTTP/1.1', 'HTTP/1.0', ''])}`,
    [
      ...[
        'Host: Example.com',
        'host: a.example.com:8080',
        'User-Agent: Mozilla/5.0 z',
        'User-Agent: x',
        'Cookie: a=b; c=d',
      ],
      ...['Accept: */*', 'Referer: http://example.com/a', 'Referer: ****', 'X-Pw: 1', 'U: app', 'accept: x'],
      ...['Accept-Encoding: gzip', 'Connection: close', 'Cache-Control: no-cache', 'Content-Type: a/b'],
    ],
  );
}

function responseHead(r: Random): string {
  return head(r, r.pick(['HTTP/1.1 200 OK', 'HTTP/1.0 404 Not Found', 'http/1.1 500']), [
    ...['Server: nginx', 'Set-Cookie: a=b', 'Content-Type: text/html', 'Content-Length: 0', 'X: *****'],
  ]);
}

/** Mostly as it should be, at times folded, with names twice, bare line ends, or cut off. */
function head(r: Random, line: string, lines: readonly string[]): string {
  const some = lines.filter(() => r.chance(50));
  if (r.chance(10) && some[0] !== undefined) some.push(some[0]);
  const end = (): string => (r.chance(4) ? r.pick(['\n', '\r\n\t', ' \r\n', '\r\r\n']) : '\r\n');
  const text = `${line}${end()}${some.map((one) => one + end()).join('')}\r\n`;
  return r.chance(10) ? text.slice(0, r.int(text.length)) : text;
}

/** A content that stands in the buffer, or did before a byte was changed. */
function contentOf(r: Random, buffer: Uint8Array): string {
  const from = r.int(buffer.length);
  const part = buffer.slice(from, from + 1 + r.int(r.chance(10) ? 40 : 8));
  if (r.chance(20)) part[r.int(part.length)] = 0x20 + r.int(90);
  const text = [...part].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const bounds = ['', '', '', 'startswith;', 'endswith;', `depth:${from + part.length};`, `offset:${from};`];
  return `content:"|${text}|"; ${r.pick(bounds)}`;
}

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
