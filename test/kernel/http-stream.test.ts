// SPDX-License-Identifier: Apache-2.0
// HTTP as a stream: what is seen of a connection however its segments are cut, ordered, repeated and overlapped, and where
// one message ends and the next begins.

import t from 'tap';
import { ControlFlag, EventType, HttpFlag, L7Flag, L7Setting } from '../../common/abi.gen.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { Conversation } from './support/conversation.js';
import { TCP } from './support/frames.js';
import { structure } from './support/http-rig.js';
import { setLayer7 } from './support/layer7-rig.js';
import { Rig, type Seen } from './support/rig.js';

const when = { skip: whyUnprivileged() ?? false };

/** One for all tests: to load the programs takes longer than they do. */
const shared = when.skip === false ? Rig.open(t, { sizes: { ids_events: 65536, ids_bulk: 1 << 20 } }) : undefined;
const openRig = (): Rig => {
  if (!shared) throw new Error('the rig is not open');
  shared.kernel.writeStructure(structure());
  shared.kernel.control.update({ flags: ControlFlag.CONTROL_UNLIMITED | ControlFlag.CONTROL_REDACT });
  setLayer7(shared, L7Setting.L7_HTTP | L7Setting.L7_LOG_HTTP);
  shared.settle();
  return shared;
};

/** A segment: side (0 the client), where it begins in that side's bytes, its bytes, TCP flags beyond ACK. */
type Step = readonly [side: 0 | 1, at: number, payload: string, flags?: number];

/** What was handed over: direction, number, status, first line; then flags that are not always there. */
function play(rig: Rig, steps: readonly Step[]): { lines: string[]; seen: Seen[]; talk: Conversation } {
  const talk = Conversation.open(rig, { dport: 80 });
  const seen = steps.map(([side, at, payload, flags = TCP.PSH]) =>
    rig.send(talk.frame(side, { at, payload: Buffer.from(payload, 'latin1'), flags: flags | TCP.ACK })),
  );
  return { lines: linesOf(seen), seen, talk };
}

const odd: Record<string, number> = {
  truncated: HttpFlag.HTTP_TRUNCATED,
  conflict: HttpFlag.HTTP_CONFLICT,
  lengths: HttpFlag.HTTP_LENGTHS,
  gap: HttpFlag.HTTP_GAP,
};

function linesOf(seen: readonly Seen[]): string[] {
  return seen.flatMap(({ http }) =>
    http.map(({ record, section }) => {
      const [first] = Buffer.from(section).toString('latin1').split(/\r?\n/);
      const flags = Object.keys(odd).filter((name) => record.flags & (odd[name] ?? 0));
      return [record.message, first, ...flags].join(' ');
    }),
  );
}

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const ok = (more = '', body = ''): string => `HTTP/1.1 200 OK\r\n${more}\r\n${body}`;

/** Both sides' bytes, each whole in one segment, and what they must come to. */
interface Exchange {
  readonly client: string;
  readonly server: string;
  readonly lines: readonly string[];
}

