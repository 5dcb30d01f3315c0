// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { IdsError } from '../../../../common/errors.js';
import { ByteSource } from '../../../../engine/replay/byte-source.js';
import { readCapture } from '../../../../engine/replay/capture.js';
import type { CapturedPacket } from '../../../../engine/replay/captured-packet.js';

const folder = mkdtempSync(join(tmpdir(), 'ids-capture-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

interface Copy extends Omit<CapturedPacket, 'data'> {
  readonly data: string;
}

function readAll(bytes: Buffer): Copy[] {
  const path = join(folder, 'capture');
  writeFileSync(path, bytes);
  const source = ByteSource.open(path);
  try {
    return [...readCapture(source)].map((packet) => ({ ...packet, data: Buffer.from(packet.data).toString('hex') }));
  } finally {
    source.close();
  }
}

function pcap(
  options: { little: boolean; nano: boolean; link: number },
  packets: readonly [number, number, string][],
): Buffer {
  const u32 = (...values: number[]): Buffer => {
    const out = Buffer.alloc(4 * values.length);
    values.forEach((value, i) => (options.little ? out.writeUInt32LE(value, 4 * i) : out.writeUInt32BE(value, 4 * i)));
    return out;
  };
  const versions = Buffer.alloc(4);
  const header = [u32(options.nano ? 0xa1b23c4d : 0xa1b2c3d4), versions, u32(0, 0, 65535, options.link)];
  const records = packets.flatMap(([seconds, fraction, hex]) => {
    const data = Buffer.from(hex, 'hex');
    return [u32(seconds, fraction, data.length, data.length + 5), data];
  });
  return Buffer.concat([...header, ...records]);
}

/** A pcapng block with its two lengths; the body is padded. */
function block(type: number, body: Buffer, big = false): Buffer {
  const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
  const out = Buffer.alloc(padded.length + 12);
  const put = (value: number, at: number): unknown =>
    big ? out.writeUInt32BE(value, at) : out.writeUInt32LE(value, at);
  put(type, 0);
  put(out.length, 4);
  padded.copy(out, 8);
  put(out.length, out.length - 4);
  return out;
}

function ngFile(big = false): Buffer {
  const u16 = (value: number): Buffer => {
    const out = Buffer.alloc(2);
    if (big) out.writeUInt16BE(value);
    else out.writeUInt16LE(value);
    return out;
  };
  const u32 = (value: number): Buffer => {
    const out = Buffer.alloc(4);
    if (big) out.writeUInt32BE(value);
    else out.writeUInt32LE(value);
    return out;
  };
  const section = Buffer.concat([u32(0x1a2b3c4d), u16(1), u16(0), Buffer.alloc(8, 0xff)]);
  const nanos = Buffer.concat([u16(9), u16(1), Buffer.from([9, 0, 0, 0]), u32(0)]);
  const interfaces = [Buffer.concat([u16(1), u16(0), u32(0)]), Buffer.concat([u16(101), u16(0), u32(0), nanos])];
  const ticks = 1_700_000_000_123_456_789n;
  const enhanced = Buffer.concat([
    u32(1),
    u32(Number(ticks >> 32n)),
    u32(Number(ticks & 0xffffffffn)),
    u32(3),
    u32(9),
    Buffer.from('450102', 'hex'),
  ]);
  const simple = Buffer.concat([u32(2), Buffer.from('beef', 'hex')]);
  const unknown = Buffer.from('0000', 'hex');
  return Buffer.concat([
    block(0x0a0d0d0a, section, big),
    ...interfaces.map((body) => block(1, body, big)),
    block(0x77, unknown, big),
    block(6, enhanced, big),
    block(3, simple, big),
  ]);
}

t.test('pcap in both byte orders and both resolutions', async (t) => {
  for (const little of [true, false]) {
    for (const nano of [true, false]) {
      const file = pcap({ little, nano, link: 113 }, [
        [1_700_000_000, 42, 'aabbcc'],
        [1_700_000_001, 7, ''],
      ]);
      t.same(readAll(file), [
        { seconds: 1_700_000_000, nanos: nano ? 42 : 42_000, linkType: 113, data: 'aabbcc', wireLength: 8 },
        { seconds: 1_700_000_001, nanos: nano ? 7 : 7_000, linkType: 113, data: '', wireLength: 5 },
      ]);
    }
  }
});

t.test('pcapng in both byte orders: time resolution, interfaces, unknown blocks', async (t) => {
  for (const big of [false, true]) {
    t.same(readAll(ngFile(big)), [
      { seconds: 1_700_000_000, nanos: 123_456_789, linkType: 101, data: '450102', wireLength: 9 },
      { seconds: 0, nanos: 0, linkType: 1, data: 'beef', wireLength: 2 },
    ]);
  }
});

t.test('damage is named with file and offset', async (t) => {
  const good = pcap({ little: true, nano: false, link: 1 }, [[1, 2, '00112233']]);
  const cases: readonly [string, Buffer, RegExp][] = [
    ['empty', Buffer.alloc(0), /shorter than a header/],
    ['not a capture', Buffer.from('hello, world, this is text'), /unknown magic number/],
    ['cut header', good.subarray(0, 20), /file header is cut off/],
    ['cut record', good.subarray(0, 30), /packet header is cut off/],
    ['cut packet', good.subarray(0, good.length - 1), /4 bytes were announced/],
    ['forged length', Buffer.concat([good.subarray(0, 32), Buffer.alloc(8, 0xff)]), /4294967295 bytes cannot be/],
    ['forged block', ngFile().fill(0xff, 32, 36), /cannot be/],
  ];
  for (const [name, bytes, message] of cases) {
    t.throws(() => readAll(bytes), { code: 'CAPTURE_INVALID', message }, name);
  }
  t.throws(() => ByteSource.open(join(folder, 'absent')), { code: 'FILE_UNREADABLE' });
});

t.test('any damage gives packets or a typed error', async (t) => {
  const files = [ngFile(), ngFile(true), pcap({ little: true, nano: false, link: 1 }, [[1, 2, '00112233445566']])];
  let seed = 12345;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  let failures = 0;
  const rounds = 2000;
  for (let i = 0; i < rounds; i++) {
    const bytes = Buffer.from(files[random(files.length)] ?? []);
    for (let n = random(4) + 1; n > 0; n--) bytes[random(bytes.length)] = random(256);
    try {
      readAll(bytes.subarray(0, random(bytes.length + 1)));
    } catch (error) {
      failures++;
      if (!(error instanceof IdsError && error.code === 'CAPTURE_INVALID')) t.fail('an untyped error', { error });
    }
  }
  t.ok(failures > rounds / 4 && failures < rounds, `${failures} of ${rounds} were refused`);
});
