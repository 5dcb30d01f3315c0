// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { eachLine, positionOf, type LogicalLine } from '../../../rules/lines.js';

function lines(text: string): LogicalLine[] {
  const found: LogicalLine[] = [];
  eachLine({ file: 'f', text }, (line) => found.push(line));
  return found;
}

t.test('blank lines and line ends', async (t) => {
  t.same(
    lines('a\r\n\r\n  \nb').map((line) => [line.text, positionOf(line, 0)]),
    [
      ['a', { file: 'f', line: 1, column: 1 }],
      ['b', { file: 'f', line: 4, column: 1 }],
    ],
  );
  t.same(lines(''), []);
});

t.test('a byte order mark is not text, but a column', async (t) => {
  const [line] = lines('\ufeffab');
  t.equal(line?.text, 'ab');
  t.same(line && positionOf(line, 1), { file: 'f', line: 1, column: 3 });
});

t.test('continued lines keep their positions', async (t) => {
  const [line, next] = lines('ab \\\r\n  cd\\  \nef\ngh');
  t.equal(line?.text, 'ab   cdef');
  const at = (offset: number) => line && positionOf(line, offset);
  t.same(
    [at(0), at(3), at(5), at(7), at(9)],
    [
      { file: 'f', line: 1, column: 1 },
      { file: 'f', line: 2, column: 1 },
      { file: 'f', line: 2, column: 3 },
      { file: 'f', line: 3, column: 1 },
      { file: 'f', line: 3, column: 3 },
    ],
  );
  t.same(next && positionOf(next, 0), { file: 'f', line: 4, column: 1 });
});

t.test('a comment does not continue, a last line may', async (t) => {
  t.same(
    lines('# a \\\nb\\').map((line) => line.text),
    ['# a \\', 'b'],
  );
});
