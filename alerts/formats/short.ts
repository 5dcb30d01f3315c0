// SPDX-License-Identifier: Apache-2.0
// Records for receivers with a size limit, in any format: less is told, nothing is cut in the middle.

import type { Detection, DetectionRule } from '../model.js';
import { shortLine } from '../shorten.js';
import { cutText } from '../text.js';
import { lineIn, type Format } from './index.js';

type Step = (d: Detection) => Detection;

function without(d: Detection, ...keys: (keyof Detection)[]): Detection {
  return Object.fromEntries(
    Object.entries(d).filter(([key]) => !(keys as string[]).includes(key)),
  ) as unknown as Detection;
}

const inRule =
  (change: (rule: DetectionRule) => DetectionRule): Step =>
  (d) =>
    d.rule ? { ...d, rule: change(d.rule) } : d;

const titles =
  (max: number): Step =>
  (d) => ({
    ...d,
    ...(d.rule ? { rule: { ...d.rule, msg: cutText(d.rule.msg, max), category: cutText(d.rule.category, max) } } : {}),
    ...(d.engine ? { engine: { ...d.engine, message: cutText(d.engine.message, max) } } : {}),
  });

const texts =
  (max: number): Step =>
  (d) => {
    if (!d.http) return d;
    const http = Object.entries(d.http).map(([key, value]: [string, unknown]) => {
      return [key, typeof value === 'string' ? cutText(value, max) : value] as const;
    });
    return { ...d, http: Object.fromEntries(http) };
  };

// In the order in which they hurt least.
const steps: readonly Step[] = [
  texts(200),
  (d) => without(d, 'enrichment'),
  inRule((rule) => ({ ...rule, references: [], metadata: {} })),
  texts(60),
  titles(200),
  (d) => without(d, 'http', 'tls', 'dns', 'flow'),
  titles(60),
  (d) => without(d, 'origin', 'vlan', 'appProto', 'direction'),
  titles(24),
];

/** The line of a detection in at most `limit` UTF-8 bytes, or the shortest that there is. */
export function shortIn(format: Format, detection: Detection, limit: number): string {
  if (format === 'eve') return shortLine(detection, limit);
  let [d, line] = [detection, ''];
  for (const step of steps) {
    d = step(d);
    line = lineIn[format](d);
    if (Buffer.byteLength(line) <= limit) break;
  }
  return line;
}
