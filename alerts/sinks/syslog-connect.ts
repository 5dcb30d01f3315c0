// SPDX-License-Identifier: Apache-2.0
// The ways to a syslog receiver that takes a stream: TCP, TLS (RFC 5425), a unix socket.

import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { SyslogConfig } from '../config.js';
import { readTls, type TlsFiles } from '../tls-files.js';

/** A connection that is being made. */
export interface Connecting {
  readonly socket: Socket;
  /** Calls back when the receiver is there. */
  readonly ready: (done: () => void) => void;
}

export interface Connector {
  /** Where it goes, for people. */
  readonly target: string;
  /** @throws IdsError OUTPUT_FAILED if certificates cannot be read */
  open(): Promise<Connecting>;
  /** Whether a new connection would be made with other certificates than the last. @throws as `open` */
  changed?(): Promise<boolean>;
}

const KEEPALIVE_MS = 10_000;
const TCP_PORT = 514;
const TLS_PORT = 6514;

/** Probes find a peer that went without a word while the connection is idle. */
function tuned<T extends Socket>(socket: T): T {
  socket.setKeepAlive(true, KEEPALIVE_MS).setNoDelay(true);
  return socket;
}

/**
 * In TLS 1.3 a client is through before the receiver has looked at its certificate, and what it sends meanwhile would be
 * lost with a refusal. A receiver that has looked sends a ticket; one that sends none gets this long to refuse.
 */
const REFUSAL_MS = 1000;

function readyTls(socket: TLSSocket, done: () => void): void {
  socket.once('secureConnect', () => {
    if (socket.getProtocol() !== 'TLSv1.3') return done();
    const timer = setTimeout(done, REFUSAL_MS);
    socket.once('close', () => clearTimeout(timer));
    socket.once('session', () => {
      clearTimeout(timer);
      // OpenSSL is in the middle of reading then: what is written at once breaks at the end of its first record.
      setImmediate(done);
    });
  });
}

function overTls({ host, port = TLS_PORT, tls }: SyslogConfig): Connector {
  let used: string | undefined;
  const read = (): Promise<TlsFiles> => readTls(tls ?? { verify: true });
  return {
    target: `tls://${host}:${port}`,
    async open() {
      const files = await read();
      used = JSON.stringify(files);
      const name = isIP(host) === 0 ? { servername: host } : {};
      const socket = tuned(connectTls({ host, port, ...name, ...files }));
      return { socket, ready: (done) => readyTls(socket, done) };
    },
    changed: async () => used !== undefined && JSON.stringify(await read()) !== used,
  };
}

function plain(target: string, open: () => Socket): Connector {
  return {
    target,
    open: () => {
      const socket = open();
      return Promise.resolve({ socket, ready: (done: () => void) => void socket.once('connect', done) });
    },
  };
}

/** The way that a configuration with a stream names; a unix socket is tried as one. */
export function connectorOf(config: SyslogConfig): Connector {
  const { transport, host, port = TCP_PORT, path } = config;
  if (transport === 'tls') return overTls(config);
  if (transport === 'unix') return plain(`unix:${path}`, () => connect({ path }));
  return plain(`tcp://${host}:${port}`, () => tuned(connect({ host, port })));
}