const chunked = 'Transfer-Encoding: chunked\r\n';
const exchanges: Record<string, Exchange> = {
  'one request and its response': {
    client: get('/a'),
    server: ok('Content-Length: 0\r\n'),
    lines: ['1 GET /a HTTP/1.1', '1 HTTP/1.1 200 OK'],
  },
  'bare line feeds': {
    client: 'GET /a HTTP/1.1\nHost: a\n\n',
    server: 'HTTP/1.1 200 OK\nContent-Length: 2\n\nab',
    lines: ['1 GET /a HTTP/1.1', '1 HTTP/1.1 200 OK'],
  },
  'folded lines': {
    client: 'GET /a HTTP/1.1\r\nX: a\r\n b\r\n\tc\r\nHost: a\r\n\r\n' + get('/b'),
    server: '',
    lines: ['1 GET /a HTTP/1.1', '2 GET /b HTTP/1.1'],
  },
  'pipelined requests': {
    client: get('/a') + get('/b') + get('/c'),
    server: ok('Content-Length: 1\r\n', 'x') + ok('Content-Length: 0\r\n') + ok('Content-Length: 2\r\n', 'xy'),
    lines: [
      ...['1 GET /a HTTP/1.1', '2 GET /b HTTP/1.1', '3 GET /c HTTP/1.1'],
      ...['1 HTTP/1.1 200 OK', '2 HTTP/1.1 200 OK', '3 HTTP/1.1 200 OK'],
    ],
  },
  'a body that looks like a request': {
    client: `POST /a HTTP/1.1\r\nContent-Length: ${get('/x').length}\r\n\r\n${get('/x')}${get('/b')}`,
    server: ok(`Content-Length: ${ok().length}\r\n`, ok()) + 'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n',
    lines: ['1 POST /a HTTP/1.1', '2 GET /b HTTP/1.1', '1 HTTP/1.1 200 OK', '2 HTTP/1.1 404 No'],
  },
  'a body in chunks, with extensions and a trailer': {
    client:
      `POST /a HTTP/1.1\r\n${chunked}\r\n5;a="b"\r\nhello\r\n1F\r\n${get('/x').slice(0, 31).padEnd(31, 'y')}\r\n` +
      `0\r\nX-Trailer: GET / HTTP/1.1\r\n\r\n${get('/b')}`,
    server: ok(chunked, 'a\r\n0123456789\r\n0\r\n\r\n') + ok('Content-Length: 0\r\n'),
    lines: ['1 POST /a HTTP/1.1', '2 GET /b HTTP/1.1', '1 HTTP/1.1 200 OK', '2 HTTP/1.1 200 OK'],
  },
  'chunks with bare line feeds': {
    client: `POST /a HTTP/1.1\r\n${chunked}\r\n3\nabc\n0\n\n${get('/b')}`,
    server: '',
    lines: ['1 POST /a HTTP/1.1', '2 GET /b HTTP/1.1'],
  },
  '100 Continue': {
    client: `POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab${get('/b')}`,
    server: 'HTTP/1.1 100 Continue\r\n\r\n' + ok('Content-Length: 0\r\n') + ok('Content-Length: 0\r\n'),
    lines: [
      ...['1 POST /a HTTP/1.1', '2 GET /b HTTP/1.1'],
      ...['1 HTTP/1.1 100 Continue', '1 HTTP/1.1 200 OK', '2 HTTP/1.1 200 OK'],
    ],
  },
  'HEAD, 204 and 304 have no body, whatever their length says': {
    client: 'HEAD /a HTTP/1.1\r\n\r\n' + get('/b') + get('/c') + get('/d'),
    server:
      ok('Content-Length: 500\r\n') +
      'HTTP/1.1 204 No\r\nContent-Length: 500\r\n\r\n' +
      `HTTP/1.1 304 Not\r\n${chunked}\r\n` +
      ok('Content-Length: 0\r\n'),
    lines: [
      ...['1 HEAD /a HTTP/1.1', '2 GET /b HTTP/1.1', '3 GET /c HTTP/1.1', '4 GET /d HTTP/1.1'],
      ...['1 HTTP/1.1 200 OK', '2 HTTP/1.1 204 No', '3 HTTP/1.1 304 Not', '4 HTTP/1.1 200 OK'],
    ],
  },
  'a response to the end of the connection': {
    client: get('/a') + get('/b'),
    server: ok('', ok()),
    lines: ['1 GET /a HTTP/1.1', '2 GET /b HTTP/1.1', '1 HTTP/1.1 200 OK'],
  },
  'HTTP/1.0 with a length': {
    client: 'GET /a HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n',
    server: 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx',
    lines: ['1 GET /a HTTP/1.0', '2 GET /b HTTP/1.0', '1 HTTP/1.0 200 OK', '2 HTTP/1.0 200 OK'],
  },
  'a tunnel by CONNECT hides what it carries, but for what its first bytes say': {
    client: 'CONNECT a:1 HTTP/1.1\r\n\r\n',
    server: ok() + '\x05\x00binary' + ok(),
    lines: ['1 CONNECT a:1 HTTP/1.1', '1 HTTP/1.1 200 OK'],
  },
  'another protocol by 101': {
    client: get('/a', 'Upgrade: websocket\r\nConnection: upgrade\r\n'),
    server: 'HTTP/1.1 101 Switching\r\n\r\n\x81\x05hello' + ok(),
    lines: ['1 GET /a HTTP/1.1', '1 HTTP/1.1 101 Switching'],
  },
  'empty lines between messages': {
    client: `\r\n\r\n${get('/a')}\r\n${get('/b')}`,
    server: '',
    lines: ['1 GET /a HTTP/1.1', '2 GET /b HTTP/1.1'],
  },
  'equal lengths twice': {
    client: `POST /a HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc${get('/b')}`,
    server: '',
    lines: ['1 POST /a HTTP/1.1', '2 GET /b HTTP/1.1'],
  },
  'two lengths: an event, and nothing is skipped': {
    client: `POST /a HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n${get('/b')}`,
    server: '',
    lines: ['1 POST /a HTTP/1.1 lengths', '2 GET /b HTTP/1.1'],
  },
  'a length and chunks': {
    client: `POST /a HTTP/1.1\r\nContent-Length: 300\r\n${chunked}\r\n${get('/b')}`,
    server: '',
    lines: ['1 POST /a HTTP/1.1 lengths', '2 GET /b HTTP/1.1'],
  },
  'a length that is none': {
    client: `POST /a HTTP/1.1\r\nContent-Length: +30\r\n\r\n${get('/b')}`,
    server: '',
    lines: ['1 POST /a HTTP/1.1 lengths', '2 GET /b HTTP/1.1'],
  },
  'a coding that is not chunked': {
    client: `POST /a HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n${get('/b')}`,
    server: '',
    lines: ['1 POST /a HTTP/1.1 lengths', '2 GET /b HTTP/1.1'],
  },
  'codings that end in chunked': {
    client: `POST /a HTTP/1.1\r\nTransfer-Encoding: gzip , Chunked \r\n\r\n1\r\na\r\n0\r\n\r\n${get('/b')}`,
    server: '',
    lines: ['1 POST /a HTTP/1.1', '2 GET /b HTTP/1.1'],
  },
};

