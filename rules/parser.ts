// SPDX-License-Identifier: Apache-2.0
// Rule files to typed rules. A bad rule never stops the others.

import { addressDomain, resolveAddresses } from './addresses.js';
import type { AddressSet, AppName, HeaderMatch, Match, Problem, Rule, RuleSource, UnsupportedRule } from './ast.js';
import { standardClassifications, type Classifications } from './classification.js';
import { fail, newDraft, unsupported, type Draft, type ParseOptions } from './draft.js';
import { appOf, transports } from './buffers.js';
import { DuplicateFilter } from './duplicates.js';
import { checkHeader, finishMatches, metaOf } from './finish.js';
import { actions, parseHeader, type Header, type HeaderProblem, type Resolver } from './header.js';
import { keywordByName } from './keywords/index.js';
import { excerpt, lexRule, type Option } from './lexer.js';
import { eachLine, MAX_LINE, positionOf, type LogicalLine } from './lines.js';
import { portDomain } from './ports.js';
import { versionCondition } from './protocols.js';
import { didYouMean } from './suggest.js';

export interface LanguageOptions {
  /** Address variables without `$`, values as in suricata.yaml. */
  readonly addressVars: Readonly<Record<string, string>>;
  readonly portVars: Readonly<Record<string, string>>;
  /** Names of the headers whose values are masked, or `off`. */
  readonly redact: readonly string[] | 'off';
  /** Names of the parameters of URIs whose values are masked unless `redact` is `off`; none unless set. */
  readonly redactParameters?: readonly string[];
  /** Classtypes that are known; a stock classification.config unless set. */
  readonly classifications?: Classifications;
  /** Rules that are only addresses: entries of the blocklist (default) or header rules like any other. */
  readonly addressRules?: 'lists' | 'inline';
}

export interface ParsedRules {
  readonly rules: Rule[];
  readonly unsupported: UnsupportedRule[];
  /** Rules that are commented out. */
  readonly disabled: number;
  readonly problems: Problem[];
  /** HOME_NET, if it is defined. */
  readonly home?: AddressSet;
}

/** Errors of one rule that are told; a line that is no rule at all would have thousands. */
const MAX_ERRORS = 20;

const DISABLED = new RegExp(
  `^#[#\\s]*(?:${[...actions.keys()].join('|')})\\s+[a-z0-9-]+\\s[^;]*(?:->|<>|=>)[^;]*\\(`,
  'i',
);

/** Takes the quotes off a value and calls the keyword's parser, or reports what is wrong with the option. */
function parseOption(draft: Draft, option: Option): void {
  draft.keyword = option.name === '' ? 'option' : option.name;
  draft.keywordAt = option.at;
  draft.valueAt = option.valueAt;
  const keyword = keywordByName.get(option.name);
  if (!keyword) {
    if (option.name === '') return fail(draft, option.at, 'an option has no name', 'remove the extra ; or :');
    const remedy = didYouMean(
      option.name,
      keywordByName.keys(),
      'see docs/rules.md for the keywords; a ; in text is written \\;',
    );
    return fail(draft, option.at, `"${excerpt(option.name)}" is not a keyword`, remedy);
  }
  if (!keyword.parse) {
    unsupported(draft, keyword.summary);
    if (keyword.value === 'optional') stickyOther(draft, option);
    return;
  }
  if (keyword.once && draft.seen.has(keyword.name))
    return fail(draft, option.at, `${option.name} stands twice`, 'remove one');
  if (keyword.once) draft.seen.add(keyword.name);
  const value = option.value ?? '';
  if (value === '') {
    if (keyword.value === 'required')
      return fail(draft, option.at, `${option.name} needs a value`, `write ${option.name}:VALUE;`);
    return keyword.parse(draft, '', false);
  }
  if (keyword.value === 'none')
    return fail(draft, option.valueAt, `${option.name} has no value`, `write ${option.name};`);
  const negated = keyword.negatable === true && value.startsWith('!');
  const body = negated ? value.slice(1).trimStart() : value;
  if (!body.startsWith('"')) {
    if (keyword.quotes === 'mandatory') {
      return fail(
        draft,
        option.valueAt,
        `the value of ${option.name} is not in double quotes`,
        `write ${option.name}:"VALUE";`,
      );
    }
    return keyword.parse(draft, body, negated);
  }
  if (keyword.quotes === 'none') {
    return fail(
      draft,
      option.valueAt,
      `${option.name} takes no quotes`,
      `write ${option.name}:${body.replaceAll('"', '')};`,
    );
  }
  if (body.length < 2 || !body.endsWith('"')) {
    return fail(
      draft,
      option.valueAt,
      'the closing quote is missing',
      'write it, or escape a ; within the quotes as \\;',
    );
  }
  if (body.length === 2)
    return fail(draft, option.valueAt, `the value of ${option.name} is empty`, 'write at least one character');
  keyword.parse(draft, body.slice(1, -1), negated);
}

/** Behind an unsupported buffer, contents do not look into the raw payload or the buffer before it. */
function stickyOther(draft: Draft, option: Option): void {
  if (option.value !== undefined) return;
  draft.buffer = option.name === 'pkt_data' ? 'payload' : 'other';
  draft.group++;
  draft.dotprefix = false;
}

interface Run {
  readonly resolver: Resolver;
  readonly options: ParseOptions;
  readonly filter: DuplicateFilter;
  readonly problems: Problem[];
}

