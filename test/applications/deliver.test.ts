import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { expect, test, vi } from 'vitest';
import { AdapterError } from '#contract';
import { describeWithService, describeWithStore } from '../kit/services.ts';
import { newPostgresDatabase } from '../kit/databases.ts';
import { openStore } from '../../src/infra/store/open-store.ts';
import { look, openOffice, owner, takeApplication } from './office.ts';

const patience = { timeout: 10_000, interval: 20 };

describeWithService('postgres', 'a withdrawal while a worker claims the delivery, on PostgreSQL', (server) => {
  test('sees the claim and asks the back office, instead of calling withdrawn what goes out', async () => {
    const database = await newPostgresDatabase(server);
    const store = await openStore(database.url);
    const applications = openOffice(store, { cases: { withdraw: async () => {} } });
    const id = await takeApplication(store);
    const waits = sql<{ n: number }>`select count(*)::int as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    let withdrawn: ReturnType<typeof applications.withdraw> | undefined;
    await store.transaction(async (tx) => {
      await tx.updateTable('delivery_job').set({ state: 'leased', effect: 'unknown', fence: 1 }).where('application_id', '=', id).execute();
      withdrawn = applications.withdraw({ id, reason: '' }, owner, '');
      await expect.poll(async () => (await waits.execute(store.db)).rows[0]?.n, patience).toBe(1);
    });
    expect(await withdrawn).toMatchObject({ ok: true, application: { status: 'SUBMITTED' } });
    expect((await look(store, id)).jobs.map(({ kind, state }) => `${kind} ${state}`)).toEqual(['submit leased', 'withdraw queued']);
    await store.close();
    await database.remove();
  });
});

describeWithStore('an attempt whose lease cannot be renewed', (kit) => {
  test('ends once the lease has run out', async () => {
    const url = await kit.freshUrl();
    const store = await kit.open(url);
    const begun = Promise.withResolvers<AbortSignal>();
    const applications = openOffice(store, {
      cases: {
        submit: (_, { signal }) => {
          begun.resolve(signal);
          return new Promise((__, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
        },
      },
    });
    await takeApplication(store);
    applications.start();
    const signal = await begun.promise;
    // Another process holds the only writer there is.
    const other = new DatabaseSync(url.slice('sqlite:'.length));
    other.exec('begin immediate');
    await expect.poll(() => signal.aborted, patience).toBe(true);
    other.exec('rollback');
    other.close();
  });
});

describeWithStore('a refusal after an attempt that may have landed', (kit) => {
  test('does not let a withdrawal end it without asking the back office', async () => {
    const store = await kit.openFresh();
    const failures = [new AdapterError('unavailable', 'unknown', 'no reply'), new AdapterError('rejected', 'none', 'refused')];
    const applications = openOffice(store, {
      cases: {
        traits: { maxBatch: 2, idempotency: 'native' },
        submit: async () => {
          throw failures.shift()!;
        },
        withdraw: async () => {},
      },
    });
    const id = await takeApplication(store);
    applications.start();
    await expect.poll(async () => (await look(store, id)).status, patience).toBe('PARKED');
    expect((await look(store, id)).jobs).toEqual([{ kind: 'submit', state: 'parked', effect: 'unknown', last_error: 'rejected' }]);
    expect(await applications.withdraw({ id, reason: '' }, owner, '')).toMatchObject({ application: { status: 'PARKED' } });
  });

  test('counts as nothing landed where a look-up has found nothing meanwhile', async () => {
    const store = await kit.openFresh();
    const failures = [new AdapterError('unavailable', 'unknown', 'no reply'), new AdapterError('rejected', 'none', 'refused')];
    const applications = openOffice(store, {
      cases: {
        submit: async () => {
          throw failures.shift()!;
        },
      },
    });
    const id = await takeApplication(store);
    applications.start();
    await expect.poll(async () => (await look(store, id)).status, patience).toBe('PARKED');
    expect(await applications.withdraw({ id, reason: '' }, owner, '')).toMatchObject({ application: { status: 'WITHDRAWN' } });
  });
});

describeWithStore('a delivery that waits behind a parked one of its application', (kit) => {
  test('causes no look after the other', async () => {
    const store = await kit.openFresh();
    const applications = openOffice(store, { cases: { withdraw: async () => {} }, pollMs: 600_000 });
    const id = await takeApplication(store);
    await store.db.updateTable('delivery_job').set({ state: 'parked', effect: 'unknown' }).where('application_id', '=', id).execute();
    expect(await applications.withdraw({ id, reason: '' }, owner, '')).toMatchObject({ ok: true });
    expect((await look(store, id)).jobs.map(({ kind, state }) => `${kind} ${state}`)).toEqual(['submit parked', 'withdraw queued']);
    const asked = vi.spyOn(store.db, 'selectFrom');
    const looks = () => asked.mock.calls.filter(([table]) => (table as unknown) === 'delivery_job').length;
    applications.start();
    // What is due, and when the next one is.
    await expect.poll(looks, patience).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(looks()).toBe(2);
  });
});
