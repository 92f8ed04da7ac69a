import { HubError, type Adapter } from '#contract';
import { createCalls, type Calls } from './calls.ts';
import type { CitiesOptions, City, ConnectedAdapter } from './cities.ts';
import { createHealth, type AdapterHealth } from './health.ts';
import { createHost } from './host.ts';
import { createRedact } from './redaction.ts';

/** One adapter of one city, with everything that guards it. */
export interface Connection {
  readonly adapter: Adapter;
  readonly calls: Calls;
  readonly health: AdapterHealth;
  close(): Promise<void>;
}

/** How to make connections whose figures land in the same metrics. */
export function createConnector({
  cache,
  log,
  metrics,
  now,
  language = 'EN',
}: Omit<CitiesOptions, 'connected'>): (city: City, adapter: ConnectedAdapter) => Connection {
  const seconds = metrics.histogram({
    name: 'city_call_duration_seconds',
    help: 'Calls to back offices, waiting included, by outcome.',
    labels: ['city', 'adapter', 'kind', 'outcome'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
  });
  const breakerOpen = metrics.gauge({
    name: 'city_breaker_open',
    help: '1 while nothing is sent to a back office.',
    labels: ['city', 'adapter'],
  });
  const up = metrics.gauge({ name: 'city_up', help: '1 if the last check of a back office succeeded.', labels: ['city', 'adapter'] });

  return (city, { id, definition, contract, config, endpoints, secrets }) => {
    const own = city.adapters.find((adapter) => adapter.id === id);
    if (!own)
      throw new HubError('CONFIG_INVALID', {
        de: `${city.id} hat keinen Adapter ${id}`,
        en: `${city.id} has no adapter ${id}`,
      });
    const labels = { city: city.id, adapter: id };
    const redact = createRedact(secrets);
    const owned = createHost({
      city: city.id,
      ars: city.ars,
      adapter: id,
      ...(contract === undefined ? {} : { contract }),
      endpoints,
      connections: own.limits.concurrency + 2,
      redact,
      log,
      now,
    });
    const adapter = definition.create(config, owned.host);
    breakerOpen.set(labels, 0);
    const calls = createCalls({
      adapter,
      limits: own.limits,
      redact,
      now,
      onEnd(kind, outcome, duration) {
        seconds.observe({ ...labels, kind, outcome }, duration);
        health.note(kind, outcome);
      },
      onBreaker(open) {
        breakerOpen.set(labels, open ? 1 : 0);
        log[open ? 'warn' : 'info'](labels, open ? 'back office failed repeatedly and is left alone' : 'back office works again');
      },
    });
    const health = createHealth({
      city: city.id,
      adapter: own,
      cache,
      language,
      now,
      log,
      ask: () => calls.probe((asked, call) => asked.check(call)),
      accepts: () => calls.accepts(),
      onState: (ok) => up.set(labels, ok ? 1 : 0),
    });
    return { adapter, calls, health, close: () => owned.close() };
  };
}
