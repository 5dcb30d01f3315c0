// SPDX-License-Identifier: Apache-2.0
// Mutated packets through the whole program with the shipped rules: a verdict for every one, and every one counted under
// one reason. IDS_FUZZ sets the number of packets.
import t from 'tap';
import { languageOptions, ruleFiles } from '../../engine/config/index.js';
import { readSources } from '../../engine/files.js';
import { defaultRedaction } from '../../engine/layer7/structure/names.js';
import { structureTable } from '../../engine/layer7/structure/structure-table.js';
import { compileRules } from '../../rules/index.js';
import { privileged } from '../helpers/privileged.js';
import { seededRandom } from '../helpers/random-section.js';
import { icmp, tcp, TCP, udp } from './support/frames.js';
import { chain6, extension, Next } from './support/packets.js';
import { Rig } from './support/rig.js';

const PACKETS = Number(process.env['IDS_FUZZ'] ?? 100_000);
const v4 = { src: '192.0.2.7', dst: '10.0.0.1' };
const v6 = { src: '2001:db8::7', dst: '2001:db8::1' };
const request = 'GET /a HTTP/1.1\r\nHost: a\r\nCookie: secret\r\nUser-Agent: sqlmap\r\n\r\n';

const seeds: readonly Uint8Array[] = [
  tcp({ ...v4, flags: TCP.SYN }),
  tcp({ ...v4, flags: TCP.ACK | TCP.PSH, payload: request }),
  tcp({
    ...v4,
    flags: TCP.SYN,
    tcpOptions: Uint8Array.of(2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0),
  }),
  tcp({ ...v4, flags: TCP.ACK, options: Uint8Array.of(7, 7, 4, 0, 0, 0, 0, 0), vlan: [5, 6] }),
  tcp({ ...v6, flags: TCP.ACK | TCP.PSH, payload: request, vlan: [7] }),
  udp({ ...v4, payload: 'query' }),
  udp({ ...v4, fragment: 0x2000, payload: new Uint8Array(600) }),
  udp({ ...v4, fragment: 185, payload: new Uint8Array(100) }),
  udp(v6),
  icmp({ ...v4, type: 8, code: 0 }),
  icmp({ ...v6, type: 128, code: 0 }),
  chain6(v6, [extension.hop(), extension.routing(), extension.dest(), extension.auth()], Next.TCP, new Uint8Array(40)),
];

if (privileged(t)) {
  t.test('mutated packets', async (t) => {
    const rig = Rig.open(t);
    const compiled = compileRules(readSources(ruleFiles(undefined, '.')), languageOptions({ homeNet: ['10.0.0.0/8'] }));
    rig.kernel.writeStructure(structureTable({ ...defaultRedaction, kept: [] }));
    rig.kernel.installRuleset(compiled.ruleset, 1);
    const random = seededRandom(20260101);
    const below = (bound: number): number => Math.floor(random() * bound);
    const verdicts = new Map<number, number>();
    for (let i = 0; i < PACKETS; i++) {
      const frame = (seeds[below(seeds.length)] ?? new Uint8Array(14)).slice();
      // The headers are where the decisions are; a few bytes anywhere as well.
      for (let n = below(4); n > 0; n--) frame[12 + below(Math.min(80, frame.length - 12))] = below(256);
      if (below(4) === 0) frame[below(frame.length)] = below(256);
      const cut = below(3) === 0 ? frame.subarray(0, 14 + below(frame.length - 13)) : frame;
      if (i % 64 === 0) rig.advance(0.01);
      const { verdict } = rig.push(cut, { ifindex: 1 });
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      if (i % 512 === 0) rig.drain();
    }
    const counted = rig.kernel.verdicts().reduce((sum, { packets }) => sum + packets, 0);
    t.equal(counted, PACKETS, 'every packet is counted under exactly one reason');
    t.notOk(verdicts.has(0), 'no program run was aborted');
    t.equal(
      [1, 2, 3].reduce((sum, verdict) => sum + (verdicts.get(verdict) ?? 0), 0),
      PACKETS,
      'only DROP, PASS and TX',
    );
    const reasons = new Map(rig.kernel.verdicts().map(({ reason, packets }) => [reason, packets]));
    t.equal(reasons.get(10) ?? 0, 0, 'no table was missing');
    const decoded = rig.kernel.decodes().filter((packets) => packets > 0).length;
    t.ok(decoded >= 25, `${decoded} kinds of damage were seen`);
    t.ok((verdicts.get(1) ?? 0) > 0 && (verdicts.get(2) ?? 0) > 0, 'some were dropped, some passed');
  });
}
