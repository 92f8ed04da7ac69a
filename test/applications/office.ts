import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Adapter, AdapterDefinition, CasePort } from '#contract';
import { createApplications, type Applications } from '../../src/applications/applications.ts';
import { queueJob } from '../../src/applications/records.ts';
import { createCities } from '../../src/cities/cities.ts';
import { createMemoryCache } from '../../src/infra/cache/memory.ts';
import { createMetrics } from '../../src/infra/metrics.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import type { Store } from '../../src/infra/store/store.ts';
import type { Principal } from '../../src/identity/identity.ts';
import { insertApplication } from '../coordination/rows.ts';
import { silentLog } from '../coordination/silent-log.ts';

const ars = '051110000000';

/** Who submitted every application here. */
export const owner: Principal = { owner: 'issuer|one', roles: ['citizen'], ars: null, assuranceLevel: 'HIGH' };

/** One city with the back office given, and the feature over it. */
export function openOffice(
  store: Store,
  { cases, pollMs = 20, ...ports }: { cases: Partial<CasePort>; pollMs?: number } & Partial<Omit<Adapter, 'cases'>>,
): Applications {
  const definition: AdapterDefinition = {
    id: 'office',
    version: '1.0.0',
    contract: ['1.0'],
    config: { '~standard': { version: 1, vendor: 'none', validate: (value: unknown) => ({ value }) } } as never,
    create: () => ({
      start: async () => {},
      stop: async () => {},
      check: async () => ({ ok: true, probes: [] }),
      cases: {
        traits: { maxBatch: 2, idempotency: 'lookup' },
        submit: async (_, call) => ({ ref: { id: `case-${call.key}` }, taken: 'now', replayed: false }),
        findByKey: async (keys) => keys.map(() => null),
        loadCases: async (refs) => refs.map(() => null),
        ...cases,
      },
      ...ports,
    }),
  };
  const limits = { concurrency: 4, timeoutMs: 20_000, retries: 0, breaker: { failures: 1000, halfOpenMs: 100 } };
  const statusMap = new Map([
    ['new', 'received'],
    ['done', 'granted'],
    ['gone', 'withdrawn'],
    ['closed', 'closed'],
    ['refused', 'refused'],
  ] as const);
  const now = () => new Date();
  const metrics = createMetrics();
  const cities = createCities({
    connected: [
      {
        city: {
          id: ars,
          ars: ars as never,
          name: 'Düsseldorf',
          since: '2026-11-01',
          paused: false,
          catalogue: null,
          adapters: [{ id: 'cases', product: 'office', services: ['*'], statusMap, limits }],
        },
        adapters: [{ id: 'cases', definition, config: {}, endpoints: [], secrets: [] }],
      },
    ],
    cache: createMemoryCache(),
    log: silentLog,
    metrics,
    now,
  });
  const applications = createApplications({
    store,
    eventLog: createEventLog(store),
    catalogue: {} as never,
    cities,
    log: silentLog,
    metrics,
    processId: randomUUID(),
    now,
    retry: { firstMs: 10, settleMs: 10, confirmWithinMs: 200 },
    timing: { leaseMs: 300, pollMs },
  });
  onTestFinished(async () => {
    await applications.stop();
    await cities.stop();
  });
  return applications;
}

/** An application that the back office has, under this reference. @returns its id */
export async function haveDelivered(store: Store, caseRef: string): Promise<string> {
  const id = randomUUID();
  await store.transaction(async (tx) => {
    await insertApplication(tx, { id, ars, service: '99115005104000', status: 'DELIVERED' });
    await tx.updateTable('application').set({ case_ref: caseRef }).where('id', '=', id).execute();
  });
  return id;
}

/** An application as submitting leaves it, its delivery queued. @returns its id, which is the key of its delivery */
export async function takeApplication(store: Store): Promise<string> {
  const id = randomUUID();
  await store.transaction(async (tx) => {
    await insertApplication(tx, { id, ars, service: '99115005104000', status: 'SUBMITTED' });
    const payload = JSON.stringify({ applicant: { name: 'Erika Mustermann' }, formData: {}, serviceName: 'Wohnsitz', localKey: 'w' });
    await tx.updateTable('application').set({ case_ref: null, payload }).where('id', '=', id).execute();
    const row = await tx.selectFrom('application').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    await queueJob(tx, { row, kind: 'submit', key: id, at: Date.now() });
  });
  return id;
}

/** Status and deliveries of an application. */
export async function look(store: Store, id: string) {
  const { status } = await store.db.selectFrom('application').select('status').where('id', '=', id).executeTakeFirstOrThrow();
  const jobs = await store.db
    .selectFrom('delivery_job')
    .select(['kind', 'state', 'effect', 'last_error'])
    .where('application_id', '=', id)
    .orderBy('id')
    .execute();
  return { status, jobs };
}
