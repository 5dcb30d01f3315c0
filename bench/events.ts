// SPDX-License-Identifier: Apache-2.0
// Events a second through ring, decode and rules, on one thread: the kernel fills the rings untimed, the judge empties them.

import { ControlFlag, L7Setting } from '../common/abi.gen.js';
import { eveLine } from '../alerts/index.js';
import { indexKey, Kernel, RingReader } from '../engine/bpf/index.js';
import { languageOptions, ruleFiles } from '../engine/config/index.js';
import { readSources } from '../engine/files.js';
import { Judge } from '../engine/judge/judge.js';
import { settingsBytes } from '../engine/layer7/settings.js';
import { defaultRedaction } from '../engine/layer7/structure/names.js';
import { structureTable } from '../engine/layer7/structure/structure-table.js';
import { compileRules } from '../rules/index.js';
import { tcp, TCP } from '../test/kernel/support/frames.js';
import { median, print, type Row } from './report.js';

const ROUNDS = 9;
/** Fits the alert ring (4 MiB, 136 bytes a record). */
const ALERTS = 24_000;
/** Fits the bulk ring (16 MiB). */
const REQUESTS = 16_000;

/** Where a frame has its sequence number: behind Ethernet, IPv4 and the ports. */
const SEQ = 14 + 20 + 4;

const request = [
  'GET /products/list?page=3&sort=price HTTP/1.1',
  'Host: shop.example.com',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Language: en-US,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br',
  'Cookie: session=0123456789abcdef0123456789abcdef',
  'Connection: keep-alive',
  '',
  '',
].join('\r\n');

export function benchEvents(): void {
  const kernel = Kernel.open();
  const compiled = compileRules(readSources(ruleFiles(undefined, '.')), languageOptions({ homeNet: ['10.0.0.0/8'] }));
  kernel.writeStructure(structureTable({ ...defaultRedaction, kept: [] }));
  const { CONTROL_UNLIMITED, CONTROL_REDACT, CONTROL_MIDSTREAM } = ControlFlag;
  kernel.control.update({ flags: CONTROL_UNLIMITED | CONTROL_REDACT | CONTROL_MIDSTREAM });
  // Every head, also those that the kernel would keep back.
  const flags = L7Setting.L7_HTTP | L7Setting.L7_ALL_HEADS;
  const settings = settingsBytes({ flags, depth: [8192, 8192], hashKey: [1n, 2n], ignored: [], shallow: [] });
  kernel.map('ids_l7_settings').put(indexKey(0), settings);
  kernel.installRuleset(compiled.ruleset, 1);
  const judge = new Judge({ timeUs: (ns) => ns / 1000, interfaceName: () => 'eth0', replay: false });
  judge.install({ generation: 1, ...compiled });
  const events = RingReader.open(kernel.rings.events);
  const bulk = RingReader.open(kernel.rings.bulk);
  const from = { src: '192.0.2.7', dst: '10.0.0.1', sport: 40000, dport: 80 };
  const scan = tcp({ ...from, flags: TCP.SYN | TCP.FIN });
  const head = tcp({ ...from, flags: TCP.ACK | TCP.PSH, payload: Buffer.from(request, 'latin1') });

  let seq = 1;
  const decoded: number[] = [];
  const delivered: number[] = [];
  const heads: number[] = [];
  const timed = (count: number, work: () => void): number => {
    const start = performance.now();
    work();
    return (count * 1000) / (performance.now() - start);
  };
  for (let round = 0; round < ROUNDS; round++) {
    kernel.run(scan, { repeat: ALERTS });
    decoded.push(timed(ALERTS, () => void events.drain((view, at) => judge.onEvent(view, at))));
    const raised = judge.take();
    delivered.push(timed(raised.length, () => raised.forEach(({ detection }) => eveLine(detection))));
    for (let n = 0; n < REQUESTS; n++, seq += request.length) {
      new DataView(head.buffer, head.byteOffset).setUint32(SEQ, seq);
      kernel.run(head);
    }
    let sections = 0;
    const read = (): void =>
      void bulk.drain((view, at, length) => {
        sections++;
        judge.onBulk(view, at, length);
      });
    heads.push(timed(REQUESTS, read));
    if (sections < REQUESTS) throw new Error(`${sections} of ${REQUESTS} sections came through`);
    judge.take();
  }
  const rate = (values: readonly number[]): string => `${Math.round(median(values)).toLocaleString('en-US')} /s`;
  const rows: Row[] = [
    { what: 'alert events: ring, decode, rule, detection', figure: rate(decoded) },
    { what: 'detections written as EVE JSON', figure: rate(delivered) },
    { what: `HTTP header sections: ring, parse, ${compiled.summary.engine} rules`, figure: rate(heads) },
  ];
  print('Events a second on one thread', rows);
  const stats = kernel.stats();
  console.log(`\nlost in the rings: ${stats[1] ?? 0} events, ${stats[4] ?? 0} header sections`);
  bulk.close();
  events.close();
  kernel.close();
}
