// SPDX-License-Identifier: Apache-2.0
// The kernel's classifier against the engine's evaluator: random rules on headers, with thresholds, on random packets.
// Another kernel hands every packet over whole, which shows the engine what the first one has judged. IDS_FUZZ sets how
// many pairs of rule and packet.

import t from 'tap';
import {
  Action,
  ControlFlag,
  EventLayout,
  Field,
  Threshold,
  Track,
  Unique,
  type RuleCountRecord,
} from '../../common/abi.gen.js';
import { datagramSizes, Kernel, RingReader } from '../../engine/bpf/index.js';
import { flowSizes } from '../../engine/flows/sizes.js';
import { RecordPacket } from '../../engine/judge/record-packet.js';
import { BufferMessage, createEvaluator, Kind, type EngineMatch } from '../../rules/index.js';
import type { Condition, Endpoint, Rule } from '../../rules/ast.js';
import { buildRuleset } from '../../rules/compile/table.js';
import { byEngineRank, makeProgram, type EngineProgram } from '../../rules/match/program.js';
import { isIpOnly, isOnFlow } from '../../rules/match/kinds.js';
import { privileged } from '../helpers/privileged.js';
import { EVERY_FIELD, Random, randomRule } from '../unit/rules/support/random.js';
import { HeaderTraffic } from './support/header-traffic.js';

const pairs = Number(process.env.IDS_FUZZ ?? 100_000);
const seed = Number(process.env.IDS_SEED ?? Date.now() & 0x7fffffff);
const PACKETS = 150;
const any: Endpoint = {
  ...{ addresses: [{ from: 0n, to: (1n << 128n) - 1n }], ports: [{ from: 0, to: 65_535 }] },
  ...{ anyAddress: true, anyPort: true, text: 'any' },
};
const anywhere = [{ source: any, destination: any }];
const extras = { http: false, literals: [], inspections: [] };

function threshold(r: Random, rule: Rule): Rule {
  if (!r.chance(35)) return rule;
  const type = r.pick([
    ...[Threshold.LIMIT, Threshold.THRESHOLD, Threshold.BOTH, Threshold.BACKOFF],
    ...[Threshold.DETECTION, Threshold.DETECTION],
  ]);
  const unique = type === Threshold.DETECTION && r.chance(40) ? r.pick([Unique.SRC_PORT, Unique.DST_IP]) : Unique.NONE;
  const track = r.pick([Track.SRC, Track.DST, Track.BOTH, Track.RULE, Track.FLOW]);
  const rest = { count: 1 + r.int(4), seconds: 1 + r.int(20), multiplier: 2 + r.int(3), position: rule.position };
  return { ...rule, threshold: { type, track, unique, ...rest } };
}

/** The rule, now and then with two conditions of which one has to hold. */
function withEither(r: Random, rule: Rule): Rule {
  if (!r.chance(15)) return rule;
  const tag = (field: Field): Condition => {
    const lo = r.int(4);
    return { field, negate: r.chance(30), mask: 0xffffffff, lo, hi: lo + r.int(2) };
  };
  const either = { ...tag(Field.VLAN_ID1), or: tag(r.pick([Field.VLAN_ID0, Field.VLAN_LAYERS, Field.TTL])) };
  const match = { kind: 'header' as const, keyword: 'vlan.id', position: rule.position, conditions: [either] };
  return { ...rule, matches: [...rule.matches, match] };
}

/** A rule of which each packet is asked, whatever came before in its flow. */
function ruleOf(r: Random, sid: number): Rule {
  const random = withEither(r, randomRule(r, sid, EVERY_FIELD));
  const rule = threshold(r, r.chance(40) ? { ...random, ways: anywhere } : random);
  const { action } = rule;
  const ofFlow = (action === Action.ALERT && isIpOnly(rule)) || (action === Action.PASS && isOnFlow(rule));
  return { ...rule, action: ofFlow || action === Action.REJECT ? Action.DROP : action };
}

/** What the evaluator makes of rules on headers alone, if every packet is shown to it. */
function programOf(rules: readonly Rule[]): EngineProgram {
  const candidates = rules.map((rule, index) => ({ rule, index })).sort(byEngineRank);
  const program = makeProgram(
    candidates,
    () => -1,
    [],
    (made) => [...made],
  );
  const all = {
    filters: [],
    whole: undefined,
    always: Uint32Array.from(candidates.keys()),
    led: new Map(),
    used: true,
  };
  return { ...program, kinds: program.kinds.map((kind, number) => (number === Kind.HEADERS ? all : kind)) };
}

