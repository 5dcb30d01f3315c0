// SPDX-License-Identifier: Apache-2.0
// dataset and datarep: whether a buffer, or an address, is in a set of values, or which score it has there.

import type { AddressSet, DatasetUse } from '../ast.js';
import { addressOf, datasetTypes, MAX_REPUTATION } from '../datasets/values.js';
import { isStatic, type DatasetOptions, type DatasetSpec } from '../datasets/declarations.js';
import { compares } from '../datasets/tests.js';
import { allAddresses } from '../addresses.js';
import { failValue, unsupported, type Draft } from '../draft.js';
import { positionOf } from '../lines.js';
import { subtract, union } from '../sets.js';
import { didYouMean } from '../suggest.js';
import { takeNumber } from './integer.js';
import { supported, type Keyword } from './types.js';

type Name = 'dataset' | 'datarep';

const commands = ['set', 'unset', 'isset', 'isnotset'] as const;
const operators: Readonly<Record<string, '<' | '>' | '='>> = { '<': '<', '>': '>', '=': '=', '==': '=' };
const units: Readonly<Record<string, number>> = { '': 1, kb: 1 << 10, mb: 1 << 20, gb: 2 ** 30 };
/** What a set may be told to do that says how it is read. */
const JSON_ONLY = ['enrichment_key', 'value_key', 'array_key', 'remove_key'];
const KEYS = ['type', 'load', 'state', 'save', 'memcap', 'hashsize', 'format'];

/** Files lie in one directory: no way leads out of it. */
function takeFile(draft: Draft, text: string): string | undefined {
  if (/^[\w.@+-]+(?:\/[\w.@+-]+)*$/.test(text) && !text.split('/').includes('..')) return text;
  return failValue(
    draft,
    `"${text}" is not a file beside the rules`,
    'write a name without a leading / and without ..',
  );
}

function takeSize(draft: Draft, text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,12})\s*([kmg]b)?$/i.exec(text) ?? [];
  const size = Number(digits) * (units[unit.toLowerCase()] ?? 1);
  if (digits !== '' && size > 0) return size;
  return failValue(draft, `"${text}" is not a size`, 'write for example 100mb');
}

type Options = { -readonly [K in keyof DatasetOptions]: DatasetOptions[K] };

function takeOption(draft: Draft, part: string, options: Options): true | undefined {
  const [, key = '', text = ''] = /^(\w+)\s*(.*)$/.exec(part) ?? [];
  if (JSON_ONLY.includes(key) || (key === 'format' && text !== 'csv')) {
    unsupported(draft, 'files of JSON are not read');
    return undefined;
  }
  switch (key) {
    case 'type': {
      const type = datasetTypes.find((one) => one === text);
      if (!type) return failValue(draft, `"${text}" is not a type of sets`, `write one of ${datasetTypes.join(', ')}`);
      options.type = type;
      return true;
    }
    case 'load':
    case 'state':
    case 'save':
      options[key] = takeFile(draft, text);
      return options[key] === undefined ? undefined : true;
    case 'memcap':
      options.memcap = takeSize(draft, text);
      return options.memcap === undefined ? undefined : true;
    case 'hashsize':
      // Tables grow by themselves here.
      return takeSize(draft, text) === undefined ? undefined : true;
    case 'format':
      return true;
    default:
      return failValue(
        draft,
        `"${part}" is not an option of sets`,
        didYouMean(key, KEYS, `write one of ${KEYS.join(', ')}`),
      );
  }
}

function takeOptions(draft: Draft, keyword: Name, parts: readonly string[]): DatasetOptions | undefined {
  const options: Options = { scored: keyword === 'datarep' };
  for (const part of parts) if (takeOption(draft, part, options) === undefined) return undefined;
  if (options.state !== undefined && (options.load !== undefined || options.save !== undefined)) {
    return failValue(draft, 'state goes neither with load nor with save', 'write state alone');
  }
  return options;
}

