// SPDX-License-Identifier: Apache-2.0
// The kernel's prefilter: what it keeps back no rule of the engine matches. Rules are made of what stands in random heads,
// among so many others that there is no room for all literals; the same traffic goes through programs that hand over every
// head. IDS_FUZZ sets how many conversations, IDS_SEED repeats a run.

import t from 'tap';
import { GramKind, L7Setting } from '../../common/abi.gen.js';
import { languageOptions } from '../../engine/config/index.js';
import { prefilterOf } from '../../rules/compile/prefilter.js';
import {
  BUFFERS,
  compileRules,
  parseHttpRequest,
  parseHttpResponse,
  parseRules,
  type BufferId,
} from '../../rules/index.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { Random } from '../unit/rules/support/random.js';
import { contentOf, OF_REQUESTS, OF_RESPONSES, requestHead, responseHead } from '../unit/rules/support/random-heads.js';
import { framesOf, type Spoken } from './support/random-talk.js';
import { Stack } from './support/stack.js';

const when = { skip: whyUnprivileged() ?? false };
const CONVERSATIONS = Number(process.env['IDS_FUZZ'] ?? 200);
const seed = Number(process.env['IDS_SEED'] ?? Date.now() & 0x7fffffff);
/** Rules of a set, and of one without those of which nothing can be looked for: they have every head handed over. */
const [RULES, CALM] = [40, 8];
/** Of each set, before the next one is made. */
const TALKS = 100;
const ALL = L7Setting.L7_ALL_HEADS | L7Setting.L7_ALL_RESPONSES;

/** Rules whose literals are more than the pattern automaton has room for. */
const others = Array.from(
  { length: 5000 },
  (_, n) => `alert http any any -> any any (msg:"o"; http.uri; content:"/other/${n * 7919}.x"; sid:${1000 + n};)`,
);

/** Everyday heads, of which most are kept back. */
function plainHead(r: Random): string {
  const lines = [
    ...['Host: kiwi.quux', 'User-Agent: Wget/1.21', 'Accept: */*', 'Accept-Encoding: gzip, deflate', 'DNT: 1'],
    ...['Accept-Language: en', 'Connection: keep-alive', 'Referer: http://kiwi.quux/', 'Cache-Control: no-cache'],
  ];
  const some = lines.filter(() => r.chance(60)).map((line) => `${line}\r\n`);
  return `${r.pick(['GET', 'GET', 'POST', 'HEAD'])} ${r.pick(['/', '/kiwi/fig', '/index.html', '/quux?n=7'])} HTTP/1.1\r\n${some.join('')}\r\n`;
}

/** A rule that matches the head, or nearly. */
function ruleOf(r: Random, sid: number, head: string, response: boolean): string {
  const bytes = Buffer.from(head, 'latin1');
  const message = response ? parseHttpResponse(bytes) : parseHttpRequest(bytes);
  const tests = Array.from({ length: 1 + r.int(3) }, () => {
    const name = r.pick(response ? OF_RESPONSES : OF_REQUESTS);
    const sticky = name === 'payload' ? 'pkt_data;' : `${name};`;
    const buffer = name === 'payload' ? bytes : message?.buffer(BUFFERS.indexOf(name) as BufferId, 0);
    if (buffer === undefined || buffer.length === 0) return `${sticky} content:!"qq";`;
    const text = contentOf(r, name === 'http.host' ? Buffer.from(buffer).map((byte) => byte | 0x20) : buffer);
    const not = r.chance(8) ? text.replace('content:', 'content:!') : text;
    const expression = r.chance(10) ? ` pcre:"/[a-z]${r.pick(['o', 'e', '.+', '[0-9]*'])}/i";` : '';
    return `${sticky} ${not}${r.chance(30) && name !== 'http.host' ? ' nocase;' : ''}${expression}`;
  });
  const flow = response || r.chance(50) ? `flow:${response ? 'to_client' : 'to_server'}; ` : '';
  const ends = r.pick(['any any -> any any', 'any any -> any any', '192.0.2.0/24 any -> any any', 'any any -> any 80']);
  return `alert http ${ends} (msg:"m"; ${flow}${tests.join(' ')} sid:${sid};)`;
}

