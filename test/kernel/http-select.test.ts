// SPDX-License-Identifier: Apache-2.0
// What the log selects by, in the kernel: what is not selected does not leave it, a request waits there for the response
// that decides, and of what is selected only the lines that the log keeps are handed over.

import t from 'tap';
import { HttpFlag, L7Limit, L7Setting } from '../../common/abi.gen.js';
import type { HttpSelection } from '../../engine/layer7/selection.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { HttpBench, type Talk } from './support/http-bench.js';
import { install } from './support/http-rig.js';
import type { SeenHttp } from './support/rig.js';

const when = { skip: whyUnprivileged() ?? false };

t.test('what the log selects by', when, async (t) => {
  const bench = new HttpBench(t);

  await t.test('each selector, asked of the request or of the response', async (t) => {
    t.strictSame(bench.one('/a'), ['/a?', '200?'], 'nothing is selected by');
    const asked: readonly (readonly [HttpSelection, Parameters<HttpBench['one']>, boolean])[] = [
      [{ method: 'GET' }, ['/a'], true],
      [{ method: 'GE' }, ['/a'], false],
      [{ method: 'POST' }, ['/a'], false],
      [{ host: 'WWW.example.org' }, ['/a', { host: 'www.EXAMPLE.org.' }], true],
      [{ host: 'www.example.org' }, ['/a', { host: 'www.example.org:8080' }], true],
      [{ host: 'ww.example.org' }, ['/a'], false],
      [{ host: 'www.example.orga' }, ['/a'], false],
      [{ host: 'www.example.org' }, ['/a', { host: 'www[example.org' }], false],
      [{ path: '/a' }, ['/a'], true],
      [{ path: '/api/v2' }, ['/api/v2/things?x=1'], true],
      [{ path: '/api/v2' }, ['/api/v3/things'], false],
      [{ path: '/api/v2' }, ['/api'], false],
      [{ path: `/${'x'.repeat(63)}` }, [`/${'x'.repeat(70)}`], true],
      [{ path: `/${'x'.repeat(63)}` }, [`/${'x'.repeat(62)}y${'x'.repeat(70)}`], false],
      [{ port: 8080 }, ['/a', { port: 8080 }], true],
      [{ port: 8080 }, ['/a'], false],
      [{ method: 'PUT', path: '/a', host: 'h', port: 80 }, ['/ab', { method: 'PUT', host: 'h' }], true],
      [{ method: 'PUT', path: '/a', host: 'h', port: 80 }, ['/ab', { method: 'PUT', host: 'g' }], false],
      [{ status: [500, 599] }, ['/a', { status: 503 }], true],
      [{ status: [404, 404] }, ['/a', { status: 405 }], false],
      [{ slowerMs: 300 }, ['/a', { ms: 300 }], true],
      [{ slowerMs: 300 }, ['/a', { ms: 299 }], false],
      [{ path: '/a', status: [500, 599], slowerMs: 300 }, ['/a', { status: 500, ms: 301 }], true],
      [{ path: '/a', status: [500, 599], slowerMs: 300 }, ['/b', { status: 500, ms: 301 }], false],
      [{ path: '/a', status: [500, 599], slowerMs: 300 }, ['/a', { status: 500, ms: 1 }], false],
    ];
    for (const [selection, transaction, taken] of asked) {
      bench.select(selection);
      const [target, { status = 200 } = {}] = transaction;
      const what = `${JSON.stringify(selection)} ${JSON.stringify(transaction)}`;
      t.strictSame(bench.one(...transaction), taken ? [`${target}!`, `${status}!`] : [], what);
    }
    t.equal(
      bench.count('LOG_LEFT_OUT', () => bench.one('/b')),
      1,
    );
    bench.select({ host: 'a' });
    t.match(bench.one('http://a/'), ['http://a/?', '200?'], 'which host is meant is for the engine to say');
  });

  await t.test('one in so many, request and response together', async (t) => {
    bench.select({ sample: 3 });
    const left = bench.count('LOG_SAMPLED', () => {
      const got = Array.from({ length: 9 }, () => bench.one('/a').length);
      t.strictSame(got, [2, 0, 0, 2, 0, 0, 2, 0, 0]);
    });
    t.equal(left, 6);
    bench.select({ sample: 2, status: [500, 599] });
    const got = Array.from({ length: 8 }, (_, n) => bench.one('/a', { status: n % 2 === 0 ? 200 : 500 }).length);
    t.equal(
      got.reduce((a, b) => a + b),
      4,
      'of those that meet the rest',
    );
  });

  await t.test('pipelined requests, interim responses, and a selection that changes meanwhile', async (t) => {
    const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    bench.select({ status: [500, 599] });
    const talk = bench.talk();
    t.strictSame(talk.asks(['/1', '/2', '/3', '/4'].map(get).join('')), []);
    t.strictSame(
      [200, 100, 503, 404, 500].map((status) => talk.answers(status, status === 100 ? '' : undefined)),
      [[], [], ['/2!', '503!'], [], ['/4!', '500!']],
    );
    t.strictSame(
      talk.asks(Array.from({ length: 10 }, (_, n) => get(`/${n}`)).join('')),
      ['/8?', '/9?'],
      'a full queue',
    );
    for (let n = 0; n < 8; n++) t.strictSame(talk.answers(200), [], String(n));
    t.strictSame(talk.answers(200), ['200?']);
    t.strictSame(talk.answers(500), ['500?'], 'the engine has the request, and selects');

    const waiting = bench.talk();
    waiting.asks(get('/held'));
    bench.select({ path: '/x' });
    t.strictSame(waiting.answers(200), ['/held!', '200!'], 'it waited for what nobody asks for any more');
    waiting.asks(get('/no'));
    bench.select({});
    t.strictSame(waiting.answers(200), [], 'what was left out stays so');
    bench.select({ status: [500, 599] });
    waiting.asks(get('/off'));
    bench.select('off');
    t.strictSame(waiting.answers(500), []);
    bench.select({ path: '/' });
    t.strictSame(waiting.asks(get('/on')), ['/on!']);
    t.strictSame(waiting.answers(200), ['200!']);
  });

  await t.test('the pool of waiting requests: bounded, reclaimed, without a secret', async (t) => {
    bench.select({ status: [500, 599] });
    const secret = 'S3cr3t-Value';
    const request = (n: number, more = ''): string =>
      `GET /p${n}?token=${secret} HTTP/1.1\r\nHost: a\r\nCookie: id=${secret}\r\nAuthorization: ${secret}\r\n${more}\r\n`;
    const long = bench.talk();
    t.equal(
      bench.count('HTTP_HELD_FULL', () => {
        t.match(long.asks(request(0, `X: ${'x'.repeat(3000)}\r\n`)), [/\?$/], 'too long to wait');
      }),
      1,
    );
    t.strictSame(long.answers(200), ['200?']);
    const talks: Talk[] = [];
    const full = bench.count('HTTP_HELD_FULL', () => {
      for (let n = 0; n < L7Limit.HELD + 200; n++) {
        const talk = bench.talk();
        talks.push(talk);
        talk.asks(request(n));
      }
    });
    t.ok(full >= 200, `${full} of ${talks.length} found no place`);
    const pool = Buffer.from(bench.rig.kernel.map('ids_held').array(L7Limit.HELD));
    t.ok(pool.includes('GET /p7?token=************ HTTP/1.1'), 'they wait as they would be handed over');
    t.notOk(pool.includes(secret));
    const [answer] = talks.slice(0, 1).map((talk) => talk.answers(500));
    t.match(answer, [/^\/p0.*!$/, '500!'], 'none was displaced');
    // The connections whose requests were answered or that were given up make room.
    bench.rig.advance(130);
    t.equal(
      bench.count('HTTP_HELD_FULL', () => void bench.one('/later')),
      0,
    );
    t.match(bench.one('/later', { status: 500 }), ['/later!', '500!']);
  });

  await t.test('only the lines that the log keeps', async (t) => {
    const lines = (side: 0 | 1, text: string, talk = bench.talk()): { text: string; seen: SeenHttp } => {
      const [seen] = talk.sections(side, text);
      if (!seen) throw new Error('nothing was handed over');
      return { text: Buffer.from(seen.section).toString('latin1'), seen };
    };
    bench.select({ headers: ['X-Request-ID', 'Authorization'] });
    const talk = bench.talk();
    const asked = lines(
      0,
      'GET /a?token=abc&b=1 HTTP/1.1\r\nAccept: */*\r\nHost: a:8080\r\nX-Request-Id: 17\r\nX-Other: 1\r\n' +
        'Cookie: secret\r\nAuthorization: Bearer abc\r\nContent-Length: 0\r\nAccept-Encoding: br\r\n\r\n',
      talk,
    );
    t.equal(
      asked.text,
      'GET /a?token=***&b=1 HTTP/1.1\r\nHost: a:8080\r\nX-Request-Id: 17\r\nAuthorization: **********\r\n' +
        'Content-Length: 0\r\n\r\n',
    );
    const { flags, masked, edges } = asked.seen.record;
    t.ok(flags & HttpFlag.HTTP_KEPT_LINES && flags & HttpFlag.HTTP_REDACTED);
    t.strictSame([masked, edges], [2, 0], 'the note of the cookie is left out with it');
    t.equal(
      lines(1, 'HTTP/1.1 200 All right\r\nServer: x\r\nX-Request-ID: 17\r\nContent-Length: 1\r\nX: y\r\n\r\nb', talk)
        .text,
      'HTTP/1.1 200 All right\r\nX-Request-ID: 17\r\nContent-Length: 1\r\n\r\n',
    );
    // What follows in the same segment, and what comes byte by byte, is whole.
    const two = 'GET /1 HTTP/1.1\r\nA: b\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: b\r\nA: b\r\n\r\n';
    const kept = ['GET /1 HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /2 HTTP/1.1\r\nHost: b\r\n\r\n'];
    const textOf = ({ section }: SeenHttp): string => Buffer.from(section).toString('latin1');
    t.strictSame(bench.talk().sections(0, two).map(textOf), kept);
    t.strictSame(bench.talk().bytewise(0, two).map(textOf), kept);
    const bare = 'GET / HTTP/1.1\nHost: a\n\nGET / HTTP/1.1\n\n';
    t.strictSame(bench.talk().sections(0, bare).map(textOf), ['GET / HTTP/1.1\nHost: a\n\n', 'GET / HTTP/1.1\n\n']);
    const long = `X-Request-ID: ${'x'.repeat(5000)}\r\n`;
    t.equal(
      lines(0, `GET / HTTP/1.1\r\nA: ${'y'.repeat(3000)}\r\n${long}B: c\r\n\r\n`).text,
      `GET / HTTP/1.1\r\n${long}\r\n`,
    );
    const folded = 'GET / HTTP/1.1\r\nX-Request-ID: a\r\n b\r\nA: c\r\n\r\n';
    t.equal(lines(0, folded).text, folded, 'folded lines are for the engine to take apart');
  });

  await t.test('what a rule wants leaves the kernel, selected or not', async (t) => {
    install(bench.rig, 'alert http any any -> any any (msg:"r"; http.method; content:"GET"; sid:1;)');
    const all = L7Setting.L7_ALL_HEADS;
    bench.select({ path: '/b' }, all);
    t.strictSame(bench.one('/a'), ['/a']);
    t.strictSame(bench.one('/b'), ['/b!', '200!']);
    bench.select({ status: [500, 599] }, all);
    t.strictSame(bench.one('/a'), ['/a?', '200?'], 'the engine has it before its response is there, and selects');
  });
});
