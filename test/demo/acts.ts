// SPDX-License-Identifier: Apache-2.0
// What happens in the demo, in order: each act is a real tool, and what the engine must say of it.
import { addresses } from './stage.js';
import type { Stage } from './stage.js';

export interface Act {
  readonly title: string;
  /** The command line as shown. */
  readonly command: readonly [string, ...string[]];
  /** Signatures of which each must be raised. */
  readonly expect: readonly number[];
}

export function acts({ victim }: Stage): readonly Act[] {
  const { ipv4, ipv6 } = victim;
  const ports = ['-p', '1-120'];
  const quick = ['-Pn', '-n', '-T4', '--max-retries', '0', '--host-timeout', '20s'];
  return [
    { title: 'SYN scan', command: ['nmap', '-sS', ...quick, ...ports, ipv4], expect: [9001001] },
    { title: 'FIN scan', command: ['nmap', '-sF', ...quick, ...ports, ipv4], expect: [9000005] },
    { title: 'NULL scan', command: ['nmap', '-sN', ...quick, ...ports, ipv4], expect: [9000003] },
    { title: 'Xmas scan', command: ['nmap', '-sX', ...quick, ...ports, ipv4], expect: [9000004] },
    {
      title: 'SYN+FIN packets',
      command: ['hping3', '-q', '-c', '20', '-i', 'u10000', '-S', '-F', '-p', '80', ipv4],
      expect: [9000001],
    },
    { title: 'IPv6 SYN scan', command: ['nmap', '-6', '-sS', ...quick, ...ports, ipv6], expect: [9001002] },
    {
      title: 'a scanner by its User-Agent',
      command: ['curl', '-s', '-m', '5', '-o', '/dev/null', '-A', 'sqlmap/1.7', `http://${ipv4}/?id=1`],
      expect: [9002038],
    },
    {
      title: 'an address that is on the blocklist',
      command: ['curl', '-s', '-m', '3', '-o', '/dev/null', '--interface', addresses.listed, `http://${ipv4}/`],
      expect: [],
    },
  ];
}

/** Requests of ordinary clients from an address that does nothing wrong; every one must be answered. */
export function legitimate({ victim }: Stage): readonly (readonly [string, ...string[]])[] {
  const from = ['--interface', addresses.client];
  const url = `http://${victim.ipv4}/`;
  const browser = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
  return [
    ['curl', '-sf', '-m', '5', '-o', '/dev/null', ...from, url],
    [
      'curl',
      '-sf',
      '-m',
      '5',
      '-o',
      '/dev/null',
      ...from,
      '-A',
      browser,
      '-H',
      'Accept-Language: en',
      '-b',
      'session=secret',
      url,
    ],
    ['curl', '-sf', '-m', '5', '-o', '/dev/null', '--http1.0', ...from, `${url}index.html?q=a%20b`],
    ['wget', '-q', '-T', '5', '-t', '1', '-O', '/dev/null', `--bind-address=${addresses.client}`, url],
    ['curl', '-sf', '-m', '5', '-o', '/dev/null', `http://[${victim.ipv6}]/`],
    ['ping', '-q', '-c', '1', '-W', '2', '-I', addresses.client, victim.ipv4],
  ];
}
