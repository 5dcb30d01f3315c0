// SPDX-License-Identifier: Apache-2.0
// One BPF map: single and batched access over raw bytes.

import { IdsError } from '../../common/errors.js';
import { callFailed, check, closeFds, E, errnoOf } from './check.js';
import { libbpf, optSize } from './native.js';

export const MapType = {
  HASH: 1,
  ARRAY: 2,
  PROG_ARRAY: 3,
  PERCPU_HASH: 5,
  PERCPU_ARRAY: 6,
  LRU_HASH: 9,
  LRU_PERCPU_HASH: 10,
  LPM_TRIE: 11,
  ARRAY_OF_MAPS: 12,
  RINGBUF: 27,
} as const;

export interface MapInfo {
  readonly type: number;
  readonly id: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

const INFO_SIZE = 128;
const BATCH = 4096;

/** What the kernel says about the map behind a descriptor. */
export function mapInfo(fd: number, what: string): MapInfo {
  const info = new Uint32Array(INFO_SIZE / 4);
  check(libbpf().objInfo(fd, info, Uint32Array.of(INFO_SIZE)), `query ${what}`);
  const [type = 0, id = 0, keySize = 0, valueSize = 0, maxEntries = 0, flags = 0] = info;
  return { type, id, keySize, valueSize, maxEntries, flags };
}

/** A map by its descriptor. Who made it says with `owned` whether `close()` closes the descriptor. */
export class BpfMap {
  readonly name: string;
  readonly info: MapInfo;
  #fd: number;
  readonly #owned: boolean;

  private constructor(name: string, fd: number, owned: boolean) {
    this.name = name;
    this.#fd = fd;
    this.#owned = owned;
    this.info = mapInfo(fd, `map ${name}`);
  }

  static ofFd(name: string, fd: number, o: { owned: boolean }): BpfMap {
    return new BpfMap(name, fd, o.owned);
  }

  /** A map that is pinned. */
  static ofPin(name: string, path: string): BpfMap {
    return new BpfMap(name, check(libbpf().objGet(path), `open the pinned map ${path}`), true);
  }

  /** A fresh map of that shape. */
  static create(
    name: string,
    o: { type: number; keySize: number; valueSize: number; maxEntries: number; flags: number },
  ): BpfMap {
    const opts = { sz: optSize.map, map_flags: o.flags };
    // The kernel takes 15 characters.
    const fd = libbpf().mapCreate(o.type, name.slice(0, 15), o.keySize, o.valueSize, o.maxEntries, opts);
    return new BpfMap(name, check(fd, `create map ${name}`), true);
  }

