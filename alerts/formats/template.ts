// SPDX-License-Identifier: Apache-2.0
// Bodies that an operator writes: Liquid templates (https://shopify.github.io/liquid), without access to files.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Liquidjs from 'liquidjs';
import { IdsError, messageOf } from '../../common/errors.js';
import { escapeLine } from '../text.js';

export type TemplateSource = string | { readonly file: string };

/** What a template is rendered with. `record` is the first of `records`: objects, or lines of text where they are no JSON. */
export interface TemplateFacts {
  readonly id: string;
  readonly records: readonly unknown[];
}

/** Bounds of one rendering: bytes of the template, milliseconds, and units of liquidjs's own count of memory. */
const LIMITS = { parseLimit: 262_144, renderLimit: 1000, memoryLimit: 50_000_000 };

const asJson = (value: unknown): string => escapeLine(JSON.stringify(value ?? null));
/** Inside the quotes of a JSON text. */
const insideJson = (value: unknown): string =>
  value === undefined || value === null
    ? ''
    : typeof value === 'object'
      ? asJson(value)
      : typeof value === 'string'
        ? asJson(value).slice(1, -1)
        : asJson(value);

export function isJsonType(contentType: string): boolean {
  return /^[^;]*[/+]json\s*(;|$)/i.test(contentType);
}

function engineFor(json: boolean): Liquidjs.Liquid {
  // Who has no template starts without the library.
  const { Liquid: Engine } = createRequire(import.meta.url)('liquidjs') as typeof Liquidjs;
  const engine = new Engine({
    ...LIMITS,
    strictFilters: true,
    ownPropertyOnly: true,
    cache: false,
    // No partials: nothing of the file system is in reach.
    templates: {},
    // What comes from the network must not be able to end a text.
    ...(json ? { outputEscape: insideJson } : {}),
  });
  engine.registerFilter('json', { raw: true, handler: asJson });
  return engine;
}

/** liquidjs ends its messages with the place. */
function placed(error: unknown): string {
  const [line, column] = (error as Partial<Liquidjs.LiquidError>).token?.getPosition() ?? [];
  const cause = messageOf(error).replace(/(, file:.*)?, line:\d+, col:\d+$/, '');
  return line === undefined || column === undefined ? cause : `${line}:${column}: ${cause}`;
}

export class Template {
  readonly #json: boolean;
  readonly #place: string;
  readonly #render: (facts: object) => string;

  /** @throws IdsError OUTPUT_FAILED with line and column of the template, or if its file cannot be read */
  constructor(source: TemplateSource, contentType: string) {
    this.#json = isJsonType(contentType);
    this.#place = typeof source === 'string' ? 'template ' : `${source.file}:`;
    const engine = engineFor(this.#json);
    try {
      const parsed = engine.parse(typeof source === 'string' ? source : readFileSync(source.file, 'utf8'));
      this.#render = (facts) => String(engine.renderSync(parsed, facts));
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** @throws IdsError OUTPUT_FAILED if it cannot be rendered, or has to be JSON and is not */
  render({ id, records }: TemplateFacts): string {
    let text: string;
    try {
      text = this.#render({ id, records, record: records[0], count: records.length });
    } catch (error) {
      throw this.#failure(error);
    }
    if (!this.#json) return text;
    try {
      JSON.parse(text);
    } catch (error) {
      const remedy = 'write values as {{ value | json }}';
      throw new IdsError('OUTPUT_FAILED', `${this.#place}1:1: renders no JSON: ${messageOf(error)}; ${remedy}`);
    }
    return text;
  }

  #failure(error: unknown): IdsError {
    return new IdsError('OUTPUT_FAILED', `${this.#place}${placed(error)}`, { cause: error });
  }
}
