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

/** The status of an error that the HTTP layer itself raised for a request: too large, no JSON, no such content type. */
function requestStatus(error: unknown): number | undefined {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  return status >= 400 && status < 500 ? status : undefined;
}

export function toWire(error: unknown): { readonly status: number; readonly body: WireError } {
  if (error instanceof IdsError) {
    const { exit } = errorCodes[error.code];
    const status = error.code === 'NOT_FOUND' ? 404 : error.code === 'INTERNAL' ? 500 : statusByExit[exit];
    return { status, body: { error: { code: error.code, message: error.message, details: error.details } } };
  }
  const status = requestStatus(error);
  if (status !== undefined) {
    const message = `the request is not valid: ${messageOf(error)}`;
    return { status, body: { error: { code: 'USAGE', message, details: {} } } };
  }
  return { status: 500, body: { error: { code: 'INTERNAL', message: messageOf(error), details: {} } } };
}

/** The error that an answer holds, or undefined if it holds none. */
export function fromWire(body: unknown): IdsError | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  const { error } = body;
  const { code, message, details } = (typeof error === 'object' ? (error ?? {}) : {}) as Partial<WireError['error']>;
  const known = typeof code === 'string' && Object.hasOwn(errorCodes, code);
  const text = typeof message === 'string' ? message : 'the daemon answered with an error that says nothing';
  return new IdsError(known ? code : 'DAEMON_FAILED', text, {
    details: typeof details === 'object' && details !== null ? details : {},
  });
}
