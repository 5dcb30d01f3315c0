// SPDX-License-Identifier: Apache-2.0
// The blocklist service over pinned tables, for ever at work until it is killed; tells what it has acknowledged, a line each.
//   blocklist-agent.js PINDIR STORE ROUND

import { writeSync } from 'node:fs';
import { serviceOn } from './blocklist-service.js';
import { core, expiring, feed, imported } from './blocklist-contents.js';

const [pinDir = '', file = '', round = '0'] = process.argv.slice(2);
const service = serviceOn(pinDir, file);
const tell = (line: string): void => void writeSync(1, `${line}\n`);
tell('ready');

for (let i = Number(round) * 1000; ; i++) {
  tell(`begin feed ${i}`);
  await service.blocklist.bulk.replaceOrigin('feed:a', feed(i), {});
  tell(`feed ${i}`);
  tell(`begin import ${i}`);
  await service.blocklist.bulk.importBatch(imported(i), { reason: `import ${i}` });
  tell(`import ${i}`);
  await service.blocklist.bulk.replaceOrigin('feed:short', expiring(i), { ttl: 0.05 });
  service.blocklist.sweep();
  await service.blocklist.addSoon({ prefixes: [core.single(i)] });
  tell(`single ${i}`);
}
