import { expect, test } from 'vitest';
import { describeOnEachStore } from '../kit/services.ts';
import { look, openOffice, takeApplication } from './office.ts';

const day = 86_400_000;

describeOnEachStore('a clock that was a day ahead and is right again', (kit) => {
  test('keeps no delivery waiting for a day: neither what was to be tried again nor what a killed hub had leased', async () => {
    const store = await kit.openFresh();
    const applications = openOffice(store, { cases: {} });
    const [waiting, leased] = [await takeApplication(store), await takeApplication(store)];
    const ahead = Date.now() + day;
    await store.db.updateTable('delivery_job').set({ not_before: ahead }).where('application_id', '=', waiting).execute();
    await store.db
      .updateTable('delivery_job')
      .set({ state: 'leased', fence: 1, lease_until: ahead })
      .where('application_id', '=', leased)
      .execute();
    applications.start();
    for (const id of [waiting, leased])
      await expect.poll(async () => (await look(store, id)).status, { timeout: 10_000, interval: 50 }).toBe('DELIVERED');
  });
});
