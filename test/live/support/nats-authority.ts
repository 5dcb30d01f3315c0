// SPDX-License-Identifier: Apache-2.0
// The decentralised authentication of NATS: an operator, accounts, and users with .creds files, as nsc makes them.
import { nkeys } from '@nats-io/transport-node';

type KeyPair = ReturnType<typeof nkeys.createUser>;

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = (): number => Math.floor(Date.now() / 1000);

/** A JSON web token with the claims of NATS, signed by an NKey. */
function token(issuer: KeyPair, name: string, sub: string, claims: object, more: object = {}): string {
  const body = {
    jti: name,
    iat: now() - 60,
    iss: issuer.getPublicKey(),
    name,
    sub,
    nats: { ...claims, version: 2 },
    ...more,
  };
  const text = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded(body)}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`;
}

export interface NatsUser {
  readonly name: string;
  /** What its .creds file holds. */
  readonly creds: string;
}

const limits = {
  ...{ subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
  ...{ mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
};

/** An operator with one account, and that of the system. */
export class NatsAuthority {
  readonly #operator = nkeys.createOperator();
  readonly #account = nkeys.createAccount();
  readonly #system = nkeys.createAccount();
  readonly #token = token(this.#operator, 'operator', this.#operator.getPublicKey(), {
    type: 'operator',
    system_account: this.#system.getPublicKey(),
  });
  readonly #keys = new Map<string, string>();
  readonly #revoked: Record<string, number> = {};

  /** @param more claims of its token: `permissions` (`pub`, `sub`), `exp` in seconds from now */
  user(name: string, more: { permissions?: object; exp?: number } = {}): NatsUser {
    const keys = nkeys.createUser();
    this.#keys.set(name, keys.getPublicKey());
    const claims = { pub: {}, sub: {}, subs: -1, data: -1, payload: -1, ...more.permissions, type: 'user' };
    const end = more.exp === undefined ? {} : { exp: now() + more.exp };
    const jwt = token(this.#account, name, keys.getPublicKey(), claims, end);
    const seed = Buffer.from(keys.getSeed()).toString();
    const creds = [
      '-----BEGIN NATS USER JWT-----',
      jwt,
      '------END NATS USER JWT------',
      '',
      '************************* IMPORTANT *************************',
      'NKEY Seed printed below can be used to sign and prove identity.',
      'NKEYs are sensitive and should be treated as secrets.',
      '',
      '-----BEGIN USER NKEY SEED-----',
      seed,
      '------END USER NKEY SEED------',
      '',
    ];
    return { name, creds: creds.join('\n') };
  }

  revoke({ name }: NatsUser): void {
    this.#revoked[this.#keys.get(name) ?? ''] = now();
  }

  /** Lines of a server's configuration. */
  configuration(): string[] {
    const [account, system] = [this.#account.getPublicKey(), this.#system.getPublicKey()];
    const jwt = (name: string, key: string, more = {}): string =>
      `  ${key}: ${token(this.#operator, name, key, { limits, default_permissions: {}, type: 'account', ...more })}`;
    return [
      `operator: ${this.#token}`,
      `system_account: ${system}`,
      'resolver: MEMORY',
      'resolver_preload: {',
      jwt('ids', account, { revocations: this.#revoked }),
      jwt('system', system, { limits: { ...limits, mem_storage: 0, disk_storage: 0 } }),
      '}',
    ];
  }
}
