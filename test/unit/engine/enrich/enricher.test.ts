// SPDX-License-Identifier: Apache-2.0
// What is put into records, what is left out, and that nothing stops an alert.

import t from 'tap';
import { engineRecord } from '../../../../alerts/index.js';
import type { SocketEnds } from '../../../../engine/bpf/index.js';
import { Enricher } from '../../../../engine/enrich/enricher.js';
import { Processes } from '../../../../engine/enrich/processes.js';
import { formatAddress } from '../../../../common/address.js';
import { request, synFin } from '../../alerts/samples.js';

const place = { country: 'DE' };
const geo = { geoip_lookups: 1, geoip_errors: 0 };
const noNames = { dns_queries: 0, dns_names: 0, dns_failed: 0, dns_refused: 0, dns_skipped: 0, dns_cached: 0 };

t.test('nothing is asked for', async (t) => {
  const enricher = new Enricher({});
  t.notOk(enricher.changes);
  t.strictSame(enricher.enrich([synFin, request]), [synFin, request]);
  t.strictSame(enricher.counts, {});
});

t.test('ends', async (t) => {
  const asked: string[] = [];
  const enricher = new Enricher({
    places: { at: (address) => (address === synFin.src ? place : {}), reload: () => undefined, counts: geo },
    names: {
      nameOf: (address) => (asked.push(address), address === synFin.src ? 'a.example' : undefined),
      close: () => undefined,
      counts: noNames,
    },
  });
  const notice = engineRecord({ reason: 'x', timeUs: 1, level: 'Error', module: 'feeds', message: 'y' });
  const bare = { ...synFin, src: '', dst: '' };
  const elsewhere = { ...synFin, src: '127.0.0.1', dst: '224.0.0.251' };
  const six = { ...synFin, src: 'fe80::1', dst: 'ff02::fb' };
  t.ok(enricher.changes);
  const told = enricher.enrich([synFin, notice, bare, elsewhere, six]);
  t.strictSame(told[0], { ...synFin, enrichment: { src: { country: 'DE', name: 'a.example' } } });
  t.strictSame(told.slice(1), [notice, bare, elsewhere, six]);
  t.strictSame(asked, [synFin.src, synFin.dst], 'nobody is asked about the link, groups and this host');
  t.strictSame(enricher.counts, { ...geo, ...noNames });
});

t.test('a failure costs the enrichment alone', async (t) => {
  const enricher = new Enricher({
    places: {
      at: () => {
        throw new Error('no');
      },
      reload: () => undefined,
      counts: geo,
    },
  });
  t.strictSame(enricher.enrich([synFin, request]), [synFin, request]);
  t.equal(enricher.counts['failures'], 2);
});

t.test('processes', async (t) => {
  const asked: SocketEnds[] = [];
  let ms = 0;
  let closed = -1;
  let own = new Set([synFin.dst]);
  const owner = { pid: 7, name: 'nginx', executable: '/usr/sbin/nginx', cgroup: '/system.slice/nginx.service' };
  const processes = new Processes({
    sockets: {
      find: (ends) => {
        asked.push(ends);
        return ends.remotePort === closed ? undefined : { inode: ends.remotePort === 0 ? 6 : 5, uid: 33 };
      },
    },
    owners: { ownerOf: (inode) => ({ ...owner, pid: inode + 2 }), counts: { process_scans: 0, process_cut: 0 } },
    addresses: () => own,
    now: () => ms,
  });
  const text = ({ local, remote, localPort, remotePort }: SocketEnds): string =>
    `${formatAddress(local)} ${localPort} ${formatAddress(remote)} ${remotePort}`;
  t.strictSame(processes.of(synFin), { end: 'dst', ...owner, uid: 33 });
  t.strictSame(asked.map(text), [`${synFin.dst} 80 ${synFin.src} 34855`]);
  own = new Set([synFin.src]);
  ms += 5000;
  t.match(processes.of(synFin), { end: 'src', pid: 7 });
  t.equal(text(asked[1]!), `${synFin.src} 34855 ${synFin.dst} 80`);
  own = new Set();
  ms += 5000;
  t.equal(processes.of(synFin), undefined, 'a listener on all addresses has nothing to do with what is passed on');
  t.equal(processes.of({ ...synFin, proto: 'ICMP' }), undefined);
  t.equal(asked.length, 2);
  own = new Set([synFin.dst]);
  ms += 5000;
  for (let n = 0; n < 2500; n++) processes.of(synFin);
  t.strictSame(processes.counts, { process_lookups: 2002, process_found: 2002, process_skipped: 500 });
  ms += 1000;
  t.match(processes.of(synFin), { pid: 7 });
  closed = synFin.sport!;
  t.match(processes.of(synFin), { pid: 8, end: 'dst' }, 'of a connection that is gone the one who listens');
  t.equal(text(asked.at(-1)!), `${synFin.dst} 80 :: 0`);
  own = new Set([synFin.src]);
  ms += 5000;
  closed = synFin.dport!;
  t.equal(processes.of(synFin), undefined, 'a client that is gone listens nowhere');
});
