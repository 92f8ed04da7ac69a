import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LoggedEvent, RegionalKey } from '#contract';
import { createEnd } from '../../src/applications/end.ts';
import { createCoordination, type Coordination } from '../../src/coordination/coordination.ts';
import type { Bus } from '../../src/infra/bus/bus.ts';
import { createMetrics } from '../../src/infra/metrics.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { eventProblems } from '../kit/event-schemas.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { applicationEvent, connectedCities, insertApplication, openCatalogue } from './rows.ts';
import { silentLog } from './silent-log.ts';
import { illegal } from './moving-law.ts';

/*
 * The real runtime on a real store, killed at every transaction: before it is durable, or after, when nobody was told. The
 * bus is the test's own hand, so that events come in any order between applications, late and twice; back offices are told
 * about and forgotten as a killed worker does. moving-model.test.ts does the same ten thousand times with the rules alone;
 * this sample shows that the runtime keeps the word that the model gives for it.
 */

const arrival = '051110000000' as RegionalKey;
const departure = '053150000000' as RegionalKey;
const services = { registration: '99115005104000', permit: '99108001001000' };

class Killed extends Error {}

/** A store whose process dies at some of its transactions. */
function mortal(store: Store, dies: () => 'no' | 'before' | 'after'): Store {
  return {
    ...store,
    async transaction(work) {
      const death = dies();
      const result = await store.transaction(async (tx) => {
        const value = await work(tx);
        if (death === 'before') throw new Killed('killed before the commit');
        return value;
      });
      if (death === 'after') throw new Killed('killed after the commit');
      return result;
    },
  };
}

interface Office {
  /** What was done, by key: the same key again is the same effect. */
  readonly effects: Map<string, Set<string>>;
}

async function openTowns(real: Store, seed: number) {
  const random = fc.sample(fc.nat(1_000_000), { numRuns: 5000, seed });
  let drawn = 0;
  const draw = (below: number) => (random[(drawn += 1) % random.length] ?? 0) % below;
  let deadly = true;
  let time = new Date('2026-11-24T10:00:00Z').getTime();
  const now = () => new Date(time);
  const store = mortal(real, () => (deadly ? (['no', 'no', 'before', 'after'] as const)[draw(4)]! : 'no'));
  const eventLog = createEventLog(store);
  let handle: (event: LoggedEvent) => Promise<void> = async () => {};
  const bus = {
    subscribe: async (request: { handle: (event: LoggedEvent) => Promise<void> }) => {
      handle = request.handle;
      return { stop: async () => {} };
    },
  } as unknown as Bus;
  const coordination: Coordination = createCoordination({
    store,
    eventLog,
    bus,
    catalogue: openCatalogue,
    cities: connectedCities,
    applications: { end: createEnd({ store, now }) },
    seal: null,
    log: silentLog,
    metrics: createMetrics(),
    now,
    timing: { pollMs: 5 },
  });
  const office: Office = { effects: new Map() };
  const readAll = async (): Promise<readonly LoggedEvent[]> => eventLog.read(0, 10_000);

  const registrationOf = (id: string) => ({ id, ars: arrival, service: services.registration });
  const permitOf = (id: string) => ({ id, ars: departure, service: services.permit });

  return {
    coordination,
    office,
    draw,
    /** Time goes on; resolves when everybody who was waiting for it has been told. */
    async pass(hours: number): Promise<void> {
      time += hours * 3_600_000;
      const due = () => real.db.selectFrom('case_waiting').select('step').where('due_at', '<=', time).limit(1).execute();
      await expect.poll(async () => (await due()).length, { timeout: 20_000, interval: 5 }).toBe(0);
    },
    immortal: () => void (deadly = false),
    readAll,
    /** Somebody with some permits in the departure municipality has a registration granted. */
    async begin(permits: number): Promise<{ registration: string; permits: readonly string[] }> {
      const owner = `issuer|${randomUUID()}`;
      const registration = randomUUID();
      const held = Array.from({ length: permits }, () => randomUUID());
      await real.transaction(async (tx) => {
        for (const one of [registrationOf(registration), ...held.map(permitOf)]) {
          await insertApplication(tx, { ...one, status: 'GRANTED', owner });
          const marks = one.id === registration ? JSON.stringify({ departure }) : '{}';
          await tx.insertInto('application_mark').values({ application_id: one.id, applicant: owner, marks }).execute();
        }
        const facts = { status: 'GRANTED', previousStatus: 'RECEIVED' };
        await eventLog.append(tx, [applicationEvent(registrationOf(registration), 'application.status-changed', facts, now())]);
      });
      return { registration, permits: held };
    },
    /** The bus hands over an event, perhaps to a process that dies. */
    async hand(event: LoggedEvent): Promise<void> {
      await handle(event).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
    },
    async answer(id: string, step: string, ars: RegionalKey, choice: string): Promise<void> {
      await coordination.answer(id, step, { choice }, { ars, who: 'issuer|clerk', traceparent: '' }).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
    },
    /** A worker brings the withdrawals that wait to the back office; it may die before or after. */
    async deliver(): Promise<void> {
      const jobs = await real.db.selectFrom('delivery_job').selectAll().where('state', '=', 'queued').execute();
      for (const job of jobs) {
        const death = deadly ? draw(3) : 0;
        if (death === 1) continue;
        office.effects.set(job.application_id, (office.effects.get(job.application_id) ?? new Set()).add(job.key));
        if (death === 2) continue;
        await real.transaction(async (tx) => {
          await tx.updateTable('delivery_job').set({ state: 'done' }).where('id', '=', job.id).execute();
          await tx.updateTable('application').set({ status: 'WITHDRAWN' }).where('id', '=', job.application_id).execute();
          const facts = { status: 'WITHDRAWN', previousStatus: 'GRANTED' };
          await eventLog.append(tx, [applicationEvent(permitOf(job.application_id), 'application.withdrawn', facts, now())]);
        });
      }
    },
    async waiting(id: string) {
      return real.db.selectFrom('case_waiting').selectAll().where('case_id', '=', id).orderBy('step').execute();
    },
    async cases() {
      return real.db.selectFrom('case_file').selectAll().orderBy('id').execute();
    },
    /** Every row that is made of events, as text. */
    async bytes(): Promise<string> {
      const tables = await Promise.all(
        [
          real.db.selectFrom('case_file').selectAll().orderBy('id'),
          real.db.selectFrom('case_waiting').selectAll().orderBy('case_id').orderBy('step'),
          real.db.selectFrom('case_participant').selectAll().orderBy('case_id').orderBy('ars'),
          real.db.selectFrom('case_application').selectAll().orderBy('case_id').orderBy('application_id'),
        ].map((query) => query.execute()),
      );
      return JSON.stringify(tables);
    },
  };
}

