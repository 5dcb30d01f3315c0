// SPDX-License-Identifier: Apache-2.0
// Every operator of every header keyword: which values match and which do not.

import t from 'tap';
import { FlowBit } from '../../../../common/abi.gen.js';
import type { Fields } from '../one-rule.js';
import { matches, one, withOptions } from '../one-rule.js';

const v4 = (fields: Fields): Fields => ({ IP_VERSION: 4, ...fields });
const bits = (name: keyof Fields, ...values: number[]): Fields[] => values.map((value) => v4({ [name]: value }));

/** Fields of packets of a flow in every state and direction, by what is asked of them. */
const { FLOWBIT_ESTABLISHED: EST, FLOWBIT_NOT_ESTABLISHED: NOT, FLOWBIT_TRACKED: IN } = FlowBit;
const { FLOWBIT_TO_SERVER: UP, FLOWBIT_TO_CLIENT: DOWN, FLOWBIT_REBUILT: BUILT } = FlowBit;
const flowCases: readonly (readonly [option: string, yes: readonly Fields[], no: readonly Fields[]])[] = [
  ['flow:established', bits('FLOW', IN | EST | UP, IN | EST | DOWN), [...bits('FLOW', 0, IN | NOT | UP), {}]],
  ['flow:not_established', bits('FLOW', 0, IN | NOT | UP), bits('FLOW', IN | EST | UP)],
  ['flow:to_server', bits('FLOW', IN | EST | UP, IN | NOT | UP), bits('FLOW', 0, IN | EST | DOWN)],
  ['flow: established , From_Client', bits('FLOW', IN | EST | UP), bits('FLOW', IN | NOT | UP, IN | EST | DOWN)],
  ['flow:to_client,stateless', bits('FLOW', IN | EST | DOWN, IN | NOT | DOWN), bits('FLOW', 0, IN | NOT | UP)],
  ['flow:from_server,established,no_stream', bits('FLOW', IN | EST | DOWN), bits('FLOW', IN | EST | UP)],
  ['flow:only_frag', bits('FLOW', BUILT, IN | EST | UP | BUILT), bits('FLOW', 0, IN | EST | UP)],
  ['flow:no_frag,to_server', bits('FLOW', IN | EST | UP), bits('FLOW', 0, IN | EST | UP | BUILT)],
  ['flow:stateless', bits('FLOW', 0, IN | EST | UP), []],
];

