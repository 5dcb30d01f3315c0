// SPDX-License-Identifier: Apache-2.0
// Authorities and certificates for the tests of TLS, made by openssl in a folder of the test's.
import { execFileSync } from 'node:child_process';
import path from 'node:path';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** An authority whose certificates are valid from now on, or were until yesterday. */
export class Authority {
  /** PEM file of its certificate. */
  readonly ca: string;
  readonly #folder: string;
  readonly #key: string;

  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.ca = path.join(folder, `${name}.pem`);
    this.#key = path.join(folder, `${name}.key`);
    this.#openssl('req', '-x509', ...this.#fresh(this.#key), '-subj', `/CN=${name}`, '-days', '2', '-out', this.ca);
  }

  /** Makes FILE.pem and FILE.key for a subject alternative name such as `DNS:localhost`. */
  issue(file: string, names: string, options: { expired?: boolean } = {}): Pair {
    const [cert, key] = [path.join(this.#folder, `${file}.pem`), path.join(this.#folder, `${file}.key`)];
    // `openssl x509` counts days from now: those below zero are over.
    const days = options.expired ? ['-days', '-1'] : ['-days', '1'];
    const request = path.join(this.#folder, `${file}.csr`);
    this.#openssl(
      'req',
      ...this.#fresh(key),
      '-subj',
      `/CN=${file}`,
      '-addext',
      `subjectAltName=${names}`,
      '-out',
      request,
    );
    const by = ['-CA', this.ca, '-CAkey', this.#key, '-CAcreateserial', '-copy_extensions', 'copy'];
    this.#openssl('x509', '-req', '-in', request, ...by, ...days, '-out', cert);
    return { cert, key };
  }

  #fresh(key: string): string[] {
    return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }
}
