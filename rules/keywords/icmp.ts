// SPDX-License-Identifier: Apache-2.0
// Keywords on the ICMP and ICMPv6 header.

import { Field } from '../../common/abi.gen.js';
import { exactKeyword, integerKeyword } from './integer.js';
import type { Keyword } from './types.js';

export const icmpKeywords: readonly Keyword[] = [
  integerKeyword('icmp', 'itype', 'ICMP or ICMPv6 type', Field.ICMP_TYPE, 255),
  integerKeyword('icmp', 'icode', 'ICMP or ICMPv6 code', Field.ICMP_CODE, 255),
  exactKeyword('icmp', 'icmp_id', 'Identifier of an echo or other query', Field.ICMP_ID, 0xffff),
  exactKeyword('icmp', 'icmp_seq', 'Sequence number of an echo or other query', Field.ICMP_SEQ, 0xffff),
  integerKeyword(
    'icmp',
    'icmpv6.mtu',
    'MTU that an ICMPv6 message of type 2, code 0 names',
    Field.ICMP_MTU,
    0xffff_ffff,
  ),
];
