// SPDX-License-Identifier: Apache-2.0
// Names of DNS messages: labels and pointers, within bounds that no message can stretch.

import { printable, type DnsName } from '../../alerts/index.js';
import { DnsEvent } from '../../rules/index.js';

/** The longest name that is put together, in dotted form; as Suricata and dnsmasq have it. */
const NAME_MAX = 1025;
const STEPS_MAX = 255;
/** Bytes of names in one message. Pointers make names out of nothing: 16 KiB could ask for 1.5 MB. */
const NAMES_MAX = 65_536;

const scratch = Buffer.alloc(NAME_MAX + 64);

/** Reads a message from front to back; a read that fails leaves `failed` set, and everything read later is empty. */
export class DnsReader {
  readonly bytes: Buffer;
  at = 0;
  failed = false;
  /** What is wrong with names: bits of DnsEvent. */
  odd = 0;
  /** The end of what may be read: of the message, or of a record's data. */
  limit: number;
  #named = 0;
  #length = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.limit = bytes.byteLength;
  }

  /** True if `length` more bytes are there. */
  has(length: number): boolean {
    if (this.failed || this.at + length > this.limit) this.failed = true;
    return !this.failed;
  }

  byte(): number {
    return this.has(1) ? (this.bytes[this.at++] ?? 0) : 0;
  }

  word(): number {
    return this.byte() * 256 + this.byte();
  }

  long(): number {
    return this.word() * 65_536 + this.word();
  }

  take(length: number): Buffer {
    if (!this.has(length)) return scratch.subarray(0, 0);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /**
   * Puts a name together in the scratch buffer. A loop, or more labels than any name has, ends it where a pointer was
   * followed (what comes behind the name is known then), and fails it elsewhere.
   */
  #collect(): boolean {
    const { bytes } = this;
    const inside = this.limit;
    let at = this.at;
    let limit = inside;
    let length = 0;
    let truncated = false;
    let jumped = false;
    for (let steps = 0; ; steps++) {
      if (at >= limit) break;
      const size = bytes[at] ?? 0;
      if (size === 0) {
        at++;
        break;
      }
      if (steps === STEPS_MAX) {
        if (!jumped) this.failed = true;
        this.odd |= DnsEvent.LABELS;
        truncated = true;
        break;
      }
      if (size < 0x40) {
        if (at + 1 + size > limit) {
          this.failed = true;
          break;
        }
        if (!truncated) {
          if (length > 0) scratch[length++] = 0x2e;
          length += bytes.copy(scratch, length, at + 1, at + 1 + size);
        }
        at += 1 + size;
      } else {
        const target = ((size & 0x3f) << 8) | (bytes[at + 1] ?? 0);
        if (size < 0xc0 || at + 2 > limit || target > bytes.length || (target === at && !jumped)) {
          this.failed = true;
          break;
        }
        if (!jumped) this.at = at + 2;
        jumped = true;
        if (target === at) {
          this.odd |= DnsEvent.LOOP;
          truncated = true;
          break;
        }
        at = target;
        limit = bytes.length;
      }
      if (length > NAME_MAX) {
        length = NAME_MAX;
        this.odd |= DnsEvent.LONG_NAME;
        truncated = true;
        if (jumped) break;
      }
    }
    if (!jumped) this.at = at;
    this.#named += length;
    if (this.#named > NAMES_MAX) this.failed = true;
    this.#length = length;
    return truncated;
  }

  name(): DnsName {
    if (this.failed) return { text: '' };
    const truncated = this.#collect();
    const text = printable(scratch.subarray(0, this.#length));
    return truncated ? { text, truncated } : { text };
  }

  /** The bytes of a name. */
  nameBytes(): Uint8Array {
    if (!this.failed) this.#collect();
    return this.#collected();
  }

  #collected(): Uint8Array {
    return Uint8Array.prototype.slice.call(scratch, 0, this.failed ? 0 : this.#length);
  }

  /** A name and its bytes. */
  question(): { readonly name: DnsName; readonly bytes: Uint8Array } {
    const name = this.name();
    return { name, bytes: this.#collected() };
  }
}
