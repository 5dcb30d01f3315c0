// SPDX-License-Identifier: Apache-2.0
// Who holds a socket, in a /proc of the test's own, and in the real one.

import { mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { SocketOwners } from '../../../../engine/enrich/socket-owners.js';

function addProcess(proc: string, pid: number, inodes: readonly number[], facts = true): void {
  const folder = join(proc, String(pid));
  mkdirSync(join(folder, 'fd'), { recursive: true });
  inodes.forEach((inode, fd) => symlinkSync(`socket:[${inode}]`, join(folder, 'fd', String(fd))));
  symlinkSync('/dev/null', join(folder, 'fd', '99'));
  if (!facts) return;
  writeFileSync(join(folder, 'comm'), `cmd ${pid}\n`);
  writeFileSync(join(folder, 'cgroup'), `4:memory:/old\n0::/system.slice/x${pid}.service\n`);
  symlinkSync(`/usr/bin/x${pid}`, join(folder, 'exe'));
}

t.test('looked through once a second at most', async (t) => {
  const proc = t.testdir({ self: {}, meminfo: '' });
  let ms = 5000;
  const owners = new SocketOwners({ proc, now: () => ms });
  addProcess(proc, 10, [100, 101]);
  const ten = { pid: 10, name: 'cmd 10', executable: '/usr/bin/x10', cgroup: '/system.slice/x10.service' };
  t.strictSame(owners.ownerOf(101), ten);
  addProcess(proc, 11, [102]);
  t.equal(owners.ownerOf(102), undefined);
  ms += 999;
  t.equal(owners.ownerOf(102), undefined);
  t.strictSame(owners.ownerOf(100), ten, 'what is known is told');
  t.equal(owners.counts.process_scans, 1);
  ms += 1;
  t.match(owners.ownerOf(102), { pid: 11 });
  rmSync(join(proc, '11'), { recursive: true });
  ms += 1000;
  t.equal(owners.ownerOf(102), undefined, 'it has ended');
  ms += 1000;
  addProcess(proc, 12, [103], false);
  t.equal(owners.ownerOf(103), undefined, 'nothing to read of it');
  t.strictSame(owners.counts, { process_scans: 3, process_cut: 0 });
});

t.test('a look takes no longer than it may, and all have their turn', async (t) => {
  const proc = t.testdir();
  for (let pid = 1; pid <= 30; pid++) addProcess(proc, pid, [1000 + pid]);
  let ms = 0;
  // Each process takes a millisecond.
  const owners = new SocketOwners({ proc, budget: 10, interval: 1000, now: () => ms++ });
  t.match(owners.ownerOf(1030), { pid: 30 }, 'the newest first');
  t.equal(owners.ownerOf(1001), undefined);
  addProcess(proc, 40, [1040]);
  for (let looks = 0; looks < 4; looks++) {
    ms += 1000;
    owners.ownerOf(1);
    if (looks === 0) t.match(owners.ownerOf(1040), { pid: 40 }, 'and those that are new');
  }
  for (let pid = 1; pid <= 30; pid++) t.match(owners.ownerOf(1000 + pid), { pid });
  t.ok(owners.counts.process_cut >= 3);
  rmSync(join(proc, '5'), { recursive: true });
  addProcess(proc, 41, [1005]);
  ms += 1000;
  owners.ownerOf(1);
  t.match(owners.ownerOf(1005), { pid: 41 });
});

t.test('those that hold sockets come before those that do not', async (t) => {
  const proc = t.testdir();
  for (let pid = 1; pid <= 40; pid++) addProcess(proc, pid, pid === 3 ? [1003] : []);
  let ms = 0;
  const owners = new SocketOwners({ proc, budget: 10, interval: 1000, now: () => ms++ });
  owners.prepare(1000);
  t.equal(owners.counts.process_cut, 0);
  t.match(owners.ownerOf(1003), { pid: 3 });
  symlinkSync('socket:[2003]', join(proc, '3', 'fd', '7'));
  ms += 1000;
  t.match(owners.ownerOf(2003), { pid: 3 });
  t.equal(owners.counts.process_cut, 1);
});

t.test('this very process', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  t.ok((server.address() as AddressInfo).port > 0);
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  const { ino } = statSync(`/proc/self/fd/${fd}`);
  t.match(new SocketOwners({ budget: 5000 }).ownerOf(ino), {
    pid: process.pid,
    executable: process.execPath,
    name: String,
  });
});
