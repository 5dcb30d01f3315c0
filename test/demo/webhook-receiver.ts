// SPDX-License-Identifier: Apache-2.0
// A webhook endpoint as a user would write one: checks the signature (Standard Webhooks) and notes what came.
//   node webhook-receiver.js PORT SECRET FILE
import { createHmac, timingSafeEqual } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port = '', secret = '', file = ''] = process.argv.slice(2);
const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');

function signed(headers: Readonly<Record<string, string | string[] | undefined>>, body: string): boolean {
  const text = (name: string): string => String(headers[name] ?? '');
  const expected = createHmac('sha256', key)
    .update(`${text('webhook-id')}.${text('webhook-timestamp')}.${body}`)
    .digest();
  return text('webhook-signature')
    .split(' ')
    .map((signature) => Buffer.from(signature.replace(/^v1,/, ''), 'base64'))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
}

createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => (body += text));
  request.on('end', () => {
    const valid = signed(request.headers, body);
    const parsed: unknown = JSON.parse(body);
    appendFileSync(file, `${JSON.stringify({ valid, records: Array.isArray(parsed) ? parsed : [parsed] })}\n`);
    response.writeHead(valid ? 204 : 401).end();
  });
}).listen(Number(port), '127.0.0.1');
