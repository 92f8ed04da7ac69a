import { parseServiceKey, type Problem } from '#contract';
import type { City, EventChoice } from '../cities/cities.ts';
import type { Channel } from './channels.ts';
import type { EventsDeps, EventsResult } from './events.ts';
import { lockReceiver } from './records.ts';
import { addSubscription, listSubscriptions, removeSubscription } from './subscription-records.ts';

/** Subscriptions of one city through the API; more is a mistake. */
const mostSubscriptions = 100;
const typePattern = /^(\*|[a-z][a-z-]{0,39}\.(\*|[a-z][a-z-]{0,59}))$/;

const invalid = (what: string, found: string | number, expected: string): Problem => ({
  code: 'INVALID_INPUT',
  facts: { what, found, expected },
  path: ['input', what],
});

function problemOf({ types, services }: EventChoice): Problem | null {
  if (types.length === 0 || types.length > 100) return invalid('types', types.length, '1 … 100');
  if (services.length === 0 || services.length > 500) return invalid('services', services.length, '1 … 500');
  const type = types.find((one) => !typePattern.test(one));
  if (type !== undefined) return invalid('types', type.slice(0, 60), 'application.delivered, application.*, *');
  const service = services.find((one) => one !== '*' && parseServiceKey(one) === null);
  return service === undefined ? null : invalid('services', service.slice(0, 60), '99…, L<ARS>.<id>, *');
}

/** Subscriptions that a city makes itself. They choose among what it may have; where events go is its file's to say. */
export function createSubscriptions({ store, now }: EventsDeps, channels: ReadonlyMap<string, Channel>) {
  return {
    async subscribe(city: City, choice: EventChoice, by: string): Promise<EventsResult> {
      if (!channels.has(city.id)) return { ok: false, problem: { code: 'NOT_FOUND', facts: { what: 'channel' } } };
      const problem = problemOf(choice);
      if (problem) return { ok: false, problem };
      return store.transaction(async (tx): Promise<EventsResult> => {
        // Held until the end: two that ask for the same at once would both find nothing.
        await lockReceiver(store, tx, city.id);
        const known = await listSubscriptions(tx, city.id);
        // The same again changes nothing.
        if (known.some((one) => one.types.join() === choice.types.join() && one.services.join() === choice.services.join()))
          return { ok: true, count: 0 };
        if (known.length >= mostSubscriptions)
          return { ok: false, problem: invalid('subscriptions', known.length, `< ${mostSubscriptions}`) };
        await addSubscription(tx, city.id, choice, by, now().getTime());
        return { ok: true, count: 1 };
      });
    },
    async unsubscribe(city: City, id: string): Promise<EventsResult> {
      const removed = await store.transaction((tx) => removeSubscription(tx, city.id, id));
      return removed
        ? { ok: true, count: 1 }
        : { ok: false, problem: { code: 'NOT_FOUND', facts: { what: 'Subscription' }, path: ['id'] } };
    },
  };
}
