import type { Json } from '#contract';
import type { Channel } from './channels.ts';
import { afterFailure, afterSuccess, decideDelivery, isAboutEvent, outageFailures, type DeliveryFailure } from './dispatch-rules.ts';
import type { EventsDeps } from './events.ts';
import { holdJob, type HeldJob } from '../infra/held-job.ts';
import { findEvent } from '../infra/store/eventlog.ts';
import { forgetDeliveries } from './looks.ts';
import {
  claimDeliveries,
  findStep,
  listDueCities,
  lockReceiver,
  recordAttempt,
  renewDelivery,
  saveChannelState,
  saveStep,
  settleDelivery,
  toChannelState,
  wakeDeliveries,
  type ClaimedDelivery,
  type DeliveryRow,
} from './records.ts';
import { ChannelError } from './webhooks.ts';

/*
 * Works off the queues of all cities. A delivery is leased for some seconds and the lease renewed while the attempt runs, so a process
 * that dies leaves it to another; the fence decides whose outcome counts. Outcome, attempt and the channel's state are written in one
 * transaction, which waits for a store that is away as long as the lease has not passed on. Whoever dies between the city's answer
 * and that transaction has the event sent again, under the same id.
 *
 * Of each case or application only the oldest open event is ever on its way: events of one reach a city in their order, whoever sends.
 * Each city has slots of its own and, while its channel fails, a single one: the queue of one city is nothing to another's.
 */

/** How events are paced; tests are in a hurry. */
export interface DeliveriesTiming {
  /** A dead process's deliveries wait this long. @default 10000 */
  readonly leaseMs: number;
  /** Longest pause between two looks for what is due, of this and other processes. @default 500 */
  readonly pollMs: number;
}

/** Works off what is queued. */
export interface Deliveries {
  start(): void;
  /** Something was queued in this process. */
  readonly wake: () => void;
  /** Begins nothing more, ends attempts under way; what they were at is tried again after the next start. */
  stop(): Promise<void>;
}

/** When a delivery was claimed, by `performance.now()`, and what stops it. */
interface Claim {
  readonly signal: AbortSignal;
  readonly since: number;
}

/** How long attempts and finished deliveries are remembered. */
const rememberMs = 90 * 24 * 3_600_000;
/** A channel that works need not say so with every event. */
const sayAgainMs = 1000;

