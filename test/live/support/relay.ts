// SPDX-License-Identifier: Apache-2.0
// Stands in front of a receiver and misbehaves in its place, as long as it is told to.
import { randomBytes } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { pipeline, Transform } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { readFileSync } from 'node:fs';
import type { Teardown } from '../../helpers/undo.js';
import type { Pair } from './certificates.js';

/**
 * `well`: hands everything on, both ways; `slow`: the same, in small pieces; `half`: breaks off in the middle of the first
 * answer; `closes`: at once; `silent`: takes everything and answers nothing; `garbage`: answers with noise.
 */
export type Manner = 'well' | 'slow' | 'half' | 'closes' | 'silent' | 'garbage';

const PIECE = 2048;
const PIECE_MS = 5;
/** No protocol has a first answer as short as this. */
const HALF = 5;

function inPieces(): Transform {
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const next = (at: number): void => {
        if (at >= chunk.length) return done();
        this.push(chunk.subarray(at, at + PIECE));
        setTimeout(next, PIECE_MS, at + PIECE);
      };
      next(0);
    },
  });
}

export class Relay {
  readonly #upstream: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #manner: Manner = 'well';
  #present: ((pair: Pair) => void) | undefined;

  /** @param tls the certificate that it shows; what it hands on is plain */
  constructor(t: Teardown, upstream: number, tls?: Pair) {
    this.#upstream = upstream;
    const take = (socket: Socket): void => this.#take(socket);
    if (tls) {
      const read = ({ cert, key }: Pair): { cert: Buffer; key: Buffer } => ({
        cert: readFileSync(cert),
        key: readFileSync(key),
      });
      const server = createTlsServer(read(tls), take).on('connection', (socket: Socket) => this.#keep(socket));
      this.#present = (pair) => server.setSecureContext(read(pair));
      this.#server = server.on('tlsClientError', () => undefined);
    } else this.#server = createServer(take);
    t.teardown(() => {
      this.#server.close();
      this.#hangUp();
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on; connections that there are break. */
  behave(manner: Manner): void {
    this.#manner = manner;
    this.#hangUp();
  }

  /** Another certificate for new connections; those that there are break. */
  present(pair: Pair): void {
    this.#present?.(pair);
    this.#hangUp();
  }

  #hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    // Two pipelines listen to it.
    return socket
      .setMaxListeners(20)
      .on('error', () => undefined)
      .on('close', () => this.#sockets.delete(socket));
  }

  #take(client: Socket): void {
    this.#keep(client);
    switch (this.#manner) {
      case 'closes':
        client.destroy();
        return;
      case 'silent':
        client.resume();
        return;
      case 'garbage':
        // Who waits for the first word and who says it.
        client.write(randomBytes(64));
        client.on('data', () => client.write(randomBytes(64)));
        return;
      default:
        this.#handOn(client, this.#keep(connect(this.#upstream, '127.0.0.1')));
    }
  }

  #handOn(client: Socket, server: Socket): void {
    const over = (): void => {
      client.destroy();
      server.destroy();
    };
    if (this.#manner === 'half') {
      client.pipe(server);
      server.once('data', (chunk: Buffer) => client.write(chunk.subarray(0, HALF), over));
    } else if (this.#manner === 'slow') {
      pipeline(client, inPieces(), server, over);
      pipeline(server, inPieces(), client, over);
    } else {
      pipeline(client, server, over);
      pipeline(server, client, over);
    }
  }
}
