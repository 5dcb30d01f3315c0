// SPDX-License-Identifier: Apache-2.0
// What a logged HTTP transaction costs the engine: two records of the bulk ring in, one EVE line out.

import { EventFlag, EventLayout, EventType, HttpFlag, HttpLayout } from '../common/abi.gen.js';
import { Judge } from '../engine/judge/judge.js';
import { FlowStates } from '../engine/layer7/flow-states.js';
import { HttpLog } from '../engine/layer7/http-log.js';
import { LogLines } from '../engine/layer7/log-lines.js';
import { RecordPool } from '../engine/layer7/record-copy.js';
import { compileRules } from '../rules/index.js';
import { median, print, type Row } from './report.js';

const ROUNDS = 9;
const TRANSACTIONS = 100_000;

export const browserRequest =
  'GET /shop/items?page=2&sort=price HTTP/1.1\r\nHost: www.example.org\r\nConnection: keep-alive\r\n' +
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n' +
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n' +
  'Referer: https://www.example.org/shop\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\n' +
  'Cookie: ********************************\r\n\r\n';
export const toolRequest = 'GET /index.html HTTP/1.1\r\nHost: 10.1.0.1\r\nUser-Agent: wrk/4.1.0\r\n\r\n';
export const nginxResponse =
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Thu, 26 Nov 2026 03:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\n' +
  'Content-Length: 612\r\nLast-Modified: Mon, 20 Nov 2026 10:00:00 GMT\r\nConnection: keep-alive\r\nETag: "64c8-264"\r\n' +
  'Accept-Ranges: bytes\r\n\r\n';

/** A record of the bulk ring that holds `section`. */
export function headRecord(section: string, response: boolean): Uint8Array {
  const bytes = new Uint8Array((HttpLayout.SIZE + section.length + 7) & ~7);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from(section, 'latin1'), HttpLayout.SIZE);
  const ends = ['00000000000000000000ffff0a010002', '00000000000000000000ffff0a010001'];
  const [source = '', destination = ''] = response ? ends.reverse() : ends;
  bytes.set(Buffer.from(source, 'hex'), EventLayout.saddr);
  bytes.set(Buffer.from(destination, 'hex'), EventLayout.daddr);
  view.setUint8(EventLayout.type, EventType.EVENT_HTTP);
  view.setUint8(EventLayout.flags, EventFlag.EVENT_PORTS | EventFlag.EVENT_L4);
  view.setUint16(EventLayout.sport, response ? 80 : 40000);
  view.setUint16(EventLayout.dport, response ? 40000 : 80);
  view.setUint8(EventLayout.proto, 6);
  view.setUint8(EventLayout.ipVersion, 4);
  view.setUint8(EventLayout.direction, response ? 1 : 0);
  view.setUint32(HttpLayout.length, section.length, true);
  view.setUint32(HttpLayout.flags, HttpFlag.HTTP_LOGGED | (response ? HttpFlag.HTTP_RESPONSE : 0), true);
  view.setUint32(HttpLayout.latencyUs, response ? 153 : 0, true);
  view.setUint16(HttpLayout.status, response ? 200 : 0, true);
  return bytes;
}

/** Microseconds of processor time for a transaction. @param flows over which the transactions go; `fresh`: each is a flow of its own */
function measure(request: string, flows: number, fresh: boolean): { us: number; bytes: number } {
  const lines = new LogLines(new Set(['http']));
  const context = {
    timeUs: (ns: number) => Math.floor(ns / 1000) + 1.8e15,
    interfaceName: () => 'eth0',
    replay: false,
  };
  const log = new HttpLog(lines, context, new RecordPool());
  const states = new FlowStates((flow) => log.onEnd(flow));
  const asked = headRecord(request, false);
  const answered = headRecord(nginxResponse, true);
  // Both in one memory, as in the ring.
  const ring = new Uint8Array(asked.length + answered.length);
  ring.set(asked);
  ring.set(answered, asked.length);
  const view = new DataView(ring.buffer);
  const second = asked.length;
  let bytes = 0;
  const times: number[] = [];
  let n = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const begin = process.cpuUsage();
    for (let i = 0; i < TRANSACTIONS; i++, n++) {
      const index = n % flows;
      const id = fresh ? n + 1 : index + 1;
      const message = fresh ? 1 : Math.floor(n / flows) + 1;
      for (const at of [0, second]) {
        view.setUint32(at + EventLayout.time, n, true);
        view.setUint32(at + HttpLayout.message, message, true);
        if (fresh) view.setUint16(at + (at === 0 ? EventLayout.sport : EventLayout.dport), 1024 + (n % 60_000));
      }
      const state = states.get(id, index, n);
      log.onHead(view, ring, 0, asked.length, state);
      log.onHead(view, ring, second, answered.length, state);
      if ((n & 63) === 0) for (const batch of lines.take(false)) bytes += batch.bytes.length;
    }
    const { user, system } = process.cpuUsage(begin);
    times.push((user + system) / TRANSACTIONS);
  }
  return { us: median(times), bytes: bytes / n };
}

/** Microseconds of processor time for a request that is judged by the rules and not logged. */
function measureJudged(request: string, rules: number): number {
  const text = Array.from(
    { length: rules },
    (_, n) => `alert http any any -> any any (http.user_agent; content:"bad agent ${n}"; nocase; sid:${n + 1};)`,
  ).join('\n');
  const options = { addressVars: {}, portVars: {}, redact: [] };
  const compiled = compileRules([{ file: 'bench.rules', text }], options);
  const judge = new Judge({ timeUs: (ns) => ns / 1000, interfaceName: () => 'eth0', replay: false });
  judge.install({ generation: 1, ...compiled });
  const record = headRecord(request, false);
  const view = new DataView(record.buffer);
  view.setUint32(EventLayout.generation, 1, true);
  view.setUint32(EventLayout.flowId, 9, true);
  view.setUint32(HttpLayout.flags, HttpFlag.HTTP_WANTED, true);
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begin = process.cpuUsage();
    for (let n = 0; n < TRANSACTIONS; n++) {
      view.setUint32(HttpLayout.message, n + 1, true);
      judge.onBulk(view, 0, record.length);
    }
    const { user, system } = process.cpuUsage(begin);
    times.push((user + system) / TRANSACTIONS);
  }
  return median(times);
}

export function benchLayer7(): void {
  const rows = (
    [
      ['browser request, kept-alive', browserRequest, 256, false],
      ['short request, kept-alive', toolRequest, 256, false],
      ['short request, a flow each', toolRequest, 4096, true],
    ] as const
  ).map(([what, request, flows, fresh]): Row => {
    const { us, bytes } = measure(request, flows, fresh);
    return { what, figure: `${us.toFixed(2)} µs`, ratio: `${Math.round(bytes)} bytes a line` };
  });
  print('HTTP transactions logged: request and response in, one EVE line out', rows);
  const judged = [10, 2000].flatMap((rules) =>
    (
      [
        ['browser', browserRequest],
        ['short', toolRequest],
      ] as const
    ).map(([what, request]): Row => {
      const figure = `${measureJudged(request, rules).toFixed(2)} µs`;
      return { what: `${what} request, ${rules.toLocaleString('en-US')} rules`, figure };
    }),
  );
  print('HTTP requests judged by rules and not logged', judged);
}