function reportHeader(line: LogicalLine, found: readonly HeaderProblem[], sid: number | undefined, run: Run): void {
  for (const { at, keyword, cause, remedy } of found) {
    const known = sid === undefined ? {} : { sid };
    run.problems.push({ severity: 'error', ...positionOf(line, at), ...known, keyword, cause, remedy });
  }
}

function parseLine(line: LogicalLine, run: Run): void {
  const { text } = line;
  if (text.length > MAX_LINE) {
    const cause = `the line has ${text.length} characters`;
    run.problems.push({ severity: 'error', ...positionOf(line, 0), cause, remedy: `write at most ${MAX_LINE}` });
    return;
  }
  const lexed = lexRule(text);
  const wrong: HeaderProblem[] = [];
  const header = parseHeader(lexed.header, run.resolver, wrong, text.length);
  if (lexed.error) wrong.push({ ...lexed.error, keyword: 'rule' });
  const draft = newDraft(line, run.options, header?.protocol ?? {});
  for (const option of lexed.options) {
    if (draft.errors >= MAX_ERRORS) break;
    parseOption(draft, option);
  }
  if (!header || wrong.length > 0) {
    // Without a header most messages about the options would be about what they follow from.
    reportHeader(line, wrong, draft.sid, run);
    return;
  }
  finishRule(draft, header, run);
}

function finishRule(draft: Draft, header: Header, run: Run): void {
  const { line } = draft;
  if (draft.sid === undefined && !draft.problems.some((problem) => problem.keyword === 'sid')) {
    draft.keyword = 'sid';
    fail(draft, Math.max(0, line.text.length - 1), 'the rule has no sid', 'write sid:NUMBER; with a number of its own');
  }
  const later = header.unsupported;
  if (later && later.at <= (draft.unsupported?.at ?? Infinity)) draft.unsupported = later;
  const matches = finishMatches(draft);
  checkHeader(draft, header, matches);
  const known = draft.sid === undefined ? {} : { sid: draft.sid };
  for (const problem of draft.problems) run.problems.push({ ...problem, ...known });
  if (draft.errors > 0) return;
  if (draft.unsupported) run.filter.add(refusal(draft, run));
  else run.filter.add(ruleOf(draft, header, matches));
}

function refusal(draft: Draft, run: Run): UnsupportedRule {
  const { keyword = '', reason = '', at = 0 } = draft.unsupported ?? {};
  const meta = metaOf(draft);
  const place = positionOf(draft.line, at);
  run.problems.push({ severity: 'unsupported', ...place, sid: meta.sid, keyword, cause: reason });
  return { position: positionOf(draft.line, 0), text: draft.line.text, meta, keyword, reason };
}

/** IP protocols of the header over which the application protocol runs. */
function narrowed(numbers: readonly number[] | undefined, app: AppName | undefined): readonly number[] | undefined {
  if (app === undefined) return numbers;
  return numbers?.filter((number) => transports[app].includes(number)) ?? transports[app];
}

function ruleOf(draft: Draft, header: Header, matches: readonly Match[]): Rule {
  const position = positionOf(draft.line, 0);
  const { protocol } = header;
  const app = protocol.app ?? appOf(matches);
  const stream = draft.stream ?? protocol.stream;
  const version: HeaderMatch[] =
    protocol.ipVersion === undefined
      ? []
      : [
          {
            kind: 'header',
            keyword: header.protocolName,
            position,
            conditions: [versionCondition(protocol.ipVersion)],
          },
        ];
  const ipProtocols = draft.ipProtocols ? [...draft.ipProtocols] : narrowed(protocol.ipProtocols, app);
  return {
    position,
    text: draft.line.text,
    action: header.action,
    reject: header.reject,
    protocol: header.protocolName,
    ...(ipProtocols === undefined ? {} : { ipProtocols }),
    anyFrame: protocol.anyFrame === true,
    ...(app === undefined ? {} : { app }),
    ...(stream === undefined ? {} : { stream }),
    source: header.source,
    destination: header.destination,
    bidirectional: header.bidirectional,
    meta: metaOf(draft),
    matches: [...version, ...matches],
    ...(draft.threshold ? { threshold: draft.threshold } : {}),
  };
}

/** Parses rule files. Problems stand in the order of the files; every unsupported rule has one of its own. */
export function parseRules(sources: readonly RuleSource[], options: LanguageOptions): ParsedRules {
  const problems: Problem[] = [];
  const filter = new DuplicateFilter(problems);
  const run: Run = {
    resolver: {
      addressDomain: addressDomain(options.addressVars),
      portDomain: portDomain(options.portVars),
      addresses: new Map(),
      ports: new Map(),
    },
    options: {
      redact:
        options.redact === 'off'
          ? { headers: [], parameters: [] }
          : { headers: options.redact, parameters: options.redactParameters ?? [] },
      classifications: options.classifications ?? standardClassifications,
    },
    filter,
    problems,
  };
  let disabled = 0;
  for (const source of sources) {
    eachLine(source, (line) => {
      const first = line.text.trimStart();
      if (first.startsWith('#')) disabled += DISABLED.test(first) ? 1 : 0;
      else if (first !== '' && !first.startsWith(';')) parseLine(line, run);
    });
  }
  const home = resolveAddresses('$HOME_NET', run.resolver.addressDomain);
  return { ...filter.result(), disabled, problems, ...('set' in home ? { home: home.set } : {}) };
}
