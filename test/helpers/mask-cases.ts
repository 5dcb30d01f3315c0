// SPDX-License-Identifier: Apache-2.0
// Header sections that try to carry a secret past the mask, and ones that must stay readable: name, section, text.

const start = 'GET /index HTTP/1.1\r\nHost: example.org\r\n';
const end = '\r\n\r\n';

export type MaskCase = readonly [name: string, section: string, text: string];

export const hiddenCases: readonly MaskCase[] = [
  ['plain', `${start}Authorization: Basic S3CRET${end}`, 'S3CRET'],
  ['every default name', `${start}Proxy-Authorization: a\r\nSet-Cookie: b\r\nX-Api-Key: S3CRET${end}`, 'S3CRET'],
  ['lower case', `${start}authorization: S3CRET${end}`, 'S3CRET'],
  ['mixed case', `${start}aUTHORIZATION: S3CRET${end}`, 'S3CRET'],
  ['no white space', `${start}Cookie:S3CRET${end}`, 'S3CRET'],
  ['tab', `${start}Cookie:\tS3CRET${end}`, 'S3CRET'],
  ['much white space', `${start}Cookie: \t \t    S3CRET${end}`, 'S3CRET'],
  ['space before the colon', `${start}Authorization : S3CRET${end}`, 'S3CRET'],
  ['tab before the colon', `${start}Authorization\t: S3CRET${end}`, 'S3CRET'],
  ['NUL before the colon', `${start}Authorization\0: S3CRET${end}`, 'S3CRET'],
  ['no colon', `${start}Authorization S3CRET${end}`, 'S3CRET'],
  ['bare LF lines', 'GET / HTTP/1.1\nCookie: S3CRET\n\n', 'S3CRET'],
  ['folded with a space', `${start}Cookie: a\r\n S3CRET${end}`, 'S3CRET'],
  ['folded with a tab', `${start}Cookie: a\r\n\tS3CRET${end}`, 'S3CRET'],
  ['folded twice', `${start}Cookie:\r\n a\r\n \tS3CRET${end}`, 'S3CRET'],
  ['folded with bare LF', 'GET / HTTP/1.1\nCookie: a\n S3CRET\n\n', 'S3CRET'],
  ['folded before the colon', `${start}Cookie\r\n : S3CRET${end}`, 'S3CRET'],
  ['CR in the value', `${start}Cookie: a\rS3CRET${end}`, 'S3CRET'],
  ['CR and a header in the value', `${start}Cookie: a\rHost: S3CRET${end}`, 'S3CRET'],
  ['CR CR LF in the value', `${start}Cookie: a\r\r\n S3CRET${end}`, 'S3CRET'],
  ['NUL in the value', `${start}Cookie: a\0S3CRET${end}`, 'S3CRET'],
  ['high bytes in the value', `${start}Cookie: \xff\xfeS3CRET${end}`, 'S3CRET'],
  ['colons in the value', `${start}Cookie: a: b: S3CRET${end}`, 'S3CRET'],
  ['first header', `GET / HTTP/1.1\r\nCookie: S3CRET${end}`, 'S3CRET'],
  ['first header, indented', `GET / HTTP/1.1\r\n Cookie: S3CRET${end}`, 'S3CRET'],
  ['behind a fold of another header', `${start}X: a\r\n Cookie: S3CRET${end}`, 'S3CRET'],
  ['behind a bare CR', `${start}X: a\rCookie: S3CRET${end}`, 'S3CRET'],
  ['behind an empty CR line', `${start}\rCookie: S3CRET${end}`, 'S3CRET'],
  ['behind a NUL', `${start}\0Cookie: S3CRET${end}`, 'S3CRET'],
  ['behind another masked header', `${start}Cookie: a\r\nCookie: S3CRET${end}`, 'S3CRET'],
  ['underscores', `${start}X_API_KEY: S3CRET${end}`, 'S3CRET'],
  ['cut in the value', `${start}Authorization: Bearer S3CRET`, 'S3CRET'],
  ['cut behind CR', `${start}Authorization: Bearer S3CRET\r`, 'S3CRET'],
  ['no request line end but CR', `GET / HTTP/1.1\rCookie: S3CRET${end}`, 'S3CRET'],
  ['long value', `${start}Cookie: ${'x'.repeat(3000)}S3CRET${end}`, 'S3CRET'],
  ['runs beyond the capture', `${start}Cookie: ${'S3CRET'.repeat(900)}${end}`, 'S3CRET'],
  ['name cut by the end of the capture', `${start}X: ${'y'.repeat(4050)}\r\nAuthorization: S3CRET${end}`, 'S3CRET'],
  ['body', `${start}\r\nS3CRET`, 'S3CRET'],
  ['body behind bare LF', 'POST / HTTP/1.1\nHost: a\n\nS3CRET', 'S3CRET'],
  ['body behind a masked header', `${start}Cookie: a${end}S3CRET`, 'S3CRET'],
];

export const plainCases: readonly MaskCase[] = [
  ['name in the request line', `GET /?Authorization:VISIBLE HTTP/1.1\r\nHost: a${end}`, 'Authorization:VISIBLE'],
  ['name in a value', `${start}X: Authorization: VISIBLE${end}`, 'VISIBLE'],
  ['header behind a masked one', `${start}Cookie: a\r\nUser-Agent: VISIBLE${end}`, 'VISIBLE'],
  ['longer name', `${start}Cookie2: VISIBLE${end}`, 'VISIBLE'],
  ['shorter name', `${start}Cooki: VISIBLE${end}`, 'VISIBLE'],
  ['name within a name', `${start}My-Cookie: VISIBLE${end}`, 'VISIBLE'],
  ['fold of another header', `${start}X: a\r\n VISIBLE${end}`, 'VISIBLE'],
];
