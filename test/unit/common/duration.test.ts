// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { formatDuration, parseDuration } from '../../../common/duration.js';

t.test('durations as operators write them', async (t) => {
  const cases: Record<string, number> = {
    '90s': 90,
    '15m': 900,
    '1h30m': 5400,
    '7d': 604800,
    '2w': 1209600,
    '45': 45,
    '1d1s': 86401,
  };
  for (const [text, seconds] of Object.entries(cases)) t.equal(parseDuration(text), seconds, text);
  for (const text of [
    '',
    '0',
    '0s',
    '-1h',
    '1.5h',
    'h',
    '1h 30m',
    '1y',
    '1hh',
    '1h30',
    '99999999999999999999d',
    'soon',
  ]) {
    t.throws(() => parseDuration(text), { code: 'DURATION_INVALID', message: /write for example 90s/ }, text);
  }
});

t.test('and as they read them', async (t) => {
  const cases: [number, string][] = [
    [5400, '1h30m'],
    [45, '45s'],
    [0, '0s'],
    [-3, '0s'],
    [604800, '7d'],
    [90061, '1d1h1m1s'],
    [59.6, '1m'],
  ];
  for (const [seconds, text] of cases) t.equal(formatDuration(seconds), text);
  for (const text of ['1h30m', '7d', '1d1h1m1s']) t.equal(formatDuration(parseDuration(text)), text);
});
