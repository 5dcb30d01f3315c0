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

const get = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: example.org${end}`;

/** The same for parameters of URIs. */
export const hiddenParameters: readonly MaskCase[] = [
  ['first parameter', get('/?token=S3CRET'), 'S3CRET'],
  ['among others', get('/a/b?x=1&token=S3CRET&y=2'), 'S3CRET'],
  ['upper case', get('/?TOKEN=S3CRET'), 'S3CRET'],
  ['hyphen for underscore', get('/?api-key=S3CRET'), 'S3CRET'],
  ['escapes in the value', get('/?token=a%26S3CRET'), 'S3CRET'],
  ['an equals sign in the value', get('/?token=a=S3CRET'), 'S3CRET'],
  ['a question mark in the value', get('/?token=a?S3CRET'), 'S3CRET'],
  ['a semicolon in the value', get('/?token=a;S3CRET'), 'S3CRET'],
  ['a hash in the value', get('/?token=a#S3CRET'), 'S3CRET'],
  ['behind a semicolon', get('/?a=b;token=S3CRET'), 'S3CRET'],
  ['behind a hash', get('/#access_token=S3CRET'), 'S3CRET'],
  ['in the path', get('/a;token=S3CRET/b'), 'S3CRET'],
  ['an ampersand without a question mark', get('/a&token=S3CRET'), 'S3CRET'],
  ['a second question mark', get('/?a?token=S3CRET'), 'S3CRET'],
  ['an escaped letter in the name', get('/?t%6Fken=S3CRET'), 'S3CRET'],
  ['an escaped underscore in the name', get('/?api%5fkey=S3CRET'), 'S3CRET'],
  ['brackets', get('/?user[password]=S3CRET'), 'S3CRET'],
  ['escaped brackets', get('/?user%5Bpassword%5D=S3CRET'), 'S3CRET'],
  ['a list', get('/?token[]=S3CRET'), 'S3CRET'],
  ['a space in the value', get('/?token=a S3CRET'), 'S3CRET'],
  ['what looks like a version', get('/?token=a HTTP/S3CRET'), 'S3CRET'],
  ['two versions', get('/?token=a HTTP/1.1 S3CRET'), 'S3CRET'],
  ['a bare CR in the value', get('/?token=a\rS3CRET'), 'S3CRET'],
  ['a tab in the value', get('/?token=a\tS3CRET'), 'S3CRET'],
  ['no version', `GET /?token=S3CRET${end}`, 'S3CRET'],
  ['absolute form', get('http://example.org/?token=S3CRET'), 'S3CRET'],
  ['odd path', get('//a/../b?token=S3CRET'), 'S3CRET'],
  ['cut in the value', 'GET /?token=S3CRET', 'S3CRET'],
  ['Referer', `${start}Referer: https://a/?token=S3CRET${end}`, 'S3CRET'],
  ['any header', `${start}X-Original-URL: /?a=b&password=S3CRET${end}`, 'S3CRET'],
  ['quoted in a header', `${start}Link: <https://a/?token=S3CRET>; rel="x"${end}`, 'S3CRET'],
  ['an attribute of a header', `${start}X: a; token="S3CRET"${end}`, 'S3CRET'],
  ['folded', `${start}Referer: https://a/?token=a\r\n S3CRET${end}`, 'S3CRET'],
];

export const plainParameters: readonly MaskCase[] = [
  ['another parameter', get('/?tokens=VISIBLE'), 'tokens=VISIBLE'],
  ['behind a masked one', get('/?token=a&b=VISIBLE'), 'b=VISIBLE'],
  ['a name in a value', get('/?a=token=VISIBLE'), 'VISIBLE'],
  ['a name in the path', get('/token=VISIBLE'), 'VISIBLE'],
  ['an escaped bracket of another name', get('/?filter%5Bname%5D=VISIBLE'), 'VISIBLE'],
  ['the version', get('/?token=a'), ' HTTP/1.1\r\nHost: example.org'],
];
