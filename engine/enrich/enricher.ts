// SPDX-License-Identifier: Apache-2.0
// What alerts say beyond the packet, as far as the configuration wants it. Nothing here waits or throws.

import type { Detection, DetectionEnd, DetectionEnrichment } from '../../alerts/index.js';
import type { Places } from './places.js';
import type { Processes } from './processes.js';
import type { ReverseNames } from './reverse-names.js';

export interface EnricherOptions {
  readonly places?: Pick<Places, 'at' | 'reload' | 'counts'>;
  readonly names?: Pick<ReverseNames, 'nameOf' | 'close' | 'counts'>;
  readonly processes?: Pick<Processes, 'of' | 'counts'>;
  /** More to count, and to close. */
  readonly counted?: readonly Readonly<Record<string, number>>[];
  readonly close?: () => void;
}

/** Addresses that nobody answers for by name: this host, the link, groups. */
const nameless = /^(?:0\.|127\.|169\.254\.|22[4-9]\.|23\d\.|2[45]\d\.|::1?$|fe[89ab][0-9a-f]:|ff[0-9a-f]{2}:)/;

const isEmpty = (object: object): boolean => {
  for (const _ in object) return false;
  return true;
};

export class Enricher {
  readonly #options: EnricherOptions;
  #failures = 0;

  constructor(options: EnricherOptions) {
    this.#options = options;
  }

  /** Counts by name. */
  get counts(): Readonly<Record<string, number>> {
    const { places, names, processes, counted = [] } = this.#options;
    const parts = [places?.counts, names?.counts, processes?.counts, ...counted];
    return Object.assign({}, ...parts, this.#failures > 0 ? { failures: this.#failures } : {}) as Record<
      string,
      number
    >;
  }

  /** Whether records are anything else behind it. */
  get changes(): boolean {
    return Boolean(this.#options.places ?? this.#options.names ?? this.#options.processes);
  }

  /** The records with what is known, in the same order. */
  enrich(detections: readonly Detection[]): readonly Detection[] {
    return detections.map((one) => {
      try {
        return this.#one(one);
      } catch {
        this.#failures++;
        return one;
      }
    });
  }

  /** Reads the databases anew. @throws IdsError FILE_UNREADABLE, and goes on with those of before */
  reload(): void {
    this.#options.places?.reload();
  }

  close(): void {
    this.#options.names?.close();
    this.#options.close?.();
  }

  #one(d: Detection): Detection {
    if (d.src === '' || d.engine) return d;
    const enrichment = this.#known(d);
    return isEmpty(enrichment) ? d : { ...d, enrichment };
  }

  #known(d: Detection): DetectionEnrichment {
    const src = this.#end(d.src);
    const dst = this.#end(d.dst);
    const process = this.#options.processes?.of(d);
    return { ...(isEmpty(src) ? {} : { src }), ...(isEmpty(dst) ? {} : { dst }), ...(process && { process }) };
  }

  #end(address: string): DetectionEnd {
    const { places, names } = this.#options;
    const place = places?.at(address) ?? {};
    const name = names && !nameless.test(address) ? names.nameOf(address) : undefined;
    return name === undefined ? place : { ...place, name };
  }
}
