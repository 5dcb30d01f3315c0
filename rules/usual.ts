// SPDX-License-Identifier: Apache-2.0
// What messages often have: a piece of a literal that stands in here says little.

const END = '\r\n';

/** What nearly every head of a request has. */
export const ALWAYS = [
  'GET HTTP/1.1',
  'Host: www. .com',
  'Connection: keep-alive',
  'Upgrade-Insecure-Requests: 1',
  'User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8',
  'Sec-Fetch-Site: same-origin',
  'Sec-Fetch-Mode: no-cors',
  'Sec-Fetch-Dest: image',
  'Referer: https:// .com/',
  'Accept-Encoding: gzip, deflate, br',
  'Accept-Language: en-US,en;q=0.9',
  'Cookie: ',
  'Origin: https:// .com',
  'User-Agent: ',
  'Accept: */*',
  'Host: ',
  END,
].join(END);

/** What many have, of requests and responses, and of names. */
export const OFTEN = [
  'POST HTTP/1.1',
  'Host: .com',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language: en-US,en;q=0.5',
  'User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
  'Accept-Encoding: gzip',
  'User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  'Connection: close',
  'User-Agent: Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36 Edg/120.0.0.0',
  'Content-Type: application/x-www-form-urlencoded; charset=utf-8',
  'Content-Type: application/json',
  'Content-Type: text/plain',
  'Content-Length: 0',
  'Cache-Control: no-cache',
  'Pragma: no-cache',
  'HTTP/1.1 200 OK',
  'Server: nginx Apache',
  'Date: , 2024 GMT',
  'max-age=0 .com/ .net .org .de .php? .php HTTP/1 .html HTTP/1 .jpg HTTP/1 .png HTTP/1 .gif HTTP/1 .css HTTP/1 .js HTTP/1 .asp',
  'index login search api user post update upload download test http:// true false null id= name= type=',
].join(END);

export const USUAL = `${ALWAYS}${OFTEN}`;

/** Lines that nearly every head of a request or response has, in the order of browsers, tools and servers. */
export const ALWAYS_LINES = [
  ...[
    'GET / HTTP/1.1',
    'Host: www.',
    'Connection: keep-alive',
    'User-Agent: Mozilla/5.0',
    'Accept: text/html',
    'Referer: https://',
  ],
  ...[
    'Accept-Encoding: gzip, deflate, br',
    'Accept-Language: en',
    'Sec-Fetch-Site: same-origin',
    'Sec-Fetch-Mode: no-cors',
  ],
  ...[
    'Sec-Fetch-Dest: image',
    'Cookie: ',
    'Accept: image/avif,image/webp,image/apng,*/*;q=0.8',
    'Upgrade-Insecure-Requests: 1',
  ],
  ...[
    'GET / HTTP/1.1',
    'User-Agent: ',
    'Accept: */*',
    'Host: 10.0.0.1',
    'User-Agent: Mozilla/5.0',
    'Accept: */*',
    '',
    '',
  ],
  ...[
    'Host: 1.2.3.4',
    'User-Agent: ',
    'Host: 5.6.7.8',
    'User-Agent: ',
    'Host: 0.0.0.9',
    'User-Agent: ',
    'Accept-Encoding: gzip',
    '',
  ],
  ...[
    'HTTP/1.1 200 OK',
    'Server: nginx',
    'Date: Thu, 01 Jan 2026 00:00:00 GMT',
    'Content-Type: text/html',
    'Content-Length: 600',
  ],
  ...['Connection: keep-alive', 'Vary: Accept-Encoding', '', ''],
].join('\r\n');

/** Lines that many have. */
export const OFTEN_LINES = [
  ...[
    '/index.html /index.php /login.php /favicon.ico /robots.txt',
    'POST / HTTP/1.1',
    'Accept: */*',
    'Host: ',
    'Cache-Control: no-cache',
    'Pragma: no-cache',
    'Authorization: Basic ',
    'Origin: https://',
  ],
  ...[
    'X-Requested-With: XMLHttpRequest',
    'Content-Type: application/json',
    'Content-Length: 0',
    'Connection: close',
    '',
    '',
  ],
  ...[
    'Content-Type: application/x-www-form-urlencoded; charset=UTF-8',
    'Content-Length: 10',
    'Connection: Keep-Alive',
    '',
    '',
  ],
  ...[
    'If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT',
    'If-None-Match: "1"',
    'Accept-Encoding: gzip, deflate, br, zstd',
  ],
  ...[
    'User-Agent: curl/8.5.0',
    'User-Agent: python-requests/2.31.0',
    'User-Agent: okhttp/4.12.0',
    'Accept: */*',
    'Content-Type: ',
  ],
  ...[
    'User-Agent: Microsoft-Delivery-Optimization/10.0',
    'Accept: */*',
    'Authorization: Bearer ',
    'HEAD / HTTP/1.0',
    'Accept: ',
    '',
  ],
  ...['HTTP/1.1 302 Found', 'Server: Apache/2.4.62 (Debian)', 'Location: https://', 'Transfer-Encoding: chunked'],
  ...[
    'Content-Encoding: gzip',
    'Content-Type: application/json',
    'Expires: Thu, 01 Jan 1970 00:00:00 GMT',
    'Connection: close',
  ],
  ...[
    'Content-Type: text/html; charset=utf-8',
    'Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT',
    'ETag: "1"',
    'Accept-Ranges: bytes',
  ],
  ...['Cache-Control: max-age=0', 'Set-Cookie: id=1; path=/; HttpOnly', 'Vary: Accept-Encoding', '', ''],
].join('\r\n');
