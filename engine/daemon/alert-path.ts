// SPDX-License-Identifier: Apache-2.0
// The way of what was raised: from the ring reader to the response and on to the outputs.

import type { Logger } from 'pino';
import {
  engineRecord,
  noteEveLine,
  type Detection,
  type Dispatcher,
  type EngineNotice,
  type LineBatch,
  type Recent,
} from '../../alerts/index.js';
import { messageOf } from '../../common/errors.js';
import type { Enricher } from '../enrich/enricher.js';
import { isAddressOrigin } from '../../rules/index.js';
import type { FlowOrders } from '../flows/orders.js';
import type { Raised } from '../judge/judge.js';
import type { Blocklist } from '../lists/index.js';
import { cutSeconds, type FlowCuts, type Responder } from '../response/index.js';
import type { HeldBack, RuleSets } from './rule-sets.js';
import { Suppression } from './suppression.js';

export interface AlertPathOptions {
  readonly blocklist: Pick<Blocklist, 'originName'>;
  readonly responder: Pick<Responder, 'onDetection'>;
  readonly cuts: Pick<FlowCuts, 'cut' | 'sweep'>;
  readonly orders: Pick<FlowOrders, 'pass'>;
  /** What records say beyond the packet. */
  readonly enricher?: Pick<Enricher, 'enrich'>;
  readonly recent: Pick<Recent, 'push'>;
  readonly dispatcher: Pick<Dispatcher, 'push' | 'pushLines'>;
  readonly log: Pick<Logger, 'error'>;
}

export class AlertPath {
  readonly #options: AlertPathOptions;
  readonly #suppression = new Suppression();
  #suppressed = 0;

  constructor(options: AlertPathOptions) {
    this.#options = options;
  }

  /** Detections from the reader: named, answered, remembered, sent. */
  onRaised(raised: readonly Raised[]): void {
    const { blocklist, responder, cuts, orders, log } = this.#options;
    const detections: Detection[] = [];
    for (const { detection, eve, origin, trial, established, cut, pass, quiet } of raised) {
      if (pass) {
        orders.pass(pass.flow, pass.flowId, pass.sid);
        continue;
      }
      const named = origin === undefined ? detection : { ...detection, origin: blocklist.originName(origin) };
      // An address rule that alerts is no list on trial: what it matches is an alert of its own.
      if (trial && isAddressOrigin(named.origin ?? '')) continue;
      try {
        if (cut) cuts.cut(cut, detection.rule?.sid ?? 0, cutSeconds(established));
        if (named.kind === 'alert') responder.onDetection(named, { established });
      } catch (error) {
        log.error({ error: messageOf(error), sid: detection.rule?.sid }, 'response failed');
      }
      if (eve !== undefined && named === detection) noteEveLine(detection, eve);
      if (!quiet) detections.push(named);
    }
    this.#suppression.note(detections);
    this.#send(detections);
  }

  /** Log lines from the reader: on to the outputs as they are. */
  onLines(batches: readonly LineBatch[]): void {
    this.#options.dispatcher.pushLines(batches);
  }

  /** What the engine has to say about itself. */
  onNotice(notice: Omit<EngineNotice, 'timeUs'>): void {
    this.#send([engineRecord({ ...notice, timeUs: Date.now() * 1000 })]);
  }

  /** A rule set was replaced: what its rules had held back since the last look is told now. */
  onRetired(generation: number, heldBack: readonly HeldBack[]): void {
    this.#send(this.#suppression.tell(generation, heldBack, Date.now() * 1000));
  }

  /** Tells what rate bounds held back since the last look. @param total of all rules: unless it grew there is nothing new */
  tellHeldBack(total: number, rules: Pick<RuleSets, 'current' | 'suppressed'>): void {
    if (total === this.#suppressed && !this.#suppression.behind) return;
    this.#suppressed = total;
    this.#send(this.#suppression.tell(rules.current.generation, rules.suppressed(), Date.now() * 1000));
  }

  /** Frees the flow cuts whose time is over. */
  sweep(): void {
    this.#options.cuts.sweep();
  }

  #send(detections: readonly Detection[]): void {
    if (detections.length === 0) return;
    const told = this.#options.enricher?.enrich(detections) ?? detections;
    this.#options.recent.push(told);
    this.#options.dispatcher.push(told);
  }
}
