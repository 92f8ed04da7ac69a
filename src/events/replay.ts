import type { HubEvent, LoggedEvent } from '#contract';
import type { City } from '../cities/cities.ts';
import { seeOnce } from '../infra/bus/inbox.ts';
import { newId } from '../infra/ids.ts';
import type { Channel } from './channels.ts';
import { consumerOf } from './dispatch.ts';
import type { EventsDeps, EventsResult } from './events.ts';
import { listEvents } from './looks.ts';
import { queueDelivery, recordDecision, requeueDelivery } from './records.ts';
import { listSubscriptions } from './subscription-records.ts';
import { routeTo } from './subscriptions.ts';

/*
 * A replay reads the log again and queues, under their own ids and in their order, the events that the city gets by today's rules: those it
 * had, and those it had no channel or no grant for yet. Whoever deduplicates by id notices nothing; whoever lost them has them back.
 */

/** What is replayed: a time (from, until before), or one case or application. */
export type ReplayRange = { readonly from: Date; readonly until: Date } | { readonly about: string };

/** Most events of one replay. */
export const longestReplay = 10_000;
const page = 500;

export function createReplay(deps: EventsDeps, channels: ReadonlyMap<string, Channel>, wake: () => void) {
  const { store, eventLog, cities, keys, now } = deps;

  async function* routed(city: City, range: ReplayRange) {
    const which = 'about' in range ? { aggregate: range.about } : { from: range.from.getTime(), until: range.until.getTime() };
    const subscriptions = await listSubscriptions(store.db, city.id);
    for (let after = 0; ;) {
      const events = await listEvents(store.db, which, after, page);
      for (const event of events) {
        const sender = event.municipality === null ? null : cities.findByArs(event.municipality);
        if (await routeTo(keys, event, city, sender, async () => subscriptions)) yield event;
      }
      if (events.length < page) return;
      after = events.at(-1)?.seq ?? after;
    }
  }

  return {
    async replay(city: City, range: ReplayRange, by: string): Promise<EventsResult> {
      const channel = channels.get(city.id);
      if (!channel) return { ok: false, problem: { code: 'NOT_FOUND', facts: { what: 'channel' } } };
      const chosen: LoggedEvent[] = [];
      for await (const event of routed(city, range)) {
        if (!channel.refuses(event.type)) chosen.push(event);
        if (chosen.length > longestReplay)
          return {
            ok: false,
            problem: {
              code: 'INVALID_INPUT',
              saying: 'REPLAY_TOO_LONG',
              facts: { most: longestReplay },
              path: ['input'],
            },
          };
      }
      let count = 0;
      for (let at = 0; at < chosen.length; at += page)
        count += await store.transaction(async (tx) => {
          let queued = 0;
          for (const event of chosen.slice(at, at + page)) {
            const time = now().getTime();
            if (await seeOnce(tx, consumerOf(city.id), event.id, time)) await queueDelivery(tx, city.id, event, time);
            else if (!(await requeueDelivery(tx, city.id, event, time))) continue;
            queued += 1;
          }
          return queued;
        });
      const what = 'about' in range ? range.about : `${range.from.toISOString()} ${range.until.toISOString()}`;
      await store.transaction((tx) =>
        recordDecision(tx, { city: city.id, event_id: null, action: 'replay', by, reason: what, at: now().getTime() }),
      );
      wake();
      return { ok: true, count };
    },

    /** Writes `delivery.tested` into the log: it takes the whole way of a real event to the city. */
    async test(city: City, by: string, traceparent: string): Promise<EventsResult> {
      if (!channels.has(city.id)) return { ok: false, problem: { code: 'NOT_FOUND', facts: { what: 'channel' } } };
      const at = now();
      const event: HubEvent = {
        id: newId(),
        type: 'delivery.tested',
        aggregate: { type: 'delivery', id: city.id },
        occurredAt: at,
        municipality: city.ars,
        facts: { to: [city.ars] },
        ...(traceparent ? { traceparent } : {}),
      };
      await store.transaction(async (tx) => {
        await recordDecision(tx, { city: city.id, event_id: event.id, action: 'test', by, reason: null, at: at.getTime() });
        await eventLog.append(tx, [event]);
      });
      return { ok: true, count: 1, eventId: event.id };
    },
  };
}
