import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { afterAll } from 'vitest';
import type { AdapterDefinition, Json, Submission } from '#contract';
import { createCities, type Cities, type CallLimits } from '../../src/cities/cities.ts';
import { createMemoryCache } from '../../src/infra/cache/memory.ts';
import { createLog } from '../../src/infra/log.ts';
import { createMetrics } from '../../src/infra/metrics.ts';

export interface ConnectOptions {
  readonly endpoint: string;
  readonly secret: string;
  readonly limits?: Partial<CallLimits>;
  readonly now?: () => Date;
}

/** A city `stadt` with one adapter `cases`, connected as the hub does it; closed after the suite. */
export function connectCity(definition: AdapterDefinition, raw: Json, options: ConnectOptions): { cities: Cities; logged: () => string } {
  const result = definition.config['~standard'].validate(raw);
  if (result instanceof Promise) throw new Error('the config schema answers at once');
  if (result.issues) throw new Error(`the config of the test is wrong: ${JSON.stringify(result.issues)}`);
  const lines: string[] = [];
  const log = createLog('debug', new Writable({ write: (chunk: Buffer, _, done) => (lines.push(chunk.toString()), done()) }));
  const cities = createCities({
    connected: [
      {
        city: {
          id: 'stadt',
          ars: '051110000000' as never,
          name: 'Stadt',
          since: '2026-11-01',
          paused: false,
          catalogue: null,
          adapters: [
            {
              id: 'cases',
              product: definition.id,
              services: ['*'],
              statusMap: new Map(),
              limits: { concurrency: 8, timeoutMs: 10_000, retries: 1, breaker: { failures: 50, halfOpenMs: 100 }, ...options.limits },
            },
          ],
        },
        adapters: [{ id: 'cases', definition, config: result.value, endpoints: [options.endpoint], secrets: [options.secret] }],
      },
    ],
    cache: createMemoryCache(),
    log,
    metrics: createMetrics(),
    now: options.now ?? (() => new Date()),
  });
  afterAll(() => cities.stop());
  return { cities, logged: () => lines.join('') };
}

/** An application as the hub hands it to an adapter, with what is hard to carry: umlauts, quotes, markup, empty parts. */
export const submission = (over: Partial<Submission> = {}): Submission => ({
  service: '99108001001000',
  serviceName: 'Bewohnerparkausweis',
  formRevision: '1',
  localKey: 'bewohnerparkausweis',
  applicant: { name: 'Jürgen Groß-Öztürk', email: 'juergen@example.org' },
  formData: {
    plateNumber: 'D-ÄÖ 123',
    address: { street: 'Königsallee', note: '</pre> h1. *kein* "Markup":http://example.org' },
    electric: true,
  },
  channel: 'ONLINE',
  submittedAt: new Date('2026-11-20T10:00:00Z'),
  ...over,
});

/** How a write with this key is made; steps are remembered per call. */
export const writeWith = (key: string = randomUUID()) => {
  const steps = new Map<string, Json>();
  return {
    key,
    traceparent: '',
    steps: { find: async (name: string) => steps.get(name), save: async (name: string, result: Json) => void steps.set(name, result) },
  };
};
