import type { Json } from '#contract';
import type { City, EventChoice } from '../cities/cities.ts';

/*
 * Who gets an event. Deny by default:
 *
 *   addressed   its fact `to` names the city: a case concerns it
 *   subscribed  the city asked for such events, and the event is its own, or of a city that grants them to it
 */

/** Why a city gets an event. */
export type Route = 'addressed' | 'subscribed';

/** What routing looks at. */
export interface RoutedEvent {
  readonly type: string;
  readonly municipality: string | null;
  readonly facts: { readonly [name: string]: Json };
}

/** The cities that an event is addressed to. */
export const addressees = ({ facts: { to } }: Pick<RoutedEvent, 'facts'>): readonly string[] =>
  Array.isArray(to) ? to.filter((ars): ars is string => typeof ars === 'string') : [];

const typeFits = (type: string, wanted: string): boolean =>
  wanted === '*' || wanted === type || (wanted.endsWith('.*') && type.startsWith(wanted.slice(0, -1)));

/** True where a choice holds the event: one of its types, and one of its services. An event about no service fits `*` alone. */
export function chooses({ types, services }: EventChoice, event: RoutedEvent): boolean {
  const { service } = event.facts;
  return (
    types.some((wanted) => typeFits(event.type, wanted)) &&
    services.some((wanted) => wanted === '*' || (typeof service === 'string' && wanted === service))
  );
}

/** True where the city may have the event once it asks for it. */
export function maySubscribe(event: RoutedEvent, city: Pick<City, 'ars'>, sender: City | null): boolean {
  if (event.municipality === null) return false;
  if (event.municipality === city.ars) return true;
  return (sender?.grants ?? []).some((grant) => (grant.to === '*' || grant.to === city.ars) && chooses(grant, event));
}

/** Why the city gets the event; null where it does not. `subscriptions` is asked only where an answer could matter. */
export async function routeTo(
  event: RoutedEvent,
  city: City,
  sender: City | null,
  subscriptions: () => Promise<readonly EventChoice[]>,
): Promise<Route | null> {
  if (addressees(event).includes(city.ars)) return 'addressed';
  if (!maySubscribe(event, city, sender)) return null;
  const wanted = [...(city.events?.subscribe ?? []), ...(await subscriptions())];
  return wanted.some((choice) => chooses(choice, event)) ? 'subscribed' : null;
}