describeOnEachStore('moves on a runtime that is killed all the time', (kit) => {
  test('end legally, each once, with no permit left; and are made again from the log to the same bytes', { timeout: 120_000 }, async () => {
    const towns = await openTowns(await kit.openFresh(), 20_261_124);
    await towns.coordination.start();
    const moves = await Promise.all(Array.from({ length: 40 }, (_, at) => towns.begin(at % 3)));

    for (let round = 0; round < 25; round += 1) {
      const events = (await towns.readAll()).filter(({ aggregate }) => aggregate.type === 'application');
      // Any event, the oldest again among them, and several at once.
      await Promise.all(Array.from({ length: 12 }, () => towns.hand(events[towns.draw(events.length)]!)));
      const open = (await towns.cases()).filter(({ closed_at }) => closed_at === null);
      for (let n = 0; n < 8 && open.length > 0; n += 1) {
        const { id } = open[towns.draw(open.length)]!;
        const [first] = await towns.waiting(id);
        const choices = JSON.parse(first?.choices ?? '[]') as string[];
        const choice = choices.filter((one) => one !== 'GIVE_UP')[towns.draw(Math.max(1, choices.length))];
        // Twice at once, as a client that was cut off does.
        if (first && choice) {
          const answer = () => towns.answer(id, first.step, first.city as RegionalKey, choice);
          await Promise.all([answer(), answer()]);
        }
      }
      await towns.deliver();
      if (round % 6 === 5) await towns.pass(80);
    }

    towns.immortal();
    for (let round = 0; round < 40; round += 1) {
      for (const event of await towns.readAll()) await towns.hand(event);
      const cases = await towns.cases();
      if (cases.length === moves.length && cases.every(({ closed_at }) => closed_at !== null)) break;
      for (const { id } of cases)
        for (const { step, city, choices } of await towns.waiting(id)) {
          const choice = (JSON.parse(choices) as string[]).find((one) => one !== 'GIVE_UP');
          if (choice) await towns.answer(id, step, city as RegionalKey, choice);
        }
      await towns.deliver();
    }
    await towns.coordination.stop();

    const cases = await towns.cases();
    expect(cases.map(({ application_id }) => application_id).toSorted()).toEqual(moves.map(({ registration }) => registration).toSorted());
    expect(new Set(cases.map(({ outcome }) => outcome))).toEqual(new Set(['COMPLETED']));
    const log = await towns.readAll();
    for (const { id } of cases) expect(illegal(log.filter(({ aggregate }) => aggregate.id === id))).toEqual([]);
    expect(log.flatMap((event) => eventProblems(event))).toEqual([]);
    const ended = log.filter(({ type }) => type === 'permit.ended').map(({ facts }) => facts['application'] as string);
    expect(ended.toSorted()).toEqual(moves.flatMap(({ permits }) => permits).toSorted());
    for (const [permit, keys] of towns.office.effects) expect([permit, keys.size]).toEqual([permit, 1]);
    const overdue = log.filter(({ type }) => type === 'case.overdue').length;
    expect(overdue, 'time was over for some').toBeGreaterThan(0);

    const before = await towns.bytes();
    await towns.coordination.rebuild();
    expect(await towns.bytes()).toBe(before);
  });
});
