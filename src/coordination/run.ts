import type { HubEvent, LoggedEvent } from '#contract';
import type { Poison } from '../infra/bus/bus.ts';
import { createInbox } from '../infra/bus/inbox.ts';
import { canonicalJson, newId } from '../infra/ids.ts';
import { findEvent } from '../infra/store/eventlog.ts';
import type { Tx } from '../infra/store/store.ts';
import { carryOut } from './commands.ts';
import type { CoordinationDeps } from './coordination.ts';
import type { CaseInput, CaseKind, Decision } from './kind.ts';
import { correlationOf, project, toFacts, type CaseRows } from './project.ts';
import type { CoordinationMetrics } from './metrics.ts';
import { findMarked, listCasesOf, lockCase, lockMarkedOf, saveCase } from './records.ts';

/*
 * One input, one transaction: that the input was taken, the new state, what it waits for, the commands and the events of the
 * case become durable together or not at all. What comes twice is taken once: an event by its id, an answer by case and
 * step, a deadline because the state does not wait for it any more. Two processes that meet at one case: the row is locked on
 * PostgreSQL, and its version tells a writer that lost, who then decides anew.
 */

/** How often an input is decided anew where somebody else changed the case meanwhile. */
const attempts = 8;

class Overtaken extends Error {}

/** Takes inputs. */
export interface Runtime {
  /** An event of the bus. */
  take(event: LoggedEvent): Promise<void>;
  /** An event that failed again and again is kept, and later ones of its application behind it; other cases go on. */
  park(event: LoggedEvent, poison: Poison): Promise<void>;
  /** Tries what was kept once more, as after a repair. */
  retryParked(): Promise<void>;
  /** Decides an input of a case that exists, in a transaction. @returns false if it changed nothing */
  decide(tx: Tx, kind: CaseKind, rows: CaseRows, input: CaseInput, cause: string): Promise<boolean>;
  /** Runs the work in a transaction, anew where it was overtaken. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
}

/** Group of the bus and consumer of the inbox. */
export const CONSUMER = 'coordination';

export function createRuntime(deps: CoordinationDeps): Runtime {
  const { store, eventLog, worlds, now, kinds, metrics, forgetFacts, log } = deps;
  const listened = new Set(kinds.flatMap(({ listens }) => listens));

  /** Types of events that a transaction wrote, by kind, and what the case has come to: counted once it is durable. */
  const noted = new WeakMap<Tx, Parameters<CoordinationMetrics['noted']>[]>();

  async function transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let round = 1; ; round += 1) {
      try {
        let written: Parameters<CoordinationMetrics['noted']>[] = [];
        const result = await store.transaction((tx) => {
          written = [];
          noted.set(tx, written);
          return work(tx);
        });
        for (const one of written) metrics.noted(...one);
        return result;
      } catch (error) {
        if (!(error instanceof Overtaken) || round === attempts) throw error;
      }
    }
  }

  const inbox = createInbox({ ...store, transaction });

  /** What a decision came to, not yet written to the log. */
  async function apply(
    tx: Tx,
    kind: CaseKind,
    at: { readonly rows: CaseRows | null; readonly correlation: string },
    input: CaseInput,
    cause: string,
  ): Promise<readonly HubEvent[]> {
    const { rows, correlation } = at;
    const about = input.kind === 'event' && input.event.aggregate.type === 'application' ? input.event.aggregate.id : null;
    const marked = await findMarked(tx, about ?? rows?.file.application_id ?? '');
    const own = rows && rows.file.application_id !== marked?.id ? await findMarked(tx, rows.file.application_id) : marked;
    const related = own?.applicant ? await lockMarkedOf(store, tx, own.applicant) : null;
    const sameApplicant = related?.filter(({ id }) => id !== own?.id).map((row) => worlds.application(row)) ?? null;
    const moment = now();
    const state = JSON.parse(rows?.file.state ?? canonicalJson(kind.initial)) as typeof kind.initial;
    const application = marked ? worlds.application(marked) : null;
    const decision = kind.decide(state, input, worlds.world(kind, moment, sameApplicant), application);
    if (decision.events.length === 0) return [];
    const id = rows?.file.id ?? newId();
    const events = toEvents(id, decision, { moment, cause, correlation });
    let after = rows;
    for (const event of events) after = project(kind, id, after, event);
    if (!after || !(await saveCase(tx, rows, after))) throw new Overtaken();
    if (after.file.closed_at !== null) await forgetFacts(tx, after.applications);
    const consequences: HubEvent[] = [];
    for (const command of decision.commands ?? []) consequences.push(...(await carryOut(deps.applications, tx, id, command, cause)));
    for (const { type } of events) noted.get(tx)?.push([kind.id, type, after.file.outcome]);
    return [...events, ...consequences];
  }

  /** What an event of an application does to cases: those that its kind knows it by, and those that have named the application. */
  async function effect(tx: Tx, event: LoggedEvent): Promise<void> {
    const marked = await findMarked(tx, event.aggregate.id);
    const application = marked ? worlds.application(marked) : null;
    const linked = await listCasesOf(tx, event.aggregate.id);
    const [input, cause]: [CaseInput, string] = [{ kind: 'event', event }, event.traceparent ?? ''];
    const written: HubEvent[] = [];
    for (const kind of kinds.filter(({ listens }) => listens.includes(event.type))) {
      const key = kind.correlate(event, application, deps.catalogue.keys);
      const correlation = key === null ? null : correlationOf(kind.id, key);
      const own = correlation === null ? null : await lockCase(store, tx, { kind: kind.id, correlation });
      if (correlation !== null) written.push(...(await apply(tx, kind, { rows: own, correlation }, input, cause)));
      for (const { id } of linked.filter((one) => one.kind === kind.id && one.id !== own?.file.id)) {
        const rows = await lockCase(store, tx, { id });
        if (rows) written.push(...(await apply(tx, kind, { rows, correlation: rows.file.correlation }, input, cause)));
      }
    }
    if (written.length > 0) await eventLog.append(tx, written);
  }

  return {
    transaction,
    async take(event) {
      if (event.aggregate.type !== 'application' || !listened.has(event.type)) return;
      const about = event.aggregate.id;
      // Most applications concern no case: nothing is written for them, and looking again finds the same.
      const isConcerned = async () => (await findMarked(store.db, about)) !== undefined || (await listCasesOf(store.db, about)).length > 0;
      // A store that is away says so in the transaction.
      if (!(await isConcerned().catch(() => true))) return;
      await transaction(async (tx) => {
        // What counts is the event as it stands in the hub's own log, not what came by the bus.
        const own = await findEvent(tx, event.id);
        if (own?.aggregate.id === about) await inbox.once(tx, CONSUMER, own, effect, now().getTime());
        else log.error({ event: event.id, application: about }, 'an event that the log does not know came by the bus and was left out');
      });
    },
    park: (event, poison) => inbox.park(CONSUMER, event, poison, now().getTime()),
    async retryParked() {
      for (const { aggregate } of await inbox.listParked(CONSUMER))
        await inbox.release(CONSUMER, aggregate, effect, now().getTime()).then(
          (events) => log.info({ application: aggregate.id, events }, 'events that were kept have been taken into their case'),
          (error: unknown) => log.warn({ application: aggregate.id, err: error }, 'events that were kept still fail'),
        );
    },
    async decide(tx, kind, rows, input, cause) {
      const written = await apply(tx, kind, { rows, correlation: rows.file.correlation }, input, cause);
      if (written.length > 0) await eventLog.append(tx, written);
      return written.length > 0;
    },
  };
}

const toEvents = (
  id: string,
  { events }: Decision,
  { moment, cause, correlation }: { readonly moment: Date; readonly cause: string; readonly correlation: string },
): HubEvent[] =>
  events.map((event) => ({
    id: newId(),
    type: event.type,
    aggregate: { type: 'case', id },
    occurredAt: moment,
    municipality: event.of,
    facts: event.type === 'case.opened' ? { ...toFacts(event), correlation } : toFacts(event),
    ...(cause ? { traceparent: cause } : {}),
  }));
