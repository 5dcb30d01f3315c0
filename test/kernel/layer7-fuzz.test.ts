// SPDX-License-Identifier: Apache-2.0
// Conversations of HTTP, TLS and DNS in every way to send them, and mutated, through the programs and the engine: nothing
// throws, every record is well-formed, counters add up, no secret gets out, and what is found does not depend on how it
// was sent. IDS_FUZZ sets how many messages.

import t from 'tap';
import { eveLine } from '../../alerts/eve.js';
import { ControlFlag, EventLayout, EventType, HttpFlag, HttpLayout } from '../../common/abi.gen.js';
import {
  compileRules,
  createEvaluator,
  parseHttpRequest,
  parseHttpResponse,
  type Evaluator,
} from '../../rules/index.js';
import { languageOptions } from '../../engine/config/index.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { Random } from '../unit/rules/support/random.js';
import { udp } from './support/frames.js';
import { judged, randomRule, repeatsName } from './support/message-rules.js';
import { framesOf, mutate, randomAnswer, randomQuery, randomTalk, SECRET, type Spoken } from './support/random-talk.js';
import { recordSize, Stack } from './support/stack.js';

const when = { skip: whyUnprivileged() ?? false };
const MESSAGES = Number(process.env['IDS_FUZZ'] ?? 1000);
/** Messages with the same rules. */
const SET = Math.max(500, MESSAGES / 100);
const marker = Buffer.from(SECRET);

const fixed = [
  'alert tcp any any -> any any (msg:"raw"; content:"evil body"; sid:901;)',
  'alert http any any -> any any (msg:"request body"; http.request_body; content:"evil"; sid:902;)',
  'alert http any any -> any any (msg:"file"; flow:to_client; file.data; content:"body of"; sid:903;)',
  'reject http any any -> any any (msg:"two"; http.method; content:"POST"; http.user_agent; content:"evil"; sid:904;)',
  'drop http any any -> any any (msg:"answer"; flow:to_client; http.header; content:"X-Bad"; sid:905;)',
  'drop tls any any -> any any (msg:"name"; tls.sni; content:"evil"; nocase; sid:906;)',
  'reject dns any any -> any any (msg:"query"; dns.query; content:"evil"; nocase; sid:907;)',
];

interface Heard {
  readonly sids: string;
  readonly lines: string;
  /** Normalisation would change one of its heads. */
  readonly odd: boolean;
}

/** What differs between two equal conversations. */
const ofItsOwn = new Set(['timestamp', 'flow_id', 'src_port', 'dest_port', 'pcap_cnt', 'community_id']);

/** A line without what differs; nothing if it is about another client. */
function normal(text: string, cport: number): string[] {
  const line = JSON.parse(text) as Record<string, unknown> & { ids?: Record<string, unknown> };
  if (line['src_port'] !== cport && line['dest_port'] !== cport) return [];
  for (const key of ofItsOwn) delete line[key];
  // A retransmission with other content is told; so is how long the server took.
  delete line.ids?.['flags'];
  delete line.ids?.['latency_us'];
  return [JSON.stringify(line)];
}

class Ear {
  readonly stack: Stack;
  readonly wrong: string[] = [];
  readonly #seen = { events: 0, bulk: 0, lines: 0 };
  #odd = false;

  constructor(stack: Stack) {
    this.stack = stack;
    stack.onRecord = (view, at, length, bulk) => this.#record(view, at, length, bulk);
  }

