// SPDX-License-Identifier: Apache-2.0
// What becomes of the records of the alert ring.

import t from 'tap';
import { EventFlag, EventType, FlowBit, Reason, Verdict } from '../../../../common/abi.gen.js';
import { idsOf } from '../../../../alerts/eve.js';
import { Judge, type JudgeOptions, type Raised } from '../../../../engine/judge/judge.js';
import { AT, eventAt, programOf, type EventFields } from './support/records.js';

const HEADERS = EventFlag.EVENT_PORTS | EventFlag.EVENT_L4;
const context: JudgeOptions = {
  timeUs: (ns) => ns / 1000 + 1_000_000,
  interfaceName: (ifindex) => (ifindex === 7 ? 'eth0' : undefined),
  replay: false,
};

function judgeOf(rules: string, more: Partial<JudgeOptions> = {}): Judge {
  const judge = new Judge({ ...context, ...more });
  judge.install(programOf(rules));
  return judge;
}

function raise(judge: Judge, fields: EventFields): Raised[] {
  judge.onEvent(eventAt(fields), AT);
  return judge.take();
}

const SYN =
  'alert tcp any any -> any any (msg:"syn"; flags:S; classtype:attempted-recon; metadata:a b, a c; sid:5; rev:2;)';
const DROP = 'drop tcp any any -> any any (msg:"no"; flags:S; sid:6;)';

t.test('an alert is explained by the rule at its position', async (t) => {
  const judge = judgeOf(SYN);
  const [raised, ...rest] = raise(judge, { rule: 0, vlan: [10, 20], count: 3 });
  t.same(rest, []);
  t.equal(raised?.established, false);
  t.match(raised?.detection, {
    kind: 'alert',
    timeUs: 6_000_000,
    iface: 'eth0',
    vlan: [10, 20],
    src: '192.0.2.1',
    dst: '198.51.100.2',
    sport: 40_000,
    dport: 80,
    proto: 'TCP',
    ipVersion: 4,
    packet: { frameLen: 74, len: 60, ttl: 63, tcp: { seq: 0xfffffffe, window: 64_240, flags: 2 } },
    verdict: 'pass',
    would: false,
    reason: 'clean',
    generation: 1,
    count: 3,
    rule: { sid: 5, rev: 2, msg: 'syn', classtype: 'attempted-recon', action: 'allowed', metadata: { a: ['b', 'c'] } },
  });
  t.notOk('pcapCnt' in (raised?.detection ?? {}));
  t.same(judge.take(), [], 'once');
});

t.test('the ids of a flow are those that its addresses give', async (t) => {
  const judge = judgeOf('alert ip any any -> any any (sid:5;)');
  for (const more of [{}, { proto: 17 }, { vlan: [10, 20] }, { proto: 132, sport: 9, dport: 1 }]) {
    const [raised] = raise(judge, { rule: 0, ...more });
    const { flowIds, ...detection } = raised!.detection;
    t.ok(flowIds);
    t.strictSame(flowIds, idsOf(detection));
  }
  const [icmp] = raise(judge, { rule: 0, proto: 1, flags: EventFlag.EVENT_L4 });
  t.notOk(icmp?.detection.flowIds, 'messages of ICMP go by type and code');
});

t.test('the text of the rule is shown, or not', async (t) => {
  const shown = (rule: boolean): unknown =>
    raise(judgeOf(SYN, { shows: { headers: false, packet: false, rule } }), { rule: 0 })[0]?.detection.rule?.text;
  t.equal(shown(true), SYN);
  t.equal(shown(false), undefined);
});

t.test('replay names the packet', async (t) => {
  t.match(raise(judgeOf(SYN, { replay: true }), { rule: 0, packet: 12 }), [{ detection: { pcapCnt: 12 } }]);
});

t.test('what is not there is not told', async (t) => {
  const judge = judgeOf(SYN);
  const [later] = raise(judge, { rule: 0, flags: EventFlag.EVENT_FRAGMENT });
  t.notOk('sport' in (later?.detection ?? {}), 'a later fragment has no ports');
  t.notOk('tcp' in (later?.detection.packet ?? {}));
  const [icmp] = raise(judge, {
    rule: 0,
    proto: 58,
    src: '2001:db8::1',
    dst: '2001:db8::2',
    sport: 128,
    dport: 0,
    flags: EventFlag.EVENT_L4,
  });
  t.match(icmp?.detection, {
    proto: 'IPv6-ICMP',
    ipVersion: 6,
    src: '2001:db8::1',
    icmpType: 128,
    icmpCode: 0,
    packet: { icmp: {} },
  });
  t.notOk('sport' in (icmp?.detection ?? {}));
});

