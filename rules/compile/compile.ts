// SPDX-License-Identifier: Apache-2.0
// From parsed rules to what is loaded: listings, the kernel table, the engine's program.

import { Action, L7Setting, Threshold } from '../../common/abi.gen.js';
import type { Buffer as BufferName, Problem, Rule, RuleSource, UnsupportedRule } from '../ast.js';
import { thresholdTracks, thresholdTypes } from '../keywords/threshold.js';
import { makeAddressProgram } from '../match/address-program.js';
import { Need, needList, needsOf } from '../match/kinds.js';
import { byEngineRank, makeProgram, type EngineRule, type EngineTables } from '../match/program.js';
import { patternKey } from '../patterns/pattern.js';
import { parseRules, type LanguageOptions, type ParsedRules } from '../parser.js';
import { addressOrigin, placeAddresses, type AddressList } from './address-lists.js';
import { fitInline } from './capacity.js';
import { byRank, handedOver, type TableRule } from './entries.js';
import { askedBits, settleState } from './state-use.js';
import { takeMessages } from './message-placement.js';
import { headPattern, refuseMasked } from './masked.js';
import { findOverlaps } from './overlap.js';
import { place, type Placed } from './placement.js';
import { rejectSides } from './reject.js';
import { slowReason } from './slow.js';
import type { ActionName, Compilation, CompilationSummary, RuleInfo } from './types.js';

const ACTION_NAMES: Readonly<Record<Action, ActionName>> = {
  [Action.PASS]: 'pass',
  [Action.DROP]: 'drop',
  [Action.REJECT]: 'reject',
  [Action.ALERT]: 'alert',
};

const NOBODY = { source: false, destination: false, ends: false };

