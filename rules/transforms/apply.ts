// SPDX-License-Identifier: Apache-2.0
// Applies transforms to the bytes of a buffer. The work goes by the length of the buffer, and what comes out is at most
// one byte longer for each step.

import { createHash } from 'node:crypto';
import { captured } from '../pcre/capture.js';
import { decodeBase64 } from './base64.js';
import { domainPart } from './domain.js';
import { keepsBeginning, type Transform, type Transforms } from './transform.js';

const LF = 0x0a;
const SPACE = 0x20;
const PERCENT = 0x25;
const PLUS = 0x2b;
const DOT = 0x2e;
const COLON = 0x3a;

/** As isspace() has it. */
const isSpace = (byte: number): boolean => byte === SPACE || (byte >= 0x09 && byte <= 0x0d);
const toLower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);
const toUpper = (byte: number): number => (byte >= 0x61 && byte <= 0x7a ? byte & 0xdf : byte);

/** Bytes for which `keep` holds, in their order. */
function kept(bytes: Uint8Array, keep: (byte: number, at: number) => boolean): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (keep(byte, at)) out[length++] = byte;
  }
  return out.subarray(0, length);
}

function hex(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** @param open what is there goes on: a sign that is cut off is not shown yet */
function urlDecode(bytes: Uint8Array, open: boolean): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === PERCENT) {
      if (open && at + 2 >= bytes.length) break;
      const [high, low] = [hex(bytes[at + 1]), hex(bytes[at + 2])];
      if (high >= 0 && low >= 0) {
        out[length++] = high * 16 + low;
        at += 2;
        continue;
      }
    }
    out[length++] = byte === PLUS ? SPACE : byte;
  }
  return out.subarray(0, length);
}

/** Names in lower case: what stands before the colon of each line. */
function headerLowercase(bytes: Uint8Array): Uint8Array {
  let value = false;
  return bytes.map((byte) => {
    if (value) {
      value = byte !== LF;
      return byte;
    }
    value = byte === COLON;
    return toLower(byte);
  });
}

/** Without the lines that begin with a colon. */
function stripPseudoHeaders(bytes: Uint8Array): Uint8Array {
  let [begins, pseudo] = [true, false];
  return kept(bytes, (byte) => {
    if (begins) pseudo = byte === COLON;
    begins = byte === LF;
    return !pseudo;
  });
}

function dotted(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + 1);
  out[0] = DOT;
  out.set(bytes, 1);
  return out;
}

/** What cannot be decoded stays as it is, as in Suricata. */
function fromBase64(bytes: Uint8Array, step: Extract<Transform, { name: 'from_base64' }>): Uint8Array {
  if (step.offset > bytes.length || step.bytes > bytes.length - step.offset) return bytes;
  const end = step.bytes === 0 ? bytes.length : step.offset + step.bytes;
  return decodeBase64(bytes.subarray(step.offset, end), step.mode) ?? bytes;
}

function applyOne(step: Transform, bytes: Uint8Array, open: boolean): Uint8Array {
  switch (step.name) {
    case 'dotprefix':
      return dotted(bytes);
    case 'to_lowercase':
      return bytes.map(toLower);
    case 'to_uppercase':
      return bytes.map(toUpper);
    case 'strip_whitespace':
      return kept(bytes, (byte) => !isSpace(byte));
    case 'compress_whitespace':
      return kept(bytes, (byte, at) => at === 0 || !isSpace(byte) || !isSpace(bytes[at - 1] as number));
    case 'url_decode':
      return urlDecode(bytes, open);
    case 'header_lowercase':
      return headerLowercase(bytes);
    case 'strip_pseudo_headers':
      return stripPseudoHeaders(bytes);
    case 'to_md5':
    case 'to_sha1':
    case 'to_sha256':
      return createHash(step.name.slice('to_'.length)).update(bytes).digest();
    case 'domain':
    case 'tld':
      return domainPart(bytes, step.name);
    case 'xor': {
      const { key } = step;
      return bytes.map((byte, at) => byte ^ (key[at % key.length] as number));
    }
    case 'pcrexform':
      return captured(step.expression, bytes) ?? bytes;
    case 'from_base64':
      return fromBase64(bytes, step);
  }
}

/** The transformed buffer; undefined if it depends on what follows behind an open one. Never changes `bytes`. */
export function applyTransforms(transforms: Transforms, bytes: Uint8Array, open: boolean): Uint8Array | undefined {
  if (open && !keepsBeginning(transforms)) return undefined;
  let out = bytes;
  // As in Suricata, nothing becomes of nothing: an empty buffer has no hash.
  for (const step of transforms.steps) if (out.length > 0 || step.name === 'dotprefix') out = applyOne(step, out, open);
  return out;
}