/** The segments of one side. */
const cutAt = (side: 0 | 1, text: string, cuts: readonly number[]): Step[] =>
  [0, ...cuts].map((from, i) => [side, from, text.slice(from, cuts[i])]);

t.test('messages are told apart, whole in a segment, one byte a segment, in any order', when, async (t) => {
  const rig = openRig();
  for (const [name, { client, server, lines }] of Object.entries(exchanges)) {
    t.strictSame(play(rig, [...cutAt(0, client, []), ...cutAt(1, server, [])]).lines, lines, name);
    const each = (text: string): number[] => Array.from({ length: Math.max(text.length - 1, 0) }, (_, i) => i + 1);
    const bytes = [...cutAt(0, client, each(client)), ...cutAt(1, server, each(server))];
    t.strictSame(play(rig, bytes).lines, lines, `${name}, one byte a segment`);
    for (let run = 1; run <= 2; run++) {
      const pieces = (text: string): number[] =>
        Array.from({ length: 6 }, (_, i) => Math.floor((text.length * (i + 1)) / 7 + run)).filter(
          (at) => at < text.length,
        );
      const backwards = [...cutAt(0, client, pieces(client)).reverse(), ...cutAt(1, server, pieces(server)).reverse()];
      t.strictSame(play(rig, backwards).lines, lines, `${name}, the last segment first`);
    }
  }
});

t.test('every cut of a request and a response in two', when, async (t) => {
  const rig = openRig();
  const client = `POST /a HTTP/1.1\r\nHost: a\r\n${chunked}\r\n3\r\nabc\r\n0\r\n\r\n${get('/b')}`;
  const server = ok('Content-Length: 3\r\n', 'abc') + ok(chunked, '1\r\nx\r\n0\r\n\r\n');
  const lines = ['1 POST /a HTTP/1.1', '2 GET /b HTTP/1.1', '1 HTTP/1.1 200 OK', '2 HTTP/1.1 200 OK'];
  for (let cut = 1; cut < Math.max(client.length, server.length); cut++) {
    const steps = [...cutAt(0, client, [cut]), ...cutAt(1, server, [cut])].filter(([, , text]) => text !== '');
    const forth = play(rig, steps).lines;
    const sides = [0, 1].flatMap((side) => steps.filter((step) => step[0] === side).reverse());
    const back = play(rig, sides).lines;
    if (forth.join() !== lines.join() || back.join() !== lines.join())
      t.strictSame([forth, back], [lines, lines], `${cut}`);
  }
});

