// SPDX-License-Identifier: Apache-2.0
// The whole way from a change to a verdict: random changes by several origins, one by one and in bulk, with expiry,
// allowlist, exemptions, restarts and reboots; the kernel must say what a naive reference says. IDS_FUZZ sets how many
// packets are judged.

import { join } from 'node:path';
import t from 'tap';
import { formatAddress, formatPrefix, parsePrefix, type Prefix } from '../../common/address.js';
import { IdsError } from '../../common/errors.js';
import type { Kernel } from '../../engine/bpf/index.js';
import { BatchBuilder } from '../../engine/lists/batch-builder.js';
import { keyOf } from '../../engine/lists/claims/keys.js';
import type { PrefixBatch } from '../../engine/lists/prefix-batch.js';
import { listSizes } from '../../engine/lists/table/index.js';
import { whyUnprivileged } from '../helpers/privileged.js';
import { giveBack, take } from './support/bench-pool.js';
import { serviceOver, type Service } from './support/blocklist-service.js';
import { ClaimsReference } from './support/claims-reference.js';
import { tcp } from './support/frames.js';
import { Random } from './support/random.js';

const skip = whyUnprivileged() ?? false;
const PACKETS = Number(process.env['IDS_FUZZ'] ?? 20_000);
const PER_CHANGE = 20;
const DROP = 1;
t.setTimeout(Math.max(180_000, PACKETS * 5));

const sizes = { ...listSizes({ capacity4: 20_000, capacity6: 5_000 }), ids_events: 4096, ids_bulk: 4096 };
const origins = ['manual', 'feed:a', 'feed:b', 'rule:7'] as const;

function batchOf(prefixes: readonly Prefix[]): PrefixBatch {
  const builder = new BatchBuilder();
  for (const prefix of prefixes) {
    const { words, addr, len } = keyOf(prefix);
    const [a = 0, b = 0, c = 0, d = 0] = addr;
    if (words === 1) builder.add4(a, len[0] ?? 0);
    else builder.add6(a, b, c, d, len[0] ?? 0);
  }
  return builder.build();
}

class Machine {
  readonly random: Random;
  readonly reference = new ClaimsReference();
  readonly clock = {
    wall: Date.UTC(2026, 0, 1) / 1000,
    boot: 5000,
    wallMs: (): number => this.clock.wall * 1000,
    bootSeconds: (): number => this.clock.boot,
  };
  readonly #file: string;
  #kernel: Kernel;
  #service: Service;
  #packet = 0;
  readonly done = { packets: 0, drops: 0, changes: 0 };

  constructor(seed: number, file: string) {
    this.random = new Random(seed);
    this.#file = file;
    this.#kernel = take({ replay: true, sizes });
    this.#service = this.#open();
  }

  #open(): Service {
    const exemptions = () => this.reference.exempt.map((prefix) => ({ prefix, label: 'test' }));
    return serviceOver(this.#kernel, this.#file, { clock: this.clock, exemptions });
  }

  close(): void {
    this.#service.close();
    giveBack(this.#kernel);
  }

  #prefix(): Prefix {
    const { random } = this;
    if (random.below(4) === 0) {
      const text = `2001:db8:${random.below(4).toString(16)}::${random.below(8).toString(16)}`;
      return parsePrefix(`${text}/${random.pick([15, 20, 32, 33, 47, 48, 64, 125, 127, 128])}`);
    }
    const text = `10.${random.below(2)}.${random.below(4)}.${random.below(32)}`;
    return parsePrefix(`${text}/${random.pick([5, 8, 9, 15, 16, 22, 24, 25, 28, 30, 31, 32, 32, 32, 32])}`);
  }

  #prefixes(count: number): Prefix[] {
    const made = Array.from({ length: count }, () => this.#prefix());
    return [...new Map(made.map((one) => [formatPrefix(one), one])).values()];
  }

