// SPDX-License-Identifier: Apache-2.0
// Signed checkpoints of the audit log: how many lines there were, and the hash of the last one. A checkpoint is one word
// without spaces, so that it survives every format on its way to a receiver and back.

import { sign, verify, type KeyObject } from 'node:crypto';
import type { Head } from './chain.js';
import { keyId, type AuditKeys } from './keys.js';

export interface Checkpoint extends Head {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Which key has signed. */
  readonly key: string;
  /** Ed25519, base64url. */
  readonly signature: string;
}

const words = /ids-audit-1:(\d{1,15}):(\d{1,15}):([0-9a-f]{64}):([0-9a-f]{16}):([A-Za-z0-9_-]{86})/g;

const statement = ({ seq, hash, time, key }: Omit<Checkpoint, 'signature'>): string =>
  `ids-audit-1:${seq}:${time}:${hash}:${key}`;

export function signCheckpoint({ seq, hash }: Head, time: number, keys: AuditKeys): Checkpoint {
  const unsigned = { seq, hash, time, key: keys.id };
  const signature = sign(null, Buffer.from(statement(unsigned)), keys.privateKey).toString('base64url');
  return { ...unsigned, signature };
}

export function checkpointWord(checkpoint: Checkpoint): string {
  return `${statement(checkpoint)}:${checkpoint.signature}`;
}

/** Every checkpoint in a text, whatever stands around them. */
export function checkpointsIn(text: string): Checkpoint[] {
  return [...text.matchAll(words)].map(([, seq, time, hash = '', key = '', signature = '']) => {
    return { seq: Number(seq), time: Number(time), hash, key, signature };
  });
}

/** Why a checkpoint proves nothing; undefined if one of the keys has signed it. */
export function doubtful(checkpoint: Checkpoint, keys: readonly KeyObject[]): string | undefined {
  const key = keys.find((one) => keyId(one) === checkpoint.key);
  if (!key) return `it is signed with another key (${checkpoint.key})`;
  const signature = Buffer.from(checkpoint.signature, 'base64url');
  // The last of 86 letters carries two bits that mean nothing: one signature has one spelling.
  if (signature.toString('base64url') !== checkpoint.signature) return 'its signature is malformed';
  return verify(null, Buffer.from(statement(checkpoint)), key, signature) ? undefined : 'its signature is wrong';
}
