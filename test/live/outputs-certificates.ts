// SPDX-License-Identifier: Apache-2.0
// Certificates of an authority of the test's own, made by openssl.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from '../helpers/run.js';

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export class Authority {
  readonly cert: string;
  readonly #folder: string;
  readonly #key: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.cert = path.join(folder, 'ca.pem');
    this.#key = path.join(folder, 'ca.key');
  }

  static async make(folder: string): Promise<Authority> {
    const made = new Authority(folder);
    const out = ['-keyout', made.#key, '-out', made.cert];
    await run('openssl', ['req', '-x509', ...EC, ...out, '-days', '2', '-subj', '/CN=authority of a test']);
    return made;
  }

  /** @param days of validity from now; -1: expired yesterday */
  async issue(name: string, alternative = 'DNS:localhost', days = 2): Promise<CertificateFiles> {
    const file = (ending: string): string => path.join(this.#folder, `${name}.${ending}`);
    await run('openssl', ['req', ...EC, '-keyout', file('key'), '-out', file('csr'), '-subj', `/CN=${name}`]);
    writeFileSync(file('ext'), `subjectAltName=${alternative}\n`);
    const by = ['-CA', this.cert, '-CAkey', this.#key, '-CAcreateserial', '-extfile', file('ext')];
    await run('openssl', ['x509', '-req', '-in', file('csr'), ...by, '-days', String(days), '-out', file('pem')]);
    return { cert: file('pem'), key: file('key') };
  }
}
