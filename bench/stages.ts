// SPDX-License-Identifier: Apache-2.0
// How the time of some work spreads over the stages of judging, by the files in which the profiler found it.

import { Session } from 'node:inspector/promises';

const stages: readonly (readonly [stage: string, files: RegExp])[] = [
  ['prefilter', /rules\/match\/(?:literals|literal-index|prefilter)\.js$/],
  [
    'exact tests',
    /rules\/match\/(?:tests|content|inspect|numbers|transformed|stream)\.js$|rules\/(?:pcre|transforms)\//,
  ],
  ['state', /rules\/match\/(?:state|windows|address-bits)\.js$/],
  ['candidates', /rules\/match\/evaluator\.js$/],
  [
    'buffers',
    /rules\/match\/(?:request|response|section|section-lines|fields|uri|buffer-message|fold-case)\.js$|dns-buffers\.js$/,
  ],
  ['decode', /engine\/(?:judge|layer7)\/|common\/|alerts\//],
];

function stageOf(url: string, name: string): string {
  if (name === '(garbage collector)') return 'collection of garbage';
  return stages.find(([, files]) => files.test(url))?.[0] ?? 'runtime';
}

/** The share of the time by stage while `work` runs, the largest first. */
export async function stagesOf(work: () => void): Promise<{ readonly stage: string; readonly share: number }[]> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  work();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  const times = new Map<string, number>();
  let sum = 0;
  for (const { callFrame, hitCount = 0 } of profile.nodes) {
    if (callFrame.functionName === '(idle)') continue;
    const stage = stageOf(callFrame.url, callFrame.functionName);
    times.set(stage, (times.get(stage) ?? 0) + hitCount);
    sum += hitCount;
  }
  return [...times].map(([stage, hits]) => ({ stage, share: hits / sum })).sort((a, b) => b.share - a.share);
}
