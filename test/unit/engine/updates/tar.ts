// SPDX-License-Identifier: Apache-2.0
// Tar archives by hand, so that they can be what no tool would make.

export interface TarEntry {
  readonly path: string;
  readonly text?: string;
  /** `0` file, `2` symbolic link, `5` folder, `x` pax header, `L` long name. */
  readonly kind?: string;
}

export function tar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(({ path, text = '', kind = '0' }) => {
    const body = Buffer.from(text);
    const head = Buffer.alloc(512);
    head.write(path, 0, 100);
    head.write('0000644\0', 100);
    head.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
    head.write('        ', 148);
    head.write(kind, 156);
    head.write('ustar\x0000', 257, 'latin1');
    const sum = head.reduce((total, byte) => total + byte, 0);
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    return [head, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
