// SPDX-License-Identifier: Apache-2.0
// The configuration as it is in force, for people: defaults filled in, durations as they are written, no secrets.

import { formatDuration } from '../../common/duration.js';
import { branches, isOfType, root, type Json } from './keys.js';
import type { ListenAddress } from './metrics-schema.js';
import type { Config } from './schema.js';

/** What stands where something is not shown. */
const HIDDEN = '***';

/** Where it goes: a query may hold a token, and with many services the path is one. */
function hiddenUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || url.host === '') return HIDDEN;
  return url.pathname === '/' && url.search === '' ? text : `${url.protocol}//${url.host}/${HIDDEN}`;
}

/** Values in the words of the file, by the unit that their schema tells. */
const inWords: Readonly<Record<string, (value: unknown) => unknown>> = {
  ms: (value) => formatDuration(Number(value) / 1000),
  s: (value) => formatDuration(Number(value)),
  mode: (value) => Number(value).toString(8).padStart(4, '0'),
  listen: (value) => {
    if (value === 'off') return value;
    const { host, port } = value as ListenAddress;
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  },
  sids: (value) => {
    const [from, to] = value as readonly [number, number];
    return from === to ? from : `${from}-${to}`;
  },
};

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null;

function shown(value: unknown, schemas: readonly Json[], key: string): unknown {
  const unit = schemas.map(({ unit: name }) => name).find((name): name is string => typeof name === 'string');
  if (unit !== undefined) return inWords[unit]?.(value);
  const open = schemas.flatMap(branches);
  if (Array.isArray(value)) {
    const items = open.map(({ items: item }) => item).filter(isJson);
    return value.map((item) => shown(item, items, key));
  }
  if (typeof value === 'string') return key === 'url' ? hiddenUrl(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  const { type } = value as { readonly type?: unknown };
  const own = open.filter((schema) => isOfType(schema, type));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== undefined)
      .map(([name, child]) => {
        // Names and values that somebody chose: those of headers are often secrets.
        if (key === 'headers' && typeof child === 'string') return [name, HIDDEN];
        const nested = own.map(({ properties: known, additionalProperties: others }) =>
          isJson(known) ? (known[name] ?? others) : others,
        );
        return [name, shown(child, nested.filter(isJson), name)];
      }),
  );
}

/**
 * The configuration with every default, as plain values that stand in a file as they are. Of URLs the host alone is
 * shown, values of headers are not; secrets are kept elsewhere anyway, and only the place is named.
 */
export function shownConfig(config: Config): Readonly<Record<string, unknown>> {
  return shown(config, [root()], '') as Readonly<Record<string, unknown>>;
}
