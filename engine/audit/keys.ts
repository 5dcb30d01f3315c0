// SPDX-License-Identifier: Apache-2.0
// The key that signs checkpoints: made at the first start, for the daemon's eyes alone; the public one beside it.

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IdsError, messageOf } from '../../common/errors.js';
import { writeWhole } from './durable.js';

export const KEY_FILE = 'audit.key';
export const PUBLIC_FILE = 'audit.pub';

export interface AuditKeys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly id: string;
  /** The key before this one, which is lost: its checkpoints are still to be found in the log. */
  readonly replaced?: string;
}

/** First 16 hex digits of the SHA-256 over the public key (SPKI, DER). */
export function keyId(publicKey: KeyObject): string {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex').slice(0, 16);
}

/** @throws IdsError FILE_UNREADABLE, AUDIT_FAILED */
export function readPublicKey(file: string): KeyObject {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const hint = 'name the public key of the log with --key';
    throw new IdsError('FILE_UNREADABLE', `cannot read ${file}: ${messageOf(error)}: ${hint}`, { cause: error });
  }
  try {
    const key = createPublicKey(text);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Said below.
  }
  throw new IdsError('AUDIT_FAILED', `${file} is no Ed25519 public key in PEM: name the ${PUBLIC_FILE} of the log`);
}

function readPrivateKey(file: string): KeyObject {
  try {
    const key = createPrivateKey(readFileSync(file, 'utf8'));
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // What the parser says may hold parts of the key.
  }
  const remedy = 'restore it, or move it away and a new one is made';
  throw new IdsError('AUDIT_FAILED', `${file} is no Ed25519 private key, or cannot be read: ${remedy}`);
}

/** Reads the key of a state directory, or makes it. @throws IdsError AUDIT_FAILED */
export function openKeys(folder: string): AuditKeys {
  const [file, publicFile] = [join(folder, KEY_FILE), join(folder, PUBLIC_FILE)];
  try {
    const before = existsSync(publicFile) ? readPublicKey(publicFile) : undefined;
    const fresh = !existsSync(file);
    const privateKey = fresh ? generateKeyPairSync('ed25519').privateKey : readPrivateKey(file);
    const publicKey = createPublicKey(privateKey);
    if (fresh) writeWhole(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
    else chmodSync(file, 0o600);
    const id = keyId(publicKey);
    const other = before && keyId(before) !== id ? keyId(before) : undefined;
    const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' });
    if (before && other !== undefined) writeWhole(`${publicFile}.${other}`, pem(before), 0o644);
    if (!before || other !== undefined) writeWhole(publicFile, pem(publicKey), 0o644);
    return { privateKey, publicKey, id, ...(other === undefined ? {} : { replaced: other }) };
  } catch (error) {
    if (error instanceof IdsError && error.code === 'AUDIT_FAILED') throw error;
    const text = `the key of the audit log in ${folder} cannot be read or made: ${messageOf(error)}`;
    throw new IdsError('AUDIT_FAILED', `${text}: see that the folder is writable and has room`, { cause: error });
  }
}
