// SPDX-License-Identifier: Apache-2.0
// The way of what was raised: from the ring reader to the response and on to the outputs.

import type { Logger } from 'pino';
import {
  engineRecord,
  Told,
  type Dispatcher,
  type EngineNotice,
  type LineBatch,
  type Recent,
} from '../../alerts/index.js';
import { messageOf } from '../../common/errors.js';
import type { Enricher } from '../enrich/enricher.js';
import { isAddressOrigin } from '../../rules/index.js';
import type { FlowOrders } from '../flows/orders.js';
import type { Raised, Worded } from '../judge/judge.js';
import type { Blocklist } from '../lists/index.js';
import { cutSeconds, type FlowCuts, type Responder } from '../response/index.js';
import type { HeldBack, RuleSets } from './rule-sets.js';
import { Suppression } from './suppression.js';

export interface AlertPathOptions {
  readonly blocklist: Pick<Blocklist, 'originName'>;
  readonly responder: Pick<Responder, 'onDetection' | 'answers'>;
  readonly cuts: Pick<FlowCuts, 'cut' | 'sweep'>;
  readonly orders: Pick<FlowOrders, 'pass'>;
  /** What records say beyond the packet. */
  readonly enricher?: Pick<Enricher, 'enrich' | 'changes'>;
  readonly recent: Pick<Recent, 'push'>;
  readonly dispatcher: Pick<Dispatcher, 'push' | 'pushLines' | 'pushTo'>;
  readonly log: Pick<Logger, 'error'>;
}

export class AlertPath {
  readonly #options: AlertPathOptions;
  readonly #suppression = new Suppression();
  #suppressed = 0;

  constructor(options: AlertPathOptions) {
    this.#options = options;
  }

  /** What the reader has raised: named, answered, remembered, sent. */
  onRaised(raised: readonly (Raised | Worded)[]): void {
    const records: Told[] = [];
    for (const one of raised) {
      const told = this.#named(one);
      if (!told) continue;
      this.#answer(told, one);
      if (!('quiet' in one)) records.push(told);
    }
    this.#suppression.note(records);
    this.#send(records);
  }

  /** Undefined if there is nothing to tell. */
  #named(one: Raised | Worded): Told | undefined {
    if ('words' in one) return Told.from(one.words);
    const { detection, origin, trial, pass } = one;
    if (pass) {
      this.#options.orders.pass(pass.flow, pass.flowId, pass.sid);
      return undefined;
    }
    if (origin === undefined) return Told.of(detection);
    const name = this.#options.blocklist.originName(origin);
    // An address rule that alerts is no list on trial: what it matches is an alert of its own.
    return trial && isAddressOrigin(name) ? undefined : Told.of({ ...detection, origin: name });
  }

  #answer(told: Told, { cut, established }: Raised | Worded): void {
    const { responder, cuts, log } = this.#options;
    try {
      if (cut) cuts.cut(cut, told.detection.rule?.sid ?? 0, cutSeconds(established));
      if (told.kind === 'alert' && (established || responder.answers)) {
        responder.onDetection(told.detection, { established });
      }
    } catch (error) {
      log.error({ error: messageOf(error), rule: told.rule }, 'response failed');
    }
  }

  /** Log lines from the reader: on to the outputs as they are. */
  onLines(batches: readonly LineBatch[]): void {
    this.#options.dispatcher.pushLines(batches);
  }

  /** What the engine has to say about itself. @param outputs names of those that get it, whatever they take otherwise */
  onNotice(notice: Omit<EngineNotice, 'timeUs'>, outputs?: readonly string[]): void {
    const record = engineRecord({ ...notice, timeUs: Date.now() * 1000 });
    if (!outputs) return this.#send([Told.of(record)]);
    const { recent, dispatcher } = this.#options;
    recent.push([Told.of(record)]);
    for (const name of outputs) dispatcher.pushTo(name, [record]);
  }

  /** A rule set was replaced: what its rules had held back since the last look is told now. */
  onRetired(generation: number, heldBack: readonly HeldBack[]): void {
    this.#send(this.#suppression.tell(generation, heldBack, Date.now() * 1000).map(Told.of));
  }

  /** Tells what rate bounds held back since the last look. @param total of all rules: unless it grew there is nothing new */
  tellHeldBack(total: number, rules: Pick<RuleSets, 'current' | 'suppressed'>): void {
    if (total === this.#suppressed && !this.#suppression.behind) return;
    this.#suppressed = total;
    this.#send(this.#suppression.tell(rules.current.generation, rules.suppressed(), Date.now() * 1000).map(Told.of));
  }

  /** Frees the flow cuts whose time is over. */
  sweep(): void {
    this.#options.cuts.sweep();
  }

  #send(records: readonly Told[]): void {
    if (records.length === 0) return;
    const { enricher, recent, dispatcher } = this.#options;
    const told = enricher?.changes ? enricher.enrich(records.map(({ detection }) => detection)).map(Told.of) : records;
    recent.push(told);
    dispatcher.push(told);
  }
}
