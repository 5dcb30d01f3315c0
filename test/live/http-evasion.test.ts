// SPDX-License-Identifier: Apache-2.0
// A header that is cut up, shuffled, repeated or contradicted in its segments is seen all the same: in captures, and live
// between two ends that send whatever segments they like. The packet with which a rule that drops is met does not arrive.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { evasionCases, rules, type EvasionCase } from '../helpers/evasion-cases.js';
import { pcap, type Timed } from '../helpers/pcap.js';
import { privileged, run, twoHosts, until } from '../helpers/privileged.js';
import { framesOf, type Ends, type Side } from '../helpers/tcp-script.js';
import { idsProgram, lines, TestDaemon, temporaryFolder, type EveRecord } from './support/daemon.js';
import { play, RawLink } from './support/raw-link.js';

/** Addresses that neither host has: no stack answers in between. */
const client = '10.77.0.98';
const server = '10.77.0.99';
const endsOf = (number: number): Ends => ({ client, server, sport: 20_000 + number, dport: 8080 });

interface HttpAlert extends EveRecord {
  readonly pcap_cnt?: number;
  readonly dest_port?: number;
  readonly http?: { readonly url?: string };
}

const isAlert = ({ event_type: type }: HttpAlert): boolean => type === 'alert';
const ofCase = (records: readonly HttpAlert[], number: number): HttpAlert[] =>
  records.filter(({ src_port, dest_port }) => [src_port, dest_port].includes(20_000 + number));
const sids = (records: readonly HttpAlert[]): number[] =>
  records.filter(isAlert).flatMap(({ alert }) => alert?.signature_id ?? []);

/** URIs that rule 2 told of, in their order. */
const uris = (records: readonly HttpAlert[]): string[] =>
  records.filter(({ alert }) => alert?.signature_id === 2).map(({ http }) => http?.url ?? '?');

/** What both ways have in common: which alerts there are, when the rule that drops was met by this piece. */
function judge(t: Test, one: EvasionCase, piece: number, alerts: readonly HttpAlert[]): void {
  const wanted = one.hit ? [one.hit.sid] : [];
  t.same(
    sids(alerts).filter((sid) => sid !== 2),
    wanted,
    'what drops is found once',
  );
  // What is dropped before its section ends is no request.
  const cut = one.hit?.sid === 1 && piece < one.hit.last ? one.requests.slice(0, -1) : one.requests;
  t.same(uris(alerts), cut, 'every request is seen once');
}

if (privileged(t)) {
  t.test('captures', { timeout: 120_000 }, async (t) => {
    const folder = temporaryFolder(t, 'evasion');
    const frames: Timed[] = [];
    /** Packet number of the first piece of each case. */
    const starts = evasionCases.map((one, number) => {
      const begin = frames.length;
      const all = framesOf(endsOf(number), one.pieces);
      for (const { frame } of all) frames.push([frames.length / 1000, frame]);
      return begin + 1 + all.length - one.pieces.length;
    });
    const [capture, eve, ruleFile] = ['all.pcap', 'eve.json', 'test.rules'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(capture, pcap(frames));
    writeFileSync(ruleFile, rules);
    await run(idsProgram, ['replay', '--inline', '--rules', ruleFile, '--eve', eve, capture], { deadline: 60_000 });
    const records = lines(eve).map((line) => JSON.parse(line) as HttpAlert);
    evasionCases.forEach((one, number) => {
      t.test(one.name, async (t) => {
        const mine = ofCase(records, number).filter(isAlert);
        const { hit } = one;
        const at = mine.find(({ alert }) => alert?.signature_id === hit?.sid)?.pcap_cnt ?? 0;
        const piece = at - (starts[number] ?? 0);
        judge(t, one, piece, mine);
        if (hit) t.ok(piece >= hit.first && piece <= hit.last, `by piece ${piece} of ${hit.first} to ${hit.last}`);
      });
    });
  });

  t.test('live', { timeout: 240_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    const daemon = await TestDaemon.start(t, victim, { rules });
    const links: Record<Side, RawLink> = {
      client: await RawLink.open(t, attacker),
      server: await RawLink.open(t, victim),
    };
    const other = (side: Side): RawLink => links[side === 'client' ? 'server' : 'client'];
    for (const [number, one] of evasionCases.entries()) {
      await t.test(one.name, async (t) => {
        for (const link of Object.values(links)) link.frames.length = 0;
        const before = (await daemon.status()).stats;
        const all = framesOf(endsOf(number), one.pieces);
        await play(links, all);
        const got = (piece: number): boolean => {
          const { from, frame } = all[all.length - one.pieces.length + piece] ?? {};
          return (
            from !== undefined &&
            other(from).frames.some((seen) => frame && seen.subarray(14).equals(frame.subarray(14)))
          );
        };
        const arrived = one.pieces.map((_, piece) => got(piece));
        const { hit } = one;
        const lost = arrived.indexOf(false);
        const wanted = one.requests.length + (hit ? 1 : 0) - (hit?.sid === 1 && lost < hit.last ? 1 : 0);
        await until(() => sids(ofCase(daemon.eve(), number)).length >= wanted, {
          message: () => `the alerts: ${JSON.stringify(ofCase(daemon.eve(), number))}`,
        }).catch((error: unknown) => t.fail(String(error)));
        judge(t, one, one.engine ? Infinity : lost, ofCase(daemon.eve(), number));
        if (!hit) t.equal(lost, -1, 'all of it arrives');
        else if (one.engine) t.ok(lost === -1 || lost > hit.first, 'the engine cuts what follows');
        else
          t.ok(lost >= hit.first && lost <= hit.last, `piece ${lost} of ${hit.first} to ${hit.last} does not arrive`);
        const { stats } = await daemon.status();
        for (const name of one.counts ?? []) t.ok((stats[name] ?? 0) > (before[name] ?? 0), `${name} counts`);
      });
    }
  });
}
