// SPDX-License-Identifier: Apache-2.0
// The control socket: HTTP/JSON on a unix socket, mode 0660, group ids. Contents travel through it, never paths.

import { execFile } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import { IdsError, messageOf, systemCode } from '../../common/errors.js';
import { actingAs, actorOf, peerOf } from '../audit/actor.js';
import type { PeerCredentials } from '../bpf/index.js';
import { AlertStreams } from './alert-streams.js';
import type { Api } from './api.js';
import { BODY_LIMIT } from './limits.js';
import { addRoutes } from './routes.js';
import { readWholeRequests } from './whole-requests.js';

export class ApiServer {
  readonly #app: FastifyInstance;
  readonly #streams: AlertStreams;

  private constructor(app: FastifyInstance, streams: AlertStreams) {
    this.#app = app;
    this.#streams = streams;
  }

  /**
   * Listens on the socket at `path`; one that a daemon left behind when it was killed is removed.
   * @param group as `socketGroup` gives it: who asks early does not wait for it here
   * @throws IdsError DAEMON_RUNNING if somebody answers there already, CONFIG_INVALID if something else is there,
   *   PRIVILEGE or SYSCALL if the socket cannot be made
   */
  static async open(path: string, api: Api, group = socketGroup()): Promise<ApiServer> {
    await clearSocket(path);
    const gid = await group;
    const app = fastify({ bodyLimit: BODY_LIMIT, forceCloseConnections: true });
    const streams = new AlertStreams();
    knowCallers(app);
    readWholeRequests(app);
    addRoutes(app, api, streams);
    // From its first moment on the socket is nobody's but the owner's and the group's.
    const mask = process.umask(0o007);
    try {
      await app.listen({ path });
      permit(path, gid);
    } catch (error) {
      await app.close();
      throw refused(path, error);
    } finally {
      process.umask(mask);
    }
    return new ApiServer(app, streams);
  }

  /** Ends followers in good order, then every connection; the socket is gone when this resolves. Idempotent. */
  async close(): Promise<void> {
    await this.#streams.close();
    await this.#app.close();
  }
}

/** What a request changes is done in the name of its caller, whom the kernel names when he connects. */
function knowCallers(app: FastifyInstance): void {
  const peers = new WeakMap<Socket, PeerCredentials>();
  app.server.on('connection', (socket) => {
    const peer = peerOf(socket);
    if (peer) peers.set(socket, peer);
  });
  // Behind the reading of the body: what is called back from there has forgotten whose it is.
  app.addHook('preHandler', (request, _reply, done) => {
    if (request.method === 'GET') done();
    else actingAs(actorOf(peers.get(request.raw.socket)), done);
  });
}

function refused(path: string, error: unknown): IdsError {
  const code = systemCode(error);
  const denied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
  const remedy = denied ? 'run as root or choose another socket' : 'choose another socket';
  const text = `cannot make the control socket ${path}: ${messageOf(error)}: ${remedy}`;
  return new IdsError(denied ? 'PRIVILEGE' : 'SYSCALL', text, { cause: error });
}

/** Makes the place for the socket free. */
export async function clearSocket(path: string): Promise<void> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) return;
    if (!stat.isSocket()) {
      const text = `${path} is there and is no socket: remove it or choose another socket`;
      throw new IdsError('CONFIG_INVALID', text);
    }
    if (!(await answers(path))) {
      unlinkSync(path);
      return;
    }
  } catch (error) {
    throw error instanceof IdsError ? error : refused(path, error);
  }
  const remedy = 'stop it with "ids stop" or choose another socket';
  throw new IdsError('DAEMON_RUNNING', `a daemon already answers on ${path}: ${remedy}`);
}

/** The group `ids`, where there is one. */
export function socketGroup(): Promise<number | undefined> {
  return new Promise((resolve) => {
    execFile('getent', ['group', 'ids'], (error, stdout) => {
      const gid = Number(stdout.split(':')[2]);
      resolve(error === null && Number.isInteger(gid) ? gid : undefined);
    });
  });
}

/** Mode 0660, group `ids` where that group exists, else root's. */
function permit(path: string, gid: number | undefined): void {
  try {
    if (gid !== undefined) chownSync(path, process.getuid?.() ?? 0, gid);
  } catch {
    // Not ours to give away: the socket stays root's.
  }
  chmodSync(path, 0o660);
}

/** True if somebody accepts connections on the socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}
