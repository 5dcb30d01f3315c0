// SPDX-License-Identifier: Apache-2.0
// How errors travel over the control socket.

import { errorCodes, type ErrorCode } from '../../common/error-codes.js';
import { IdsError, messageOf } from '../../common/errors.js';

export interface WireError {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
  };
}

/** HTTP status for an error code: by what the CLI will exit with. */
const statusByExit = { 1: 409, 2: 400, 3: 503, 4: 500 } as const;

export function toWire(error: unknown): { readonly status: number; readonly body: WireError } {
  if (error instanceof IdsError) {
    const status = error.code === 'NOT_FOUND' ? 404 : statusByExit[errorCodes[error.code].exit];
    return { status, body: { error: { code: error.code, message: error.message, details: error.details } } };
  }
  return { status: 500, body: { error: { code: 'INTERNAL', message: messageOf(error), details: {} } } };
}

/** The error that an answer holds, or undefined if it holds none. */
export function fromWire(body: unknown): IdsError | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  const { code, message, details } = body.error as WireError['error'];
  return new IdsError(Object.hasOwn(errorCodes, code) ? code : 'DAEMON_FAILED', message, { details });
}
