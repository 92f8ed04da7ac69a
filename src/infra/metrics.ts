import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Name and help text of a metric, and the labels it is split by. Labels are few and bounded: a city, an outcome; never an id of an application or a person. */
export interface MetricRequest<Label extends string> {
  /** Without prefix, in base units with a suffix: `delivery_duration_seconds`, `submissions_total`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Label[];
}

/** Where features register what they count (Prometheus). Every name gets the prefix `staedtebund_`. */
export interface Metrics {
  counter<Label extends string = never>(request: MetricRequest<Label>): Counter<Label>;
  /** A value that goes up and down; with `read`, it is asked for at each scrape. A `read` that fails leaves the last value. */
  gauge<Label extends string = never>(
    request: MetricRequest<Label> & { readonly read?: (gauge: Gauge<Label>) => void | Promise<void> },
  ): Gauge<Label>;
  /** @default buckets from 5 ms to 10 s, for durations in seconds */
  histogram<Label extends string = never>(request: MetricRequest<Label> & { readonly buckets?: readonly number[] }): Histogram<Label>;
  /** All of them in Prometheus' text format. */
  render(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** A registry of its own, so that two hubs in one process do not share their counts. With `process`, Node's own metrics are in it too. */
export function createMetrics(options: { readonly process?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.process) collectDefaultMetrics({ register: registry });
  const common = <Label extends string>({ name, help, labels = [] }: MetricRequest<Label>) => ({
    name: `staedtebund_${name}`,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    counter: (request) => new Counter(common(request)),
    gauge(request) {
      const { read } = request;
      return new Gauge({
        ...common(request),
        ...(read && {
          async collect() {
            try {
              await read(this);
            } catch {
              // A scrape must not fail because one part of the hub does.
            }
          },
        }),
      });
    },
    histogram: (request) => new Histogram({ ...common(request), ...(request.buckets && { buckets: [...request.buckets] }) }),
    render: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