export function createDeliveries(deps: EventsDeps, channels: ReadonlyMap<string, Channel>): Deliveries {
  const { store, log, now, policy, metrics, timing } = deps;
  const running = new Map<string, number>();
  const underWay = new Set<Promise<void>>();
  const inHand = new Set<ClaimedDelivery>();
  let stopped = new AbortController();
  let wake: () => void = () => {};
  let loop: Promise<void> = Promise.resolve();
  let forgotAt = 0;

  async function run({ signal }: AbortController): Promise<void> {
    while (!signal.aborted) {
      // Armed before looking: what is queued during the look counts for the next one.
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      let claimed = 0;
      try {
        claimed = await claimDue(signal);
        await forgetSometimes();
      } catch (error) {
        log.warn({ err: error }, 'deliveries of events could not read their queue; they try again');
      }
      if (claimed > 0 || signal.aborted) continue;
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([woken, new Promise((resolve) => (timer = setTimeout(resolve, timing.pollMs)))]);
      clearTimeout(timer);
    }
  }

  async function forgetSometimes(): Promise<void> {
    if (now().getTime() - forgotAt < 3_600_000) return;
    forgotAt = now().getTime();
    await forgetDeliveries(store.db, forgotAt - rememberMs);
  }

  const inHandOf = (city: string) => [...inHand].flatMap((row) => (row.city === city ? row.event_id : []));

  async function claimDue(signal: AbortSignal): Promise<number> {
    const free = new Map<string, number>();
    for (const [city, channel] of channels) {
      const slots = channel.concurrency - (running.get(city) ?? 0);
      if (slots > 0 && channel.accepts()) free.set(city, slots);
    }
    if (free.size === 0) return 0;
    let claimed = 0;
    for (const { city, failures } of await listDueCities(store.db, [...free.keys()], now().getTime())) {
      const channel = channels.get(city);
      const most = failures > 0 ? 1 - (running.get(city) ?? 0) : (free.get(city) ?? 0);
      if (!channel || most <= 0 || signal.aborted) continue;
      const since = performance.now();
      const rows = await claimDeliveries(store, { city, except: inHandOf(city) }, most, now().getTime(), timing.leaseMs);
      claimed += rows.length;
      for (const row of rows) begin(row, channel, { signal, since });
    }
    return claimed;
  }

  function begin(row: ClaimedDelivery, channel: Channel, from: Claim): void {
    running.set(row.city, (running.get(row.city) ?? 0) + 1);
    inHand.add(row);
    const attempt = deliver(row, channel, from)
      .catch((error: unknown) =>
        log.warn({ city: row.city, event: row.event_id, err: error }, 'an outcome could not be written; the lease will run out'),
      )
      .finally(() => {
        running.set(row.city, (running.get(row.city) ?? 1) - 1);
        inHand.delete(row);
        underWay.delete(attempt);
        wake();
      });
    underWay.add(attempt);
  }

  async function deliver(row: ClaimedDelivery, channel: Channel, { signal: stopping, since }: Claim): Promise<void> {
    const held = holdJob({
      renew: (until) => renewDelivery(store.db, row, until),
      leaseMs: timing.leaseMs,
      since,
      now,
      stopping: () => stopping.aborted,
    });
    try {
      await attempt(row, channel, held, stopping);
    } finally {
      held.letGo();
    }
  }

  async function attempt(row: ClaimedDelivery, channel: Channel, { lost, persist }: HeldJob, stopping: AbortSignal): Promise<void> {
    const event = await persist(() => findEvent(store.db, row.event_id));
    const signal = AbortSignal.any([stopping, lost]);
    const startedAt = now().getTime();
    const ended = metrics.delivery.startTimer({ city: row.city, channel: channel.kind });
    const outcome = await (event ? channel.send(event, { number: row.attempts, signal, steps: stepsOf(row, persist) }) : missing()).then(
      (sent) => ({ sent }),
      (error: unknown) => ({ error }),
    );
    if ('sent' in outcome) {
      ended({ outcome: 'DELIVERED' });
      // Taken is taken, even if the lease ran out meanwhile: the fence says whether it still counts.
      await persist(() => succeed(row, channel, startedAt, outcome.sent.status));
    } else if (signal.aborted) await putBack(row);
    else {
      const failure = toFailure(outcome.error, row);
      ended({ outcome: failure.class });
      await persist(() => fail(row, channel, startedAt, failure));
    }
  }

  const missing = () => Promise.reject(new Error('an event is not in the log any more'));

  function toFailure(error: unknown, { city, event_id }: DeliveryRow): DeliveryFailure {
    if (error instanceof ChannelError) return error.failure;
    log.error({ city, event: event_id, err: error }, 'an event could not be sent for a reason of our own');
    return { class: 'INTERNAL' };
  }

  /** An attempt that the hub itself broke off says nothing about the city. */
  const putBack = (row: DeliveryRow) =>
    store.transaction((tx) =>
      settleDelivery(tx, row, { state: 'waiting', attempts: row.attempts - 1, not_before: row.not_before, updated_at: now().getTime() }),
    );

  const attemptOf = (row: DeliveryRow, channel: Channel, at: number, outcome: string, status?: number) => ({
    city: row.city,
    event_id: row.event_id,
    attempt: row.attempts,
    channel: channel.kind,
    at,
    ms: now().getTime() - at,
    outcome,
    status: status ?? null,
  });

  async function succeed(row: DeliveryRow, channel: Channel, startedAt: number, status?: number): Promise<void> {
    await store.transaction(async (tx) => {
      const at = now().getTime();
      await recordAttempt(tx, attemptOf(row, channel, startedAt, 'DELIVERED', status));
      await settleDelivery(tx, row, { state: 'delivered', last_error: null, updated_at: at });
      const receiver = await lockReceiver(store, tx, row.city);
      if (!receiver || (receiver.failures === 0 && at - (receiver.succeeded_at ?? 0) < sayAgainMs)) return;
      await saveChannelState(tx, row.city, afterSuccess(toChannelState(receiver), at), null);
      if (receiver.failures >= outageFailures) await wakeDeliveries(tx, row.city, at, false);
    });
  }

  async function fail(row: DeliveryRow, channel: Channel, startedAt: number, failure: DeliveryFailure): Promise<void> {
    const { decision, paused } = await store.transaction(async (tx) => {
      const at = now().getTime();
      const receiver = await lockReceiver(store, tx, row.city);
      const firstFailedAt = row.failed_at ?? at;
      const state = { attempts: row.attempts, firstFailedAt, othersSucceededAt: receiver?.succeeded_at ?? null };
      const decision = decideDelivery(failure, state, policy, at, Math.random());
      await recordAttempt(tx, attemptOf(row, channel, startedAt, failure.class, failure.status));
      const outcome =
        decision.do === 'park'
          ? { state: 'parked' as const, reason: decision.reason }
          : { state: 'waiting' as const, not_before: decision.at };
      await settleDelivery(tx, row, { ...outcome, failed_at: firstFailedAt, last_error: failure.class, updated_at: at });
      if (!receiver) return { decision, paused: false };
      const after = afterFailure(toChannelState(receiver), failure, startedAt, policy, at, Math.random());
      await saveChannelState(tx, row.city, after, isAboutEvent(failure) ? receiver.last_error : failure.class);
      return { decision, paused: after.pausedAt !== null && receiver.paused_at === null };
    });
    const facts = {
      city: row.city,
      event: row.event_id,
      type: row.type,
      attempt: row.attempts,
      outcome: failure.class,
      status: failure.status,
    };
    if (decision.do === 'park') log.error({ ...facts, reason: decision.reason }, 'an event for a city was parked: release or discard it');
    else log.warn(facts, 'an event did not reach its city; it is tried again');
    if (paused) log.error({ city: row.city, outcome: failure.class }, 'events to a city are paused: repair its channel, then resume them');
  }

  /** The memo of one event at one city: two cities may get the same event. */
  const stepsOf = ({ city, event_id }: DeliveryRow, persist: HeldJob['persist']) => ({
    find: async (name: string): Promise<Json | undefined> => {
      const step = await findStep(store.db, `${city} ${event_id}`, name);
      return step ? (JSON.parse(step.result) as Json) : undefined;
    },
    save: (name: string, result: Json): Promise<void> =>
      persist(() => saveStep(store.db, { key: `${city} ${event_id}`, name, result: JSON.stringify(result), done_at: now().getTime() })),
  });

  return {
    start() {
      stopped = new AbortController();
      loop = run(stopped);
    },
    wake: () => wake(),
    async stop() {
      stopped.abort();
      wake();
      await loop;
      await Promise.all(underWay);
      for (const channel of channels.values()) channel.close();
    },
  };
}
