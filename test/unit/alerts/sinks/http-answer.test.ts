// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { excerpt, refusalOf, retryAfterMs } from '../../../../alerts/sinks/http-answer.js';

t.test('Retry-After', async (t) => {
  const now = Date.parse('2026-01-02T03:04:05Z');
  t.equal(retryAfterMs('120', now), 120_000);
  t.equal(retryAfterMs('Fri, 02 Jan 2026 03:05:05 GMT', now), 60_000);
  t.equal(retryAfterMs('Fri, 02 Jan 2026 03:00:00 GMT', now), 0, 'past');
  for (const bad of [undefined, '', 'soon', '-1']) t.equal(retryAfterMs(bad, now), 0, bad ?? 'none');
});

const answer = (status: number, text = '') => ({ status, text, whole: true, retryAfterMs: 3000 });

t.test('what a status means', async (t) => {
  for (const status of [408, 425, 429, 500, 502, 503, 504, 599, 401, 403, 404, 410]) {
    t.match(refusalOf('there', answer(status)), { final: false, retryAfterMs: 3000 }, String(status));
  }
  for (const status of [301, 307, 308, 400, 413, 415, 422])
    t.ok(refusalOf('there', answer(status)).final, String(status));
  t.ok(refusalOf('there', answer(404), { settings: () => false }).final);
  t.match(refusalOf('there', answer(302)).message, /there: answered 302; redirects are not followed/);
  t.equal(
    refusalOf('there', answer(400), { said: 'no\r\n\u001b[31m way' }).message,
    'there: answered 400: no [31m way',
  );
});

t.test('an excerpt is one bounded line', async (t) => {
  t.equal(excerpt(`a\u202eb\n\tc`), 'a\\u202eb c');
  t.equal(excerpt('x'.repeat(1000)).length, 200);
});
