// SPDX-License-Identifier: Apache-2.0
// Random header sections, made of the pieces on which parsers differ.

/** A repeatable source of numbers in 0 to 1 (xorshift32). */
export function seededRandom(seed: number): () => number {
  let x = seed | 0 || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

/** Latin-1 text: a request line, then headers (these names among them) with every kind of defect. */
export function randomSection(random: () => number, names: readonly string[]): string {
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? '';
  const anyCase = (text: string): string =>
    [...text].map((c) => (random() < 0.3 ? (random() < 0.5 ? c.toUpperCase() : c.toLowerCase()) : c)).join('');
  const noise = (): string =>
    Array.from({ length: Math.floor(random() * 6) }, () => String.fromCharCode(random() * 256)).join('');
  const space = (): string => pick(['', '', ' ', '  ', '\t', ' \t ', '\0', '\x0b']);
  const end = (): string =>
    pick(['\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n', '\n\n', '\r\n\r\n', '\r\n ', '\r\n\t', '']);
  const name = (): string => {
    const base = anyCase(pick([...names, 'Host', 'Accept', 'X']));
    const edit = random();
    if (edit < 0.1) return base.slice(0, -1);
    if (edit < 0.2) return base + pick(['x', '-', '_', 'é']);
    return edit < 0.25 ? base.replaceAll('-', '_') : base;
  };
  let text = pick(['GET / HTTP/1.1', 'POST /Cookie: HTTP/1.0', 'x', '']) + end();
  for (let i = Math.floor(random() * 6); i > 0; i--) {
    text += `${space()}${name()}${space()}${pick([':', ':', ':', '::', ''])}${space()}${noise()}${end()}`;
  }
  return text + pick(['\r\n', '\n', '', '\r\n\r\nbody']);
}