/** Option, fields that match, fields that do not. */
const cases: readonly (readonly [option: string, yes: readonly Fields[], no: readonly Fields[]])[] = [
  ['ttl:64', bits('TTL', 64), [...bits('TTL', 63, 65), {}]],
  ['ttl:=64', bits('TTL', 64), bits('TTL', 63)],
  ['ttl:!64', bits('TTL', 63, 0), [...bits('TTL', 64), {}]],
  ['ttl:<5', bits('TTL', 0, 4), bits('TTL', 5, 255)],
  ['ttl:<=5', bits('TTL', 0, 5), bits('TTL', 6)],
  ['ttl:>5', bits('TTL', 6, 255), bits('TTL', 5)],
  ['ttl:>=5', bits('TTL', 5, 255), bits('TTL', 4)],
  ['ttl:5-9', bits('TTL', 6, 8), bits('TTL', 5, 9)],
  ['ttl:5<>9', bits('TTL', 6, 8), bits('TTL', 5, 9)],
  ['ttl: 5 <> 9 ', bits('TTL', 6, 8), bits('TTL', 5, 9)],
  ['ttl:!5-9', bits('TTL', 5, 9, 0), bits('TTL', 6, 8)],
  ['ttl:0x40', bits('TTL', 64), bits('TTL', 40)],
  ['ttl:&0xc0=0x40', bits('TTL', 64, 127), bits('TTL', 63, 192)],
  ['ttl:&0xc0!=0x40', bits('TTL', 63, 192), bits('TTL', 64)],
  ['id:31337', bits('IP_ID', 31337), [...bits('IP_ID', 1), {}]],
  ['tos:8', bits('TOS', 8), [...bits('TOS', 9), { IP_VERSION: 6, TOS: 8 }]],
  ['tos:!8', bits('TOS', 9), [...bits('TOS', 8), { IP_VERSION: 6, TOS: 9 }]],
  ['tos:x1F', bits('TOS', 0x1f), bits('TOS', 0x1e)],
  ['fragbits:M', bits('FRAGBITS', 1), [...bits('FRAGBITS', 0, 3, 5), { IP_VERSION: 6, FRAGBITS: 1 }, v4({})]],
  ['fragbits:MD', bits('FRAGBITS', 3), bits('FRAGBITS', 1, 2, 7)],
  ['fragbits:+M', bits('FRAGBITS', 3, 5, 7), bits('FRAGBITS', 0, 1, 2)],
  ['fragbits:*MD', bits('FRAGBITS', 1, 2, 3, 7), bits('FRAGBITS', 0, 4)],
  ['fragbits:!MD', bits('FRAGBITS', 0, 1, 2, 4), bits('FRAGBITS', 3, 7)],
  ['fragbits:R', bits('FRAGBITS', 4), bits('FRAGBITS', 0)],
  ['fragoffset:0', bits('FRAGOFFSET', 0), [...bits('FRAGOFFSET', 1), {}]],
  ['fragoffset:<2', bits('FRAGOFFSET', 0, 1), bits('FRAGOFFSET', 2)],
  ['fragoffset:>2', bits('FRAGOFFSET', 3, 8191), bits('FRAGOFFSET', 2)],
  ['fragoffset:!0', bits('FRAGOFFSET', 1), bits('FRAGOFFSET', 0)],
  ['ipopts:nop', bits('IPOPTS', 2, 6), bits('IPOPTS', 0, 1, 4)],
  ['ipopts:ssrr', bits('IPOPTS', 512), bits('IPOPTS', 32)],
  ['ipopts:LSRR', bits('IPOPTS', 32), bits('IPOPTS', 512)],
  ['ipopts:any', bits('IPOPTS', 1, 1024), [...bits('IPOPTS', 0), {}]],
  ['sameip', bits('SAMEIP', 1), bits('SAMEIP', 0)],
  ['l3_proto:ipv6', [{ IP_VERSION: 6 }], [{ IP_VERSION: 4 }, {}]],
  ...flowCases,
  ['flags:S', bits('TCP_FLAGS', 2), [...bits('TCP_FLAGS', 0, 3, 0x12, 0xc2), {}]],
  ['flags:S,12', bits('TCP_FLAGS', 2, 0x42, 0x82, 0xc2), bits('TCP_FLAGS', 0, 3, 0x12)],
  ['flags:S,CE', bits('TCP_FLAGS', 2, 0xc2), bits('TCP_FLAGS', 3)],
  ['flags:SF', bits('TCP_FLAGS', 3), bits('TCP_FLAGS', 1, 2, 7)],
  ['flags:+SF', bits('TCP_FLAGS', 3, 7, 0xff), bits('TCP_FLAGS', 1, 2)],
  ['flags:SF+', bits('TCP_FLAGS', 3, 7), bits('TCP_FLAGS', 1)],
  ['flags:*SF', bits('TCP_FLAGS', 1, 2, 3, 0x12), bits('TCP_FLAGS', 0, 0x10)],
  ['flags:!SF', bits('TCP_FLAGS', 0, 1, 2, 0x10), [...bits('TCP_FLAGS', 3, 0x13), {}]],
  ['flags:0', bits('TCP_FLAGS', 0), [...bits('TCP_FLAGS', 1, 0x40, 0x80), {}]],
  ['flags:0,12', bits('TCP_FLAGS', 0), bits('TCP_FLAGS', 0x40, 0x80)],
  ['flags:!0', bits('TCP_FLAGS', 1, 0x80), bits('TCP_FLAGS', 0)],
  ['flags:FPU', bits('TCP_FLAGS', 0x29), bits('TCP_FLAGS', 0x28, 0x39)],
  ['flags:12', bits('TCP_FLAGS', 0xc0), bits('TCP_FLAGS', 0x40, 0x80)],
  ['tcp.flags:C', bits('TCP_FLAGS', 0x80), bits('TCP_FLAGS', 0x40)],
  ['seq:0', bits('TCP_SEQ', 0), [...bits('TCP_SEQ', 1), {}]],
  ['tcp.seq:4294967295', bits('TCP_SEQ', 0xffffffff), bits('TCP_SEQ', 0)],
  ['ack:7', bits('TCP_ACK', 7), bits('TCP_ACK', 8)],
  ['window:55808', bits('TCP_WINDOW', 55808), bits('TCP_WINDOW', 1)],
  ['window:!0', bits('TCP_WINDOW', 1), [...bits('TCP_WINDOW', 0), {}]],
  ['tcp.mss:<536', bits('TCP_MSS', 0, 535), [...bits('TCP_MSS', 536), {}]],
  ['tcp.wscale:>10', bits('TCP_WSCALE', 11), bits('TCP_WSCALE', 10)],
  ['tcp.opts:fastopen', bits('TCP_OPTS', 32, 33), [...bits('TCP_OPTS', 0, 1), {}]],
  ['tcp.opts:!MSS', bits('TCP_OPTS', 0, 2), [...bits('TCP_OPTS', 1), {}]],
  ['tcp.reserved:!0', bits('TCP_RES', 1, 8), [...bits('TCP_RES', 0), {}]],
  ['dsize:0', bits('DSIZE', 0), [...bits('DSIZE', 1), {}]],
  ['dsize:!0', bits('DSIZE', 1), bits('DSIZE', 0)],
  ['dsize:300<>400', bits('DSIZE', 301, 399), bits('DSIZE', 300, 400)],
  ['dsize:>=1kb', bits('DSIZE', 1024), bits('DSIZE', 1023)],
  ['itype:8', bits('ICMP_TYPE', 8), [...bits('ICMP_TYPE', 0), {}]],
  ['itype:>10', bits('ICMP_TYPE', 11), bits('ICMP_TYPE', 10)],
  ['itype:8<>20', bits('ICMP_TYPE', 9, 19), bits('ICMP_TYPE', 8, 20)],
  ['icode:<3', bits('ICMP_CODE', 2), bits('ICMP_CODE', 3)],
  ['icmp_id:21781', bits('ICMP_ID', 21781), [...bits('ICMP_ID', 1), {}]],
  ['icmp_seq:0', bits('ICMP_SEQ', 0), bits('ICMP_SEQ', 1)],
  ['vlan.id:300,0', bits('VLAN_ID0', 300), [...bits('VLAN_ID0', 301), {}]],
  ['vlan.id:!300,1', bits('VLAN_ID1', 301), [...bits('VLAN_ID1', 300), {}]],
  ['vlan.id:5,-2', [{ VLAN_ID0: 5, VLAN_LAYERS: 2 }], [{ VLAN_ID0: 5, VLAN_LAYERS: 1 }]],
  ['vlan.layers:0', bits('VLAN_LAYERS', 0), bits('VLAN_LAYERS', 1)],
  ['decode-event:ipv4.hlen_too_small', bits('DECODE0', 1 << 5), [...bits('DECODE0', 0, 1 << 4)]],
  ['decode-event:ipv4.trunc_pkt', bits('DECODE0', 1 << 7), bits('DECODE0', 0)],
  ['decode-event:ipv6.icmpv4', bits('DECODE0', 1 << 30), bits('DECODE0', 0)],
  ['decode-event:tcp.invalid_optlen', bits('DECODE1', 1, 4, 5), bits('DECODE1', 0, 2)],
  ['decode-event:TCP.HLEN_TOO_SMALL', bits('DECODE1', 2), bits('DECODE1', 1)],
  ['engine-event:decoder.tcp.pkt_too_small', bits('DECODE0', 0x80000000), bits('DECODE0', 1)],
];

