// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { parseSize } from '../../../common/size.js';

t.test('sizes', async (t) => {
  t.strictSame(['1', '64KiB', '100MiB', '2GiB', '1TiB'].map(parseSize), [1, 65_536, 104_857_600, 2 ** 31, 2 ** 40]);
  for (const text of ['', '0', '-1', '1.5MiB', '10MB', '1 KiB', '999999999999999TiB', 'KiB']) {
    t.throws(() => parseSize(text), { code: 'SIZE_INVALID', message: /is not a size: write for example 64KiB/ }, text);
  }
});
