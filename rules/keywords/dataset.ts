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
const KEYS = [
  ...['type', 'load', 'state', 'save', 'memcap', 'hashsize', 'format'],
  ...['context_key', 'value_key', 'array_key', 'remove_key'],
];
const formats: Readonly<Record<string, 'csv' | 'json' | 'ndjson'>> = {
  csv: 'csv',
  json: 'json',
  ndjson: 'ndjson',
  jsonline: 'ndjson',
};

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

/** What a rule says of a file of JSON. */
interface JsonParts {
  format?: 'csv' | 'json' | 'ndjson';
  context?: string;
  value?: string;
  array?: string;
  remove?: true;
}

function takeOption(draft: Draft, part: string, options: Options, json: JsonParts): true | undefined {
  const [, key = '', text = ''] = /^(\w+)\s*(.*)$/.exec(part) ?? [];
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
      if (Object.hasOwn(formats, text) && formats[text] !== undefined) json.format = formats[text];
      else return failValue(draft, `"${text}" is not a format of sets`, 'write csv, json or ndjson');
      return true;
    case 'remove_key':
      json.remove = true;
      return true;
    case 'context_key':
    case 'enrichment_key':
    case 'value_key':
    case 'array_key': {
      if (!/^[\w-]+(?:\.[\w-]+)*$/.test(text)) return failValue(draft, `"${text}" is not a key`, 'write name or a.b');
      json[key === 'value_key' ? 'value' : key === 'array_key' ? 'array' : 'context'] = text;
      return true;
    }
    default:
      return failValue(
        draft,
        `"${part}" is not an option of sets`,
        didYouMean(key, KEYS, `write one of ${KEYS.join(', ')}`),
      );
  }
}

interface Taken {
  readonly options: DatasetOptions;
  /** Name under which alerts show what the file has of a value. */
  readonly context: string | undefined;
}

/** Puts in what is said of a file of JSON. */
function takeJson(
  draft: Draft,
  options: Options,
  { format = 'csv', value, array, remove }: JsonParts,
): true | undefined {
  if (format === 'csv') {
    if ((value ?? array ?? remove) === undefined) return true;
    return failValue(draft, 'value_key and its like are about files of JSON', 'write format json, or remove them');
  }
  if (options.scored || options.load === undefined) {
    return failValue(draft, 'only sets of dataset that load a file have one of JSON', 'write format csv');
  }
  if (value === undefined) return failValue(draft, 'a file of JSON needs value_key', 'say which key has the value');
  options.json = { format, value, remove: remove === true, ...(array === undefined ? {} : { array }) };
  return true;
}

function takeOptions(draft: Draft, keyword: Name, parts: readonly string[]): Taken | undefined {
  const options: Options = { scored: keyword === 'datarep' };
  const json: JsonParts = {};
  for (const part of parts) if (takeOption(draft, part, options, json) === undefined) return undefined;
  if (takeJson(draft, options, json) === undefined) return undefined;
  if (options.state !== undefined && (options.load !== undefined || options.save !== undefined)) {
    return failValue(draft, 'state goes neither with load nor with save', 'write state alone');
  }
  return { options, context: json.context };
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
    const taken = takeOptions(draft, keyword, parts.slice(keyword === 'dataset' ? 2 : 3));
    if (!taken) return;
    const { options } = taken;
    const context = taken.context === undefined ? {} : { context: taken.context };
    const { buffer, address, group, dotprefix, transforms, keywordAt } = draft;
    if (buffer === 'payload') {
      return failValue(draft, `${keyword} needs a buffer`, 'write a sticky buffer such as dns.query; before it');
    }
    const { file } = draft.line;
    const found = draft.options.datasets.declare(name, options, (one) => draft.options.dataFile(file, one));
    if ('cause' in found) return failValue(draft, found.cause, found.remedy);
    if (found.json && (use === 'set' || use === 'unset')) {
      return failValue(draft, `the set "${name}" is read from JSON and does not change`, 'write isset or isnotset');
    }
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
        ...context,
      });
    } else if (address === undefined) unsupported(draft, 'this buffer is not matched');
    else if (found.type !== 'ip' && found.type !== 'ipv4') {
      failValue(draft, `the set "${name}" holds no addresses`, 'write type ip');
    } else if (isStatic(found) && !draft.options.changedSets.has(name) && taken.context === undefined) {
      draft.parts.push({ kind: 'address', keyword, position, side: address, set: addressesOf(found, use) });
    } else draft.parts.push({ kind: 'addressdata', keyword, position, side: address, name, use, ...context });
  };
}

const MORE =
  'behind a sticky buffer: type string (Base64 in files), md5, sha256, ip, ipv4; load FILE beside the rules; ' +
  'state FILE of the daemon, or save FILE; memcap SIZE; of JSON format json (ndjson), value_key KEY, array_key KEY, ' +
  'context_key NAME (in alert.context), remove_key';

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
