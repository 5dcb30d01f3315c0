// SPDX-License-Identifier: Apache-2.0
// Rule files to typed rules. A bad rule never stops the others.

import { messageOf } from '../common/errors.js';
import { applyThresholds } from './apply-thresholds.js';
import { addressDomain, resolveAddresses } from './addresses.js';
import type {
  AddressSet,
  AppName,
  HeaderMatch,
  Match,
  Problem,
  Rule,
  RuleMeta,
  RuleSource,
  UnsupportedRule,
} from './ast.js';
import {
  parseClassifications,
  parseReferences,
  standardClassifications,
  type Classifications,
} from './classification.js';
import { readCountries, type Countries } from './countries.js';
import { fail, newDraft, type Draft, type ParseOptions } from './draft.js';
import { appOf, transports } from './buffers.js';
import { Declarations, type DatasetSpec } from './datasets/declarations.js';
import { DuplicateFilter } from './duplicates.js';
import { checkHeader, finishMatches, metaOf } from './finish.js';
import { actions, parseHeader, type Header, type HeaderProblem, type Resolver } from './header.js';
import { changedSets } from './keywords/dataset.js';
import { lexRule } from './lexer.js';
import { eachLine, MAX_LINE, positionOf, type LogicalLine } from './lines.js';
import { parseOption } from './option.js';
import { portDomain } from './ports.js';
import { parseThresholdFile } from './threshold-file.js';
import { versionCondition } from './protocols.js';
import { Reputation, type ReputationSources } from './reputation.js';
import { waysOf } from './ways.js';

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
  /** What `iprep` asks, and the file that `geoip` asks (MaxMind DB). */
  readonly reputation?: ReputationSources | undefined;
  readonly countries?: { readonly file: string; readonly bytes: Uint8Array } | undefined;
  /** Files of Suricata: threshold.config, classification.config (in the place of the stock one), reference.config. */
  readonly thresholds?: RuleSource;
  readonly classification?: RuleSource;
  readonly references?: RuleSource;
  /** Rules that are left out, as `GID:SID`. */
  readonly disabled?: readonly string[];
  /** Rules that are only addresses: entries of the blocklist (default), those that alert alone, or header rules like any other. */
  readonly addressRules?: 'lists' | 'alerts' | 'inline';
}

export interface ParsedRules {
  readonly rules: Rule[];
  readonly unsupported: UnsupportedRule[];
  /** Rules that are commented out. */
  readonly disabled: number;
  /** Rules that LanguageOptions.disabled names. */
  readonly switchedOff?: readonly Rule[];
  readonly problems: Problem[];
  /** Sets of values that the rules name. */
  readonly datasets: readonly DatasetSpec[];
  /** HOME_NET, if it is defined. */
  readonly home?: AddressSet;
}

/** Errors of one rule that are told; a line that is no rule at all would have thousands. */
const MAX_ERRORS = 20;

const DISABLED = new RegExp(
  `^#[#\\s]*(?:${[...actions.keys()].join('|')})\\s+[a-z0-9-]+\\s[^;]*(?:->|<>|=>)[^;]*\\(`,
  'i',
);

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
  const app = protocol.app ?? appOf(matches) ?? draft.app;
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
    ...(header.scope === undefined ? {} : { scope: header.scope }),
    protocol: header.protocolName,
    ...(ipProtocols === undefined ? {} : { ipProtocols }),
    anyFrame: protocol.anyFrame === true,
    ...(app === undefined ? {} : { app }),
    ...(stream === undefined ? {} : { stream }),
    ways: waysOf(header, header.bidirectional, matches),
    meta: metaOf(draft),
    matches: [...version, ...matches],
    ...(draft.threshold ? { threshold: draft.threshold } : {}),
  };
}

function countriesOf({ countries }: LanguageOptions, problems: Problem[]): Countries | undefined {
  if (!countries) return undefined;
  try {
    return readCountries(countries.bytes);
  } catch (error) {
    const cause = `not a database of countries: ${messageOf(error)}`;
    problems.push({
      severity: 'error',
      file: countries.file,
      line: 1,
      column: 1,
      cause,
      remedy: 'name a MaxMind DB file',
    });
    return undefined;
  }
}

/** Characters after which progress is told. */
const PROGRESS_STEP = 65_536;

/** Parses rule files. `onProgress` gets the share that is done, 0 to 1. Problems stand in the order of the files; every unsupported rule has one of its own. */
export function parseRules(
  sources: readonly RuleSource[],
  options: LanguageOptions,
  onProgress?: (share: number) => void,
): ParsedRules {
  const problems: Problem[] = [];
  const classes = options.classification && parseClassifications(options.classification);
  const references = options.references && parseReferences(options.references);
  problems.push(...(classes?.problems ?? []), ...(references?.problems ?? []));
  const filter = new DuplicateFilter(problems);
  const reputation = options.reputation && new Reputation(options.reputation);
  if (reputation) problems.push(...reputation.problems);
  const datasets = new Declarations(problems);
  const dataOf = new Map(sources.map(({ file, data }) => [file, data]));
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
      classifications: classes?.classifications ?? options.classifications ?? standardClassifications,
      references: references?.systems ?? new Map(),
      reputation,
      countries: countriesOf(options, problems),
      datasets,
      changedSets: changedSets(sources.map(({ text }) => text)),
      dataFile: (file, name) => dataOf.get(file)?.[name] ?? { problem: 'it was not read' },
    },
    filter,
    problems,
  };
  let disabled = 0;
  const whole = sources.reduce((sum, { text }) => sum + text.length, 0);
  let read = 0;
  let told = 0;
  for (const source of sources) {
    eachLine(source, (line) => {
      const first = line.text.trimStart();
      read += line.text.length;
      if (onProgress && read - told >= PROGRESS_STEP) onProgress((told = read) / whole);
      if (first.startsWith('#')) disabled += DISABLED.test(first) ? 1 : 0;
      else if (first !== '' && !first.startsWith(';')) parseLine(line, run);
    });
  }
  const home = resolveAddresses('$HOME_NET', run.resolver.addressDomain);
  const all = filter.result();
  const off = new Set(options.disabled);
  const isOff = ({ meta }: { readonly meta: RuleMeta }): boolean => off.has(`${meta.gid}:${meta.sid}`);
  const rules = off.size === 0 ? all.rules : all.rules.filter((rule) => !isOff(rule));
  const { unsupported } = all;
  const rest = {
    ...(off.size === 0 ? {} : { switchedOff: all.rules.filter(isOff) }),
    unsupported,
    disabled,
    datasets: datasets.sets,
    ...('set' in home ? { home: home.set } : {}),
  };
  if (options.thresholds === undefined) return { rules, ...rest, problems };
  const file = parseThresholdFile(options.thresholds, options.addressVars);
  const applied = applyThresholds(rules, unsupported, file.lines);
  return { rules: applied.rules, ...rest, problems: [...problems, ...file.problems, ...applied.problems] };
}
