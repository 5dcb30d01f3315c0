// SPDX-License-Identifier: Apache-2.0
// Keywords on the packet as a whole: payload size, VLAN tags, decode events.

import { Field } from '../../common/abi.gen.js';
import type { Condition } from '../ast.js';
import { addConditions, failValue, unsupported, type Draft } from '../draft.js';
import { didYouMean } from '../suggest.js';
import { eventConditions, eventNames, streamConditions, streamEventNames, streamFlags } from './events.js';
import { integerCondition, integerKeyword, parseInteger, takeInteger, type IntegerTest } from './integer.js';
import { pushNumber } from './numbers.js';
import { supported, type Keyword } from './types.js';

const MAX_VLAN = 0xfff;
const MAX_LAYERS = 3;

/** The conditions for `vlan.id` on the tag that `layer` names; undefined if it is a third one. */
function vlanConditions(test: IntegerTest, layer: string): readonly Condition[] | undefined {
  const outer = integerCondition(Field.VLAN_ID0, test);
  const inner = integerCondition(Field.VLAN_ID1, test);
  const layers = (lo: number, hi: number): Condition => integerCondition(Field.VLAN_LAYERS, { lo, hi, negate: false });
  switch (layer) {
    case 'any':
      return [{ ...inner, or: outer }];
    case 'all':
      return [outer, { ...inner, or: layers(1, 1) }];
    case '0':
      return [outer];
    case '1':
      return [inner];
    case '-1':
      // The innermost: the only one, or the second.
      return [layers(1, 2), { ...inner, or: layers(1, 1) }, { ...outer, or: layers(2, 2) }];
    case '-2':
      // The tag before the last: with two tags it is the outer one.
      return [outer, layers(2, 2)];
    default:
      return undefined;
  }
}

/** `vlan.id:NUMBER[,LAYER]`, the layer counted from the outside, or from the inside if negative. */
function parseVlanId(draft: Draft, value: string): void {
  const [text = '', layer = 'any', ...rest] = value.split(',').map((part) => part.trim());
  const test = parseInteger(text, MAX_VLAN);
  if ('cause' in test) return failValue(draft, test.cause, test.remedy);
  if (rest.length > 0 || !/^(?:any|all|-?[0-3])$/.test(layer) || layer === '3' || layer === '-0') {
    return failValue(
      draft,
      `"${value}" does not name a VLAN layer`,
      `write any, all or -${MAX_LAYERS} to ${MAX_LAYERS - 1}`,
    );
  }
  const conditions = vlanConditions(test, layer);
  if (!conditions) return unsupported(draft, 'more than two VLAN tags are not read');
  addConditions(draft, conditions);
}

function parseVlanLayers(draft: Draft, value: string): void {
  const test = takeInteger(draft, value, MAX_LAYERS);
  if (!test) return;
  if (test.hi > 2 && test.lo === 3) return unsupported(draft, 'more than two VLAN tags are not read');
  addConditions(draft, [integerCondition(Field.VLAN_LAYERS, test)]);
}

function takeEvent(draft: Draft, name: string, written: string): void {
  const conditions = eventConditions.get(name);
  if (conditions) return addConditions(draft, conditions);
  if (eventNames.has(name)) return unsupported(draft, `the event ${written} is not raised`);
  failValue(
    draft,
    `"${written}" is not a decode event`,
    didYouMean(name, eventNames, 'see docs/rules.md for the names'),
  );
}

function parseEngineEvent(draft: Draft, value: string): void {
  const name = value.toLowerCase();
  if (name.startsWith('decoder.')) return takeEvent(draft, name.slice('decoder.'.length), value);
  parseStreamEvent(draft, value);
}

function parseStreamEvent(draft: Draft, value: string): void {
  // Suricata's own rules have some names in full.
  const name = value
    .toLowerCase()
    .replace(/^stream\./, '')
    .replace('_different_ack', '_diff_ack');
  const conditions = streamConditions.get(name);
  if (conditions) return addConditions(draft, conditions);
  const bit = streamFlags.get(name);
  if (bit !== undefined) return pushNumber(draft, 'stream.event', [{ mask: bit, lo: bit, hi: bit, negate: false }]);
  if (streamEventNames.has(name)) return unsupported(draft, `the event ${value} is not raised`);
  failValue(draft, `"${value}" is not a stream event`, didYouMean(name, streamEventNames, 'see docs/rules.md'));
}

/** As in the reference, `!N` and `>=0` ask for a payload as well. */
function parseDsize(draft: Draft, value: string): void {
  const test = takeInteger(draft, value, 0xffff);
  if (!test) return;
  const payload = test.negate || value.startsWith('>');
  const conditions = [integerCondition(Field.DSIZE, test)];
  if (payload) conditions.push(integerCondition(Field.DSIZE, { lo: 1, hi: 0xffff, negate: false }));
  addConditions(draft, conditions);
}

export const packetKeywords: readonly Keyword[] = [
  {
    ...integerKeyword('packet', 'dsize', 'Payload bytes behind the transport header', Field.DSIZE, 0xffff),
    parse: parseDsize,
    once: true,
  },
  supported(
    'packet',
    'vlan.id',
    'VLAN id of any tag: `N`, comparisons as in `ttl`; `,all` of all, `,0` of the outer one, `,1` of the inner one, `,-1` of the last, `,-2` of that before it',
    parseVlanId,
  ),
  supported('packet', 'vlan.layers', 'Number of VLAN tags: `N`, comparisons as in `ttl`', parseVlanLayers),
  supported('packet', 'decode-event', 'What is wrong with the headers; names below', (draft, value) =>
    takeEvent(draft, value.toLowerCase(), value),
  ),
  supported(
    'packet',
    'engine-event',
    '`decoder.NAME` as `decode-event`, `stream.NAME` as `stream-event`',
    parseEngineEvent,
  ),
  supported('packet', 'stream-event', 'What a TCP packet is to its connection; names below', parseStreamEvent),
  supported('packet', 'prefilter', 'No effect: it only tells Suricata where to begin', () => undefined, {
    value: 'none',
  }),
  supported('packet', 'rawbytes', 'No effect, as in Suricata', () => undefined, { value: 'none' }),
];
