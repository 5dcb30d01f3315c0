// SPDX-License-Identifier: Apache-2.0
// The shipped header rules on the real program: attacks raise the rule that names them, honest traffic raises nothing.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { compileRules } from '../../rules/index.js';
import { privileged } from '../helpers/privileged.js';
import { ethernet, icmp, ip, tcp, TCP, udp } from './support/frames.js';
import { Rig } from './support/rig.js';

const folder = ['../../rules', '../../../rules']
  .map((path) => join(import.meta.dirname, path))
  .find((path) => existsSync(join(path, 'scans.rules')));
const sources = readdirSync(folder ?? '.')
  .filter((file) => file.endsWith('.rules'))
  .map((file) => ({ file, text: readFileSync(join(folder ?? '.', file), 'utf8') }));

const US = '10.0.0.2';
const THEM = '10.0.0.1';
const US6 = '2001:db8::2';
const THEM6 = '2001:db8::1';
const ends = { src: THEM, dst: US };
const ends6 = { src: THEM6, dst: US6 };

/** Loads all shipped rules for a host with these addresses. */
function open(
  t: Parameters<typeof Rig.open>[0],
  home = `[${US},${US6}]`,
): { rig: Rig; sids: (frame: Uint8Array) => number[] } {
  const rig = Rig.open(t);
  const { ruleset, problems } = compileRules(sources, {
    addressVars: { HOME_NET: home },
    portVars: {},
    redact: [],
    addressRules: 'inline',
  });
  if (problems.length > 0 || ruleset.count < 40) throw new Error('the shipped rules do not load');
  rig.kernel.installRuleset(ruleset, 1);
  let before = rig.kernel.ruleCounts();
  const sids = (frame: Uint8Array): number[] => {
    rig.push(frame);
    const after = rig.kernel.ruleCounts();
    const found = [...ruleset.sids].filter((_, at) => (after[at]?.matched ?? 0) > (before[at]?.matched ?? 0));
    before = after;
    return found.sort((a, b) => a - b);
  };
  return { rig, sids };
}

const { FIN, SYN, RST, PSH, ACK, URG, ECE, CWR } = TCP;
/** MSS, SACK permitted, timestamps, window scale: what Linux sends on a SYN. */
const SYN_OPTIONS = Uint8Array.of(2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7);
const FASTOPEN = Uint8Array.of(...SYN_OPTIONS, 34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1);
const TIMESTAMPS = Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8);

/** Sets the reserved bits beside the data offset of an IPv4 TCP frame without IP options. */
function reserved(frame: Uint8Array, bits: number): Uint8Array {
  const copy = frame.slice();
  copy[14 + 20 + 12] = (copy[14 + 20 + 12] ?? 0) | bits;
  return copy;
}

