// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of a unix socket.

import { check } from './check.js';
import { libc } from './native.js';

/** socket(7), unix(7) */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid */
const UCRED_BYTES = 12;

export interface PeerCredentials {
  /** 0 for a process that cannot be seen from here (another pid namespace). */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** As they were when the other end connected. @throws IdsError SYSCALL if the descriptor is no unix socket */
export function peerCredentials(fd: number): PeerCredentials {
  const ucred = new Uint32Array(UCRED_BYTES / 4);
  const size = Uint32Array.of(UCRED_BYTES);
  check(libc().getSockOpt(fd, SOL_SOCKET, SO_PEERCRED, ucred, size), 'ask who is at the other end of a socket');
  const [pid = 0, uid = 0, gid = 0] = ucred;
  return { pid, uid, gid };
}
