// SPDX-License-Identifier: Apache-2.0
// Who did something: the process at the other end of the control socket, or the engine itself.

import { AsyncLocalStorage } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { type PeerCredentials, peerCredentials } from '../bpf/index.js';

/** A process that spoke to the control socket, as the kernel names it. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
  /** The uid's name in /etc/passwd. */
  readonly user?: string;
  /** Who had logged in, where the kernel keeps that: sudo and su do not change it. */
  readonly login?: string;
}

export type Actor = Caller | { readonly engine: string } | { readonly unknown: string };

const UNSET_LOGIN = 4294967295;

/** Who is asking, for everything that is done because of a request. */
const callers = new AsyncLocalStorage<Actor>();

/** The one who asked for what is being done; undefined: nobody, the engine does it by itself. */
export function currentCaller(): Actor | undefined {
  return callers.getStore();
}

/** Does it in the name of somebody. */
export function actingAs<T>(actor: Actor, work: () => T): T {
  return callers.run(actor, work);
}

/** The name of a uid; undefined if nobody has it. */
export function userName(uid: number, passwd = '/etc/passwd'): string | undefined {
  try {
    const line = readFileSync(passwd, 'utf8')
      .split('\n')
      .find((one) => one.split(':')[2] === String(uid));
    return line?.split(':')[0];
  } catch {
    return undefined;
  }
}

/** The uid that a process was logged in with (proc(5), audit); undefined where there was no login. */
function loginOf(pid: number): number | undefined {
  try {
    const uid = Number(readFileSync(`/proc/${pid}/loginuid`, 'latin1'));
    return Number.isInteger(uid) && uid !== UNSET_LOGIN ? uid : undefined;
  } catch {
    return undefined;
  }
}

/** Who is at the other end of a connection of the control socket; undefined if it is gone already. */
export function peerOf(socket: Socket): PeerCredentials | undefined {
  // Node has no other way to a socket's descriptor.
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
  try {
    return peerCredentials(handle?.fd ?? -1);
  } catch {
    return undefined;
  }
}

/** The same with its names. */
export function actorOf(peer: PeerCredentials | undefined): Actor {
  if (!peer) return { unknown: 'the connection was gone before it could be asked' };
  const { pid, uid, gid } = peer;
  const user = userName(uid);
  const login = loginOf(pid);
  return {
    ...{ uid, gid, pid },
    ...(user === undefined ? {} : { user }),
    ...(login === undefined ? {} : { login: userName(login) ?? String(login) }),
  };
}