/** Those of the rules that can match at all; `calm`: of which something can be looked for in heads. */
function usable(lines: readonly string[], calm: boolean): string[] {
  const source = { file: 'r', text: lines.join('\n') };
  const options = languageOptions({ redact: 'off' });
  const wrong = new Set(compileRules([source], options).problems.map(({ line }) => line));
  const found = lines.filter((_, n) => !wrong.has(n + 1));
  if (!calm) return found;
  const { rules } = parseRules([{ file: 'r', text: found.join('\n') }], options);
  const led = rules.filter((rule) => {
    const kind = rule.text.includes('to_client') ? GramKind.GRAM_RESPONSE : GramKind.GRAM_REQUEST;
    const { unled, payload } = prefilterOf([{ rule, kind }]);
    return unled.length === 0 && payload === 0 && !rule.text.includes('pkt_data');
  });
  return led.slice(0, CALM).map(({ text }) => text);
}

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

function alertsOf(stack: Stack): string {
  const { raised } = stack.take();
  return raised
    .flatMap(({ quiet, detection: { kind, rule } }) => (kind === 'alert' && rule && !quiet ? [rule.sid] : []))
    .sort((a, b) => a - b)
    .join(' ');
}

t.test(`what is kept back matches no rule (seed ${seed})`, when, async (t) => {
  const r = new Random(seed);
  const tally = { talks: 0, alerts: 0, kept: 0, passed: 0, unequal: 0 };
  let sets = 0;
  for (let port = 1024; tally.talks < CONVERSATIONS && tally.unequal === 0;) {
    const heads = Array.from({ length: 30 }, () => [requestHead(r), responseHead(r)] as const);
    const made = Array.from({ length: RULES }, (_, n) => {
      const response = r.chance(35);
      const [request, answer] = r.pick(heads);
      return ruleOf(r, n + 1, response ? answer : request, response);
    });
    // Each kind in turn: few conversations see both.
    const rules = usable(made, sets++ % 2 === 0);
    const text = [...rules, ...others].join('\n');
    const [sifted, whole] = [Stack.open(t, text), Stack.open(t, text, { heads: ALL })];
    for (let n = 0; n < TALKS && tally.talks < CONVERSATIONS && tally.unequal === 0; n++) {
      const [request, answer] = r.pick(heads);
      const asked = r.chance(40) ? plainHead(r) : r.chance(80) ? request : requestHead(r);
      const said: Spoken[] = [
        { side: 'up', bytes: latin(asked) },
        ...(r.chance(70) ? [{ side: 'down' as const, bytes: latin(r.chance(80) ? answer : responseHead(r)) }] : []),
      ];
      const ends = { client: r.pick(['192.0.2.1', '198.51.100.1']), cport: (port = port >= 60_000 ? 1024 : port + 1) };
      const frames = framesOf(
        r,
        said,
        { ...ends, sport: r.pick([80, 8080]) },
        { plain: r.chance(70), lossy: false, stray: false },
      );
      for (const frame of frames) for (const stack of [sifted, whole]) stack.push(frame);
      const [kept, all] = [alertsOf(sifted), alertsOf(whole)];
      tally.talks++;
      tally.alerts += all === '' ? 0 : all.split(' ').length;
      for (const stack of [sifted, whole]) stack.advance(0.01);
      if (kept === all) continue;
      tally.unequal++;
      const differ = rules.filter((rule) => {
        const sid = /sid:(\d+)/.exec(rule)?.[1] ?? '';
        return kept.split(' ').includes(sid) !== all.split(' ').includes(sid);
      });
      t.same(kept, all, 'same alerts', { differ, said: said.map(({ bytes }) => bytes.toString('latin1')) });
    }
    tally.kept += sifted.stat('PREFILTER_KEPT');
    tally.passed += sifted.stat('PREFILTER_PASSED');
    t.equal(whole.stat('PREFILTER_KEPT'), 0, 'nothing is kept back where every head is wanted');
    for (const stack of [sifted, whole]) stack.close();
  }
  t.ok(
    tally.alerts > CONVERSATIONS / 40 && tally.kept > CONVERSATIONS / 10 && tally.passed > CONVERSATIONS / 10,
    JSON.stringify(tally),
  );
});
