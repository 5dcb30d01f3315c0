// SPDX-License-Identifier: Apache-2.0
// What the kernel looks for on behalf of the engine where there is no room for all literals: of each rule one gram, a few
// bytes without which it cannot match, or where all that it has is short, a pattern in its buffer. A rule that has neither is
// asked about every message of the flows that its header part fits.

import { GramKind, GramPlace, L7Limit, Region } from '../../common/abi.gen.js';
import type { Buffer as BufferName, ContentMatch, PcreMatch, Rule } from '../ast.js';
import { bufferInfo, bufferMatches, isPlain } from '../buffers.js';
import { keyOf } from '../match/groups.js';
import { boundsOf } from '../match/lead.js';
import type { Gram } from '../patterns/grams.js';
import { lower, NO_END, type Pattern } from '../patterns/pattern.js';
import { necessaryRuns } from '../pcre/necessary.js';
import { changesCaseAlone } from '../transforms/transform.js';
import { ALWAYS, ALWAYS_LINES, OFTEN, OFTEN_LINES } from '../usual.js';
import { headerKeys } from './inspect.js';
import { kernelBuffers } from './messages.js';
import { piecesOf } from './standing.js';

const { GRAM_LEAST: LEAST, GRAM_MOST: MOST } = L7Limit;
const FOLD = 0x20;
const ASTERISK = 0x2a;
const { GRAM_REQUEST, GRAM_RESPONSE } = GramKind;

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
/** Bytes with bit 5 set, as text: how the kernel compares. */
function folded(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at++) bytes[at] = (bytes[at] as number) | FOLD;
  return bytes.toString('latin1');
}

/** What it costs to look for a text that messages often have: by every text that a gram could be. */
const usual = new Map<string, number>();
for (const [text, cost] of [
  [`${OFTEN} ${OFTEN_LINES}`, 35],
  [`${ALWAYS} ${ALWAYS_LINES}`, 100],
] as const) {
  const all = folded(text);
  for (let length = 1; length <= MOST; length++)
    for (let at = 0; at + length <= all.length; at++) usual.set(all.slice(at, at + length), cost);
}
/** What every byte may be once it is folded. */
const ANY = [...new Set(Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte | FOLD)))];

/** Where in a message a gram stands, see Gram. */
type Spot = Omit<Gram, 'text' | 'kinds'>;

/** How a rule may be looked for; the less it costs the better, roughly in per cent of harmless messages that have it. */
interface Choice {
  readonly cost: number;
  /** One of them stands in the message, at that spot. */
  readonly grams?: readonly string[];
  readonly spot?: Spot;
  readonly pattern?: Pattern;
  /** It stands in what the direction has sent, and so in the message unless that is looked into. */
  readonly payload?: boolean;
}

/** As good as none: the rule is asked about every message then. */
const TOO_MUCH = 50;
/** No other is looked for. */
const GOOD = 2;

/** How many grams begin with the same four bytes. */
type Uses = Map<string, number>;

/** The part of a piece that is met least; of one of three bytes, with every byte that may follow. */
function gramOf(piece: string, uses: Uses, head: boolean): Choice | undefined {
  const text = folded(piece);
  if (text.length === 3 && head) {
    return { cost: Math.max(usual.get(text) ?? 0, 28), grams: ANY.map((byte) => text + byte) };
  }
  let best: Choice | undefined;
  for (let at = 0; at + LEAST <= text.length; at++) {
    const gram = text.slice(at, at + MOST);
    const first = gram.slice(0, LEAST);
    const known = usual.get(gram) ?? (usual.has(first) ? 1 : 0);
    const least = known + 1.5 * (MOST - gram.length);
    if (least >= (best?.cost ?? Infinity)) continue;
    // Digits and dots are common.
    const plain = /^[0-9./]+$/.test(gram) ? 4 : 0;
    const cost = least + plain + (uses.get(first) ?? 0) / 4;
    if (best === undefined || cost < best.cost) best = { cost, grams: [gram] };
    if (cost === 0) break;
  }
  return best;
}

