import { expect, test } from 'vitest';
import { AdapterError } from '#contract';
import { describeWithStore } from '../kit/services.ts';
import { haveDelivered, look, openOffice } from './office.ts';

const patience = { timeout: 10_000, interval: 20 };

describeWithStore('a case that was delivered when what was told of it was long forgotten', (kit) => {
  test('is asked for, others are not', async () => {
    const store = await kit.openFresh();
    const [late, usual] = [await haveDelivered(store, 'late'), await haveDelivered(store, 'usual')];
    const since = Date.now();
    await store.db
      .updateTable('application')
      .set({ status_since: since, submitted_at: since - 8 * 24 * 3_600_000 })
      .where('id', '=', late)
      .execute();
    await store.db.updateTable('application').set({ status_since: since, submitted_at: since }).where('id', '=', usual).execute();
    const asked: string[] = [];
    const applications = openOffice(store, {
      cases: {
        loadCases: async (refs) => {
          asked.push(...refs.map(({ id }) => id));
          return refs.map((ref) => ({ ref, nativeStatus: 'done', version: '1', updatedAt: new Date() }));
        },
      },
      changes: { traits: { ordering: 'per-case', overlapMs: 0, everyMs: 20 }, pull: async function* () {} },
    });
    applications.start();
    await expect.poll(async () => (await look(store, late)).status, patience).toBe('GRANTED');
    expect((await look(store, usual)).status).toBe('DELIVERED');
    expect(asked).toEqual(['late']);
  });
});

describeWithStore('a back office that is asked for its open cases', (kit) => {
  test('is asked for the others too where one batch cannot be read', async () => {
    const store = await kit.openFresh();
    const [, , readable] = [await haveDelivered(store, 'a'), await haveDelivered(store, 'b'), await haveDelivered(store, 'c')];
    const applications = openOffice(store, {
      cases: {
        traits: { maxBatch: 2, idempotency: 'lookup', pollMs: 20 },
        loadCases: async (refs) => {
          if (refs.some(({ id }) => id === 'a')) throw new AdapterError('malformed', 'none', 'unreadable');
          return refs.map((ref) => ({ ref, nativeStatus: 'done', version: '1', updatedAt: new Date() }));
        },
      },
    });
    applications.start();
    await expect.poll(async () => (await look(store, readable)).status, patience).toBe('GRANTED');
  });
});