  /** A listed prefix more often than not. */
  #target(): Prefix {
    const known = [...this.reference.claims.values()];
    return known.length > 0 && this.random.below(4) > 0 ? this.random.pick(known).prefix : this.#prefix();
  }

  /** One change, the same to both. */
  async change(): Promise<string> {
    const { random, reference, clock } = this;
    const { blocklist, allowlist, guard } = this.#service;
    const origin = random.pick(origins);
    const force = random.below(4) === 0;
    const ttl = random.pick([0, 0, 2, 5, 30, 600]) || undefined;
    const alert = random.below(5) === 0;
    const options = { force, action: alert ? 'alert' : 'drop', ...(ttl === undefined ? {} : { ttl }) } as const;
    const expires = ttl === undefined ? Infinity : clock.wall + ttl;
    const accepted = (prefixes: readonly Prefix[]): Prefix[] =>
      prefixes.filter((prefix) => force || reference.mayList(prefix));
    const put = (prefixes: readonly Prefix[]): void => {
      for (const prefix of accepted(prefixes)) reference.put({ prefix, origin, expires, forced: force, alert });
    };
    const sweep = (): void => {
      blocklist.sweep();
      reference.deleteWhere((one) => one.expires <= clock.wall);
    };
    this.done.changes++;
    const kind = random.below(100);
    if (kind < 24) {
      const prefixes = this.#prefixes(1 + random.below(3));
      const text = `add ${prefixes.map(formatPrefix).join()} ${origin} ${JSON.stringify(options)}`;
      try {
        const told = blocklist.add({ prefixes, origin, ...options });
        const refused = told.filter(({ outcome }) => outcome === 'refused').length;
        if (refused !== prefixes.length - accepted(prefixes).length) throw new Error(`${text}: ${refused} refused`);
      } catch (error) {
        if (!(error instanceof IdsError) || error.code !== 'PREFIX_REFUSED') throw error;
        if (accepted(prefixes).length > 0) throw error;
      }
      put(prefixes);
      return text;
    }
    if (kind < 34) {
      const [prefix, seconds] = [this.#prefix(), 1 + random.below(40)];
      blocklist.block(prefix, 'rule:7', seconds, '');
      const before = reference.get(prefix, 'rule:7');
      const held = before !== undefined && before.expires > clock.wall ? before : undefined;
      const until = Math.max(held?.expires ?? 0, clock.wall + seconds);
      reference.put({ prefix, origin: 'rule:7', expires: until, forced: held?.forced ?? false, alert: false });
      return `block ${formatPrefix(prefix)}`;
    }
    if (kind < 54) {
      const prefix = this.#target();
      const only = random.pick(['', ...origins]) || undefined;
      blocklist.remove([prefix], only);
      const text = formatPrefix(prefix);
      reference.deleteWhere((one) => formatPrefix(one.prefix) === text && (only ?? one.origin) === one.origin);
      return `remove ${text} ${only}`;
    }
    if (kind < 60) {
      const prefixes = this.#prefixes(random.below(60));
      const { refusedCount } = await blocklist.bulk.replaceOrigin(origin, batchOf(prefixes), options);
      const wanted = prefixes.length - accepted(prefixes).length;
      if (refusedCount !== wanted) throw new Error(`replace: ${refusedCount} and not ${wanted} refused`);
      reference.deleteWhere((one) => one.origin === origin);
      put(prefixes);
      return `replace ${origin} by ${prefixes.map(formatPrefix).join()} ${JSON.stringify(options)}`;
    }
    if (kind < 65) {
      const prefixes = this.#prefixes(random.below(60));
      await blocklist.bulk.importBatch(batchOf(prefixes), { origin, ...options });
      put(prefixes);
      return `import ${origin} ${prefixes.map(formatPrefix).join()} ${JSON.stringify(options)}`;
    }
    if (kind < 68) {
      const prefixes = Array.from({ length: 10 }, () => this.#target());
      await blocklist.bulk.removeBatch(origin, batchOf(prefixes));
      const gone = new Set(prefixes.map(formatPrefix));
      reference.deleteWhere((one) => one.origin === origin && gone.has(formatPrefix(one.prefix)));
      return `remove in bulk ${origin} ${[...gone].join()}`;
    }
    if (kind < 82) {
      const seconds = 1 + random.below(6);
      clock.wall += seconds;
      clock.boot += seconds;
      return `wait ${seconds}`;
    }
    if (kind < 86) {
      sweep();
      const { entries, enforced } = blocklist.status();
      if (entries !== reference.distinct || enforced !== entries)
        throw new Error(`${entries} listed, ${enforced} enforced, ${reference.distinct} wanted`);
      return 'sweep';
    }
    if (kind < 91) {
      const prefix = this.#prefix();
      allowlist.add([prefix]);
      reference.allowed.set(formatPrefix(prefix), prefix);
      return `allow ${formatPrefix(prefix)}`;
    }
    if (kind < 95) {
      const known = [...reference.allowed.values()];
      if (known.length === 0) return 'nothing';
      const prefix = random.pick(known);
      allowlist.remove([prefix]);
      reference.allowed.delete(formatPrefix(prefix));
      return `disallow ${formatPrefix(prefix)}`;
    }
    if (kind < 97) {
      reference.exempt = this.#prefixes(random.below(4)).filter(({ length }) => length > 110);
      guard.refresh();
      return `exempt ${reference.exempt.map(formatPrefix).join()}`;
    }
    if (kind < 99) {
      await this.#restart();
      return 'restart';
    }
    if (random.below(2) === 0) {
      await blocklist.clear(origin);
      reference.deleteWhere((one) => one.origin === origin);
      return `clear ${origin}`;
    }
    // The wall clock is set: what ends does so by the new time.
    sweep();
    clock.wall += random.pick([-20, -3, 7, 40]);
    sweep();
    return 'clock set';
  }

  /** The service ends and starts on the tables that are there, or, after a reboot, on empty ones. */
  async #restart(): Promise<void> {
    const { random, clock, reference } = this;
    this.#service.close();
    if (random.below(3) === 0) {
      giveBack(this.#kernel);
      clock.boot = 10 + random.below(100);
      this.#kernel = take({ replay: true, sizes });
    }
    this.#service = this.#open();
    reference.deleteWhere((one) => one.expires <= clock.wall);
    await Promise.resolve();
  }

  /** A packet; undefined if the kernel did as the reference says, else what differs. */
  #differs(address: Uint8Array): string | undefined {
    const text = formatAddress(address);
    const wanted = this.reference.drops(address, this.clock.wall);
    this.#kernel.control.setClock(this.clock.boot * 1e9, ++this.#packet);
    const dst = text.includes(':') ? '2001:db9::2' : '198.51.100.2';
    const { verdict } = this.#kernel.run(tcp({ src: text, dst }));
    this.done.packets++;
    if (verdict === DROP) this.done.drops++;
    if (wanted === undefined || wanted === (verdict === DROP)) return undefined;
    return `${text} ${wanted ? 'missed' : 'dropped'}: ${JSON.stringify(this.#service.blocklist.check(address))}`;
  }

  differences(): string[] {
    const { random } = this;
    return Array.from({ length: PER_CHANGE }, () => {
      const near = this.#target();
      const address = random.within(near);
      if (random.below(4) === 0) random.flip(address, near);
      return this.#differs(address);
    }).filter((one) => one !== undefined);
  }

  check(): unknown {
    this.#service.blocklist.sweep();
    const { missing, foreign, index } = this.#service.table.check();
    return { missing, foreign, index, ...this.#service.blocklist.reconcile() };
  }
}

t.test('the kernel judges as the claims of all origins say', { skip }, async (t) => {
  const folder = t.testdir();
  const seeds = [1, 2, 3, 4];
  const total = { packets: 0, drops: 0, changes: 0 };
  for (const seed of seeds) {
    const machine = new Machine(seed, join(folder, `${seed}.db`));
    const last: string[] = [];
    let found: string[] = [];
    try {
      while (found.length === 0 && machine.done.packets < PACKETS / seeds.length) {
        last.push(await machine.change());
        found = machine.differences();
      }
      t.same(found, [], `seed ${seed}`, { seed, changes: last.length, last: last.slice(-8) });
      t.same(machine.check(), { missing: 0, foreign: 0, index: 0, put: 0, removed: 0 }, 'nothing to repair');
    } catch (error) {
      t.fail(`seed ${seed}, change ${last.length}: ${String(error)}`, { last: last.slice(-8) });
    } finally {
      machine.close();
    }
    for (const name of ['packets', 'drops', 'changes'] as const) total[name] += machine.done[name];
  }
  t.comment(`${total.packets} packets after ${total.changes} changes, ${total.drops} dropped`);
  t.ok(
    total.packets >= Math.min(PACKETS, 1000) && total.drops > total.packets / 20 && total.drops < total.packets * 0.95,
  );
});
