import { expect, onTestFinished, test } from 'vitest';
import { AdapterError, type CasePort } from '#contract';
import { openStore } from '../../src/infra/store/open-store.ts';
import { openCuttable } from '../kit/cuttable.ts';
import { newPostgresDatabase } from '../kit/databases.ts';
import { describeWithService } from '../kit/services.ts';
import { look, openOffice, owner, takeApplication } from './office.ts';

const patience = { timeout: 20_000, interval: 50 };
const asksForNothing = { maxBatch: 2, idempotency: 'none' } as const;

describeWithService('postgres', 'what a back office without keys said while PostgreSQL was away', (server) => {
  async function open(cases: (cut: () => void) => Partial<CasePort>) {
    const database = await newPostgresDatabase(server);
    const way = await openCuttable(database.url);
    const store = await openStore(way.url);
    let isCut = false;
    const cutOnce = () => {
      if (!isCut) way.cut();
      isCut = true;
    };
    const applications = openOffice(store, { cases: { traits: asksForNothing, ...cases(cutOnce) } });
    onTestFinished(async () => {
      way.restore();
      await applications.stop();
      await store.close();
      await way.close();
      await database.remove();
    });
    return { store, way, applications };
  }

  test('is kept until the store is back: longer than a lease, and nobody is asked to look', async () => {
    let sent = 0;
    const { store, way, applications } = await open((cut) => ({
      submit: async () => {
        sent += 1;
        cut();
        return { ref: { id: `case-${sent}` }, taken: 'now', replayed: false };
      },
    }));
    const id = await takeApplication(store);
    applications.start();
    await expect.poll(() => sent, patience).toBe(1);
    // Three leases of this office long.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    way.restore();
    await expect.poll(async () => (await look(store, id).catch(() => null))?.status, patience).toBe('DELIVERED');
    expect((await look(store, id)).jobs).toEqual([{ kind: 'submit', state: 'done', effect: 'none', last_error: null }]);
    expect(sent).toBe(1);
  }, 40_000);

  test('is kept of a refusal and of a withdrawal alike', async () => {
    const { store, way, applications } = await open((cut) => ({
      submit: async () => {
        cut();
        throw new AdapterError('rejected', 'none', 'refused');
      },
      withdraw: async () => cut(),
    }));
    const id = await takeApplication(store);
    const other = await takeApplication(store);
    await store.db.updateTable('application').set({ status: 'DELIVERED', case_ref: 'c' }).where('id', '=', other).execute();
    await store.db.updateTable('delivery_job').set({ state: 'done' }).where('application_id', '=', other).execute();
    await applications.withdraw({ id: other, reason: '' }, owner, '');
    applications.start();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    way.restore();
    const states = async () => [(await look(store, id)).status, (await look(store, other)).status];
    await expect.poll(() => states().catch(() => null), patience).toEqual(['PARKED', 'WITHDRAWN']);
    expect((await look(store, id)).jobs).toEqual([{ kind: 'submit', state: 'parked', effect: 'none', last_error: 'rejected' }]);
  }, 40_000);
});
