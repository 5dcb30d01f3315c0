// SPDX-License-Identifier: Apache-2.0
// The face of the response: who is blocked for what, and which flows are cut.

export { EstablishedFlows } from './established.js';
export { cutKey, cutSeconds, FlowCuts, type CutFlow } from './flow-cuts.js';
export { Responder, withheldReasons, type Decision, type Facts, type WithheldReason } from './responder.js';
