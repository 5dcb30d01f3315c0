// SPDX-License-Identifier: Apache-2.0
// What can only be judged when all options of a rule have been read.

import type { ContentMatch, Match, RuleMeta, SizeMatch } from './ast.js';
import { DEFAULT_PRIORITY } from './classification.js';
import { fail, unsupported, warn, type Draft, type PendingContent, type PendingSize } from './draft.js';
import type { Header } from './header.js';
import { maskedHeader } from './redaction.js';

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

function finishContent(draft: Draft, content: PendingContent): ContentMatch | undefined {
  const { buffer } = content;
  draft.keyword = content.keyword;
  if (buffer === undefined)
    return unsupported(draft, 'raw payload is not matched; use a buffer such as http.uri', 'content', content.at);
  if (buffer === 'other') return unsupported(draft, 'this buffer is not matched', 'content', content.at);
  const masked = maskedHeader(content, draft.options.redact);
  if (masked !== undefined) return unsupported(draft, `needs a redacted value (${masked})`, 'content', content.at);
  if (buffer === 'http.host') checkHost(draft, content);
  if (buffer === 'http.method') checkMethod(draft, content);
  const { position, pattern, negated, nocase, startswith, endswith, offset, depth, fastPattern } = content;
  return {
    kind: 'content',
    buffer,
    position,
    pattern,
    negated,
    nocase,
    startswith,
    endswith,
    fastPattern,
    ...(offset === undefined ? {} : { offset }),
    ...(depth === undefined ? {} : { depth }),
  };
}

function finishSize(draft: Draft, size: PendingSize): SizeMatch | undefined {
  const { buffer } = size;
  if (buffer === 'other') return unsupported(draft, 'this buffer is not matched', 'bsize', size.at);
  const longest = Math.max(
    0,
    ...draft.parts.map((part) =>
      part.kind === 'pending' && part.buffer === buffer && !part.negated ? part.pattern.length + (part.offset ?? 0) : 0,
    ),
  );
  draft.keyword = 'bsize';
  if (!size.negate && longest > size.hi) {
    fail(
      draft,
      size.at,
      `the contents need ${longest} bytes and bsize allows ${size.hi}`,
      'correct bsize or the content',
    );
  }
  return { kind: 'size', position: size.position, buffer, lo: size.lo, hi: size.hi, negate: size.negate };
}

/** Settles buffers and checks what options say together. */
export function finishMatches(draft: Draft): readonly Match[] {
  const matches: Match[] = [];
  for (const part of draft.parts) {
    const match =
      part.kind === 'header' ? part : part.kind === 'size' ? finishSize(draft, part) : finishContent(draft, part);
    if (match) matches.push(match);
  }
  return matches;
}

/** Checks the header against the options: HTTP runs over TCP, ICMP has no ports. */
export function checkHeader(draft: Draft, header: Header, matches: readonly Match[]): void {
  draft.keyword = 'protocol';
  const { ipProtocols, http } = header.protocol;
  const request = matches.find((match) => match.kind !== 'header');
  if (request && !http && ipProtocols !== undefined && !ipProtocols.includes(6)) {
    fail(draft, 0, `HTTP buffers need TCP, the rule says ${header.protocolName}`, 'write http or tcp');
  }
  const icmp = ipProtocols !== undefined && ipProtocols.every((number) => number === 1 || number === 58);
  if (icmp && !(header.source.anyPort && header.destination.anyPort)) {
    warn(draft, 0, `${header.protocolName} has no ports, so this rule never matches`, 'write any for both ports');
  }
}
