// SPDX-License-Identifier: Apache-2.0
// Which records an output takes, by what their rule says and what was done.

import type { FilterConfig } from '../config/gate.js';
import { outcomeOf, severityOf } from '../formats/facts.js';
import type { Detection } from '../model.js';

type Conditions = Omit<FilterConfig, 'except'>;
type Test = (detection: Detection) => boolean;

function testsOf({ severity, classtypes, sids, actions, tags }: Conditions): Test[] {
  const tests: Test[] = [];
  if (severity !== undefined) tests.push((d) => (d.rule?.severity ?? severityOf(d)) <= severity);
  if (classtypes) tests.push(({ rule }) => rule?.classtype !== undefined && classtypes.includes(rule.classtype));
  if (sids)
    tests.push(({ rule }) => rule !== undefined && sids.some(([from, to]) => from <= rule.sid && rule.sid <= to));
  if (actions) tests.push((d) => d.engine === undefined && actions.includes(outcomeOf(d)));
  if (tags) {
    const wanted = tags.map((tag) => tag.split(/ (.*)/s));
    tests.push(({ rule }) =>
      wanted.some(([key = '', value]) => {
        const values = rule?.metadata[key];
        return values !== undefined && (value === undefined || values.includes(value));
      }),
    );
  }
  return tests;
}

/** All conditions must hold, and not all of `except`; undefined if there are none. */
export function filterOf({ except, ...conditions }: FilterConfig): Test | undefined {
  const wanted = testsOf(conditions);
  const unwanted = testsOf(except ?? {});
  if (wanted.length + unwanted.length === 0) return undefined;
  return (detection) =>
    wanted.every((test) => test(detection)) && !(unwanted.length > 0 && unwanted.every((test) => test(detection)));
}
