// SPDX-License-Identifier: Apache-2.0
import { IdsError } from '../../common/errors.js';

/** Signature ids are 32 bits wide. */
const MAX_SID = 0xffffffff;

const isNumber = (text: string): boolean => /^\d{1,10}$/.test(text) && Number(text) <= MAX_SID;

/** @throws IdsError USAGE */
export function parseSid(text: string): number {
  if (isNumber(text)) return Number(text);
  throw new IdsError('USAGE', `"${text}" is not a signature id: write a number up to ${MAX_SID}`);
}

/** A rule as `SID` or `GID:SID`, without leading zeros. @throws IdsError USAGE */
export function parseRuleName(text: string): string {
  const parts = text.split(':');
  if (parts.length <= 2 && parts.every(isNumber)) return parts.map(Number).join(':');
  throw new IdsError('USAGE', `"${text}" names no rule: write a signature id, or GID:SID`);
}
