// SPDX-License-Identifier: Apache-2.0
// Asks for SASL (KIP-43, KIP-152, KIP-368), and for TLS if told, in front of each broker of a cluster that knows neither.
import { readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { undoAfter, type Teardown } from '../../helpers/undo.js';
import type { Pair } from './certificates.js';
import { ScramServer } from './scram-server.js';

export interface GateOptions {
  readonly users: Readonly<Record<string, string>>;
  readonly mechanisms?: readonly string[];
  readonly tls?: Pair;
  /** Milliseconds after which clients have to authenticate anew; 0 for never. */
  readonly lifetime?: number;
}

// Kinds of requests.
const [METADATA, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE] = [3, 17, 18, 36];
const [UNSUPPORTED_SASL_MECHANISM, SASL_AUTHENTICATION_FAILED] = [33, 58];

const int16 = (n: number): Buffer => Buffer.from([(n >> 8) & 255, n & 255]);
const int32 = (n: number): Buffer => Buffer.from(Uint32Array.of(n).buffer).swap32();
const string = (text: string): Buffer => Buffer.concat([int16(Buffer.byteLength(text)), Buffer.from(text)]);
const bytes = (body: Buffer): Buffer => Buffer.concat([int32(body.length), body]);

/** Calls back for every whole frame of a stream: its length in four bytes, then it. */
function eachFrame(socket: Socket, take: (frame: Buffer) => void): void {
  let waiting = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUInt32BE(0)) {
      const end = 4 + waiting.readUInt32BE(0);
      take(waiting.subarray(4, end));
      waiting = waiting.subarray(end);
    }
  });
}

export class KafkaGate {
  /** HOST:PORT to connect to, one for each broker. */
  readonly brokers: string[] = [];
  /** How often somebody has proved who they are. */
  authenticated = 0;
  readonly #options: GateOptions;
  /** From the ports of the brokers to ours. */
  readonly #ports = new Map<number, number>();

  private constructor(options: GateOptions) {
    this.#options = options;
  }

  static async open(t: Teardown, brokers: readonly string[], options: GateOptions): Promise<KafkaGate> {
    const gate = new KafkaGate(options);
    const sockets = new Set<Socket>();
    for (const broker of brokers) {
      const port = Number(/:(\d+)$/.exec(broker)?.[1]);
      const greet = (socket: Socket): void => {
        sockets.add(socket.on('close', () => sockets.delete(socket)));
        gate.#serve(socket, port);
      };
      const { tls } = options;
      const server: Server = tls
        ? createTlsServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, greet)
        : createServer(greet);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      undoAfter(t, () => {
        server.close();
        for (const socket of sockets) socket.destroy();
      });
      const own = (server.address() as AddressInfo).port;
      gate.#ports.set(port, own);
      gate.brokers.push(`127.0.0.1:${own}`);
    }
    return gate;
  }

  #serve(client: Socket, port: number): void {
    const broker = connect(port, '127.0.0.1');
    const end = (): void => {
      client.destroy();
      broker.destroy();
    };
    for (const socket of [client, broker]) socket.on('error', end).on('close', end);
    /** Kinds and versions of the requests that the broker has not answered. */
    const asked = new Map<number, readonly [number, number]>();
    let scram: ScramServer | undefined;
    let mechanism = '';
    let known = false;
    eachFrame(client, (frame) => {
      const [kind, version, correlation] = [frame.readInt16BE(0), frame.readInt16BE(2), frame.readInt32BE(4)];
      const body = frame.subarray(10 + Math.max(0, frame.readInt16BE(8)));
      const answer = (...parts: Buffer[]): void =>
        void client.write(bytes(Buffer.concat([int32(correlation), ...parts])));
      if (kind === SASL_HANDSHAKE) {
        mechanism = body.toString('utf8', 2, 2 + body.readInt16BE(0));
        const { mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], users } = this.#options;
        const offered = mechanisms.includes(mechanism);
        const hash = mechanism === 'SCRAM-SHA-512' ? 'sha512' : 'sha256';
        scram = mechanism === 'PLAIN' ? undefined : new ScramServer(hash, (user) => users[user]);
        const all = mechanisms.map(string);
        answer(int16(offered ? 0 : UNSUPPORTED_SASL_MECHANISM), int32(all.length), ...all);
      } else if (kind === SASL_AUTHENTICATE) {
        const lifetime = version > 0 ? [int32(0), int32(this.#options.lifetime ?? 0)] : [];
        try {
          const { said, done } = this.#authenticate(body.toString('utf8', 4, 4 + body.readInt32BE(0)), scram);
          known = done;
          if (done) this.authenticated++;
          answer(int16(0), int16(-1), bytes(Buffer.from(said)), ...lifetime);
        } catch (error) {
          answer(
            int16(SASL_AUTHENTICATION_FAILED),
            string((error as Error).message),
            bytes(Buffer.alloc(0)),
            ...lifetime,
          );
          client.end();
        }
      } else if (known || kind === API_VERSIONS) {
        asked.set(correlation, [kind, version]);
        broker.write(bytes(frame));
      } else end();
    });
    eachFrame(broker, (frame) => {
      const correlation = frame.readInt32BE(0);
      const [kind, version] = asked.get(correlation) ?? [-1, 0];
      asked.delete(correlation);
      if (kind === METADATA) this.#movePorts(frame, version);
      client.write(bytes(kind === API_VERSIONS ? withSasl(frame) : frame));
    });
  }

  #authenticate(said: string, scram: ScramServer | undefined): { said: string; done: boolean } {
    const { users } = this.#options;
    if (scram) {
      const first = said.startsWith('n,');
      return { said: first ? scram.first(said) : scram.final(said), done: !first };
    }
    const [, user = '', password] = said.split('\0');
    // Worse than any broker.
    if (password === undefined || users[user] !== password) throw new Error(`${user} has no password ${password}`);
    return { said: '', done: true };
  }

  /** Brokers tell where brokers are. */
  #movePorts(frame: Buffer, version: number): void {
    if (version > 2) throw new Error(`metadata of version ${version}`);
    let at = 8;
    for (let left = frame.readInt32BE(4); left > 0; left--) {
      at += 4 + 2 + frame.readInt16BE(at + 4);
      frame.writeInt32BE(this.#ports.get(frame.readInt32BE(at)) ?? 0, at);
      at += 4;
      if (version > 0) at += 2 + Math.max(0, frame.readInt16BE(at));
    }
  }
}

/** An answer to ApiVersions (error, then an array of kind, lowest and highest version) that knows of SASL too. */
function withSasl(frame: Buffer): Buffer {
  if (frame.readInt16BE(4) !== 0) return frame;
  const own = [SASL_HANDSHAKE, SASL_AUTHENTICATE].flatMap((kind = 0) => [int16(kind), int16(0), int16(1)]);
  return Buffer.concat([frame.subarray(0, 6), int32(frame.readInt32BE(6) + 2), ...own, frame.subarray(10)]);
}
