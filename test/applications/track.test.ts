import { expect, test } from 'vitest';
import { AdapterError } from '#contract';
import type { Store } from '../../src/infra/store/store.ts';
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

describeWithStore('what is held of cases that are none of the hub', (kit) => {
  test('is not gone through at the start; what lacked a mapping is applied', async () => {
    const store = await kit.openFresh();
    const known = await haveDelivered(store, 'known');
    const held = (case_ref: string, reason: 'unmapped-status' | 'unknown-case') => ({
      city: '051110000000',
      adapter: 'cases',
      change_id: case_ref,
      case_ref,
      case_number: null,
      native_status: 'done',
      native_version: '1',
      native_updated_at: 1,
      reason,
      held_at: Date.now(),
    });
    const foreign = Array.from({ length: 50 }, (_, index) => held(`foreign ${index}`, 'unknown-case'));
    await store.db
      .insertInto('held_change')
      .values([held('known', 'unmapped-status'), ...foreign])
      .execute();
    let looks = 0;
    const counted: Store = {
      ...store,
      transaction: (work) =>
        store.transaction((tx) => {
          const selectFrom = ((table: 'application') => {
            if (table === 'application') looks += 1;
            return tx.selectFrom(table);
          }) as typeof tx.selectFrom;
          return work(
            new Proxy(tx, {
              get(of, name) {
                if (name === 'selectFrom') return selectFrom;
                const value: unknown = Reflect.get(of, name, of);
                return typeof value === 'function' ? value.bind(of) : value;
              },
            }),
          );
        }),
    };
    openOffice(counted, { cases: {} }).start();
    await expect.poll(async () => (await look(store, known)).status, patience).toBe('GRANTED');
    expect(looks).toBe(1);
  });
});
