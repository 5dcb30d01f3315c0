// SPDX-License-Identifier: Apache-2.0
// nginx on a host of a test, and what it says that it was asked for.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inNetns, startInNetns, until, type Host } from '../../helpers/privileged.js';
import type { Teardown } from '../../helpers/undo.js';
import { lines, temporaryFolder } from './daemon.js';

/** A request as the server has seen it. */
export interface Served {
  readonly method: string;
  readonly uri: string;
  readonly host: string;
  readonly agent: string;
  readonly status: number;
  readonly port: number;
}

const config = (folder: string): string => `
pid ${folder}/pid;
error_log ${folder}/error.log;
worker_processes 1;
daemon off;
events { worker_connections 4096; }
http {
  log_format served escape=json '{"method":"$request_method","uri":"$request_uri","host":"$http_host",'
    '"agent":"$http_user_agent","status":$status,"port":$remote_port}';
  access_log ${folder}/access.log served;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000;
  client_max_body_size 64m;
  client_body_buffer_size 64k;
  underscores_in_headers on;
  server {
    listen 80 backlog=4096;
    listen [::]:80 backlog=4096;
    default_type text/plain;
    location / { return 200 "hello\\n"; }
    location /204 { return 204; }
    location /304 { return 304; }
    location /404 { return 404; }
    location /moved { return 302 /there; }
    location /secret { add_header Set-Cookie "session=$arg_answer" always; return 200 "$arg_answer\\n"; }
    location /chunked { gzip on; gzip_min_length 1; gzip_types *; root ${folder}/files; try_files /page.txt =404; }
    location /large { root ${folder}/files; try_files /large.bin =404; }
    # Its answer comes from a connection of nginx's own, so that the request's body is read and not thrown away.
    location /upload { proxy_pass http://127.0.0.1:8081; }
  }
  server {
    listen 127.0.0.1:8081;
    access_log off;
    location / { return 200 "taken\\n"; }
  }
}
`;

/** Runs nginx on port 80 until the test ends. */
export async function nginx(t: Teardown, host: Host): Promise<{ served(): Served[] }> {
  const folder = temporaryFolder(t, 'nginx');
  mkdirSync(join(folder, 'files'));
  writeFileSync(join(folder, 'files/page.txt'), 'a line of text that a server sends in chunks\n'.repeat(200));
  writeFileSync(join(folder, 'files/large.bin'), Buffer.alloc(3_000_000, 'GET /never HTTP/1.1\r\n\r\n'));
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, config(folder));
  // Its worker is another user.
  await inNetns(host.netns, 'chmod', ['-R', 'a+rX', folder]);
  const process = startInNetns(t, host.netns, 'nginx', ['-e', join(folder, 'error.log'), '-c', file, '-p', folder]);
  await until(async () => (await inNetns(host.netns, 'ss', ['-Hltn', 'sport = :80'])).stdout.includes(':80'), {
    message: () => `nginx to listen: ${process.output.stderr}`,
  });
  return { served: () => lines(join(folder, 'access.log')).map((line) => JSON.parse(line) as Served) };
}
