// SPDX-License-Identifier: Apache-2.0
import { Socket } from 'node:net';
import t from 'tap';
import { frameCheck, framed } from '../../../../alerts/sinks/kafka-frames.js';

function frame(length: number, body = Buffer.alloc(length)): Buffer {
  const head = Buffer.alloc(4);
  head.writeInt32BE(length);
  return Buffer.concat([head, body]);
}

t.test('lengths that a broker sends, in chunks of any size', async (t) => {
  const stream = Buffer.concat([frame(100), frame(0), frame(4), frame(70_000)]);
  for (const size of [1, 3, 4, 5, 104, 109, stream.length]) {
    const possible = frameCheck();
    for (let at = 0; at < stream.length; at += size) {
      if (!possible(stream.subarray(at, at + size))) return t.fail(`chunks of ${size}, at ${at}`);
    }
  }
  const possible = frameCheck(50);
  t.ok(possible(frame(50)));
  t.notOk(possible(frame(51)));
  t.notOk(frameCheck()(Buffer.from('HTTP/1.1 400 Bad Request')));
  return t.notOk(frameCheck()(frame(-1, Buffer.alloc(0))));
});

t.test('a listener that throws ends the connection and nothing else', async (t) => {
  const heard: number[] = [];
  const socket = framed(new Socket());
  const broken = new Promise<Error>((resolve) => socket.on('error', resolve));
  socket.on('data', (chunk: Buffer) => {
    heard.push(chunk.length);
    if (chunk.length === 6) throw new RangeError('out of bounds');
  });
  socket.emit('data', frame(4));
  socket.emit('data', frame(2));
  t.match(await broken, { message: /speaks no Kafka/ });
  t.ok(socket.destroyed);
  t.strictSame(heard, [8, 6]);
});