/** What is asked, and where the options begin. */
function takeUse(draft: Draft, keyword: Name, parts: readonly string[]): DatasetUse | undefined {
  if (keyword === 'dataset') {
    const command = commands.find((one) => one === parts[0]);
    if (command) return command;
    const remedy = didYouMean(parts[0] ?? '', commands, `write one of ${commands.join(', ')}`);
    return failValue(draft, `"${parts[0] ?? ''}" is not a command of dataset`, remedy);
  }
  const operator = Object.hasOwn(operators, parts[1] ?? '') ? operators[parts[1] ?? ''] : undefined;
  if (!operator) return failValue(draft, `"${parts[1] ?? ''}" is not an operator`, 'write <, > or ==');
  const value = takeNumber(draft, parts[2] ?? '', 0, MAX_REPUTATION);
  return value === undefined ? undefined : { operator, value };
}

/** The addresses of a set that meet the test. */
function addressesOf(spec: DatasetSpec, use: DatasetUse): AddressSet {
  const listed = [...spec.values].filter(([, score]) => typeof use !== 'object' || compares(score, use));
  const set = union(
    listed.map(([key]) => {
      const address = addressOf(key);
      return { from: address, to: address };
    }),
  );
  return use === 'isnotset' ? subtract(allAddresses, set) : set;
}

function parser(keyword: Name): NonNullable<Keyword['parse']> {
  return (draft, value) => {
    const parts = value.split(',').map((part) => part.trim());
    const use = takeUse(draft, keyword, parts);
    if (use === undefined) return;
    const name = parts[keyword === 'dataset' ? 1 : 0] ?? '';
    if (!/^\S{1,63}$/.test(name)) {
      return failValue(draft, `"${name}" is not the name of a set`, 'write up to 63 characters, none of them a blank');
    }
    const options = takeOptions(draft, keyword, parts.slice(keyword === 'dataset' ? 2 : 3));
    if (!options) return;
    const { buffer, address, group, dotprefix, transforms, keywordAt } = draft;
    if (buffer === 'payload') {
      return failValue(draft, `${keyword} needs a buffer`, 'write a sticky buffer such as dns.query; before it');
    }
    const { file } = draft.line;
    const found = draft.options.datasets.declare(name, options, (one) => draft.options.dataFile(file, one));
    if ('cause' in found) return failValue(draft, found.cause, found.remedy);
    const position = positionOf(draft.line, keywordAt);
    if (buffer !== 'other') {
      draft.parts.push({
        kind: 'dataset',
        keyword,
        position,
        buffer,
        group,
        dotprefix,
        transforms,
        keywordAt,
        name,
        use,
      });
    } else if (address === undefined) unsupported(draft, 'this buffer is not matched');
    else if (found.type !== 'ip' && found.type !== 'ipv4') {
      failValue(draft, `the set "${name}" holds no addresses`, 'write type ip');
    } else if (isStatic(found) && !draft.options.changedSets.has(name)) {
      draft.parts.push({ kind: 'address', keyword, position, side: address, set: addressesOf(found, use) });
    } else draft.parts.push({ kind: 'addressdata', keyword, position, side: address, name, use });
  };
}

const MORE =
  'behind a sticky buffer: type string (Base64 in files), md5, sha256, ip, ipv4; load FILE beside the rules; ' +
  'state FILE of the daemon, or save FILE; memcap SIZE';

export const datasetKeywords: readonly Keyword[] = [
  supported(
    'content',
    'dataset',
    `The buffer is in a set: \`isset,NAME\`, \`isnotset,NAME\`, \`set,NAME\` (new, and added), \`unset,NAME\`, then options ${MORE}`,
    parser('dataset'),
  ),
  supported(
    'content',
    'datarep',
    `Score of the buffer in a set: \`NAME,>,VALUE\`, \`<\`, \`==\`, then options as of \`dataset\`; files have \`value,score\``,
    parser('datarep'),
  ),
];

/** Names of the sets that rules change, as far as the text tells. */
export function changedSets(texts: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const text of texts) {
    for (const [, name = ''] of text.matchAll(/\bdataset\s*:\s*(?:un)?set\s*,\s*([^,;\s]+)/g)) found.add(name);
  }
  return found;
}
