// SPDX-License-Identifier: Apache-2.0
// Ordinary traffic passes and raises nothing with the shipped rules, and a daemon with nothing to do does nothing.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { inNetns, privileged, twoHosts } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';
import { LARGE, ports } from './support/ports.js';
import { curl, send, serve } from './support/traffic.js';

const IDLE_MS = 5_000;
const TICKS_A_SECOND = 100;

const python = `
import http.client, sys
c = http.client.HTTPConnection(sys.argv[1], 80, timeout=20)
for n in range(3):
    c.request('GET', '/page?n=%d' % n, headers={'Accept': 'text/html'})
    assert c.getresponse().read() == b'hello\\n'
c.request('POST', '/form', body='a=1&b=2', headers={'Content-Type': 'application/x-www-form-urlencoded'})
assert c.getresponse().status == 200`;

const fetching = `
const url = 'http://' + process.argv[1] + '/';
const pages = await Promise.all(Array.from({ length: 8 }, () => fetch(url).then((page) => page.text())));
if (pages.some((page) => page !== 'hello\\n')) throw new Error(pages.join());
const posted = await fetch(url, { method: 'POST', body: 'x'.repeat(100_000) });
if (!posted.ok) throw new Error(posted.statusText);`;

const asking = `
const { Resolver } = require('dns').promises;
const resolver = new Resolver();
resolver.setServers([process.argv[1]]);
resolver.resolve4('www.example.org').then(([address]) => {
  if (address !== '192.0.2.80') throw new Error(address);
});`;

/** Seconds of processor time that a process has used. */
function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

if (privileged(t)) {
  t.test('legitimate traffic', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await serve(t, victim);
    const daemon = await TestDaemon.start(t, victim);
    const browser = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';

    for (const address of [victim.ipv4, victim.ipv6]) {
      const host = address.includes(':') ? `[${address}]` : address;
      const url = `http://${host}/`;
      const tool = async (title: string, command: string, ...args: string[]): Promise<void> => {
        const { status, stdout, stderr } = await inNetns(attacker.netns, command, args, {
          deadline: 60_000,
          status: 'any',
        });
        t.equal(status, 0, `${title}: ${status === 0 ? address : stdout + stderr}`);
      };
      await t.test(`curl: ${address}`, async (t) => {
        for (const args of [
          [],
          ['-A', browser, '-H', 'Accept-Language: en', '--compressed'],
          ['--http1.0'],
          ['-I'],
          ['-d', 'name=value'],
          ['-F', 'file=hello'],
          ['-H', 'Expect: 100-continue', '-d', 'x'],
          ['--range', '0-2'],
        ]) {
          const { status, stderr } = await curl(attacker, url, '-o', '/dev/null', ...args);
          t.equal(status, 0, `${args.join(' ')} ${stderr}`);
        }
        const { stdout } = await curl(attacker, `${url}large`, '-o', '/dev/null', '-w', '%{size_download}', '-m', '60');
        t.equal(Number(stdout), LARGE, 'a large page');
        const upload = await curl(attacker, url, '-T', process.execPath, '-m', '60');
        t.equal(upload.stdout, 'hello\n', `a large upload ${upload.stderr}`);
      });
      await tool('wget', 'wget', '-q', '-t', '1', '-T', '20', '-O', '/dev/null', url);
      await tool('Python', 'python3', '-c', python, address);
      await tool('fetch', process.execPath, '--input-type=module', '-e', fetching, host);
      await tool('name server', process.execPath, '-e', asking, host);
      await tool('ping', 'ping', '-q', '-c', '5', '-i', '0.2', '-W', '10', address);
      await tool('large ping', 'ping', '-q', '-c', '2', '-i', '0.2', '-s', '8000', '-W', '10', address);
      const talk = await send(t, attacker, 'tcp', {
        from: address === victim.ipv4 ? attacker.ipv4 : attacker.ipv6,
        to: address,
        port: ports.echo,
      });
      t.ok((await talk.finish()) >= 0);
    }

    const status = await daemon.status();
    t.same(daemon.eve(), [], 'no record');
    t.equal(status.packets.dropped, 0);
    t.equal(status.packets.would, 0);
    t.same(
      status.reasons.map(({ reason }) => reason).filter((reason) => !['clean', 'not-ip'].includes(reason)),
      [],
    );
    for (const { stage, lost } of status.accounts) t.equal(lost, 0, stage);

    const before = processorTime(daemon.process.pid);
    const begun = performance.now();
    await sleep(IDLE_MS); // a share of time has no condition to wait for
    const share = (processorTime(daemon.process.pid) - before) / ((performance.now() - begun) / 1000);
    t.comment(`the idle daemon uses ${(100 * share).toFixed(2)} % of a core`);
    t.ok(share < 0.05, `${(100 * share).toFixed(2)} %`);
  });
}
