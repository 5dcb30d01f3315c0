// SPDX-License-Identifier: Apache-2.0
// The server's side of SCRAM (RFC 5802, RFC 7677), without channel binding.
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

const ITERATIONS = 4096;

/** One exchange. Anything that is not as it has to be is an error. */
export class ScramServer {
  readonly #hash: 'sha256' | 'sha512';
  readonly #passwordOf: (user: string) => string | undefined;
  readonly #nonce: string;
  readonly #salt: Buffer;
  #bare = '';
  #first = '';
  #salted = Buffer.alloc(0);

  constructor(
    hash: 'sha256' | 'sha512',
    passwordOf: (user: string) => string | undefined,
    nonce = randomBytes(18).toString('base64'),
    salt = randomBytes(16),
  ) {
    this.#hash = hash;
    this.#passwordOf = passwordOf;
    this.#nonce = nonce;
    this.#salt = salt;
  }

  /** From client-first-message to server-first-message. */
  first(message: string): string {
    const [, bare = '', user, nonce] = /^n,,(n=([^,]+),r=([!-+\--~]+))$/.exec(message) ?? [];
    if (user === undefined || nonce === undefined) throw new Error('malformed client-first-message');
    // Whoever is unknown fails where a wrong password does.
    const password =
      this.#passwordOf(user.replaceAll('=2C', ',').replaceAll('=3D', '=')) ?? randomBytes(16).toString('hex');
    const length = createHash(this.#hash).digest().length;
    this.#salted = pbkdf2Sync(password, this.#salt, ITERATIONS, length, this.#hash);
    this.#bare = bare;
    this.#first = `r=${nonce}${this.#nonce},s=${this.#salt.toString('base64')},i=${ITERATIONS}`;
    return this.#first;
  }

  /** From client-final-message to server-final-message. */
  final(message: string): string {
    const [, withoutProof = '', binding, nonce, proof = ''] = /^(c=([^,]+),r=([^,]+)),p=([^,]+)$/.exec(message) ?? [];
    if (binding !== 'biws') throw new Error('malformed client-final-message, or channel binding');
    if (!this.#first.startsWith(`r=${nonce},`)) throw new Error('another nonce');
    const exchange = `${this.#bare},${this.#first},${withoutProof}`;
    const hmac = (key: Buffer, text: string): Buffer => createHmac(this.#hash, key).update(text).digest();
    const digest = (bytes: Buffer): Buffer => createHash(this.#hash).update(bytes).digest();
    const stored = digest(hmac(this.#salted, 'Client Key'));
    const signature = hmac(stored, exchange);
    const given = Buffer.from(proof, 'base64');
    if (given.length !== signature.length) throw new Error('a proof of another length');
    const clientKey = Buffer.from(given.map((byte, i) => byte ^ (signature[i] ?? 0)));
    if (!timingSafeEqual(digest(clientKey), stored)) throw new Error('wrong proof');
    return `v=${hmac(hmac(this.#salted, 'Server Key'), exchange).toString('base64')}`;
  }
}
