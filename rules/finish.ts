// SPDX-License-Identifier: Apache-2.0
// What can only be judged when all options of a rule have been read.

import type { BufferMatch, ContentMatch, Match, Position, RuleMeta, SizeMatch } from './ast.js';
import { bufferInfo, bufferMatches, flowDirections, isRelative, TO_CLIENT, TO_SERVER, transports } from './buffers.js';
import { DEFAULT_PRIORITY } from './classification.js';
import {
  fail,
  unsupported,
  warn,
  type Draft,
  type PendingContent,
  type PendingSize,
  type PendingTest,
} from './draft.js';
import type { Header } from './header.js';
import { positionOf } from './lines.js';
import { maskedTest, maskedValue } from './redaction.js';

/** The part of a rule that describes it; 0 stands for a missing sid. */
export function metaOf(draft: Draft): RuleMeta {
  const known = draft.classtype === undefined ? undefined : draft.options.classifications.get(draft.classtype);
  return {
    sid: draft.sid ?? 0,
    gid: draft.gid,
    rev: draft.rev,
    msg: draft.msg,
    ...(draft.classtype === undefined ? {} : { classtype: draft.classtype }),
    category: known?.description ?? '',
    priority: draft.priority ?? known?.priority ?? DEFAULT_PRIORITY,
    references: draft.references,
    metadata: draft.metadata,
    ...(draft.target === undefined ? {} : { target: draft.target }),
    ...(draft.tag === undefined ? {} : { tag: draft.tag }),
    noalert: draft.noalert,
  };
}

function checkHost(draft: Draft, content: PendingContent): void {
  if (content.nocase) fail(draft, content.at, 'nocase on http.host says nothing: it is in lower case', 'remove nocase');
  if (content.pattern.some((byte) => byte >= 0x41 && byte <= 0x5a)) {
    fail(draft, content.at, 'capitals in a content on http.host never match', 'write it in lower case');
  }
}

function checkMethod(draft: Draft, content: PendingContent): void {
  const blank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09;
  if (blank(content.pattern[0]) || blank(content.pattern.at(-1))) {
    fail(draft, content.at, 'a method neither begins nor ends with a blank', 'remove the blank');
  }
}

function carriesHttp({ protocol }: Draft): boolean {
  return protocol.ipProtocols === undefined || protocol.ipProtocols.includes(6);
}

function finishContent(draft: Draft, content: PendingContent): ContentMatch | undefined {
  const { buffer } = content;
  draft.keyword = content.keyword;
  if (buffer === 'other') return unsupported(draft, 'this buffer is not matched', 'content', content.at);
  const masked = carriesHttp(draft) ? maskedValue(content, draft.options.redact) : undefined;
  if (buffer === 'http.host') checkHost(draft, content);
  if (buffer === 'http.method') checkMethod(draft, content);
  const { position, pattern, negated, nocase, startswith, endswith, fastPattern } = content;
  const { offset, depth, distance, within, variables } = content;
  return {
    kind: 'content',
    buffer,
    group: content.group,
    dotprefix: content.dotprefix,
    transforms: content.transforms,
    position,
    pattern,
    negated,
    nocase,
    startswith,
    endswith,
    fastPattern,
    ...(offset === undefined ? {} : { offset }),
    ...(depth === undefined ? {} : { depth }),
    ...(distance === undefined ? {} : { distance }),
    ...(within === undefined ? {} : { within }),
    ...(variables === undefined ? {} : { variables }),
    ...(masked === undefined ? {} : { masked }),
  };
}

function finishSize(draft: Draft, size: PendingSize): SizeMatch | undefined {
  const { buffer } = size;
  if (buffer === 'other') return unsupported(draft, 'this buffer is not matched', 'bsize', size.keywordAt);
  const longest = Math.max(
    0,
    ...draft.parts.map((part) =>
      part.kind === 'pending' && part.group === size.group && part.buffer === buffer && !part.negated
        ? part.pattern.length + (part.offset ?? 0)
        : 0,
    ),
  );
  draft.keyword = 'bsize';
  if (!size.negate && longest > size.hi) {
    fail(
      draft,
      size.keywordAt,
      `the contents need ${longest} bytes and bsize allows ${size.hi}`,
      'correct bsize or the content',
    );
  }
  const { position, group, dotprefix, transforms, lo, hi, negate } = size;
  return { kind: 'size', position, buffer, group, dotprefix, transforms, lo, hi, negate };
}

function finishTest(draft: Draft, test: PendingTest): BufferMatch | undefined {
  if (test.kind === 'size') return finishSize(draft, test);
  const { buffer, keywordAt, ...rest } = test;
  if (buffer !== 'other') return { ...rest, buffer };
  const keyword = test.kind === 'bytes' ? `byte_${test.spec.use.does}` : test.kind;
  return unsupported(draft, 'this buffer is not matched', keyword, keywordAt);
}

/** Settles buffers and checks what options say together. */
export function finishMatches(draft: Draft): readonly Match[] {
  const matches: Match[] = [];
  for (const part of draft.parts) {
    const match =
      part.kind === 'pending' ? finishContent(draft, part) : 'buffer' in part ? finishTest(draft, part) : part;
    if (match) matches.push(match);
  }
  checkAbsent(draft, matches);
  if (carriesHttp(draft)) refuseMaskedTests(draft, matches);
  return matches;
}

