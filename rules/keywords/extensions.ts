// SPDX-License-Identifier: Apache-2.0
// Keywords of this engine that the reference does not have. Rules that use them load nowhere else.

import { Field, Tcpopt } from '../../common/abi.gen.js';
import { addConditions, failValue, type Draft } from '../draft.js';
import { didYouMean } from '../suggest.js';
import { integerKeyword } from './integer.js';
import { supported, type Keyword } from './types.js';

const optionBits: Readonly<Record<string, number>> = {
  mss: Tcpopt.MSS,
  wscale: Tcpopt.WSCALE,
  sack_permitted: Tcpopt.SACK_PERMITTED,
  sack: Tcpopt.SACK,
  timestamp: Tcpopt.TIMESTAMP,
  fastopen: Tcpopt.FASTOPEN,
  md5: Tcpopt.MD5,
  ao: Tcpopt.AO,
};

/** `tcp.opts:[!]NAME`: a TCP option is there, or is not. */
function parseOptions(draft: Draft, value: string): void {
  const negate = value.startsWith('!');
  const name = value
    .slice(negate ? 1 : 0)
    .trim()
    .toLowerCase();
  const bit = Object.hasOwn(optionBits, name) ? optionBits[name] : undefined;
  if (bit === undefined) {
    const names = Object.keys(optionBits);
    return failValue(
      draft,
      `"${value}" is not a TCP option`,
      didYouMean(name, names, `write one of ${names.join(' ')}`),
    );
  }
  addConditions(draft, [{ field: Field.TCP_OPTS, negate, mask: bit, lo: bit, hi: bit }]);
}

export const extensionKeywords: readonly Keyword[] = [
  supported(
    'tcp',
    'tcp.opts',
    `A TCP option of the packet: \`NAME\`, \`!NAME\`, one of ${Object.keys(optionBits).join(' ')} (extension)`,
    parseOptions,
  ),
  integerKeyword('tcp', 'tcp.reserved', 'Reserved bits behind the data offset, 0 to 15 (extension)', Field.TCP_RES, 15),
];
