// SPDX-License-Identifier: Apache-2.0
// The one error class: a stable code, a line for people, and fields for programs.

import { errorCodes, type ErrorCode } from './error-codes.js';

export interface ErrorExtras {
  readonly cause?: unknown;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** An error with a stable `code`; `message` is one line that names the cause and the remedy. */
export class IdsError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.name = 'IdsError';
    this.code = code;
    this.details = extras.details ?? {};
  }

  /** Exit status of a command that ends with this error. */
  get exit(): number {
    return errorCodes[this.code].exit;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system error code (`ENOENT` …) of anything that was thrown, or undefined. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
