// SPDX-License-Identifier: Apache-2.0
// Where the demo plays: two namespaces joined by a veth pair, and on the victim's side a web server, a syslog receiver,
// a webhook endpoint and the engine itself.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inNetns, run, startInNetns, twoHosts, until } from '../helpers/privileged.js';
import type { Host, RunResult } from '../helpers/privileged.js';
import type { Teardown } from '../helpers/undo.js';
import { lines, temporaryFolder, TestDaemon } from '../live/support/daemon.js';

const SECRET = 'whsec_aWRzIGRlbW8gc2lnbmluZyBrZXksIG5vdCBzZWNyZXQ=';

/** Addresses on the attacker's side: who attacks, who only wants the web page, who is on the blocklist. */
export const addresses = { client: '10.77.0.3', listed: '10.77.0.66' } as const;

export interface Stage {
  readonly folder: string;
  readonly victim: Host;
  readonly attacker: Host;
  /** Runs a program on the attacker's side; a failure of an attack tool is no failure of the demo. */
  attack(command: string, args: readonly string[], deadline?: number): Promise<RunResult>;
  /** Runs `ids` against the daemon and gives what it printed as JSON. */
  ids(...args: string[]): Promise<unknown>;
  /** EVE records that rsyslog wrote. */
  syslog(): Record<string, unknown>[];
  /** Records that arrived at the webhook endpoint with a valid signature, and how many requests had none. */
  webhook(): { readonly records: Record<string, unknown>[]; readonly forged: number };
}

export async function setStage(t: Teardown): Promise<Stage> {
  const folder = temporaryFolder(t, 'demo');
  const { victim, attacker } = await twoHosts(t);
  for (const address of Object.values(addresses)) {
    await run('ip', ['-n', attacker.netns, 'address', 'add', `${address}/24`, 'dev', attacker.device]);
  }
  await startNginx(t, folder, victim);
  await startRsyslog(t, folder, victim);
  await startWebhook(t, folder, victim);
  const daemon = await startDaemon(t, folder, victim);
  return {
    folder,
    victim,
    attacker,
    attack: (command, args, deadline = 60_000) => inNetns(attacker.netns, command, args, { deadline, status: 'any' }),
    ids: (...args) => daemon.ids(...args),
    // RFC 5424: the record is what follows the header, and the header holds no brace.
    syslog: () =>
      lines(join(folder, 'syslog')).map((line) => JSON.parse(line.slice(line.indexOf('{'))) as Record<string, unknown>),
    webhook: () => {
      const all = lines(join(folder, 'webhook')).map(
        (line) => JSON.parse(line) as { valid: boolean; records: Record<string, unknown>[] },
      );
      return {
        records: all.filter(({ valid }) => valid).flatMap(({ records }) => records),
        forged: all.filter(({ valid }) => !valid).length,
      };
    },
  };
}

async function startNginx(t: Teardown, folder: string, victim: Host): Promise<void> {
  writeFileSync(join(folder, 'index.html'), '<h1>It works</h1>\n');
  const config = join(folder, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    config,
    `daemon off; worker_processes 1; user root; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
events { worker_connections 256; }
http { access_log ${folder}/access.log;
${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
server { listen 80; listen [::]:80; root ${folder}; } }\n`,
  );
  const nginx = startInNetns(t, victim.netns, 'nginx', ['-c', config, '-e', `${folder}/nginx.log`]);
  await until(() => inNetns(victim.netns, 'curl', ['-sf', '-o', '/dev/null', 'http://127.0.0.1/']).then(() => true), {
    message: () => `nginx: ${nginx.output.stderr}${lines(`${folder}/nginx.log`).join('\n')}`,
  });
}

async function startRsyslog(t: Teardown, folder: string, victim: Host): Promise<void> {
  const config = join(folder, 'rsyslog.conf');
  writeFileSync(
    config,
    `global(workDirectory="${folder}" maxMessageSize="64k")
module(load="imtcp")
template(name="raw" type="string" string="%rawmsg%\\n")
input(type="imtcp" address="127.0.0.1" port="6514" ruleset="keep")
ruleset(name="keep") { action(type="omfile" file="${folder}/syslog" template="raw") }\n`,
  );
  startInNetns(t, victim.netns, 'rsyslogd', ['-n', '-i', `${folder}/rsyslog.pid`, '-f', config]);
  await until(() => listening(victim, 6514), { message: 'rsyslog to listen' });
}

async function startWebhook(t: Teardown, folder: string, victim: Host): Promise<void> {
  const program = fileURLToPath(new URL('./webhook-receiver.js', import.meta.url));
  startInNetns(t, victim.netns, process.execPath, [program, '9090', SECRET, join(folder, 'webhook')]);
  await until(() => listening(victim, 9090), { message: 'the webhook endpoint to listen' });
}

async function listening(host: Host, port: number): Promise<boolean> {
  const { stdout } = await inNetns(host.netns, 'ss', ['-Hltn', `sport = :${port}`]);
  return stdout !== '';
}

function startDaemon(t: Teardown, folder: string, victim: Host): Promise<TestDaemon> {
  const outputs = [
    { type: 'file', path: join(folder, 'eve.json') },
    { type: 'syslog', transport: 'tcp', host: '127.0.0.1', port: 6514 },
    { type: 'webhook', url: 'http://127.0.0.1:9090/alerts', secret: { env: 'IDS_DEMO_SECRET' } },
  ];
  const config = { home_net: [victim.ipv4, victim.ipv6], outputs };
  return TestDaemon.start(t, victim, { folder, config, env: { IDS_DEMO_SECRET: SECRET } });
}
