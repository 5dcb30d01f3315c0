// SPDX-License-Identifier: Apache-2.0
// Many requests at once, each with a path of its own, some of them on connections of their own:
//   node http-load.js HOST PORT REQUESTS CONCURRENCY
import { Agent, request } from 'node:http';

const [host = '', port = '80', requests = '1000', width = '32'] = process.argv.slice(2);
const kept = new Agent({ keepAlive: true, maxSockets: Number(width) });
let next = 0;
let failed = 0;

function one(n: number): Promise<void> {
  return new Promise((resolve) => {
    const body = n % 5 === 0 ? Buffer.alloc(n % 3000, 'b') : undefined;
    const asking = request(
      {
        host,
        port,
        path: `/load/${n}?q=${n}`,
        method: n % 7 === 0 ? 'HEAD' : body ? 'POST' : 'GET',
        agent: n % 50 === 0 ? false : kept,
        headers: { 'User-Agent': `load/${n % 10}`, ...(body && n % 7 !== 0 ? { 'Content-Length': body.length } : {}) },
      },
      (response) => response.resume().once('end', resolve),
    );
    asking.once('error', () => {
      failed++;
      resolve();
    });
    asking.end(n % 7 === 0 ? undefined : body);
  });
}

async function worker(): Promise<void> {
  while (next < Number(requests)) await one(next++);
}

await Promise.all(Array.from({ length: Number(width) }, worker));
kept.destroy();
console.log(JSON.stringify({ requests: next, failed }));