function openKernel(t: { teardown(undo: () => void): void }): { kernel: Kernel; bulk: RingReader; events: RingReader } {
  const kernel = Kernel.open({ replay: true, sizes: { ...datagramSizes(16), ...flowSizes(4096) } });
  kernel.control.update({ flags: ControlFlag.CONTROL_UNLIMITED });
  const [bulk, events] = [RingReader.open(kernel.rings.bulk), RingReader.open(kernel.rings.events)];
  t.teardown(() => {
    bulk.close();
    events.close();
    kernel.close();
  });
  return { kernel, bulk, events };
}

const XDP_DROP = 1;

if (privileged(t)) {
  t.test(`kernel and evaluator agree (seed ${seed})`, async (t) => {
    const judging = openKernel(t);
    const showing = openKernel(t);
    const all: Rule = { ...randomRule(new Random(1), 1), protocol: 'ip', anyFrame: false, matches: [], ways: anywhere };
    const { ipProtocols: _, ...everything } = { ...all, action: Action.ALERT };
    const whole = buildRuleset([{ rule: everything, index: 0, handOver: true }], extras);
    showing.kernel.installRuleset(whole.ruleset, 1);
    const r = new Random(seed);
    const message = new BufferMessage().begin(Kind.HEADERS);
    let [judged, matched, silenced, shown, packets, now, generation] = [0, 0, 0, 0, 0, 1e12, 1];
    while (judged < pairs) {
      const size = r.pick([1, 10, 40, 65, 130]);
      const rules = Array.from({ length: size }, (_, i) => ruleOf(r, generation * 1000 + i));
      const { ruleset } = buildRuleset(
        rules.map((rule, index) => ({ rule, index })),
        extras,
      );
      judging.kernel.installRuleset(ruleset, ++generation);
      const evaluator = createEvaluator(programOf(rules));
      const traffic = new HeaderTraffic(r, rules);
      let before = judging.kernel.ruleCounts();
      for (let i = 0; i < PACKETS; i++) {
        const frame = traffic.next();
        now += r.int(3000) * 1e6;
        packets++;
        for (const { kernel } of [judging, showing]) kernel.control.setClock(now, packets);
        const { verdict } = judging.kernel.run(frame);
        showing.kernel.run(frame);
        let found: readonly EngineMatch[] | undefined;
        showing.bulk.drain((view, at) => {
          const time =
            view.getUint32(at + EventLayout.time, true) + view.getUint32(at + EventLayout.time + 4, true) * 2 ** 32;
          found ??= evaluator.judge(message, new RecordPacket(view, at), undefined, time).slice();
        });
        judging.bulk.drain(() => undefined);
        judging.events.drain(() => undefined);
        showing.events.drain(() => undefined);
        const after = judging.kernel.ruleCounts();
        const more = (at: number, name: keyof RuleCountRecord): number =>
          (after[at]?.[name] ?? 0) - (before[at]?.[name] ?? 0);
        const kernel = [...ruleset.rules].flatMap((rule, at) =>
          more(at, 'matched') > 0 ? [`${rule}${more(at, 'silenced') > 0 ? ' silent' : ''}`] : [],
        );
        before = after;
        if (found === undefined) continue;
        shown++;
        judged += size;
        const engine = found.map(({ rule, silenced }) => `${rule}${silenced ? ' silent' : ''}`);
        const drops = found.some(({ action }) => action === Action.DROP);
        matched += engine.length;
        silenced += engine.filter((one) => one.endsWith('silent')).length;
        if (kernel.join() === engine.join() && (verdict === XDP_DROP) === drops) continue;
        const odd = rules.filter(
          (_, index) =>
            kernel.join().split(/\D+/).includes(String(index)) !== engine.join().split(/\D+/).includes(String(index)),
        );
        t.same({ kernel, verdict }, { kernel: engine, verdict: drops ? XDP_DROP : 2 }, 'same rules, same verdict', {
          frame: Buffer.from(frame).toString('hex'),
          odd: odd.map(({ action, protocol, ways, matches, threshold }) => ({
            action,
            protocol,
            ways: ways.map(({ source, destination }) => [source, destination]),
            matches: matches.flatMap((m) => ('conditions' in m ? m.conditions : [])),
            threshold,
          })),
        });
        return;
      }
    }
    t.ok(judged >= pairs, `${judged} pairs judged`);
    t.ok(shown > packets * 0.99, `${shown} of ${packets} packets were shown`);
    t.ok(matched > judged / 50 && silenced > matched / 100, `${matched} matched, ${silenced} of them in silence`);
  });
}