for (const [option, yes, no] of cases) {
  t.test(option, async (t) => {
    const { rule, errors } = one(withOptions(`${option};`));
    t.same(errors, []);
    t.ok(rule, 'the rule was taken');
    if (!rule) return;
    for (const fields of yes) t.ok(matches(rule, fields), `matches ${JSON.stringify(fields)}`);
    for (const fields of no) t.notOk(matches(rule, fields), `does not match ${JSON.stringify(fields)}`);
  });
}

/** Option, column of the error in `alert tcp any any -> any any (OPTION; sid:1;)`, cause. */
const wrong: readonly (readonly [option: string, at: number, cause: RegExp])[] = [
  ['ttl:256', 35, /256 is out of range/],
  ['ttl:abc', 35, /"abc" is not a number/],
  ['ttl:', 31, /needs a value/],
  ['ttl', 31, /needs a value/],
  ['ttl:<0', 35, /can never or always match/],
  ['ttl:>255', 35, /can never or always match/],
  ['ttl:5-6', 35, /range "5-6" is empty/],
  ['ttl:9-5', 35, /range "9-5" is empty/],
  ['ttl:&0x40=0x80', 35, /can never match/],
  ['ttl:"5"', 35, /takes no quotes/],
  ['id:70000', 34, /not a number from 0 to 65535/],
  ['tos:256', 35, /not a TOS value/],
  ['tos:x100', 35, /not a TOS value/],
  ['fragbits:X', 40, /not fragment bits/],
  ['fragbits:+MDR', 40, /can never match/],
  ['fragoffset:9000', 42, /not a number from 0 to 8191/],
  ['fragoffset:<0', 42, /can never match/],
  ['ipopts:rrr', 38, /not an IP option/],
  ['sameip:1', 38, /has no value/],
  ['flags:Q', 37, /not TCP flags/],
  ['flags:+!S', 37, /not TCP flags/],
  ['flags:+S!', 37, /two modifiers/],
  ['flags:S0', 37, /no flag at all/],
  ['flags:C,C', 37, /asked for and ignored/],
  ['flags:*0', 37, /no flag is named/],
  ['seq:4294967296', 35, /not a number from 0 to 4294967295/],
  ['window:65536', 38, /not a number from 0 to 65535/],
  ['dsize:65536', 37, /out of range/],
  ['dsize:1; dsize:2', 40, /stands twice/],
  ['itype:20<>8', 37, /is empty/],
  ['vlan.id:4096', 39, /out of range/],
  ['vlan.id:1,3', 39, /does not name a VLAN layer/],
  ['vlan.layers:4', 43, /out of range/],
  ['tcp.opts:mms', 40, /not a TCP option/],
  ['tcp.reserved:16', 44, /out of range/],
  ['decode-event:ipv4.nothing', 44, /not a decode event/],
  ['flow:to_sever', 36, /says nothing about a flow/],
  ['flow:established,', 36, /"" says nothing/],
  ['flow:established,established', 36, /stands there twice/],
  ['flow:established,not_established', 36, /established and not_established exclude/],
  ['flow:established,stateless', 36, /exclude/],
  ['flow:to_server,to_client', 36, /exclude/],
  ['flow:to_server,from_client', 36, /exclude or repeat/],
  ['flow:only_stream,no_stream', 36, /exclude/],
  ['flow:only_frag,no_frag', 36, /exclude/],
  ['flow:to_server; flow:established', 47, /stands twice/],
];