if (privileged(t)) {
  t.test('honest traffic raises nothing', async (t) => {
    const { sids } = open(t);
    const routerAlert = Uint8Array.of(0x94, 4, 0, 0);
    const frames: [string, Uint8Array][] = [
      ['SYN', tcp({ ...ends, flags: SYN, tcpOptions: SYN_OPTIONS })],
      ['SYN of IPv6', tcp({ ...ends6, flags: SYN, tcpOptions: SYN_OPTIONS })],
      ['SYN with ECN', tcp({ ...ends, flags: SYN | ECE | CWR, tcpOptions: SYN_OPTIONS })],
      ['SYN with AccECN', reserved(tcp({ ...ends, flags: SYN | ECE | CWR, tcpOptions: SYN_OPTIONS }), 1)],
      [
        'SYN with Fast Open and data',
        tcp({ ...ends, flags: SYN, tcpOptions: FASTOPEN, payload: 'GET / HTTP/1.1\r\n\r\n' }),
      ],
      ['SYN and ACK', tcp({ ...ends, flags: SYN | ACK, tcpOptions: SYN_OPTIONS })],
      ['ACK', tcp({ ...ends, flags: ACK, tcpOptions: TIMESTAMPS })],
      ['data', tcp({ ...ends, flags: PSH | ACK, payload: 'hello', tcpOptions: TIMESTAMPS })],
      ['urgent data', tcp({ ...ends, flags: PSH | ACK | URG, payload: 'x' })],
      ['last urgent data', tcp({ ...ends, flags: FIN | PSH | ACK | URG, payload: 'x' })],
      ['FIN and ACK', tcp({ ...ends, flags: FIN | ACK })],
      ['FIN, PSH and ACK', tcp({ ...ends, flags: FIN | PSH | ACK, payload: 'bye' })],
      ['RST', tcp({ ...ends, flags: RST })],
      ['RST and ACK', tcp({ ...ends, flags: RST | ACK })],
      ['keep-alive', tcp({ ...ends, flags: ACK, payload: Uint8Array.of(0) })],
      ['DNS answer', udp({ ...ends, sport: 53, dport: 50000, payload: new Uint8Array(200) })],
      [
        'DHCP request',
        udp({ src: '0.0.0.0', dst: '255.255.255.255', sport: 68, dport: 67, payload: new Uint8Array(300) }),
      ],
      ['DHCP offer', udp({ src: THEM, dst: '255.255.255.255', sport: 67, dport: 68, payload: new Uint8Array(300) })],
      ['mDNS', udp({ src: THEM, dst: '224.0.0.251', sport: 5353, dport: 5353, payload: new Uint8Array(50) })],
      ['NTP', udp({ ...ends, sport: 123, dport: 123, payload: new Uint8Array(48) })],
      ['ping', icmp({ ...ends, payload: new Uint8Array(56) })],
      ['ping6', icmp({ ...ends6, payload: new Uint8Array(56) })],
      ['unreachable', icmp({ ...ends, type: 3, code: 3, payload: new Uint8Array(28) })],
      [
        'neighbour solicitation',
        icmp({ src: THEM6, dst: 'ff02::1:ff00:2', type: 135, payload: new Uint8Array(24), ttl: 255 }),
      ],
      [
        'duplicate address detection',
        icmp({ src: '::', dst: 'ff02::1:ff00:2', type: 135, payload: new Uint8Array(16), ttl: 255 }),
      ],
      [
        'router advertisement',
        icmp({ src: 'fe80::1', dst: 'ff02::1', type: 134, payload: new Uint8Array(24), ttl: 255 }),
      ],
      [
        'IGMP query',
        ip(
          { src: '0.0.0.0', dst: '224.0.0.1', ttl: 1, options: routerAlert },
          2,
          Uint8Array.of(0x11, 0, 0, 0, 0, 0, 0, 0),
        ),
      ],
      ['first fragment of a big ping', icmp({ ...ends, fragment: 0x2000, payload: new Uint8Array(1472) })],
      ['later fragment of it', ip({ ...ends, fragment: 0x00b9 }, 1, new Uint8Array(500))],
      ['later fragment of UDP', ip({ ...ends, fragment: 0x00b9 }, 17, new Uint8Array(500))],
      ['ARP', ethernet(0x0806, new Uint8Array(46))],
      ['LLDP', ethernet(0x88cc, new Uint8Array(60))],
      ['private to private', tcp({ src: '192.168.1.9', dst: US, flags: ACK })],
    ];
    for (const [name, frame] of frames) t.same(sids(frame), [], name);
  });

  t.test('a busy client and its answers are no scan', async (t) => {
    const { sids } = open(t);
    const found = new Set<number>();
    const add = (frame: Uint8Array): void => sids(frame).forEach((sid) => found.add(sid));
    for (let i = 0; i < 200; i++) {
      add(tcp({ ...ends, sport: 30000 + i, dport: 443, flags: SYN, tcpOptions: SYN_OPTIONS }));
      add(tcp({ ...ends, sport: 443, dport: 30000 + i, flags: SYN | ACK, tcpOptions: SYN_OPTIONS }));
      add(tcp({ ...ends, sport: 443, dport: 30000 + i, flags: ACK }));
      add(tcp({ ...ends, sport: 443, dport: 30000 + i, flags: FIN | ACK }));
      add(udp({ ...ends, sport: 53, dport: 20000 + i, payload: new Uint8Array(90) }));
      add(icmp({ ...ends, seq: i }));
      add(icmp({ ...ends6, seq: i }));
    }
    t.same([...found], []);
  });

  t.test('crafted packets are named', async (t) => {
    const { sids } = open(t, '[198.51.101.7,10.0.0.2]');
    const lsrr = Uint8Array.of(0x83, 7, 4, 10, 0, 0, 9, 0);
    const ssrr = Uint8Array.of(0x89, 7, 4, 10, 0, 0, 9, 0);
    const cases: [string, Uint8Array, number[]][] = [
      ['SYN and FIN', tcp({ ...ends, flags: SYN | FIN }), [9000001]],
      ['SYN, FIN, PSH and URG, as nmap sends it', tcp({ ...ends, flags: SYN | FIN | PSH | URG }), [9000001]],
      ['SYN and RST', tcp({ ...ends, flags: SYN | RST }), [9000002]],
      ['NULL', tcp({ ...ends, flags: 0 }), [9000003]],
      ['Xmas', tcp({ ...ends, flags: FIN | PSH | URG }), [9000004]],
      ['FIN', tcp({ ...ends, flags: FIN }), [9000005]],
      ['URG', tcp({ ...ends, flags: URG }), [9000006]],
      ['SYN with data', tcp({ ...ends, flags: SYN, payload: 'x', tcpOptions: SYN_OPTIONS }), [9000007]],
      ['reserved bits', reserved(tcp({ ...ends, flags: ACK }), 4), [9000008]],
      ['land', tcp({ src: US, dst: US, flags: SYN }), [9000010]],
      ['loopback source', tcp({ src: '127.0.0.1', dst: US, flags: SYN }), [9000011]],
      ['multicast source', udp({ src: '224.1.2.3', dst: US }), [9000012]],
      ['class E source', udp({ src: '250.1.2.3', dst: US }), [9000013]],
      ['private source, public destination', udp({ src: '192.168.7.7', dst: '198.51.101.7' }), [9000014]],
      ['loose source route', tcp({ ...ends, flags: ACK, options: lsrr }), [9000020]],
      ['strict source route', tcp({ ...ends, flags: ACK, options: ssrr }), [9000021]],
      ['reserved IPv4 bit', tcp({ ...ends, flags: ACK, fragment: 0x8000 }), [9000023]],
      ['tiny fragment', ip({ ...ends, fragment: 0x2000 }, 6, new Uint8Array(8)), [9000030]],
      ['overlapping fragment', ip({ ...ends, fragment: 0x2001 }, 6, new Uint8Array(24)), [9000031]],
      ['ping of death', ip({ ...ends, fragment: 0x1fff }, 1, new Uint8Array(1000)), [9000032]],
      [
        'UDP length',
        (() => {
          const frame = udp({ ...ends, payload: 'abc' });
          return Uint8Array.from([...frame.slice(0, 14 + 24), 0, 4, ...frame.slice(14 + 26)]);
        })(),
        [9000054],
      ],
      ['ICMPv6 over IPv4', ip(ends, 58, new Uint8Array(8)), [9000057]],
      ['ICMPv4 over IPv6', ip(ends6, 1, new Uint8Array(8)), [9000058]],
      ['timestamp request', icmp({ ...ends, type: 13, payload: new Uint8Array(12) }), [9001032]],
    ];
    for (const [name, frame, expected] of cases) t.same(sids(frame), expected, name);
  });

  t.test('scans are named once their count is exceeded', async (t) => {
    const nets = '[10.0.0.0/24,2001:db8::/64]';
    const scan = (name: string, sid: number, count: number, frame: (i: number) => Uint8Array): void => {
      const { rig, sids } = open(t, nets);
      const first = Array.from({ length: 100 }, (_, i) => i).find((i) => sids(frame(i)).includes(sid));
      t.equal(first, count, `${name} at packet ${count + 1}`);
      rig.close();
    };
    scan('vertical', 9001001, 20, (i) => tcp({ ...ends, dport: 1 + i, flags: SYN }));
    scan('vertical, IPv6', 9001002, 20, (i) => tcp({ ...ends6, dport: 1 + i, flags: SYN }));
    scan('horizontal', 9001003, 30, (i) => tcp({ src: '198.51.100.1', dst: `10.0.0.${i + 1}`, flags: SYN }));
    scan('FIN', 9001010, 10, (i) => tcp({ ...ends, dport: 1 + i, flags: FIN }));
    scan('NULL', 9001011, 10, (i) => tcp({ ...ends, dport: 1 + i, flags: 0 }));
    scan('Xmas', 9001012, 10, (i) => tcp({ ...ends, dport: 1 + i, flags: FIN | PSH | URG }));
    scan('Maimon', 9001013, 15, (i) => tcp({ ...ends, dport: 1 + i, flags: FIN | ACK }));
    scan('ACK', 9001014, 15, (i) => tcp({ ...ends, dport: 1 + i, flags: ACK }));
    scan('UDP', 9001020, 15, (i) => udp({ ...ends, dport: 1 + i }));
    scan('UDP sweep', 9001021, 30, (i) => udp({ ...ends, dst: `10.0.0.${i + 2}`, dport: 161 }));
    scan('ping sweep', 9001030, 30, (i) => icmp({ ...ends, dst: `10.0.0.${i + 2}` }));
    scan('ping6 sweep', 9001031, 30, (i) => icmp({ ...ends6, dst: `2001:db8::${(i + 2).toString(16)}` }));
  });
}