t.test('a drop: the alert says blocked and the packet has its own record', async (t) => {
  const dropped = {
    rule: 0,
    verdict: Verdict.DROP,
    reason: Reason.RULE_DROP,
    flags: HEADERS | EventFlag.EVENT_MATCHED_FINAL,
  };
  t.match(raise(judgeOf(DROP), { ...dropped, flags: dropped.flags | EventFlag.EVENT_ESTABLISHED }), [
    {
      detection: { kind: 'alert', reason: 'rule-drop', verdict: 'drop', rule: { action: 'blocked' } },
      established: true,
    },
    { detection: { kind: 'drop', rule: { sid: 6, action: 'blocked' } }, established: true },
  ]);
  t.match(
    raise(judgeOf(DROP), { ...dropped, flags: dropped.flags | EventFlag.EVENT_WOULD }),
    [
      { detection: { kind: 'alert', would: true, rule: { action: 'allowed' } } },
      { detection: { kind: 'drop', would: true } },
    ],
    'monitor mode',
  );
  const spared = {
    ...dropped,
    verdict: Verdict.PASS,
    reason: Reason.ALLOWLIST,
    flags: HEADERS | EventFlag.EVENT_ALLOWLISTED,
  };
  t.match(raise(judgeOf(DROP), spared), [
    { detection: { kind: 'alert', reason: 'allowlist', rule: { action: 'allowed' } } },
  ]);
  const second = { ...dropped, flags: HEADERS };
  t.match(raise(judgeOf(`${DROP}\n${SYN}`), { ...second, rule: 1 }), [
    { detection: { kind: 'alert', rule: { sid: 5, action: 'allowed' }, verdict: 'drop' } },
  ]);
});

t.test('noalert reaches the response alone', async (t) => {
  const judge = judgeOf('drop tcp any any -> any any (flags:S; noalert; sid:9;)');
  t.match(raise(judge, { rule: 0 }), [{ quiet: true }]);
});

t.test('reject is answered where the program could not, and only if it was carried out', async (t) => {
  const asked: unknown[] = [];
  const judge = judgeOf('rejectboth tcp any any -> any any (flags:S; sid:8;)', {
    reject: (_view, event, sides) => asked.push([event.dport, sides]),
  });
  const flags = HEADERS | EventFlag.EVENT_MATCHED_FINAL;
  const rejected = { rule: 0, verdict: Verdict.REJECT, reason: Reason.RULE_REJECT };
  raise(judge, { ...rejected, flags });
  raise(judge, { ...rejected, flags: flags | EventFlag.EVENT_NEED_REJECT | EventFlag.EVENT_WOULD });
  t.same(asked, []);
  raise(judge, { ...rejected, flags: flags | EventFlag.EVENT_NEED_REJECT });
  t.same(asked, [[80, { source: true, destination: true }]]);
  t.same(raise(judge, { ...rejected, type: EventType.EVENT_REJECT, flags, dport: 81 }), [], 'raises nothing');
  t.same(asked[1], [81, { source: true, destination: true }]);
});

t.test('a reject of an established connection answers its receiver too', async (t) => {
  const flags = HEADERS | EventFlag.EVENT_MATCHED_FINAL | EventFlag.EVENT_NEED_REJECT;
  const rejected = { rule: 0, verdict: Verdict.REJECT, reason: Reason.RULE_REJECT, flags };
  for (const [action, flowBits, destination] of [
    ['reject', FlowBit.FLOWBIT_ESTABLISHED, true],
    ['reject', FlowBit.FLOWBIT_NOT_ESTABLISHED, false],
    ['rejectsrc', FlowBit.FLOWBIT_ESTABLISHED, false],
  ] as const) {
    const asked: unknown[] = [];
    const judge = judgeOf(`${action} tcp any any -> any any (flags:A; sid:8;)`, {
      reject: (_view, _event, sides) => asked.push(sides),
    });
    raise(judge, { ...rejected, flowBits });
    t.same(asked, [{ source: true, destination }], action);
  }
});

t.test('blocked and cut packets have no rule', async (t) => {
  const judge = judgeOf(SYN);
  const blocked = { type: EventType.EVENT_BLOCKED, verdict: Verdict.DROP, reason: Reason.BLOCKLIST, origin: 3 };
  const [raised] = raise(judge, blocked);
  t.match(raised, { origin: 3, detection: { kind: 'drop', reason: 'blocklist', verdict: 'drop' } });
  t.notOk('rule' in (raised?.detection ?? {}));
  const [cut] = raise(judge, { ...blocked, type: EventType.EVENT_CUT, reason: Reason.FLOW_CUT });
  t.match(cut?.detection, { kind: 'drop', reason: 'flow-cut' });
  t.notOk('origin' in (cut ?? {}));
});

t.test('each generation is explained by its own rules, until it is retired', async (t) => {
  const judge = judgeOf(SYN);
  judge.install(programOf(DROP, 2));
  t.match(raise(judge, { rule: 0, generation: 1 }), [{ detection: { rule: { sid: 5 } } }]);
  t.match(raise(judge, { rule: 0, generation: 2 }), [{ detection: { rule: { sid: 6 } } }]);
  judge.retire(2);
  t.same(raise(judge, { rule: 0, generation: 1 }), []);
  t.same(raise(judge, { rule: 5, generation: 2 }), []);
  t.match(judge.counts, { events: 4, unexplained: 2 });
});
