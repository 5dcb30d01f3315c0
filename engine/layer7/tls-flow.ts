// SPDX-License-Identifier: Apache-2.0
// TLS handshakes of flows: judged as each side's hello comes, logged once when both are there.

import { tlsObject } from '../../alerts/eve-tls.js';
import { BytesFlag, BytesRecordLayout as L } from '../../common/abi.gen.js';
import { BufferId, BufferMessage, CertificateEvent, eventBytes, Kind } from '../../rules/index.js';
import { parseCertificate } from './certificate.js';
import type { Flow } from './flow-states.js';
import type { Judging, Shown } from './shown.js';
import { tlsFields } from './tls.js';
import { ja3, ja3s, ja4 } from './tls-fingerprints.js';
import { firstVersion, type Hello } from './tls-hello.js';
import { parseTlsFlight, type TlsFlight } from './tls-records.js';

/** Both sides as far as they are known. */
export interface TlsFlow {
  client?: TlsFlight;
  server?: TlsFlight;
  /** The log wants it, and has not been told yet. */
  due: boolean;
}

const timeOf = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;

const judged = new BufferMessage();
const latin = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const version = (hello: Hello): Uint8Array => {
  const number = firstVersion(hello);
  return Uint8Array.of(number >> 8, number & 0xff);
};

function withClient(message: BufferMessage, hello: Hello): BufferMessage {
  for (const name of hello.alpns) message.put(BufferId.TLS_ALPN, name);
  return message
    .offer(BufferId.TLS_VERSION, () => version(hello))
    .offer(BufferId.JA3_HASH, () => latin(ja3(hello).hash))
    .offer(BufferId.JA3_STRING, () => latin(ja3(hello).string))
    .offer(BufferId.JA4_HASH, () => latin(ja4(hello)))
    .offer(BufferId.HELLO_EVENT, () => eventBytes(hello.events));
}

function withServer(message: BufferMessage, hello: Hello): BufferMessage {
  return message
    .offer(BufferId.TLS_VERSION, () => version(hello))
    .offer(BufferId.JA3S_HASH, () => latin(ja3s(hello).hash))
    .offer(BufferId.JA3S_STRING, () => latin(ja3s(hello).string));
}

export class TlsHandshakes {
  readonly #judge: Judging;
  readonly #log: (flow: Flow | undefined, view: DataView, at: number, tls: Readonly<Record<string, unknown>>) => void;

  constructor(
    judge: Judging,
    log: (flow: Flow | undefined, view: DataView, at: number, tls: Readonly<Record<string, unknown>>) => void,
  ) {
    this.#judge = judge;
    this.#log = log;
  }

  /** What one side said, from its first byte on; false if it is no TLS. @param decided rules that the kernel has matched */
  onRecord(
    view: DataView,
    bytes: Uint8Array,
    at: number,
    toClient: boolean,
    flow: Flow | undefined,
    decided: readonly number[] | undefined,
  ): boolean {
    const from = at + L.SIZE;
    const flags = view.getUint32(at + L.flags, true);
    // Kept beyond the ring's memory: certificates and names are views of it.
    const flight = parseTlsFlight(bytes.slice(from, from + view.getUint32(at + L.length, true)));
    if (!flight.client && !flight.server && flight.certificates.length === 0) return false;
    const tls: TlsFlow = flow ? (flow.tls ??= { due: false }) : { due: false };
    if (toClient) tls.server = flight;
    else tls.client = flight;
    const shown = (): Shown => ({ tls: tlsObject(tlsFields(tls.client, tls.server)) });
    if (flow) flow.decided = { time: timeOf(view, at), shown };
    this.#judgeFlight(flight, tls, view, at, flow, shown, (flags & BytesFlag.BYTES_TRUNCATED) !== 0, decided);
    if ((flags & BytesFlag.BYTES_LOGGED) !== 0) tls.due = true;
    if (tls.due && (toClient || !flow)) this.#tell(tls, flow, view, at);
    return true;
  }

  #judgeFlight(
    flight: TlsFlight,
    tls: TlsFlow,
    view: DataView,
    at: number,
    flow: Flow | undefined,
    shown: () => Shown,
    cut: boolean,
    decided: readonly number[] | undefined,
  ): void {
    const partial = cut || flight.problem !== undefined;
    const sni = tls.client?.client?.sni;
    const begin = (kind: Kind): BufferMessage => {
      const message = judged.begin(kind);
      message.decided = decided;
      if (sni && kind !== Kind.TLS_ANSWER) message.put(BufferId.SNI, sni, cut);
      else message.withholdIf(BufferId.SNI, partial || tls.client?.client === undefined);
      message.withholdIf(BufferId.TLS_ALPN, partial);
      const stream = kind === Kind.TLS_HELLO ? flow?.toServer : flow?.toClient;
      return stream ? message.put(BufferId.PAYLOAD, stream.bytes, !stream.last) : message;
    };
    const { client, server } = flight;
    if (client) this.#judge(withClient(begin(Kind.TLS_HELLO), client), view, at, flow, shown);
    if (server) this.#judge(withServer(begin(Kind.TLS_ANSWER), server), view, at, flow, shown);
    const [first] = flight.certificates;
    if (!first) return;
    const message = begin(Kind.TLS_CERTS);
    const speaker = client ?? server;
    if (speaker) message.offer(BufferId.TLS_VERSION, () => version(speaker));
    for (const one of flight.certificates) message.put(BufferId.CERTS, one, cut);
    const certificate = parseCertificate(first);
    message.put(BufferId.CERTIFICATE_EVENT, eventBytes(certificate || cut ? 0 : CertificateEvent.UNREADABLE));
    if (certificate) {
      message.put(BufferId.CERT_SUBJECT, Buffer.from(certificate.subject));
      message.put(BufferId.CERT_ISSUER, Buffer.from(certificate.issuer));
      message.put(BufferId.CERT_SERIAL, latin(certificate.serial));
      message.put(BufferId.CERT_FINGERPRINT, latin(certificate.fingerprint));
    }
    this.#judge(message, view, at, flow, shown);
  }

  #tell(tls: TlsFlow, flow: Flow | undefined, view: DataView, at: number): void {
    tls.due = false;
    this.#log(flow, view, at, tlsObject(tlsFields(tls.client, tls.server)));
  }

  /** The log record of a hello that was not answered; undefined if there is none to tell. */
  unanswered(flow: Flow): Readonly<Record<string, unknown>> | undefined {
    const { tls } = flow;
    if (!tls?.due) return undefined;
    tls.due = false;
    return tlsObject(tlsFields(tls.client, tls.server));
  }
}
