import { expect, test } from 'vitest';
import type { CasePort } from '#contract';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import { markRestored } from '../../src/infra/store/restoration.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { sampleEvent } from '../kit/sample-event.ts';
import { look, openOffice, takeApplication } from './office.ts';

const patience = { timeout: 10_000, interval: 20 };

describeOnEachStore('a store made from a backup', (kit) => {
  /** An application that was open in the backup, at a back office that works in steps. */
  async function openInBackup(cases: Partial<CasePort>) {
    const store = await kit.openFresh();
    let sent = 0;
    const applications = openOffice(store, {
      cases: {
        traits: { maxBatch: 2, idempotency: 'steps' },
        findByKey: undefined as never,
        submit: async () => {
          sent += 1;
          return { ref: { id: 'again' }, taken: 'now', replayed: false };
        },
        ...cases,
      },
    });
    const id = await takeApplication(store);
    await markRestored(store, Date.now());
    applications.start();
    return { store, applications, id, sent: () => sent };
  }

  test('sends nothing again in steps that it may have forgotten, but asks a person', async () => {
    const { store, applications, id, sent } = await openInBackup({});
    await expect.poll(async () => (await look(store, id)).status, patience).toBe('PARKED');
    expect((await look(store, id)).jobs).toEqual([{ kind: 'submit', state: 'parked', effect: 'unknown', last_error: 'unavailable' }]);
    expect(await applications.find(id, { owner: 'issuer|one', roles: ['citizen'], ars: null, assuranceLevel: 'HIGH' })).toMatchObject({
      parkedReason: 'UNKNOWN_EFFECT',
    });
    expect(sent()).toBe(0);
    // A person has looked: nothing is there.
    expect(await applications.release(id, { action: 'retry' }, null, '')).toMatchObject({ ok: true });
    await expect.poll(async () => (await look(store, id)).status, patience).toBe('DELIVERED');
    expect(sent()).toBe(1);
  });

  test('asks a back office of steps that can be asked', async () => {
    const { store, id, sent } = await openInBackup({ findByKey: async (keys) => keys.map(() => ({ id: 'there' })) });
    await expect.poll(async () => (await look(store, id)).status, patience).toBe('DELIVERED');
    expect(sent()).toBe(0);
  });

  test('gives no number of the log twice, even if the backup has no event', async () => {
    const store = await kit.openFresh();
    const log = createEventLog(store);
    await markRestored(store, Date.now());
    await store.transaction((tx) => log.append(tx, [sampleEvent({})]));
    expect(await log.head()).toBeGreaterThan(1_000_000);
  });
});
