// SPDX-License-Identifier: Apache-2.0
// Names of states as operators see them.

export const flowStates = ['new', 'answered', 'established', 'closing', 'closed'] as const;
export type FlowStateName = (typeof flowStates)[number];

/** @param state enum ids_flow_state, not FREE */
export function flowStateName(state: number): FlowStateName {
  return flowStates[state - 1] ?? 'new';
}
