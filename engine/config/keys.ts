// SPDX-License-Identifier: Apache-2.0
// Questions about the schema itself: which keys it has where, and which values they take.

import * as z from 'zod';
import { configSchema } from './schema.js';

export type Json = { readonly [key: string]: unknown };

let cached: Json | undefined;

/** The schema of the file. */
export function root(): Json {
  cached ??= z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Json;
  return cached;
}

/** The schemas that one stands for: itself, or those that it is a choice of. */
export function branches(schema: Json): Json[] {
  const nested = [schema['anyOf'], schema['oneOf'], schema['allOf']].filter(Array.isArray).flat() as Json[];
  return nested.length === 0 ? [schema] : nested.flatMap(branches);
}

/** Whether an item that says of itself that it is of this type may be one of these. */
export function isOfType(schema: Json, type: unknown): boolean {
  const { const: own } = ((schema['properties'] as Json | undefined)?.['type'] as Json | undefined) ?? {};
  return own === undefined || type === undefined || own === type;
}

/** The schemas that a path may lead to, if the items on it are of this `type`. */
function at(path: readonly PropertyKey[], type?: unknown): Json[] {
  let here = branches(root());
  for (const step of path) {
    here = here.flatMap((schema) => {
      const next =
        typeof step === 'number' ? schema['items'] : (schema['properties'] as Json | undefined)?.[String(step)];
      const found = next ?? (typeof step === 'string' ? schema['additionalProperties'] : undefined);
      return typeof found === 'object' && found !== null ? branches(found as Json) : [];
    });
    if (typeof step === 'number') here = here.filter((schema) => isOfType(schema, type));
  }
  return here;
}

/** The keys that a mapping at this path may have; those of one type of list items, if it is told. */
export function keysAt(path: readonly PropertyKey[], type?: unknown): string[] {
  return [
    ...new Set(at(path, type).flatMap((schema) => Object.keys((schema['properties'] as Json | undefined) ?? {}))),
  ];
}

/** The words that a value at this path may be, if it is one of a few. */
export function choicesAt(path: readonly PropertyKey[]): string[] {
  return [
    ...new Set(at(path).flatMap((s) => [...((s['enum'] as unknown[]) ?? []), ...('const' in s ? [s['const']] : [])])),
  ].map(String);
}

/** Every key of the schema in dotted form; members of lists are behind `[]`. */
export function allKeys(): string[] {
  const found = new Set<string>();
  const walk = (schema: Json, prefix: string): void => {
    for (const branch of branches(schema)) {
      for (const [name, child] of Object.entries((branch['properties'] as Json | undefined) ?? {})) {
        const key = prefix === '' ? name : `${prefix}.${name}`;
        found.add(key);
        walk(child as Json, key);
      }
      if (typeof branch['items'] === 'object' && branch['items'] !== null) walk(branch['items'] as Json, `${prefix}[]`);
    }
  };
  walk(root(), '');
  return [...found];
}