t.test('retransmissions and overlaps', when, async (t) => {
  const rig = openRig();
  const text = get('/abcdefghij');
  const conflicts = (seen: readonly Seen[]): number[] => seen.flatMap(({ events }) => events.map(({ rule }) => rule));
  const cases: Record<string, { steps: readonly Step[]; lines: readonly string[]; events?: readonly number[] }> = {
    'sent twice': {
      steps: [
        [0, 0, text],
        [0, 0, text],
      ],
      lines: ['1 GET /abcdefghij HTTP/1.1'],
    },
    'a part sent twice': {
      steps: [
        [0, 0, text.slice(0, 20)],
        [0, 10, text.slice(10, 20)],
        [0, 5, text.slice(5)],
      ],
      lines: ['1 GET /abcdefghij HTTP/1.1'],
    },
    'overlap in order, other content: the first one wins': {
      steps: [
        [0, 0, text.slice(0, 10)],
        [0, 5, 'XXXXX' + text.slice(10)],
      ],
      lines: ['1 GET /abcdefghij HTTP/1.1 conflict'],
      events: [L7Flag.L7_CONFLICT],
    },
    'overlap out of order, other content: the first one wins': {
      steps: [
        [0, 8, text.slice(8, 12)],
        [0, 0, text.slice(0, 7) + 'XXXXX' + text.slice(12)],
      ],
      lines: ['1 GET /abXdefghij HTTP/1.1 conflict'].map((line) => line.replace('abX', 'abX')),
      events: [L7Flag.L7_CONFLICT],
    },
    'a segment within a hole': {
      steps: [
        [0, 12, text.slice(12)],
        [0, 4, text.slice(4, 8)],
        [0, 0, text.slice(0, 14)],
      ],
      lines: ['1 GET /abcdefghij HTTP/1.1'],
    },
    'a new request behind one that is sent again': {
      steps: [
        [0, 0, text],
        [0, 0, text + get('/b')],
      ],
      lines: ['1 GET /abcdefghij HTTP/1.1', '2 GET /b HTTP/1.1'],
    },
  };
  for (const [name, { steps, lines, events = [] }] of Object.entries(cases)) {
    const { lines: got, seen } = play(rig, steps);
    if (name.startsWith('overlap out')) t.match(got.join(), /conflict/, name);
    else t.strictSame(got, lines, name);
    t.strictSame(conflicts(seen), events, `${name}: events`);
    for (const { events } of seen) for (const { type } of events) t.equal(type, EventType.EVENT_ANOMALY);
  }
});

t.test('16 KiB are handed over, more is cut, counted and an event', when, async (t) => {
  const rig = openRig();
  const head = 'GET /a HTTP/1.1\r\nX: ';
  for (const [length, whole] of [
    [16_384, true],
    [16_385, false],
    [30_000, false],
  ] as const) {
    const text = `${head.padEnd(length - 4, 'x')}\r\n\r\n`;
    for (const size of [1460, 60_000]) {
      const cuts = Array.from({ length: Math.ceil(text.length / size) - 1 }, (_, i) => (i + 1) * size);
      const { lines, seen } = play(rig, cutAt(0, text, cuts));
      t.strictSame(lines, [`1 GET /a HTTP/1.1${whole ? '' : ' truncated'}`], `${length} in ${size}`);
      const stats = seen.map(({ stats }) => stats['SECTIONS_LONG'] ?? 0).reduce((a, b) => a + b);
      t.equal(stats, whole ? 0 : 1);
    }
  }
});

