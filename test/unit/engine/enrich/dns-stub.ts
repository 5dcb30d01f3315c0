// SPDX-License-Identifier: Apache-2.0
// A DNS server on loopback that answers PTR questions as it is told.

import { createSocket, type Socket } from 'node:dgram';

/** A name, `none` for NXDOMAIN, `fail` for SERVFAIL, `silent` for no answer. */
export type Answers = (question: string) => string;

const encodeName = (name: string): Buffer =>
  Buffer.concat([
    ...name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')])),
    Buffer.of(0),
  ]);

function reply(query: Buffer, answer: string): Buffer {
  const end = query.indexOf(0, 12) + 5;
  const head = Buffer.from(query.subarray(0, 12));
  const code = answer === 'none' ? 3 : answer === 'fail' ? 2 : 0;
  head.writeUInt16BE(0x8180 | code, 2);
  head.writeUInt16BE(code === 0 ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  if (code !== 0) return Buffer.concat([head, query.subarray(12, end)]);
  const name = encodeName(answer);
  const record = Buffer.from('c00c000c00010000003c0000', 'hex');
  record.writeUInt16BE(name.length, 10);
  return Buffer.concat([head, query.subarray(12, end), record, name]);
}

function questionOf(query: Buffer): string {
  const labels: string[] = [];
  for (let at = 12; query[at];) {
    const length = query[at] ?? 0;
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return labels.join('.');
}

export class DnsStub {
  readonly questions: string[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket, answers: Answers) {
    this.#socket = socket;
    socket.on('message', (query, from) => {
      const question = questionOf(query);
      this.questions.push(question);
      const answer = answers(question);
      if (answer !== 'silent') socket.send(reply(query, answer), from.port, from.address);
    });
  }

  static async open(answers: Answers): Promise<DnsStub> {
    const socket = createSocket('udp4');
    const stub = new DnsStub(socket, answers);
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return stub;
  }

  get server(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): void {
    this.#socket.close();
  }
}
