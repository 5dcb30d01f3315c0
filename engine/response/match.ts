// SPDX-License-Identifier: Apache-2.0
// Which entry of the `response` section speaks about a detection.

import type { Detection } from '../../alerts/index.js';
import type { ResponseRule } from '../config/index.js';

/** What the rule did with its packet, or would have done. */
export function actionOf(detection: Detection): 'alert' | 'drop' | 'reject' {
  if (detection.verdict === 'reject') return 'reject';
  const drops = detection.verdict === 'drop' || detection.would || detection.rule?.action === 'blocked';
  return drops ? 'drop' : 'alert';
}

/** The first entry whose every condition holds. */
export function matchResponse(rules: readonly ResponseRule[], detection: Detection): ResponseRule | undefined {
  const { rule } = detection;
  if (!rule) return undefined;
  return rules.find(({ match }) => {
    if (match.sid && !match.sid.includes(rule.sid)) return false;
    if (match.classtype && !match.classtype.includes(rule.classtype ?? '')) return false;
    if (match.action && !match.action.includes(actionOf(detection))) return false;
    // 1 is the most severe
    return match.min_severity === undefined || rule.severity <= match.min_severity;
  });
}