/** A short content with a place in its buffer, for the pattern automaton. */
function patternOf(rule: Rule, content: ContentMatch): Choice | undefined {
  const region = kernelBuffers[content.buffer];
  if (region === undefined || region === Region.HEADERS || region === Region.METHOD) return undefined;
  const { transforms, dotprefix, endswith, startswith, offset = 0 } = content;
  const placed = transforms === undefined && !dotprefix && isPlain(content);
  const { until, most } = boundsOf(rule, content);
  const to = placed ? Math.min(until, most, NO_END) : NO_END;
  const from = placed && !startswith ? offset : 0;
  let bytes = Uint8Array.from(content.pattern, lower);
  if (dotprefix && bytes[0] === 0x2e) bytes = bytes.subarray(1);
  if (bytes.length === 0) return undefined;
  const pattern = { region, bytes, nocase: true, from, until: to, ends: placed && endswith, dot: false, engine: true };
  const bound = to !== NO_END || pattern.ends;
  const short = [0, 60, 30, 15][bytes.length] ?? usual.get(folded(latin1(bytes.subarray(0, MOST)))) ?? 0;
  return { cost: 10 + (bound ? short / 4 : short), pattern };
}

const PLACES: Readonly<Partial<Record<BufferName, GramPlace>>> = {
  'http.method': GramPlace.GRAM_METHOD,
  'http.uri': GramPlace.GRAM_URI,
  'http.uri.raw': GramPlace.GRAM_URI,
  'http.host': GramPlace.GRAM_HOST,
  'http.user_agent': GramPlace.GRAM_AGENT,
};
/** Buffers that are not of the header lines of a request alone. */
const ELSEWHERE: ReadonlySet<BufferName> = new Set<BufferName>([
  ...(['http.start', 'http.request_line', 'http.protocol', 'payload'] as const),
]);

/** Where a piece of a content, or of an expression, has to stand in a request. */
function spotOf(rule: Rule, match: Needed): Spot {
  const place = PLACES[match.buffer] ?? (ELSEWHERE.has(match.buffer) ? undefined : GramPlace.GRAM_LINES);
  if (place === undefined) return {};
  if (match.kind !== 'content' || place === GramPlace.GRAM_LINES) return { place };
  const { least, most, until } = boundsOf(rule, match);
  const bound = (value: number): number => Math.min(value, GramPlace.GRAM_FREE);
  return { place, least: bound(least), most: bound(most), until: bound(until) };
}

type Needed = ContentMatch | PcreMatch;

/** Contents and expressions without which the rule cannot match, in buffers that stand in such a message as it was sent. */
function necessary(rule: Rule, stands: (buffer: BufferName) => boolean): Needed[] {
  const looks = bufferMatches(rule.matches);
  const absent = new Set(looks.filter(({ kind }) => kind === 'absent').map(keyOf));
  return looks.filter(
    (match): match is Needed =>
      (match.kind === 'content' || match.kind === 'pcre') &&
      !match.negated &&
      stands(match.buffer) &&
      (match.transforms === undefined || changesCaseAlone(match.transforms)) &&
      !(absent.size > 0 && absent.has(keyOf(match))),
  );
}

/** Pieces of a content of which each stands in the message. */
function contentPieces({ buffer, pattern, dotprefix }: ContentMatch): string[] {
  // Asterisks alone are what masked values are full of.
  if (pattern.every((byte) => byte === ASTERISK)) return [];
  const text = latin1(pattern.map(lower));
  return piecesOf(buffer, dotprefix && text.startsWith('.') ? text.slice(1) : text);
}

const ofHead = (buffer: BufferName): boolean =>
  buffer === 'payload' || (bufferInfo[buffer].app === 'http' && bufferInfo[buffer].payload !== true);

/** By enum ids_gram_kind. */
const STANDS: readonly ((buffer: BufferName) => boolean)[] = [
  ofHead,
  ofHead,
  (buffer) => buffer === 'dns.query',
  (buffer) => buffer === 'tls.sni',
];

/** A rule and the kind of messages, of enum ids_gram_kind, that it is judged on. */
export interface Asked {
  readonly rule: Rule;
  readonly kind: GramKind;
}

export interface Prefilter {
  readonly grams: readonly Gram[];
  readonly patterns: readonly Pattern[];
  /** Rules that nothing can be looked for of. */
  readonly unled: readonly Asked[];
  /** Bit by enum ids_gram_kind: rules have a gram in the payload alone. */
  readonly payload: number;
}

