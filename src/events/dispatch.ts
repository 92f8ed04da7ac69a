import type { LoggedEvent } from '#contract';
import type { City } from '../cities/cities.ts';
import type { BusSubscription } from '../infra/bus/bus.ts';
import { seeOnce } from '../infra/bus/inbox.ts';
import type { Channel } from './channels.ts';
import { eventTypes } from './catalogue.ts';
import type { EventsDeps } from './events.ts';
import { findEvent } from '../infra/store/eventlog.ts';
import { ensureReceiver, queueDelivery } from './records.ts';
import { listSubscriptions } from './subscription-records.ts';
import { routeTo } from './subscriptions.ts';

/*
 * Dispatch: one consumer of the bus per city that has a channel (group `city-<id>`). For each event it decides whether the city gets it
 * (subscriptions.ts) and, in one transaction, remembers the event in its inbox and queues the delivery. It sends nothing itself, so a sick
 * city keeps neither its own consumer nor anybody else's waiting; deliveries.ts works the queues off.
 *
 * What goes out is the event as it stands in the hub's own log, not what came by the bus: who can write to a topic cannot send events to
 * cities in the hub's name. A city that gets its first channel begins with the events from then on; earlier ones can be replayed.
 */

/** Aggregates whose events may concern a city. */
const dispatchedAggregates = [...new Set(Object.values(eventTypes))];

/** Consumers of the bus, one per city. */
export interface Dispatch {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The consumer's name in the inbox and on the bus. */
export const consumerOf = (city: string): string => `city-${city}`;

/** Queues the event for the city where it is to get it and it stands behind `after` in the log; true if it is new. */
async function queueFor(deps: EventsDeps, channel: Channel, city: City, event: LoggedEvent, after: number): Promise<boolean> {
  const { store, cities, keys, now } = deps;
  const isFor = (one: LoggedEvent, db: typeof store.db) =>
    routeTo(keys, one, city, one.municipality === null ? null : cities.findByArs(one.municipality), () => listSubscriptions(db, city.id));
  // Most events are for others: for those nothing is begun.
  if (!(await isFor(event, store.db))) return false;
  const refusal = channel.refuses(event.type);
  return store.transaction(async (tx) => {
    const at = now().getTime();
    const own = await findEvent(tx, event.id);
    if (!own || own.seq <= after || !(await isFor(own, tx)) || !(await seeOnce(tx, consumerOf(city.id), event.id, at))) return false;
    await queueDelivery(tx, city.id, own, at, refusal ?? undefined);
    return true;
  });
}

export function createDispatch(deps: EventsDeps, channels: ReadonlyMap<string, Channel>, queued: () => void): Dispatch {
  const { store, eventLog, bus, cities, log } = deps;
  let consumers: readonly BusSubscription[] = [];

  async function consume(city: City, channel: Channel): Promise<BusSubscription> {
    const { from_seq } = await ensureReceiver(store.db, city.id, await eventLog.head());
    return bus.subscribe({
      group: consumerOf(city.id),
      aggregateTypes: dispatchedAggregates,
      // A beginning that the store remembers, since the end of a topic is known only where a broker answers.
      from: 'beginning',
      async handle(event) {
        if (event.seq > from_seq && (await queueFor(deps, channel, city, event, from_seq))) queued();
      },
    });
  }

  return {
    async start() {
      const able = cities.list().flatMap((city) => {
        const channel = channels.get(city.id);
        return channel ? [{ city, channel }] : [];
      });
      for (const { city } of able)
        if (city.events?.deliver === 'kafka' && !bus.inboxes)
          log.error({ city: city.id }, 'The city gets its events by Kafka, and BUS_URL names no broker: its events wait');
      consumers = await Promise.all(able.map(({ city, channel }) => consume(city, channel)));
    },
    async stop() {
      await Promise.all(consumers.map((consumer) => consumer.stop()));
    },
  };
}
