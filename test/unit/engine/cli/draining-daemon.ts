// SPDX-License-Identifier: Apache-2.0
// A daemon as its own process, with the fake behind the real socket: after `stop` it answers no more and drains for a while.
//   node draining-daemon.js SOCKET MILLISECONDS
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiServer } from '../../../../engine/api/server.js';
import { FakeApi, status } from '../api/fake-api.js';

const [socket = '', drain = '0'] = process.argv.slice(2);
const api = new FakeApi();
api.status = () => Promise.resolve({ ...status, pid: process.pid });
const server = await ApiServer.open(socket, api);
api.onStop = () => {
  void server.close().then(async () => {
    await sleep(Number(drain));
    process.stdout.write('drained\n');
  });
};
process.stdout.write('ready\n');