  #record(view: DataView, at: number, length: number, bulk: boolean): void {
    this.#seen[bulk ? 'bulk' : 'events']++;
    const size = bulk ? recordSize(view, at) : EventLayout.SIZE;
    if (length !== size) this.wrong.push(`a record of type ${view.getUint8(at)} has ${length} bytes, not ${size}`);
    if (Buffer.from(view.buffer, view.byteOffset + at, length).includes(marker))
      this.wrong.push('a secret in a record');
    if (bulk && view.getUint8(at + EventLayout.type) === EventType.EVENT_HTTP)
      this.#odd ||= (view.getUint32(at + HttpLayout.flags, true) & HttpFlag.HTTP_ODD) !== 0;
  }

  /** What comes of these frames for the client at that port; of others something may come late. */
  hear(frames: readonly Uint8Array[], cport: number): Heard {
    this.#odd = false;
    for (const frame of frames) {
      const verdict = this.stack.push(frame);
      if (verdict !== 2) this.wrong.push(`verdict ${verdict} in monitor mode`);
    }
    this.stack.advance(3);
    const { raised, lines } = this.stack.take();
    this.#seen.lines += lines.length;
    for (const { text } of lines) if (text.includes(SECRET)) this.wrong.push(`a secret in ${text}`);
    const told = raised.map(({ detection }) => eveLine(detection)).join('\n');
    if (told.includes(SECRET)) this.wrong.push('a secret in what was raised');
    const sids = raised.flatMap(({ detection: { kind, rule, sport, dport } }) =>
      kind === 'alert' && rule && (sport === cport || dport === cport) ? [rule.sid] : [],
    );
    return {
      sids: [...new Set(sids)].sort((a, b) => a - b).join(),
      lines: lines
        .filter(({ kind }) => kind !== 'anomaly')
        .flatMap(({ text }) => normal(text, cport))
        .sort()
        .join('\n'),
      odd: this.#odd,
    };
  }

  /** The engine and the kernel have counted the same. */
  settle(): void {
    const { stack } = this;
    const counts: Record<string, readonly [number, number]> = {
      packets: [stack.counted(), stack.packets],
      events: [stack.stat('EVENTS'), this.#seen.events],
      bulk: [stack.stat('BULK'), this.#seen.bulk],
      'records of the engine': [stack.judge.counts.bulk, this.#seen.bulk],
      lost: [stack.stat('EVENTS_LOST') + stack.stat('BULK_LOST'), 0],
      unexplained: [stack.judge.counts.unexplained, 0],
    };
    for (const [name, [a, b]] of Object.entries(counts)) if (a !== b) this.wrong.push(`${name}: ${a} and ${b}`);
    for (const [, value] of stack.kernel.map('ids_top').entries())
      if (Buffer.from(value).includes(marker)) this.wrong.push('a secret in the aggregates');
    stack.judge.layer7.close();
    const { lines } = stack.take();
    for (const { text } of lines) normal(text, 0);
    this.#seen.lines += lines.length;
    stack.judge.count();
    if (stack.judge.counts.lines !== this.#seen.lines) this.wrong.push(`lines: ${stack.judge.counts.lines}`);
  }
}

const onlyIn = (a: string, b: string): string[] => {
  const there = new Set(b.split('\n'));
  return a.split('\n').filter((line) => !there.has(line));
};

/** Who sends what: sequence number, flags, payload. */
function shownFrame(frame: Uint8Array): unknown {
  const view = new DataView(frame.buffer, frame.byteOffset);
  const text = Buffer.from(frame.subarray(54)).toString('latin1');
  return [
    view.getUint16(34) < 1024 || view.getUint16(34) === 8080 ? 'down' : 'up',
    view.getUint32(38),
    frame[47],
    text,
  ];
}

/** Rules that the evaluator finds in the heads of a conversation. */
function expected(messages: readonly Spoken[], evaluator: Evaluator, sidOf: (rule: number) => number): number[] {
  return messages.flatMap(({ side, bytes, head }) => {
    if (!head) return [];
    const section = bytes.subarray(...head);
    const message = side === 'up' ? parseHttpRequest(section) : parseHttpResponse(section);
    const packet = { ...judged, direction: side === 'up' ? (0 as const) : (1 as const) };
    return message ? evaluator.judge(message, packet, undefined, 0).map(({ rule }) => sidOf(rule)) : [];
  });
}

t.test('conversations in every way to send them, and mutated', when, async (t) => {
  const r = new Random(20_260_705);
  const tally = { talks: 0, equal: 0, judged: 0, mutated: 0 };
  let messages = 0;
  let failed = false;
  while (messages < MESSAGES && !failed) {
    const until = messages + SET;
    const rules = [...Array.from({ length: 24 }, (_, i) => randomRule(r, i + 1)), ...fixed];
    const text = rules.map((rule) => (r.chance(25) ? rule.replace(/^(drop|reject)/, 'alert') : rule)).join('\n');
    const redact = r.chance(75);
    const logs = r.chance(60) ? (['http', 'tls', 'dns', 'anomaly'] as const) : [];
    const flags = ControlFlag.CONTROL_MONITOR | (redact ? ControlFlag.CONTROL_REDACT : 0);
    const ear = new Ear(Stack.open(t, text, { flags, logs }));
    const alerts = rules.join('\n').replaceAll(/^(drop|reject)/gm, 'alert');
    const reference = compileRules([{ file: 'test.rules', text: alerts }], languageOptions({ redact: 'off' }));
    const evaluator = createEvaluator(reference.engine);
    const sidOf = (rule: number): number => reference.rules[rule]?.sid ?? 0;
    const complain = (what: string, about: unknown): void => {
      failed = true;
      t.fail(what, { about, rules: text.split('\n'), redact, logs });
    };
    for (let cport = 1024; messages < until && messages < MESSAGES && !failed; cport += 2) {
      tally.talks++;
      const ends = { sport: r.pick([80, 8080]) };
      const spoken = randomTalk(r).map((one) =>
        redact
          ? one
          : { ...one, bytes: Buffer.from(one.bytes.toString('latin1').replaceAll(SECRET, 'public'), 'latin1') },
      );
      messages += spoken.length;
      const [broken, lossy] = [r.chance(35), r.chance(15)];
      if (broken || lossy) {
        tally.mutated++;
        const said = broken ? spoken.map((one) => ({ ...one, bytes: mutate(r, one.bytes) })) : spoken;
        const frames = framesOf(r, said, { ...ends, cport }, { lossy, plain: r.chance(30), stray: broken });
        ear.hear(frames, cport);
        if (ear.wrong.length > 0)
          complain(
            ear.wrong.join('; '),
            said.map(({ bytes }) => bytes.toString('latin1')),
          );
        if (r.chance(30)) {
          const query = mutate(r, randomQuery(r));
          const way = { src: '192.0.2.9', dst: '10.0.0.1', sport: cport };
          const back = { src: way.dst, dst: way.src, sport: 53, dport: cport };
          const answer = query.length > 2 ? mutate(r, randomAnswer(r, query)) : query;
          ear.hear([udp({ ...way, payload: query }), udp({ ...back, payload: answer })], cport);
          messages += 2;
        }
        continue;
      }
      const frames = framesOf(r, spoken, { ...ends, cport }, { lossy: false, plain: false, stray: false });
      const sent = ear.hear(frames, cport);
      const plain = ear.hear(
        framesOf(r, spoken, { ...ends, cport: cport + 1 }, { lossy: false, plain: true, stray: false }),
        cport + 1,
      );
      const shown = (): unknown => ({
        only: [onlyIn(sent.lines, plain.lines), onlyIn(plain.lines, sent.lines)],
        sids: [sent.sids, plain.sids],
        frames: frames.map(shownFrame),
        said: spoken.map(({ side, bytes }) => [side, bytes.toString('latin1')]),
      });
      if (ear.wrong.length > 0) complain(ear.wrong.join('; '), shown());
      else if (sent.lines !== plain.lines) complain('what is logged depends on how it was sent', shown());
      const wanted = expected(spoken, evaluator, sidOf);
      for (const { sids } of [sent, plain]) {
        const missing = wanted.filter((sid) => !sids.split(',').includes(String(sid)));
        if (missing.length > 0) complain(`not found: ${missing.join()}`, shown());
      }
      tally.judged += wanted.length;
      const doubtful =
        plain.odd || spoken.some(({ bytes, head }) => head && repeatsName(bytes.toString('latin1', ...head)));
      if (logs.length === 0 || doubtful) continue;
      tally.equal++;
      if (sent.sids !== plain.sids) complain('what is found depends on how it was sent', shown());
    }
    ear.settle();
    if (ear.wrong.length > 0) complain(ear.wrong.join('; '), 'at the end');
    ear.stack.close();
  }
  t.notOk(failed);
  t.comment(JSON.stringify({ messages, ...tally }));
  t.ok(
    tally.equal > MESSAGES / 200 && tally.judged > MESSAGES / 5 && tally.mutated > MESSAGES / 20,
    JSON.stringify(tally),
  );
});