for (const [option, column, cause] of wrong) {
  t.test(`error: ${option}`, async (t) => {
    const { rule, errors } = one(withOptions(`${option};`));
    t.equal(rule, undefined);
    t.match(errors, [{ severity: 'error', line: 1, column, sid: 1, cause, remedy: /./ }]);
    t.equal(errors.length, 1);
  });
}

t.test('several ip_proto narrow each other', async (t) => {
  const protocols = (text: string) => one(`alert ip any any -> any any (${text} sid:1;)`).rule?.ipProtocols;
  t.same(protocols('ip_proto:47;'), [47]);
  t.same(protocols('ip_proto:GRE;'), [47]);
  t.same(protocols('ip_proto:"ICMP";'), [1]);
  t.same(protocols('ip_proto:<4; ip_proto:!0; ip_proto:!2;'), [1, 3]);
  t.same(protocols('ip_proto:>250; ip_proto:!255;'), [251, 252, 253, 254]);
  t.match(one(withOptions('ip_proto:6;')).errors, [{ cause: /needs the protocol ip/ }]);
  t.match(one(withOptions('ip_proto:6; ip_proto:17;', 'alert ip any any -> any any')).errors, [
    { cause: /contradicts/ },
  ]);
  t.match(one(withOptions('ip_proto:>6; ip_proto:<5;', 'alert ip any any -> any any')).errors, [
    { cause: /no IP protocol/ },
  ]);
  t.match(one(withOptions('ip_proto:grre;', 'alert ip any any -> any any')).errors, [{ remedy: /did you mean gre\?/ }]);
});

t.test('what is known and not done is unsupported by name', async (t) => {
  for (const [option, reason] of [
    ['vlan.id:300,2', /more than two VLAN tags/],
    ['vlan.layers:3', /more than two/],
    ['decode-event:ppp.wrong_type', /is not raised/],
    ['stream-event:est_packet_out_of_window', /is not raised/],
  ] as const) {
    const { rule, unsupported, errors } = one(withOptions(`${option};`));
    t.same([rule, errors], [undefined, []], option);
    t.match(unsupported, { keyword: option.split(':')[0], reason });
  }
});

t.test('flow:stateless says nothing about flows', async (t) => {
  t.same(one(withOptions('flow:stateless;')).rule?.matches, []);
});
