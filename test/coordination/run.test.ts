import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { HubEvent, RegionalKey } from '#contract';
import { createEnd } from '../../src/applications/end.ts';
import { createCoordination, type Coordination } from '../../src/coordination/coordination.ts';
import type { CaseKind } from '../../src/coordination/kind.ts';
import { moving } from '../../src/coordination/kinds/moving.ts';
import type { Bus, SubscribeOptions } from '../../src/infra/bus/bus.ts';
import { createEmbeddedBus } from '../../src/infra/bus/embedded.ts';
import { createMetrics } from '../../src/infra/metrics.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { applicationEvent, connectedCities, insertApplication, openCatalogue } from './rows.ts';
import { silentLog } from './silent-log.ts';

const arrival = '051110000000' as RegionalKey;
const departure = '053150000000' as RegionalKey;
const patience = { timeout: 20_000, interval: 20 };

const embeddedBus = (store: Store): Bus =>
  createEmbeddedBus({ store, eventLog: createEventLog(store), log: silentLog, backoff: { firstMs: 1, mostMs: 5 }, leaseMs: 1000 });

function open(store: Store, kinds?: readonly CaseKind[], bus = embeddedBus(store), now = () => new Date()): Coordination {
  return createCoordination({
    store,
    eventLog: createEventLog(store),
    bus,
    catalogue: openCatalogue,
    cities: connectedCities,
    applications: { end: createEnd({ store, now: () => new Date() }) },
    seal: null,
    log: silentLog,
    metrics: createMetrics(),
    now,
    timing: { pollMs: 20 },
    ...(kinds ? { kinds } : {}),
  });
}

/** Somebody's registration is granted. */
async function register(store: Store): Promise<{ id: string; event: HubEvent }> {
  const given = { id: randomUUID(), ars: arrival, service: '99115005104000', status: 'GRANTED' };
  const event = applicationEvent(given, 'application.status-changed', { status: 'GRANTED', previousStatus: 'RECEIVED' });
  await store.transaction(async (tx) => {
    await insertApplication(tx, given);
    const marks = JSON.stringify({ departure });
    await tx.insertInto('application_mark').values({ application_id: given.id, applicant: null, marks }).execute();
    await createEventLog(store).append(tx, [event]);
  });
  return { id: given.id, event };
}

const casesOf = (store: Store) => store.db.selectFrom('case_file').select(['id', 'application_id']).orderBy('id').execute();
const parked = (store: Store) => store.db.selectFrom('parked_event').select('aggregateid').where('consumer', '=', 'coordination').execute();

describeOnEachStore('the runtime of cases', (kit) => {
  test('keeps an event on which a machine breaks, lets the others go on, and takes it once the machine is mended', async () => {
    const store = await kit.openFresh();
    const { id: unlucky } = await register(store);
    const broken: CaseKind<never> = {
      ...moving,
      decide: (state, input, world, application) => {
        if (application?.id === unlucky) throw new TypeError('a bug');
        return moving.decide(state, input, world, application);
      },
    } as CaseKind<never>;
    const first = open(store, [broken]);
    await first.start();
    const { id: lucky } = await register(store);
    await expect.poll(async () => (await casesOf(store)).map((one) => one.application_id), patience).toEqual([lucky]);
    await expect.poll(async () => (await parked(store)).map((one) => one.aggregateid), patience).toEqual([unlucky]);
    await first.stop();

    const mended = open(store);
    await mended.start();
    await expect
      .poll(async () => (await casesOf(store)).map((one) => one.application_id).toSorted(), patience)
      .toEqual([lucky, unlucky].toSorted());
    expect(await parked(store)).toEqual([]);
    await mended.stop();
  });

  test('believes its own log, not what came by the bus', async () => {
    const store = await kit.openFresh();
    const bus = embeddedBus(store);
    const requests: SubscribeOptions[] = [];
    const cases = open(store, undefined, { ...bus, subscribe: (request) => (requests.push(request), bus.subscribe(request)) });
    await cases.start();
    const { id, event } = await register(store);
    await expect.poll(async () => (await casesOf(store)).length, patience).toBe(1);
    const other = { id: randomUUID(), ars: arrival, service: '99115005104000', status: 'RECEIVED' };
    await store.transaction(async (tx) => {
      await insertApplication(tx, other);
      await tx
        .insertInto('application_mark')
        .values({ application_id: other.id, applicant: null, marks: JSON.stringify({ departure }) })
        .execute();
    });
    const forged = { ...event, seq: 99, aggregate: { type: 'application', id: other.id } };
    // Under an id that the log does not have, and under one that is another application's.
    for (const own of [randomUUID(), event.id]) await requests[0]!.handle({ ...forged, id: own });
    expect((await casesOf(store)).map((one) => one.application_id)).toEqual([id]);
    await cases.stop();
  });

  test('tells the other deadlines where one cannot be told', async () => {
    const store = await kit.openFresh();
    const first = open(store);
    await first.start();
    const [{ id: unlucky }] = await Promise.all([register(store), register(store)]);
    await expect.poll(async () => (await casesOf(store)).length, patience).toBe(2);
    await first.stop();
    const broken: CaseKind<never> = {
      ...moving,
      decide: (state, input, world, application) => {
        if (input.kind === 'due' && application?.id === unlucky) throw new TypeError('a bug');
        return moving.decide(state, input, world, application);
      },
    } as CaseKind<never>;
    await store.db
      .updateTable('case_waiting')
      .set({ due_at: 0 })
      .where('case_id', 'in', store.db.selectFrom('case_file').select('id').where('application_id', '=', unlucky))
      .execute();
    const second = open(store, [broken], embeddedBus(store), () => new Date(Date.now() + 365 * 24 * 3_600_000));
    await second.start();
    const overdue = () => store.db.selectFrom('event_log').select('id').where('type', '=', 'case.overdue').execute();
    await expect.poll(async () => (await overdue()).length, patience).toBeGreaterThan(0);
    await second.stop();
  });

  test('in two processes at once takes each event once, and an answer once', async () => {
    const store = await kit.openFresh();
    const [one, two] = [open(store), open(store)];
    await Promise.all([one.start(), two.start()]);
    const registered = await Promise.all(Array.from({ length: 20 }, () => register(store)));
    await expect.poll(async () => (await casesOf(store)).length, patience).toBe(registered.length);
    const answers = await Promise.all(
      (await casesOf(store)).flatMap(({ id }) =>
        (['ACCEPTED', 'IMPLAUSIBLE'] as const).map((choice, at) =>
          [one, two][at]!.answer(id, 'evaluate', { choice }, { ars: departure, who: 'issuer|clerk', traceparent: '' }),
        ),
      ),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(registered.length);
    expect(answers.filter((answer) => !answer.ok && answer.problem.code === 'NOT_AWAITED')).toHaveLength(registered.length);
    const evaluated = await store.db.selectFrom('event_log').select('aggregateid').where('type', '=', 'move.evaluated').execute();
    expect(new Set(evaluated.map(({ aggregateid }) => aggregateid)).size).toBe(registered.length);
    expect(evaluated).toHaveLength(registered.length);
    await Promise.all([one.stop(), two.stop()]);
  });
});
