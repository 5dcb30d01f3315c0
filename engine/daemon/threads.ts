// SPDX-License-Identifier: Apache-2.0
// The threads beside the main one. They come up first: while the lists are read, the compiler works on the first rule set
// already, and the ring reader waits for it.

import { logKinds } from '../../alerts/index.js';
import {
  configuredPaths,
  languageOptions,
  readLanguageFiles,
  resolveHomeNet,
  ruleData,
  ruleFiles,
  type Config,
} from '../config/index.js';
import type { Kernel } from '../bpf/index.js';
import { enriches } from '../enrich/open.js';
import { readSources } from '../files.js';

import { RingThread, type RingThreadOptions } from '../ring/ring-thread.js';
import { updatedSources } from '../updates/generations.js';
import { DatasetFiles } from './dataset-files.js';
import { RuleSets, type RuleSetsOptions } from './rule-sets.js';

/** What the threads have to tell. Nothing is raised before the first rule set is installed. */
export type Reports = Pick<RingThreadOptions, 'onRaised' | 'onLines' | 'onFailure' | 'offsets'> &
  Required<Pick<RuleSetsOptions, 'onRetired' | 'onHeads'>> & {
    /** A data set could not be written. */
    readonly onDatasetFailure: (error: unknown) => void;
  };

/** @param file the configuration's, whose rule files are named relative to it */
export function openThreads(
  kernel: Kernel,
  config: Config,
  file: string,
  { onRaised, onLines, onFailure, offsets, onRetired, onHeads, onDatasetFailure }: Reports,
): { readonly ring: RingThread; readonly rules: RuleSets; readonly datasets: DatasetFiles } {
  const { source_rate: source, rule_rate: rule } = config.events;
  const rates = { source, rule, reject: config.reject_rate };
  const logs = logKinds.filter((kind) => config.outputs.some(({ events }) => events.some((one) => one === kind)));
  const datasets = new DatasetFiles(config.state_dir, onDatasetFailure);
  const ring = new RingThread(kernel, {
    rates,
    logs,
    shows: { headers: config.enrich.headers, packet: config.enrich.packet, rule: config.enrich.rule },
    eve: !enriches(config) && config.outputs.some(({ format }) => format === 'eve'),
    onRaised,
    onLines,
    onFailure,
    ...(offsets ? { offsets } : {}),
    onDatasets: (changes) => datasets.apply(changes),
  });
  ring.setMonitor(config.mode === 'monitor');
  const rules = new RuleSets({
    kernel,
    ring,
    stateDir: config.state_dir,
    datasets,
    configured: (updated = updatedSources(config.state_dir)) => [
      ...readSources(ruleFiles(config.rules, file)),
      ...updated,
    ],
    language: (sources) => {
      const files = readLanguageFiles(configuredPaths(config, file));
      const named = config.home_net === 'auto' && files.vars?.address['HOME_NET'] !== undefined;
      const homeNet = named ? undefined : resolveHomeNet(config).networks;
      return { ...languageOptions({ ...config, homeNet, files }), ...ruleData(config, file, sources) };
    },
    onRetired,
    onHeads,
  });
  return { ring, rules, datasets };
}
