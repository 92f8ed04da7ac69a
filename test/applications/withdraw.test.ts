import { expect, test } from 'vitest';
import type { CasePort, CaseSnapshot } from '#contract';
import { describeOnEachStore } from '../kit/services.ts';
import { look, openOffice, owner, haveDelivered } from './office.ts';

const patience = { timeout: 20_000, interval: 20 };
const shown = (nativeStatus: string): CaseSnapshot => ({
  ref: { id: 'c' },
  nativeStatus,
  version: nativeStatus,
  updatedAt: new Date('2026-11-24T10:00:00Z'),
});

describeOnEachStore('a withdrawal that the back office took', (kit) => {
  async function withdrawn(cases: Partial<CasePort>) {
    const store = await kit.openFresh();
    let told = 0;
    const applications = openOffice(store, {
      cases: {
        withdraw: async () => {
          told++;
        },
        ...cases,
      },
    });
    const id = await haveDelivered(store, 'c');
    await applications.withdraw({ id, reason: 'Umzug' }, owner, '');
    applications.start();
    const events = async () =>
      (await store.db.selectFrom('event_log').select('type').where('aggregateid', '=', id).orderBy('seq').execute()).map(
        ({ type }) => type,
      );
    const job = async () => (await look(store, id)).jobs[0];
    return { store, id, events, job, applications, told: () => told };
  }

  test('a withdrawal that the case does not show is no end: it comes to a person', async () => {
    const office = await withdrawn({ loadCases: async () => [shown('new')] });
    await expect.poll(office.job, patience).toMatchObject({ state: 'parked', last_error: 'not-confirmed' });
    expect(await office.events()).toEqual(['application.withdrawal-requested', 'application.parked']);
    expect(office.told()).toBe(1);
  });

  test('a status that the city does not translate confirms nothing either', async () => {
    const office = await withdrawn({ loadCases: async () => [shown('gibtsnicht')] });
    await expect.poll(office.job, patience).toMatchObject({ state: 'parked' });
  });

  test.each(['gone', 'closed', 'refused'])('a case that is %s afterwards is withdrawn', async (status) => {
    const office = await withdrawn({ loadCases: async () => [shown(status)] });
    await expect.poll(office.job, patience).toMatchObject({ state: 'done' });
    expect(await office.events()).toEqual(['application.withdrawal-requested', 'application.withdrawn']);
  });

  test('a case that the back office no longer has is withdrawn', async () => {
    const office = await withdrawn({ loadCases: async () => [null] });
    await expect.poll(office.job, patience).toMatchObject({ state: 'done' });
  });

  test('a back office that comes to it later is told once and looked at until it shows', async () => {
    let looks = 0;
    const office = await withdrawn({
      traits: { maxBatch: 2, idempotency: 'lookup', withdrawals: 'queued' },
      loadCases: async () => [shown(++looks < 4 ? 'new' : 'gone')],
    });
    await expect.poll(office.job, patience).toMatchObject({ state: 'done' });
    expect(looks).toBe(4);
    expect(office.told()).toBe(1);
    expect(await office.events()).toEqual(['application.withdrawal-requested', 'application.withdrawn']);
  });

  test('a case that cannot be read after it is asked for again, without another withdrawal', async () => {
    let looks = 0;
    const office = await withdrawn({
      loadCases: async () => {
        if (++looks < 3) throw new Error('away');
        return [shown('gone')];
      },
    });
    await expect.poll(office.job, patience).toMatchObject({ state: 'done' });
    expect(office.told()).toBe(1);
  });

  test('who wants it tried again has it told again', async () => {
    const office = await withdrawn({ loadCases: async () => [shown('new')] });
    await expect.poll(office.job, patience).toMatchObject({ state: 'parked' });
    await office.applications.release(office.id, { action: 'retry' }, null, '');
    await expect.poll(office.told, patience).toBe(2);
  });
});
