// SPDX-License-Identifier: Apache-2.0
// What the daemon's parts tell the audit log: what was done, with who did it added.

import { IdsError, messageOf } from '../../common/errors.js';
import { currentCaller, type Actor } from './actor.js';
import type { AuditLog } from './audit-log.js';
import type { Facts } from './entry.js';

export interface Told {
  readonly what?: Facts;
  readonly before?: Facts;
  readonly after?: Facts;
}

export class Auditor {
  readonly #log: Pick<AuditLog, 'append'>;

  constructor(log: Pick<AuditLog, 'append'>) {
    this.#log = log;
  }

  /** Something was done. @param cause why the engine did it, where nobody has asked for it */
  done(action: string, told: Told, cause: string): Promise<void> {
    return this.#log.append({ action, actor: this.#actor(cause), outcome: 'done', ...told });
  }

  /** Something was tried, and failed. */
  failed(action: string, told: Told, error: unknown, cause: string): Promise<void> {
    const code = error instanceof IdsError ? error.code : 'INTERNAL';
    const actor = this.#actor(cause);
    return this.#log.append({ action, actor, outcome: 'failed', ...told, error: { code, message: messageOf(error) } });
  }

  /** Does something that changes what `look` sees, and tells how that went. Who waits for it waits for the line too. */
  async watch<T>(
    action: string,
    work: () => Promise<T>,
    told: { readonly what?: Facts; readonly look?: () => Facts; readonly result?: (value: T) => Facts },
    cause = 'daemon',
  ): Promise<T> {
    const what = told.what === undefined ? {} : { what: told.what };
    const before = told.look === undefined ? {} : { before: told.look() };
    let value: T;
    try {
      value = await work();
    } catch (error) {
      await this.failed(action, { ...what, ...before }, error, cause);
      throw error;
    }
    const after = { ...told.look?.(), ...told.result?.(value) };
    await this.done(action, { ...what, ...before, ...(Object.keys(after).length > 0 ? { after } : {}) }, cause);
    return value;
  }

  #actor(cause: string): Actor {
    return currentCaller() ?? { engine: cause };
  }
}
