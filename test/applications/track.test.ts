import { expect, test } from 'vitest';
import { AdapterError } from '#contract';
import { describeWithStore } from '../kit/services.ts';
import { haveDelivered, look, openOffice } from './office.ts';

const patience = { timeout: 10_000, interval: 20 };

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