  get fd(): number {
    if (this.#fd < 0) throw new IdsError('INTERNAL', `map ${this.name} is closed`);
    return this.#fd;
  }

  close(): void {
    if (this.#owned) closeFds([this.#fd]);
    this.#fd = -1;
  }

  /** Bytes of a value as user space sees it: of a per-CPU map one value a CPU, each padded to 8. */
  get valueBytes(): number {
    const { type, valueSize } = this.info;
    const perCpu = type === MapType.PERCPU_ARRAY || type === MapType.PERCPU_HASH || type === MapType.LRU_PERCPU_HASH;
    return perCpu ? Math.ceil(valueSize / 8) * 8 * cpus() : valueSize;
  }

  /** The value, or undefined if there is none. */
  get(key: Uint8Array): Uint8Array | undefined {
    this.#expect(key.length, this.info.keySize, 'key');
    const value = new Uint8Array(this.valueBytes);
    const rc = libbpf().mapLookup(this.fd, key, value);
    if (rc >= 0) return value;
    if (errnoOf(rc) === E.ENOENT) return undefined;
    throw callFailed(errnoOf(rc), `read map ${this.name}`);
  }

  /** @throws IdsError LIST_FULL if the map has no room. */
  put(key: Uint8Array, value: Uint8Array): void {
    this.#expect(key.length, this.info.keySize, 'key');
    this.#expect(value.length, this.valueBytes, 'value');
    const rc = libbpf().mapUpdate(this.fd, key, value, 0);
    if (rc < 0) throw this.#writeFailed(errnoOf(rc), 1);
  }

  /** False if there was no such key. */
  delete(key: Uint8Array): boolean {
    this.#expect(key.length, this.info.keySize, 'key');
    const rc = libbpf().mapDelete(this.fd, key);
    if (rc >= 0) return true;
    if (errnoOf(rc) === E.ENOENT) return false;
    throw callFailed(errnoOf(rc), `delete from map ${this.name}`);
  }

  /**
   * Writes many entries with few calls; `keys` and `values` are back to back.
   * @throws IdsError LIST_FULL; `details.written` entries are then in the map.
   */
  putBatch(keys: Uint8Array, values: Uint8Array): void {
    const { keySize } = this.info;
    const total = keys.length / keySize;
    this.#expect(values.length, total * this.valueBytes, 'list of values');
    for (let done = 0; done < total;) {
      const count = Uint32Array.of(Math.min(total - done, 65536));
      const asked = count[0] ?? 0;
      const from = keys.subarray(done * keySize, (done + asked) * keySize);
      const rc = libbpf().mapUpdateBatch(this.fd, from, values.subarray(done * this.valueBytes), count, null);
      if (rc < 0) throw this.#writeFailed(errnoOf(rc), total - done, done + (count[0] ?? 0));
      done += asked;
    }
  }

  /** Deletes many keys, back to back; those that are not there are skipped. Gives how many were there. */
  deleteBatch(keys: Uint8Array): number {
    const { keySize } = this.info;
    const total = keys.length / keySize;
    let deleted = 0;
    for (let done = 0; done < total;) {
      const count = Uint32Array.of(total - done);
      const rc = libbpf().mapDeleteBatch(this.fd, keys.subarray(done * keySize), count, null);
      if (rc < 0 && errnoOf(rc) !== E.ENOENT) throw callFailed(errnoOf(rc), `delete from map ${this.name}`);
      deleted += count[0] ?? 0;
      // The kernel stops at the first key that is missing: go on behind it.
      done += rc < 0 ? (count[0] ?? 0) + 1 : (count[0] ?? 0);
    }
    return deleted;
  }

  /** Every entry; entries that change meanwhile may be missed or come twice. Both arrays are views: copy to keep them. */
  *entries(): Generator<[key: Uint8Array, value: Uint8Array]> {
    const { keySize } = this.info;
    const size = this.valueBytes;
    let room = BATCH;
    let from: Uint8Array | null = null;
    for (;;) {
      const keys = new Uint8Array(room * keySize);
      const values = new Uint8Array(room * size);
      const next = new Uint8Array(Math.max(keySize, 8));
      const count = Uint32Array.of(room);
      const rc = libbpf().mapLookupBatch(this.fd, from, next, keys, values, count, null);
      const failed = rc < 0 ? errnoOf(rc) : 0;
      if (failed === E.ENOSPC && room < 1 << 20) {
        // A bucket of a hash map holds more than fits.
        room *= 2;
        continue;
      }
      if (failed !== 0 && failed !== E.ENOENT) throw callFailed(failed, `list map ${this.name}`);
      for (let i = 0; i < (count[0] ?? 0); i++) {
        yield [keys.subarray(i * keySize, (i + 1) * keySize), values.subarray(i * size, (i + 1) * size)];
      }
      if (failed === E.ENOENT || (count[0] ?? 0) === 0) return;
      from = next;
    }
  }

  /** The first `count` values of an array, back to back, with one call where the kernel can. */
  array(count: number): Uint8Array {
    const values = new Uint8Array(count * this.valueBytes);
    const got = Uint32Array.of(count);
    const rc = libbpf().mapLookupBatch(this.fd, null, new Uint8Array(8), new Uint8Array(count * 4), values, got, null);
    if (rc < 0 && errnoOf(rc) !== E.ENOENT) throw callFailed(errnoOf(rc), `read map ${this.name}`);
    return values;
  }

  #expect(size: number, wanted: number, what: string): void {
    if (size !== wanted)
      throw new IdsError('INTERNAL', `a ${what} of map ${this.name} has ${wanted} bytes, not ${size}`);
  }

  #writeFailed(number: number, wanted: number, written = 0): IdsError {
    const full = number === E.ENOSPC || number === E.E2BIG;
    if (!full) return callFailed(number, `write to map ${this.name}`, { details: { written } });
    const message = `table ${this.name} is full at ${this.info.maxEntries} entries; remove some or make it larger`;
    return new IdsError('LIST_FULL', message, { details: { wanted, written, maxEntries: this.info.maxEntries } });
  }
}

let possible: number | undefined;

/** Possible CPUs: as many values has an entry of a per-CPU map. */
export function cpus(): number {
  return (possible ??= check(libbpf().cpus(), 'count the CPUs'));
}

/** An index as the key of an array. */
export function indexKey(index: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(index).buffer);
}
