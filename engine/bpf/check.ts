// SPDX-License-Identifier: Apache-2.0
// Every return code of C passes here and becomes a typed error: what was tried, errno, what to do.

import { getSystemErrorMap } from 'node:util';
import { IdsError, type ErrorExtras } from '../../common/errors.js';
import type { ErrorCode } from '../../common/error-codes.js';
import { errno, libc, type Pointer } from './native.js';

export const E = {
  ...{ EPERM: 1, ENOENT: 2, EINTR: 4, E2BIG: 7, EAGAIN: 11, ENOMEM: 12, EACCES: 13, EBUSY: 16, EEXIST: 17, ENODEV: 19 },
  ...{ EINVAL: 22, ENOSPC: 28, EOPNOTSUPP: 95, ENOTSUPP: 524 },
} as const;

const remedies: Readonly<Record<number, string>> = {
  [E.EPERM]: 'run as root (CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed)',
  [E.EACCES]: 'run as root (CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed)',
  [E.ENOMEM]: 'free memory, raise the memory limit of the cgroup or choose smaller tables',
  [E.E2BIG]: 'the table is full or the program too large: choose a larger table',
  [E.ENOSPC]: 'the table is full: choose a larger one',
  [E.EINVAL]: 'Linux 6.1 or later is needed',
  [E.EOPNOTSUPP]: 'Linux 6.1 or later is needed',
  [E.ENOTSUPP]: 'Linux 6.1 or later is needed',
};

/** `EBUSY` and `resource busy or locked` for 16. */
export function errnoText(number: number): { name: string; text: string } {
  if (number === E.ENOTSUPP) return { name: 'ENOTSUPP', text: 'operation not supported by the kernel' };
  const [name, text] = getSystemErrorMap().get(-number) ?? [`errno ${number}`, 'unknown error'];
  return { name, text };
}

/** The error of a call that failed with that errno. */
export function callFailed(
  number: number,
  what: string,
  extras: ErrorExtras & { remedy?: string; code?: ErrorCode } = {},
): IdsError {
  const { name, text } = errnoText(number);
  const code = extras.code ?? (number === E.EPERM || number === E.EACCES ? 'PRIVILEGE' : 'SYSCALL');
  const remedy = extras.remedy ?? remedies[number];
  const message = `cannot ${what}: ${name} (${text})${remedy === undefined ? '' : `; ${remedy}`}`;
  return new IdsError(code, message, { cause: extras.cause, details: { call: what, errno: name, ...extras.details } });
}

/** errno of a failed call: libbpf gives it negated, libc gives -1 and sets the variable. */
export function errnoOf(rc: number): number {
  return rc < -1 ? -rc : errno();
}

/**
 * The result of a call, or the error that it reports.
 * @param what verb and noun, as in `cannot <pin map ids_control>`.
 */
export function check(rc: number, what: string, remedy?: string): number {
  if (rc >= 0) return rc;
  throw callFailed(errnoOf(rc), what, remedy === undefined ? {} : { remedy });
}

/** As `check`, for calls that give a pointer. */
export function checkPointer<T extends Pointer>(pointer: T, what: string): NonNullable<T> {
  if (pointer === null || pointer === 0n || pointer === 0xffffffffffffffffn) throw callFailed(errno(), what);
  return pointer;
}

/** Closes descriptors; what is already closed stays closed. */
export function closeFds(fds: readonly number[]): void {
  for (const fd of fds) if (fd >= 0) libc().close(fd);
}