/** A buffer that is to be absent passes no other test; one that may be needs another. */
function checkAbsent(draft: Draft, matches: readonly Match[]): void {
  const looks = bufferMatches(matches);
  for (const absent of looks) {
    if (absent.kind !== 'absent') continue;
    const others = looks.filter(
      (look) => look !== absent && look.group === absent.group && look.buffer === absent.buffer,
    );
    const at = { position: absent.position, keyword: 'absent' };
    if (absent.orElse === others.length > 0) {
      if (!others.some((look) => look.kind === 'content' && look.fastPattern)) continue;
      failAt(draft, at, 'a content of a buffer that may be absent has fast_pattern', 'give it to another buffer');
    } else if (absent.orElse) failAt(draft, at, 'nothing is asked of the buffer if it is there', 'write absent alone');
    else failAt(draft, at, 'a buffer that is absent passes no other test', 'write absent:or_else');
  }
}

/** Values that are masked: the kernel looks for single contents there, and for nothing else. */
function refuseMaskedTests(draft: Draft, matches: readonly Match[]): void {
  const { redact } = draft.options;
  if (redact.headers.length + redact.parameters.length === 0) return;
  const leaders = new Map<string, BufferMatch>();
  for (const match of bufferMatches(matches)) {
    const key = `${match.buffer} ${bufferInfo[match.buffer].several === true ? match.group : ''}`;
    const name = maskedTest(match, isRelative(match) ? leaders.get(key) : undefined, redact);
    if (name !== undefined && (match.kind !== 'content' || match.masked === undefined)) {
      const keyword = match.kind === 'bytes' ? `byte_${match.spec.use.does}` : match.kind;
      unsupported(draft, `needs a redacted value (${name})`, keyword, 0);
      return;
    }
    if (match.kind === 'content' || match.kind === 'pcre') leaders.set(key, match);
  }
}

/** What the buffers of a rule leave of protocols and directions; nothing left is a mistake. */
function checkBuffers(draft: Draft, header: Header, matches: readonly Match[]): void {
  const { app: named, ipProtocols } = header.protocol;
  let app = named;
  let directions = TO_SERVER | TO_CLIENT;
  for (const { buffer, position } of bufferMatches(matches)) {
    const info = bufferInfo[buffer];
    const at = { position, keyword: buffer };
    if (app !== undefined && info.app !== undefined && info.app !== app) {
      const what = app === named ? `the rule says ${header.protocolName}` : `another of its buffers belongs to ${app}`;
      return failAt(draft, at, `${buffer} belongs to ${info.app}, ${what}`, 'write one rule for each protocol');
    }
    app ??= info.app;
    if (info.app !== undefined && ipProtocols !== undefined) {
      const carried = transports[info.app].some((number) => ipProtocols.includes(number));
      const remedy = `write ${info.app}${info.app === 'dns' ? ', tcp or udp' : ' or tcp'}`;
      if (!carried) return failAt(draft, at, `${buffer} does not occur in ${header.protocolName}`, remedy);
    }
    if (typeof info.header === 'number' && ipProtocols?.includes(info.header) === false) {
      const remedy = `write ${buffer.replace('.hdr', '')} or ip`;
      return failAt(draft, at, `${buffer} does not occur in ${header.protocolName}`, remedy);
    }
    directions &= info.directions;
    if (directions === 0) {
      const cause = `${buffer} and another buffer of the rule are not sent in one direction`;
      return failAt(draft, at, cause, 'write one rule for each direction, with a flow bit between them');
    }
  }
  if ((directions & flowDirections(matches)) === 0 && directions !== (TO_SERVER | TO_CLIENT)) {
    const way = directions === TO_SERVER ? 'to_server' : 'to_client';
    const flow = matches.find((match) => match.kind === 'header' && match.keyword === 'flow');
    const position = flow?.position ?? positionOf(draft.line, 0);
    const cause = `the buffers of the rule are sent ${way}, its flow goes the other way`;
    failAt(draft, { position, keyword: 'flow' }, cause, `write flow:${way}`);
  }
}

function failAt(draft: Draft, at: { position: Position; keyword: string }, cause: string, remedy: string): void {
  draft.errors++;
  draft.problems.push({ severity: 'error', ...at.position, keyword: at.keyword, cause, remedy });
}

/** Checks the header against the options: what carries the buffers, and that ICMP has no ports. */
export function checkHeader(draft: Draft, header: Header, matches: readonly Match[]): void {
  // Of a rule that is not used, the buffers are not all known.
  if (!draft.unsupported) checkBuffers(draft, header, matches);
  draft.keyword = 'protocol';
  const { ipProtocols } = header.protocol;
  const icmp = ipProtocols !== undefined && ipProtocols.every((number) => number === 1 || number === 58);
  if (icmp && !(header.source.anyPort && header.destination.anyPort)) {
    warn(draft, 0, `${header.protocolName} has no ports, so this rule never matches`, 'write any for both ports');
  }
}
