// SPDX-License-Identifier: Apache-2.0
// The face of the configuration.

export { DEFAULT_PIN_DIR, DEFAULT_SOCKET, DEFAULT_STATE_DIR } from './defaults.js';
export type { FeedConfig } from './feeds-schema.js';
export { resolveHomeNet, type HomeNet, type NetworkFacts } from './home-net.js';
export { configuredPaths, readLanguageFiles, type LanguageFiles, type LanguagePaths } from './language-files.js';
export type { HttpLogConfig, Layer7Config } from './layer7-schema.js';
export { loadConfig, readConfig, type LoadOptions } from './load.js';
export type { ConfigProblem } from './problems.js';
export type { ResponseConfig, ResponseRule } from './response-schema.js';
export { ruleData } from './rule-data.js';
export { ruleFiles, SHIPPED_RULES } from './rule-files.js';
export { configSchema, type Config, type InterfaceConfig } from './schema.js';
export { shownConfig } from './show.js';
export { languageOptions, PRIVATE_NETWORKS, replayVars, ruleVars, type LanguageChoice, type RuleVars } from './vars.js';
