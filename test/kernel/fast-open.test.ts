// SPDX-License-Identifier: Apache-2.0
// TCP Fast Open (RFC 7413): what a SYN brings along is judged as the beginning of the stream; where the server refuses it,
// what the client sends in its place is judged, and nothing twice.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { replayCaptures } from '../../engine/replay/replay.js';
import { pcap } from '../helpers/pcap.js';
import { privileged } from '../helpers/privileged.js';
import { benchKernels } from './support/bench-pool.js';
import { Talk } from './support/talk.js';

const rules = `
alert http any any -> any any (msg:"one"; http.uri; content:"/one"; sid:1;)
alert http any any -> any any (msg:"two"; http.uri; content:"/two"; sid:2;)
alert tcp any any -> any any (msg:"raw"; content:"one"; sid:3;)
alert tcp any any -> any any (msg:"raw"; content:"two"; sid:4;)
alert http any any -> any any (msg:"later"; http.uri; content:"/later"; sid:5;)
drop http any any -> any any (msg:"kernel"; http.user_agent; content:"evil"; sid:6;)`;
const cookie = Uint8Array.of(34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1);
const request = (path: string, agent = 'x'): Buffer =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nHost: h\r\nUser-Agent: ${agent}\r\n\r\n`);

if (privileged(t)) {
  const folder = mkdtempSync(join(tmpdir(), 'ids-fast-open-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));

  /** Alerts as `sid@packet`, and the logged URLs. */
  const replay = (frames: readonly Uint8Array[]): { alerts: string; urls: string } => {
    const capture = join(folder, 'capture.pcap');
    writeFileSync(capture, pcap(frames.map((frame, i) => [i, frame])));
    const [alerts, urls]: string[][] = [[], []];
    replayCaptures({
      sources: [{ file: 'test.rules', text: rules }],
      captures: [capture],
      redact: false,
      inline: false,
      kernels: benchKernels,
      logs: ['http'],
      onLines: ({ bytes }) => {
        const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString().trim().split('\n');
        urls?.push(...lines.map((line) => (JSON.parse(line) as { http: { url: string } }).http.url));
      },
      onDetection: ({ kind, rule, pcapCnt }) => {
        if (kind === 'alert') alerts?.push(`${rule?.sid}@${pcapCnt}`);
      },
    });
    return { alerts: alerts?.sort().join(' ') ?? '', urls: urls?.join(' ') ?? '' };
  };

  /** A SYN with a request, its answer, and then what the client sends. */
  const talk = (first: Buffer, taken: boolean, ...later: Buffer[]): Uint8Array[] => {
    const one = new Talk();
    const isn = one.next[0];
    const syn = one.syn({ payload: first, tcpOptions: cookie });
    one.next[0] = isn + 1 + (taken ? first.length : 0);
    const rest = later.map((payload) => () => one.up({ payload }));
    return [syn, one.answer(), one.up(), ...rest.map((send) => send())];
  };

  t.test('taken by the server', async (t) => {
    const got = replay(talk(request('/one'), true, request('/later')));
    t.same(got, { alerts: '1@1 3@1 5@4', urls: '/one /later' });
  });

  t.test('refused and sent again', async (t) => {
    const got = replay(talk(request('/one', 'evil'), false, request('/one', 'evil'), request('/later')));
    // A header rule of the kernel is about packets, and there are two of them.
    t.same(got, { alerts: '1@1 3@1 5@5 6@1 6@4', urls: '/one /later' });
  });

  t.test('refused, and something else comes in its place', async (t) => {
    const got = replay(talk(request('/one'), false, request('/two', 'evil'), request('/later')));
    t.same(got, { alerts: '1@1 2@4 3@1 4@4 5@5 6@4', urls: '/two /later' });
  });

  t.test('refused in the middle of a header section', async (t) => {
    const [head, tail] = [request('/two').subarray(0, 20), request('/two').subarray(20)];
    const got = replay(talk(request('/one').subarray(0, 20), false, head, tail));
    t.same(got, { alerts: '2@5 3@1 4@4', urls: '/two' });
  });
}
