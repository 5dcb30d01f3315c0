// SPDX-License-Identifier: Apache-2.0
// The registry: filled anew at each scrape from figures that are kept anyway, so that metrics cost nothing in between.

import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { packetFamilies } from './packet-families.js';
import { serviceFamilies } from './service-families.js';
import type { Family, MetricsView } from './view.js';

export const families: readonly Family[] = [...packetFamilies, ...serviceFamilies];

/** Handles and requests of the event loop: nobody asks for them, and some bear names that are against the conventions. */
const unwanted = ['resources', 'handles', 'requests'].flatMap((what) => {
  return [`nodejs_active_${what}`, `nodejs_active_${what}_total`];
});

const SCRAPE = 'ids_scrape_duration_seconds';

type Fill = (view: MetricsView) => void;

function register(registry: Registry, { name, type, help, labels = [], samples }: Family): Fill {
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  if (type === 'gauge') {
    const gauge = new Gauge(options);
    return (view) => {
      gauge.reset();
      for (const [value, values = {}] of samples(view)) gauge.set(values, value);
    };
  }
  const counter = new Counter(options);
  return (view) => {
    counter.reset();
    for (const [value, values = {}] of samples(view)) counter.inc(values, value);
  };
}

export class Collector {
  readonly #view: () => MetricsView | Promise<MetricsView>;
  readonly #registry = new Registry();
  readonly #fills: readonly Fill[];
  readonly #duration: Gauge;
  #running: Promise<string> | undefined;

  /** @param view looks at everything as it is now */
  constructor(view: () => MetricsView | Promise<MetricsView>) {
    this.#view = view;
    collectDefaultMetrics({ register: this.#registry });
    for (const name of unwanted) this.#registry.removeSingleMetric(name);
    this.#fills = families.map((family) => register(this.#registry, family));
    const help = 'How long it took to collect these metrics';
    this.#duration = new Gauge({ name: SCRAPE, help, registers: [this.#registry] });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Names and types of all metrics, in their order. */
  get metrics(): readonly { readonly name: string; readonly type: string; readonly help: string }[] {
    return this.#registry.getMetricsAsArray().map((metric) => {
      const { name, help } = metric as { readonly name: string; readonly help: string };
      return { name, help, type: metric.constructor.name.toLowerCase() };
    });
  }

  /** The text of all metrics. Who asks while another one is served gets the same. */
  text(): Promise<string> {
    this.#running ??= this.#collect().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #collect(): Promise<string> {
    const started = performance.now();
    const view = await this.#view();
    for (const fill of this.#fills) fill(view);
    this.#duration.set((performance.now() - started) / 1000);
    return this.#registry.metrics();
  }

  /** Its observers end with the process; the registry holds nothing any more. */
  close(): void {
    this.#registry.clear();
  }
}
