// SPDX-License-Identifier: Apache-2.0
// What messages often have: a piece of a literal that stands in here says little.

/** What nearly every head of a request has. */
export const ALWAYS =
  'GET HTTP/1.1 Host: www. .com User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
  'Chrome/120.0.0.0 Safari/537.36 Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8 ' +
  'Accept-Encoding: gzip, deflate, br Accept-Language: en-US,en;q=0.5 Connection: keep-alive Referer: https:// Cookie: ' +
  'Origin: Sec-Fetch-Site: same-origin Sec-Fetch-Mode: no-cors Sec-Fetch-Dest: Upgrade-Insecure-Requests: 1 ';

/** What many have, of requests and responses, and of names. */
export const OFTEN =
  'POST Gecko/20100101 Firefox/120.0 (X11; Linux x86_64; rv:120.0) (Macintosh; Intel Mac OS X 10_15_7) Version/17.5 ' +
  '(iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148 (Linux; Android 14) Accept: */* Content-Type: text/plain ' +
  'application/x-www-form-urlencoded; charset=utf-8 application/json Content-Length: 0 Origin: Cache-Control: no-cache ' +
  'max-age=0 200 OK Server: nginx Apache Date: .com/ .net .org .php? .php .html .jpg .png .gif .css .js .asp index login ' +
  'http:// true false null';

export const USUAL = `${ALWAYS}${OFTEN}`;
