// SPDX-License-Identifier: Apache-2.0
// flow: direction and state of the packet's flow, as the kernel's flow table knows them.

import { Field, FlowBit } from '../../common/abi.gen.js';
import type { Condition } from '../ast.js';
import { addConditions, failValue, type Draft } from '../draft.js';
import { didYouMean } from '../suggest.js';
import { supported, type Keyword } from './types.js';

type Group = 'state' | 'direction' | 'stream' | 'fragment';

interface Option {
  readonly group: Group;
  /** Bits of the field that are asked, and what they must be. */
  readonly mask: number;
  readonly value: number;
  readonly stream?: 'only' | 'never';
}

const { FLOWBIT_ESTABLISHED, FLOWBIT_REBUILT, FLOWBIT_TO_CLIENT, FLOWBIT_TO_SERVER } = FlowBit;
const must = (group: Group, bit: number): Option => ({ group, mask: bit, value: bit });
const mustNot = (group: Group, bit: number): Option => ({ group, mask: bit, value: 0 });

const optionByName: Readonly<Record<string, Option>> = {
  established: must('state', FLOWBIT_ESTABLISHED),
  // A packet without a flow is not established either.
  not_established: mustNot('state', FLOWBIT_ESTABLISHED),
  stateless: { group: 'state', mask: 0, value: 0 },
  to_server: must('direction', FLOWBIT_TO_SERVER),
  from_client: must('direction', FLOWBIT_TO_SERVER),
  to_client: must('direction', FLOWBIT_TO_CLIENT),
  from_server: must('direction', FLOWBIT_TO_CLIENT),
  only_stream: { group: 'stream', mask: 0, value: 0, stream: 'only' },
  no_stream: { group: 'stream', mask: 0, value: 0, stream: 'never' },
  no_frag: mustNot('fragment', FLOWBIT_REBUILT),
  only_frag: must('fragment', FLOWBIT_REBUILT),
};

const names = Object.keys(optionByName);

/** `flow:established,to_server` and the like: one word of each group. */
function parseFlow(draft: Draft, value: string): void {
  const taken = new Map<Group, string>();
  let [mask, wanted] = [0, 0];
  for (const written of value.split(',').map((part) => part.trim())) {
    const name = written.toLowerCase();
    const option = Object.hasOwn(optionByName, name) ? optionByName[name] : undefined;
    if (!option)
      return failValue(
        draft,
        `"${written}" says nothing about a flow`,
        didYouMean(name, names, `write ${names.join(', ')}`),
      );
    const before = taken.get(option.group);
    if (before === name) return failValue(draft, `${name} stands there twice`, 'remove one of them');
    if (before !== undefined)
      return failValue(draft, `${before} and ${name} exclude or repeat each other`, 'remove one of them');
    taken.set(option.group, name);
    mask |= option.mask;
    wanted |= option.value;
    if (option.stream) draft.stream = option.stream;
  }
  const condition: Condition = { field: Field.FLOW, negate: false, mask, lo: wanted, hi: wanted };
  if (mask !== 0) addConditions(draft, [condition]);
}

export const flowKeywords: readonly Keyword[] = [
  supported(
    'packet',
    'flow',
    'State and direction of the flow: `established`, `not_established` or `stateless`; `to_server` (`from_client`) or ' +
      '`to_client` (`from_server`); `no_stream` or `only_stream`; `no_frag` or `only_frag`',
    parseFlow,
    { once: true },
  ),
];
