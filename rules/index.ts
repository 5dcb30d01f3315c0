// SPDX-License-Identifier: Apache-2.0
// The face of rules/.

export * from './ast.js';
export {
  DEFAULT_PRIORITY,
  parseClassifications,
  parseReferences,
  standardClassifications,
  type Classification,
  type Classifications,
} from './classification.js';
export type { DatasetSpec } from './datasets/declarations.js';
export { LiveDatasets } from './datasets/live.js';
export { lookups, type DatasetChange } from './datasets/tests.js';
export { formatValue, parseValue, type DatasetType } from './datasets/values.js';
export { explainRule, type RuleExplanation } from './explain.js';
export { keywords } from './keywords/index.js';
export type { Keyword } from './keywords/types.js';
export { parseRules, type LanguageOptions, type ParsedRules } from './parser.js';
export { formatProblem } from './problems.js';
export { isSuppressed } from './match/windows.js';
export { addressOrigin, isAddressOrigin, type AddressList } from './compile/address-lists.js';
export { compileParsed, compileRules } from './compile/compile.js';
export { compilePacked, unpackEngine, type PackedCompilation, type PackedEngine } from './compile/packed.js';
export type {
  ActionName,
  Compilation,
  CompilationSummary,
  CompiledRuleset,
  Placement,
  RuleInfo,
} from './compile/types.js';
export { createAddressMatcher, type AddressMatcher } from './match/address-matcher.js';
export type { AddressProgram } from './match/address-program.js';
export { createEvaluator, type EngineMatch, type Evaluator } from './match/evaluator.js';
export { BUFFERS, BufferId, FlowState, Kind, type JudgedPacket, type Message } from './match/message.js';
export { Need, needNames, type NeedName } from './match/kinds.js';
export type { EngineProgram, EngineRule, EngineTables } from './match/program.js';
export { profileColumns, RuleProfile, SAMPLED, type ProfileColumns } from './match/profile.js';
export { inspections } from './match/inspect.js';
export { appEvents, CertificateEvent, DnsEvent, eventBytes, HelloEvent } from './app-events.js';
export { BufferMessage } from './match/buffer-message.js';
export { parseHttpRequest, type HttpRequest } from './match/request.js';
export { parseHttpResponse, type HttpResponse } from './match/response.js';
export type { PacketTuple } from './match/windows.js';
export {
  commandDatasets,
  datasetActions,
  infoOf,
  type DatasetAction,
  type DatasetAnswer,
  type DatasetCommand,
  type DatasetInfo,
  type DatasetRefusal,
} from './datasets/commands.js';
