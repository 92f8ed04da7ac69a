import { readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { afterAll } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { Adapter, AdapterDefinition, Call, RowQuery, RowsPort } from '#contract';
import { createCities, type CallLimits, type Cities } from '../../src/cities/cities.ts';
import { createMemoryCache } from '../../src/infra/cache/memory.ts';
import { createLog } from '../../src/infra/log.ts';
import { createMetrics } from '../../src/infra/metrics.ts';
import { createRows, type Rows } from '../../src/federation/rows/rows.ts';

/** What a city of the test does when it is asked. */
export type Answers = (query: RowQuery, call: Call) => ReturnType<RowsPort['load']>;

export interface TestCity {
  readonly ars: string;
  readonly fields: readonly string[];
  readonly maxBatch?: number;
  readonly answer: Answers;
}

export interface ConnectedRows {
  readonly rows: Rows;
  readonly cities: Cities;
  /** What each city was asked, in order, by ARS. */
  readonly asked: ReadonlyMap<string, readonly RowQuery[]>;
  readonly logged: () => string;
  readonly metrics: () => Promise<string>;
}

const nothing = async () => {};

/** Connects cities whose adapters answer in this process, behind the calls of the hub; closed after the suite. */
export function connectRows(those: readonly TestCity[], limits: Partial<CallLimits> = {}, deadlineMs?: number): ConnectedRows {
  const lines: string[] = [];
  const log = createLog('debug', new Writable({ write: (chunk: Buffer, _, done) => (lines.push(chunk.toString()), done()) }));
  const metrics = createMetrics();
  const asked = new Map<string, RowQuery[]>(those.map(({ ars }) => [ars, []]));
  const connected = those.map(({ ars, fields, maxBatch = 100, answer }) => {
    const definition: AdapterDefinition<object> = {
      id: 'answers',
      version: '1.0.0',
      contract: ['1.0'],
      config: z.object({}),
      create: (): Adapter => ({
        start: nothing,
        stop: nothing,
        check: async () => ({ ok: true, probes: [] }),
        rows: {
          traits: { maxBatch },
          fields,
          load: (query, call) => {
            asked.get(ars)?.push(query);
            return answer(query, call);
          },
        },
      }),
    };
    const own: CallLimits = { concurrency: 4, timeoutMs: 5000, retries: 0, breaker: { failures: 3, halfOpenMs: 60_000 }, ...limits };
    return {
      city: {
        id: `city-${ars}`,
        ars: ars as never,
        name: `City ${ars}`,
        since: '2026-11-01',
        paused: false,
        catalogue: null,
        adapters: [{ id: 'portal', product: 'answers', services: [], statusMap: new Map(), limits: own }],
      },
      adapters: [{ id: 'portal', definition, config: {}, endpoints: [], secrets: [] }],
    };
  });
  const cities = createCities({ connected, cache: createMemoryCache(), log, metrics, now: () => new Date() });
  afterAll(() => cities.stop());
  return {
    rows: createRows({ cities, log, metrics, ...(deadlineMs === undefined ? {} : { deadlineMs }) }),
    cities,
    asked,
    logged: () => lines.join(''),
    metrics: async () => (await metrics.render()).text,
  };
}

/** A city of the sandbox as its file says, with its portal alone. */
export function cityOf(id: string, limits: Partial<CallLimits> = {}): object {
  const { ars, name, since, adapters } = parseYaml(readFileSync(new URL(`../../cities/${id}.yaml`, import.meta.url), 'utf8')) as {
    ars: string;
    name: string;
    since: string;
    adapters: { portal: object };
  };
  return { ars, name, since, adapters: { portal: { ...adapters.portal, limits } } };
}
