// SPDX-License-Identifier: Apache-2.0
// What somebody deletes or damages in the kernel's tables with bpftool comes back by itself, and `ids status` tells.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FrontLayout, Line4Layout, ListLimit } from '../../common/abi.gen.js';
import { parseAddress } from '../../common/address.js';
import { Kernel } from '../../engine/bpf/index.js';
import { privileged, run, twoHosts, until } from '../helpers/privileged.js';
import { TestDaemon } from './support/daemon.js';
import { addAddresses, curl, serve, shutOut } from './support/traffic.js';

TestDaemon.egress = false;

const LISTED = '10.77.0.66';
const OTHERS = 3_000;
const DEADLINE = 30_000;
const PLACES = Array.from({ length: ListLimit.LINE_ENTRIES }, (_, n) => n);

/** Bytes as bpftool wants them. */
const hex = (bytes: Uint8Array): string =>
  `hex ${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}`;
const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

interface Line {
  readonly key: number;
  readonly value: Uint8Array;
}

/** The lines of the entries' table that are not empty. */
function linesOf(pinDir: string): Line[] {
  const kernel = Kernel.open({ pinDir });
  try {
    const { entries4 } = kernel.listMemory();
    const words = Line4Layout.SIZE / 4;
    const lines: Line[] = [];
    for (let at = 0; at < entries4.length; at += words) {
      const line = entries4.slice(at, at + words);
      // Of a free place only that it is free counts.
      for (const n of PLACES) if (line[2 + 3 * n] === 0) line.fill(0, 1 + 3 * n, 4 + 3 * n);
      // Hits are the kernel's.
      line.fill(0, 1 + 3 * PLACES.length);
      if (line.some((one) => one !== 0)) lines.push({ key: at / words, value: new Uint8Array(line.buffer) });
    }
    return lines;
  } finally {
    kernel.close();
  }
}

if (privileged(t)) {
  t.test('tables that somebody else changes', { timeout: 180_000 }, async (t) => {
    const { victim, attacker } = await twoHosts(t);
    await addAddresses(attacker, LISTED);
    await serve(t, victim);
    const daemon = await TestDaemon.start(t, victim);
    const url = `http://${victim.ipv4}/`;
    const list = [LISTED, ...Array.from({ length: OTHERS }, (_, i) => `198.${18 + (i >> 8)}.${i & 255}.0/28`)];
    await daemon.ids('blocklist', 'import', daemon.file('list.txt', `${list.join('\n')}\n`));
    t.ok(await shutOut(attacker, LISTED, url));
    const [folder = ''] = readdirSync(daemon.pins).filter((name) => /^[0-9a-f]+$/.test(name));
    const pin = (map: string): string => join(daemon.pins, folder, map);
    const bpftool = async (commands: readonly string[]): Promise<void> => {
      await run('bpftool', ['batch', 'file', daemon.file('bpftool.batch', `${commands.join('\n')}\n`)]);
    };
    const update = (map: string, key: number, value: Uint8Array): string =>
      `map update pinned ${pin(map)} key ${hex(word(key))} value ${hex(value)}`;
    const figures = async () => (await daemon.status()).blocklist;
    const lookedAt = async (): Promise<void> => {
      const { samples } = (await figures()).reconciler;
      await until(async () => (await figures()).reconciler.samples > samples + 1, {
        deadline: DEADLINE,
        interval: 200,
      });
    };
    const blockedAgain = (what: string): Promise<unknown> =>
      until(() => shutOut(attacker, LISTED, url), {
        deadline: DEADLINE,
        interval: 100,
        message: `${what} to be put right`,
      });
    const letIn = async (): Promise<boolean> =>
      (await curl(attacker, url, '--interface', LISTED)).status === 0 || (await figures()).reconciler.repairs > 0;

    await lookedAt();
    t.match(await figures(), { entries: list.length, enforced: list.length, reconciler: { repairs: 0 } });
    const lines = linesOf(daemon.pins);
    t.ok(lines.length > 1000, `${lines.length} lines`);

    await t.test('every entry is deleted', async (t) => {
      await bpftool(lines.map(({ key }) => update('ids_entries4', key, new Uint8Array(Line4Layout.SIZE))));
      t.ok(await letIn(), 'what is not in the tables is let in, if it was not put back already');
      await blockedAgain('the entries');
      const { repairs, passes } = (await figures()).reconciler;
      t.ok(repairs >= list.length, `${repairs} repairs`);
      t.ok(passes > 0);
      t.same(linesOf(daemon.pins), lines, 'the tables are as they were, word by word');
    });

    await t.test('entries are made to end, and one appears that nobody listed', async (t) => {
      const before = (await figures()).reconciler.repairs;
      const host = new DataView(parseAddress(LISTED).buffer).getUint32(12);
      let foreign = 0;
      const damaged = lines.map(({ key, value }) => {
        const words = new Uint32Array(value.slice().buffer);
        const free = PLACES.find((n) => words[2 + 3 * n] === 0);
        const own = PLACES.find((n) => words[1 + 3 * n] === host && words[2 + 3 * n] !== 0);
        if (own !== undefined && free !== undefined) {
          words.set([host + 1, words[2 + 3 * own] ?? 0, 0], 1 + 3 * free);
          foreign++;
        }
        for (const n of PLACES) if (words[2 + 3 * n] !== 0) words[3 + 3 * n] = 1;
        return update('ids_entries4', key, new Uint8Array(words.buffer));
      });
      t.equal(foreign, 1);
      await bpftool(damaged);
      await blockedAgain('the entries');
      await until(async () => (await figures()).reconciler.repairs >= before + list.length + foreign, {
        deadline: DEADLINE,
        interval: 100,
        message: 'the repairs',
      });
      t.same(linesOf(daemon.pins), lines);
    });

    await t.test('what leads to the entries is wiped', async (t) => {
      const before = (await figures()).reconciler.repairs;
      // The first 24 bits of 10.77.0.66, and all of 198.18.0.0 and on.
      const tops = [0x0a4d00, ...Array.from({ length: OTHERS }, (_, i) => 0xc61200 + i)];
      const keys = (shift: number): number[] => [...new Set(tops.map((top) => top >>> shift))];
      await bpftool([
        ...keys(6).map((key) => update('ids_any4', key, new Uint8Array(8))),
        ...keys(2).map((key) => update('ids_front4', key, new Uint8Array(FrontLayout.SIZE))),
      ]);
      await blockedAgain('the front');
      t.ok((await figures()).reconciler.repairs > before);
    });

    const { stdout } = await daemon.cli('status');
    t.match(
      stdout,
      new RegExp(
        `ipv4: ${list.length.toLocaleString('en')} prefixes listed, ${list.length.toLocaleString('en')} enforced`,
      ),
    );
    const { repairs } = (await figures()).reconciler;
    t.match(stdout, new RegExp(`full passes, ${repairs.toLocaleString('en')} repairs`));
  });
}
