// SPDX-License-Identifier: Apache-2.0
// Whatever the format, a record gets shorter by telling less.

import t from 'tap';
import { formatNames, lineIn, shortIn, type Detection } from '../../../../alerts/index.js';
import { request } from '../samples.js';

const long: Detection = {
  ...request,
  rule: { ...request.rule!, msg: 'm'.repeat(3000), category: 'ä'.repeat(2000), metadata: { a: ['b'.repeat(3000)] } },
  http: { ...request.http, url: `/${'u'.repeat(5000)}`, userAgent: 'w'.repeat(5000) },
};

t.test('within the limit, whole, and with what matters', async (t) => {
  for (const format of formatNames) {
    const full = lineIn[format](long);
    for (const limit of [8000, 4000, 2048, 1500]) {
      const line = shortIn(format, long, limit);
      t.ok(Buffer.byteLength(line) <= limit, `${format}: ${Buffer.byteLength(line)} of ${limit}`);
      t.ok(line.length < full.length);
      if (format !== 'cef' && format !== 'leef') t.doesNotThrow(() => JSON.parse(line) as unknown, `${format}: JSON`);
      for (const what of ['9000301', request.src, request.dst]) t.match(line, what, `${format} ${limit}: ${what}`);
    }
  }
});
