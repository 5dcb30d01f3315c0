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
