import { parseServiceKey, type Json, type KeyRules, type ServiceKey } from '#contract';
import type { City, EventChoice } from '../cities/cities.ts';

/*
 * Who gets an event. Deny by default:
 *
 *   addressed   its fact `to` names the city: a case concerns it
 *   subscribed  the city asked for such events, and the event is its own, or of a city that grants them to it
 *
 * A service that is asked for is also found where a city files it under a broader key, an object key for example, and an object
 * key asks for all below it. What is granted is no more than is stated: the key, what is below it, what is stated to be the same.
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

/** True if a choice holds the event: one of its types, and one of its services. An event about no service fits `*` alone. */
export function chooses(
  { types, services }: EventChoice,
  event: RoutedEvent,
  fits: (wanted: ServiceKey, service: ServiceKey) => boolean,
): boolean {
  const { service } = event.facts;
  const key = typeof service === 'string' ? parseServiceKey(service) : null;
  return (
    types.some((wanted) => typeFits(event.type, wanted)) &&
    services.some((wanted) => wanted === '*' || (key !== null && fits(wanted as ServiceKey, key)))
  );
}

/** True if the city may have the event once it asks for it. */
export function maySubscribe(keys: KeyRules, event: RoutedEvent, city: Pick<City, 'ars'>, sender: City | null): boolean {
  if (event.municipality === null) return false;
  if (keys.sameMunicipality(event.municipality, city.ars)) return true;
  return (sender?.grants ?? []).some(
    (grant) => (grant.to === '*' || keys.sameMunicipality(grant.to, city.ars)) && chooses(grant, event, keys.answers),
  );
}

/** Why the city gets the event; null if it does not. `subscriptions` is asked only where an answer could matter. */
export async function routeTo(
  keys: KeyRules,
  event: RoutedEvent,
  city: City,
  sender: City | null,
  subscriptions: () => Promise<readonly EventChoice[]>,
): Promise<Route | null> {
  if (addressees(event).some((ars) => keys.sameMunicipality(ars, city.ars))) return 'addressed';
  if (!maySubscribe(keys, event, city, sender)) return null;
  const wanted = [...(city.events?.subscribe ?? []), ...(await subscriptions())];
  return wanted.some((choice) => chooses(choice, event, keys.concerns)) ? 'subscribed' : null;
}