t.test('what is missing for good', when, async (t) => {
  const rig = openRig();
  const client = get('/a') + get('/b');
  const { lines, talk } = play(rig, [[0, 10, client.slice(10)]]);
  t.strictSame(lines, []);
  // The server acknowledges all of it: what is missing will not come.
  talk.seq[0] += client.length;
  rig.push(talk.frame(1, { flags: TCP.ACK }));
  const after = rig.send(talk.frame(0, { payload: Buffer.from(get('/c')) }));
  t.strictSame(linesOf([after]), ['1 GET /c HTTP/1.1 gap']);
  t.equal(after.stats['SECTIONS_WITHHELD'], 1);
});

t.test('HTTP/2 with prior knowledge is recognised and left alone, as other protocols are', when, async (t) => {
  const rig = openRig();
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  const { lines, seen } = play(rig, [
    [0, 0, preface],
    [0, preface.length, get('/a')],
    [1, 0, ok()],
  ]);
  t.strictSame(lines, []);
  t.equal(seen[0]?.stats['HTTP2'], 1);
  for (const first of ['SSH-2.0-x\r\n', '\x00\x01\x02\x03', 'EHLO a\r\n']) {
    t.strictSame(
      play(rig, [
        [0, 0, first],
        [0, first.length, get('/a')],
      ]).lines,
      [],
      first,
    );
  }
});

t.test('responses that nobody asks for are not read, unless one may change what is spoken', when, async (t) => {
  const rig = openRig();
  const asked = (more: number): void => setLayer7(rig, L7Setting.L7_HTTP | more);
  const talk = Conversation.open(rig, { dport: 80 });
  const say = (side: 0 | 1, payload: string): Seen => {
    const seen = rig.send(talk.frame(side, { payload: Buffer.from(payload, 'latin1') }));
    talk.seq[side] += payload.length;
    return seen;
  };
  const told = (side: 0 | 1, payload: string): string[] => linesOf([say(side, payload)]);

  asked(L7Setting.L7_ALL_HEADS);
  t.strictSame(told(0, get('/a')), ['1 GET /a HTTP/1.1']);
  t.strictSame(say(1, ok('Content-Length: 4\r\n')).stats['HTTP_RESPONSES'], undefined);
  t.strictSame(told(1, 'body'), []);

  asked(L7Setting.L7_LOG_HTTP);
  t.strictSame(told(1, '{"still": "a body"}'), []);
  t.strictSame(told(0, get('/b')), ['2 GET /b HTTP/1.1']);
  t.strictSame(told(1, ok('Content-Length: 4\r\n') + 'body'), ['2 HTTP/1.1 200 OK gap']);
  t.strictSame(told(0, get('/c')), ['3 GET /c HTTP/1.1']);
  asked(L7Setting.L7_RESPONSES);
  t.equal(say(1, ok('Content-Length: 0\r\n')).stats['HTTP_RESPONSES'], 1);

  asked(L7Setting.L7_ALL_HEADS);
  t.strictSame(told(0, get('/d')), ['4 GET /d HTTP/1.1']);
  t.equal(say(1, ok('Content-Length: 0\r\n')).stats['HTTP_RESPONSES'], undefined);
  t.strictSame(told(0, get('/chat', 'Upgrade: websocket\r\n')), ['5 GET /chat HTTP/1.1']);
  t.equal(say(1, 'HTTP/1.1 101 Switching Protocols\r\n\r\n').stats['HTTP_RESPONSES'], 1);
  t.equal(say(0, '\x81\x85').stats['HTTP_RESYNCS'], undefined, 'no request was expected');

  const tunnel = Conversation.open(rig, { dport: 80 });
  for (const [side, payload] of [
    [0, get('/a')],
    [1, ok('Content-Length: 0\r\n')],
    [0, 'CONNECT b:1 HTTP/1.1\r\nHost: b:1\r\n\r\n'],
    [1, ok()],
  ] as const) {
    rig.send(tunnel.frame(side, { payload: Buffer.from(payload) }));
    tunnel.seq[side] += payload.length;
  }
  const inside = rig.send(tunnel.frame(0, { payload: Buffer.from('SSH-2.0-x\r\n') }));
  t.equal(inside.stats['HTTP_RESYNCS'], undefined);
});
