// SPDX-License-Identifier: Apache-2.0
// Child of the kill test: lists addresses for ever and names each on its output once the service has acknowledged it.

import { writeSync } from 'node:fs';
import { fixture, prefixes } from './fixture.js';

const [file = '', from = '0'] = process.argv.slice(2);
const f = fixture({ file });
for (let i = Number(from); i < 1 << 16; i++) {
  const text = `10.9.${i >> 8}.${i & 255}`;
  f.blocklist.add({ prefixes: prefixes(text), reason: `number ${i}` });
  writeSync(1, `${text}\n`);
}