const spotKey = ({ place, least, most, until, method }: Spot = {}): string =>
  [place, least, most, until, method].join();

/** What has to stand in the method of a request, by its first byte. */
function methodOf({ matches }: Rule): number | undefined {
  const looks = bufferMatches(matches).filter(({ buffer }) => buffer === 'http.method');
  if (looks.some(({ kind }) => kind === 'absent')) return undefined;
  for (const match of looks) {
    if (match.kind !== 'content' || match.negated || match.transforms !== undefined) continue;
    const [first] = match.pattern;
    if (first !== undefined && match.pattern.length >= 3) return first | FOLD;
  }
  return undefined;
}

function choose({ rule, kind }: Asked, uses: Uses): Choice | undefined {
  const head = kind === GRAM_REQUEST || kind === GRAM_RESPONSE;
  // Assigned in a function, of which the compiler knows nothing.
  let best = undefined as Choice | undefined;
  const offer = (choice: Choice | undefined, payload: boolean): void => {
    if (choice === undefined) return;
    const cost = choice.cost + (payload ? 20 : 0);
    if (cost < (best?.cost ?? TOO_MUCH)) best = { ...choice, cost, payload };
  };
  const method = methodOf(rule);
  const sent = method === undefined ? {} : { method };
  const placed = (match: Needed, choice: Choice | undefined): Choice | undefined =>
    kind === GRAM_REQUEST && choice !== undefined ? { ...choice, spot: { ...spotOf(rule, match), ...sent } } : choice;
  const needed = necessary(rule, STANDS[kind] ?? ofHead);
  for (const match of needed) {
    if (match.kind === 'pcre') continue;
    const payload = match.buffer === 'payload';
    for (const piece of contentPieces(match)) {
      const choice = gramOf(piece, uses, head && !payload);
      if (choice !== undefined && choice.cost < (best?.cost ?? TOO_MUCH)) offer(placed(match, choice), payload);
    }
    if (best !== undefined && best.cost < GOOD) return best;
    offer(patternOf(rule, match), false);
    // A comma between two may also be that between two lines, of which the second begins with one.
    if (head && !payload && latin1(match.pattern) === ', ,')
      offer({ cost: 20, grams: [', ,', ': ,'].flatMap((text) => ANY.map((byte) => folded(text) + byte)) }, false);
  }
  if (best !== undefined) return best;
  for (const match of needed) {
    if (match.kind !== 'pcre') continue;
    const payload = match.buffer === 'payload';
    const pieces = necessaryRuns(match.expression).flatMap((run) => piecesOf(match.buffer, run));
    for (const piece of pieces) offer(placed(match, gramOf(piece, uses, head && !payload)), payload);
  }
  return best;
}

/** What to look for. */
export function prefilterOf(asked: readonly Asked[]): Prefilter {
  const uses: Uses = new Map();
  const grams = new Map<string, Gram>();
  const patterns: Pattern[] = [];
  const chosen = asked.map((one) => {
    const best = choose(one, uses);
    for (const gram of best?.grams ?? []) uses.set(gram.slice(0, LEAST), (uses.get(gram.slice(0, LEAST)) ?? 0) + 1);
    return best;
  });
  const unled = asked.filter((_, number) => chosen[number] === undefined);
  // Where all heads are handed over for one rule, the others with the same header part need nothing.
  const every = new Set(unled.flatMap(({ rule, kind }) => headerKeys(rule).map((key) => `${kind} ${key}`)));
  let payload = 0;
  asked.forEach((one, number) => {
    const best = chosen[number];
    if (every.size > 0 && headerKeys(one.rule).every((key) => every.has(`${one.kind} ${key}`))) return;
    if (best?.payload === true) payload |= 1 << one.kind;
    if (best?.pattern !== undefined) patterns.push(best.pattern);
    const spot = spotKey(best?.spot);
    for (const text of best?.grams ?? []) {
      const key = `${text} ${spot}`;
      const known = grams.get(key);
      const bytes = known?.text ?? Uint8Array.from(Buffer.from(text, 'latin1'));
      grams.set(key, { ...best?.spot, text: bytes, kinds: (known?.kinds ?? 0) | (1 << one.kind) });
    }
  });
  return { grams: [...grams.values()], patterns, unled, payload };
}