/** What the rule, or a threshold file, says of how often it alerts, as `rules explain` shows it. */
function thresholdText({ threshold }: Rule): string | undefined {
  if (threshold === undefined) return undefined;
  const { type, track, count, seconds, multiplier, rate } = threshold;
  const name = (names: Readonly<Record<string, number>>, value: number): string =>
    Object.keys(names).find((key) => names[key] === value) ?? '';
  const by = name(thresholdTracks, track);
  if (rate) {
    const action = ACTION_NAMES[rate.action];
    return `rate_filter ${by}: ${action} for ${rate.timeout} s after more than ${count} in ${seconds} s`;
  }
  if (type === Threshold.BACKOFF) return `backoff ${by}: match ${count}, then each ${multiplier} times as many`;
  return `${type === Threshold.DETECTION ? 'detection_filter' : name(thresholdTypes, type)} ${by}: ${count} in ${seconds} s`;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function infoOf(placed: Placed, positions: readonly number[]): RuleInfo {
  const { rule, placement, reason } = placed;
  const threshold = thresholdText(rule);
  const slow = placement === 'engine' ? slowReason(rule) : undefined;
  const { file, line } = rule.position;
  // One after the other: so many parts put together with ... would take a fifth of the time of a large set.
  const info: Writable<RuleInfo> = Object.assign({}, rule.meta, {
    action: ACTION_NAMES[rule.action],
    reject: rejectSides(rule),
    placement,
    positions,
    text: rule.text,
    file,
    line,
    enabled: true,
  });
  if (placement === 'engine') info.needs = needList(needsOf(rule));
  if (reason !== undefined) info.reason = reason;
  if (slow !== undefined) info.slow = slow;
  if (threshold !== undefined) info.threshold = threshold;
  if (rule.suppress !== undefined) info.suppress = rule.suppress.map(({ text }) => text);
  return info;
}

/** The parser keeps no action of a rule that it cannot use: it is the first word of the rule. */
function infoOfUnsupported(rule: UnsupportedRule): RuleInfo {
  const word = /^\s*([a-z]+)/i.exec(rule.text)?.[1]?.toLowerCase() ?? 'alert';
  const action = word.startsWith('reject') ? 'reject' : word === 'pass' || word === 'drop' ? word : 'alert';
  return {
    ...rule.meta,
    action,
    reject: NOBODY,
    placement: 'unsupported',
    reason: rule.reason,
    positions: [],
    text: rule.text,
    file: rule.position.file,
    line: rule.position.line,
    enabled: true,
  };
}

function infoOfDisabled(rule: Rule): RuleInfo {
  const reason = 'disabled by "ids rules disable"';
  return { ...infoOf({ rule, placement: 'disabled', reason }, []), enabled: false };
}

function refusal({ rule, reason, keyword }: Placed): Problem {
  return {
    ...rule.position,
    severity: 'unsupported',
    sid: rule.meta.sid,
    ...(keyword === undefined ? {} : { keyword }),
    cause: reason ?? 'cannot be placed',
  };
}

/** @param others names of files that hold no rules: a mistake in them is none of a rule */
function summarise(
  placements: readonly RuleInfo['placement'][],
  problems: readonly Problem[],
  others: ReadonlySet<string | undefined>,
): CompilationSummary {
  const count = (placement: RuleInfo['placement']): number => placements.filter((one) => one === placement).length;
  const wrong = problems.filter((problem) => problem.severity === 'error');
  const errorsOf = (found: readonly Problem[]): number =>
    new Set(found.map(({ file, line }) => `${file}\0${line}`)).size;
  const errors = errorsOf(wrong);
  const unsupported = count('unsupported');
  const disabled = count('disabled');
  const usable = placements.length - unsupported - disabled;
  return {
    rules: placements.length - disabled + errorsOf(wrong.filter(({ file }) => !others.has(file))),
    usable,
    inline: count('inline'),
    address: count('address'),
    engine: count('engine'),
    unsupported,
    errors,
    ...(disabled > 0 ? { disabled } : {}),
  };
}

/** Gives rules that are only addresses to the lists, but drops where only `alerts` are wanted; `lists` gets their entries. */
function takeAddresses(
  placed: readonly Placed[],
  parsed: ParsedRules,
  lists: AddressList[],
  alerts: boolean,
): Placed[] {
  const passes = placed.flatMap(({ rule, placement }) =>
    placement === 'inline' && rule.action === Action.PASS ? [rule] : [],
  );
  return placed.map((one, index): Placed => {
    const wanted = one.placement === 'inline' && !one.message && !(alerts && one.rule.action !== Action.ALERT);
    const found = wanted ? placeAddresses(one.rule, parsed.home, passes) : undefined;
    if (!found) return one;
    const { rule } = one;
    const why = found.reason ?? one.reason;
    const reason = why === undefined ? {} : { reason: why };
    if (!found.prefixes) return { ...one, ...reason };
    const action = rule.action === Action.DROP ? 'drop' : 'alert';
    lists.push({ origin: addressOrigin(rule.meta), rule: index, action, prefixes: found.prefixes });
    return { rule, placement: 'address', ...reason };
  });
}

interface LaidOut {
  readonly inline: readonly TableRule[];
  readonly listed: TableRule[];
  readonly engine: readonly TableRule[];
  readonly fitted: ReturnType<typeof fitInline>;
}

/**
 * Shares the rules out; those on messages for which the kernel has no room go back to the engine, in `placed` too. Those of
 * the engine that want packets for which it has no room cannot be used.
 */
function layOut(placed: Placed[]): LaidOut {
  for (;;) {
    const at = (where: Placed['placement']): TableRule[] =>
      placed.flatMap(({ rule, placement, message }, index) =>
        placement === where ? [{ rule, index, ...(message === undefined ? {} : { message }) }] : [],
      );
    const [inline, listed, engine] = [at('inline'), at('address'), at('engine')];
    const engineRules = engine.map(({ rule }) => rule);
    const messages = inline.flatMap(({ rule, message }) => (message || rule.app !== undefined ? [rule] : []));
    const http = [...engineRules, ...messages].some((rule) => (needsOf(rule) & Need.HTTP_REQUESTS) !== 0);
    const handed = handedOver(engine);
    const fitted = fitInline([...inline, ...handed], engineRules, http);
    const late = inline.filter(({ rule, message }) => message !== undefined && fitted.refused.has(rule));
    const unseen = handed.filter(({ rule }) => fitted.refused.has(rule));
    if (late.length + unseen.length === 0) return { inline, listed, engine, fitted };
    for (const { rule, index } of unseen) {
      const one = placed[index];
      if (one) placed[index] = { ...one, placement: 'unsupported', reason: fitted.refused.get(rule) ?? '' };
    }
    for (const { rule, index } of late) {
      placed[index] = { rule, placement: 'engine', reason: `judged by the engine: ${fitted.refused.get(rule) ?? ''}` };
    }
  }
}

/** Buffers in which values are masked: what the kernel found there before counts too. */
const MASKED_BUFFERS: ReadonlySet<BufferName> = new Set<BufferName>(['http.uri', 'http.header']);

/** What the engine judges has passed: it can cut the flow, but drop no packet. */
function refuseScope(placed: readonly Placed[]): Placed[] {
  return placed.map((one) => {
    const { rule, placement } = one;
    if (placement !== 'engine' || rule.scope !== 'packet') return one;
    const reason = 'a packet whose contents the engine judges has passed: write drop, or drop:flow';
    return { rule, placement: 'unsupported', reason, keyword: 'action' };
  });
}

/** What becomes of the rules, which are made one after the other. */
export interface Keepers<Infos, Rules> {
  readonly infos: (infos: Iterable<RuleInfo>) => Infos;
  readonly rules: (rules: Iterable<EngineRule>) => Rules;
}

/** A compilation whose rules are kept in another form. */
export interface KeptCompilation<Infos, Rules> extends Omit<Compilation, 'rules' | 'engine'> {
  readonly rules: Infos;
  readonly engine: Omit<EngineTables, 'rules'> & { readonly rules: Rules };
}

const asArrays: Keepers<RuleInfo[], EngineRule[]> = { infos: (infos) => [...infos], rules: (rules) => [...rules] };

/** Places and compiles rules that were parsed. */
export function compileParsed(parsed: ParsedRules, options: Partial<LanguageOptions> = {}): Compilation {
  return compileKept(parsed, options, asArrays);
}

/** The same with the rules in another form: so large a part of a set need not be there twice. */
export function compileKept<Infos, Rules>(
  parsed: ParsedRules,
  { addressRules = 'lists', ...files }: Partial<LanguageOptions>,
  keep: Keepers<Infos, Rules>,
): KeptCompilation<Infos, Rules> {
  const addressLists: AddressList[] = [];
  const asked = askedBits(parsed.rules);
  const byItself = parsed.rules.map((rule) => place(rule, asked));
  const alone = settleState(refuseMasked(refuseScope(takeMessages(byItself))), parsed.unsupported);
  const alerts = addressRules === 'alerts';
  const first = addressRules === 'inline' ? [...alone] : takeAddresses(alone, parsed, addressLists, alerts);
  const { inline, listed, engine, fitted } = layOut(first);
  const { ruleset, refused, heads, numbers } = fitted;
  const engineRules = engine.map(({ rule }) => rule);
  const both = inline.flatMap(({ message, ...one }) => (message === undefined ? [] : [{ ...one, kernel: true }]));
  const program = makeProgram(
    [...engine, ...both].sort(byEngineRank),
    (content) => {
      const pattern = MASKED_BUFFERS.has(content.buffer) ? headPattern(content) : undefined;
      return (pattern && numbers.get(patternKey(pattern))) ?? -1;
    },
    parsed.datasets,
    keep.rules,
  );
  const responses = [...engine, ...both].some(({ rule }) => (needsOf(rule) & Need.HTTP_RESPONSES) !== 0);
  const kept = [...inline, ...listed].flatMap(({ rule, message }) =>
    refused.has(rule) || message !== undefined ? [] : [rule],
  );
  const overlaps = findOverlaps(kept, engineRules);

  const others = new Set([files.thresholds?.file, files.classification?.file, files.references?.file]);
  const placed = first.map((one): Placed => {
    const refusedFor = refused.get(one.rule);
    if (refusedFor !== undefined) return { ...one, placement: 'unsupported', reason: refusedFor };
    const late = overlaps.reasons.get(one.rule);
    return late === undefined ? one : { ...one, reason: late };
  });
  const positions = new Map<number, number[]>();
  ruleset.rules.forEach((index, position) => {
    positions.set(index, [...(positions.get(index) ?? []), position]);
  });
  const { unsupported, switchedOff = [] } = parsed;
  function* infos(): Generator<RuleInfo> {
    for (const [index, one] of placed.entries()) yield infoOf(one, positions.get(index) ?? []);
    for (const rule of unsupported) yield infoOfUnsupported(rule);
    for (const rule of switchedOff) yield infoOfDisabled(rule);
  }
  const placements: RuleInfo['placement'][] = [
    ...placed.map(({ placement }) => placement),
    ...unsupported.map(() => 'unsupported' as const),
    ...switchedOff.map(() => 'disabled' as const),
  ];
  const refusals = placed.filter((one) => one.placement === 'unsupported').map(refusal);
  const problems = [...parsed.problems, ...refusals, ...overlaps.problems];
  return {
    rules: keep.infos(infos()),
    ruleset,
    heads: responses ? heads | L7Setting.L7_RESPONSES : heads,
    engine: program,
    addressLists,
    addresses: makeAddressProgram(listed.sort(byRank)),
    problems,
    summary: summarise(placements, problems, others),
    suppressed: new Map(
      placed.flatMap(({ rule, placement }, index) =>
        rule.suppress !== undefined && placement === 'inline' ? [[index, rule.suppress]] : [],
      ),
    ),
  };
}

/** Parses, places and compiles rule files; `onProgress` gets the share that is parsed, 0 to 1. Bad and unsupported rules are in `problems`; the others are used. */
export function compileRules(
  sources: readonly RuleSource[],
  options: LanguageOptions,
  onProgress?: (share: number) => void,
): Compilation {
  return compileParsed(parseRules(sources, options, onProgress), options);
}
