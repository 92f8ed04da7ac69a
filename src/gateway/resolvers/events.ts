import { refuse } from '#contract';
import type { City } from '../../cities/cities.ts';
import type { DeliveryView, EventsResult, Trail } from '../../events/events.ts';
import { getPrincipal, type Context } from '../context.ts';
import type { EventChannelKind, EventDeliveryState, Resolvers, TrailKind } from '../generated/resolver-types.ts';
import { parseGlobalId } from '../ids.ts';
import { connection, pageRequest } from '../pages.ts';
import { asMember } from '../problems.ts';

/** The city that asks, and who speaks for it. @throws HubError PROBLEM UNAUTHENTICATED, FORBIDDEN */
function getCity(context: Context): { readonly city: City | null; readonly owner: string } {
  const { roles, ars, owner } = getPrincipal(context);
  if (!roles.includes('city') || ars === null) throw refuse({ code: 'FORBIDDEN', facts: { role: 'city' } });
  return { city: context.features.cities.findByArs(ars), owner };
}

/** Runs a verb for the asking city. */
async function act(context: Context, verb: (city: City, owner: string) => Promise<EventsResult>) {
  const { city, owner } = getCity(context);
  const channel = city && (await context.features.events.channel(city.id));
  if (!city || !channel) return asMember('EventsResult', { problem: { code: 'NOT_FOUND', facts: { what: 'EventChannel' } } });
  const result = await verb(city, owner);
  if (!result.ok) return asMember('EventsResult', result);
  // Asked again: the verb has changed it.
  return { count: result.count, eventId: result.eventId ?? null, channel: (await context.features.events.channel(city.id)) ?? channel };
}

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** What a caller means: a case or an application by global id, or anything by the UUID that events carry. */
const keyOf = (id: string): string | null => {
  const key = uuid.test(id) ? id : (parseGlobalId(id)?.key ?? '');
  return uuid.test(key) ? key : null;
};

/** Who may see a trail: a city that an event is of or addressed to, and who may see one of its applications. */
async function maySee(trail: Trail, { principal, loaders, features }: Context): Promise<boolean> {
  if (!principal) return false;
  const { keys } = features.catalogue;
  if (principal.roles.includes('city') && trail.cities.some((ars) => keys.sameMunicipality(ars, principal.ars))) return true;
  const applications = await Promise.all(trail.applications.map((id) => loaders.application.load(id)));
  return applications.some((application) => application !== null);
}

const parse = (state: EventDeliveryState) => state.toLowerCase() as DeliveryView['state'];

/** How events reach a city, what became of each, and the trail of a case. */
export const eventResolvers: Resolvers = {
  Query: {
    eventChannel: async (_, __, context) => {
      const { city } = getCity(context);
      return city && context.features.events.channel(city.id);
    },
    caseTrail: async (_, { id }, context) => {
      const key = keyOf(id);
      if (!key || !context.principal) return null;
      const { roles, ars } = context.principal;
      const own = roles.includes('city') && ars !== null ? context.features.cities.findByArs(ars) : null;
      const trail = await context.features.events.trail(key, own?.id ?? null);
      return trail && (await maySee(trail, context)) ? trail.entries : null;
    },
  },
  Mutation: {
    subscribeToEvents: (_, { input: { types, services } }, context) =>
      act(context, (city, owner) => context.features.events.subscribe(city, { types, services: services ?? ['*'] }, owner)),
    unsubscribeFromEvents: (_, { id }, context) => act(context, (city) => context.features.events.unsubscribe(city, id)),
    releaseEvent: (_, { input }, context) => act(context, ({ id }, owner) => context.features.events.release(id, input.eventId, owner)),
    discardEvent: (_, { input }, context) =>
      act(context, ({ id }, owner) => context.features.events.discard(id, input.eventId, input.reason, owner)),
    replayEvents: (_, { input: { time, about } }, context) =>
      act(context, async (city, owner) => {
        const key = about ? keyOf(about) : null;
        if (key) return context.features.events.replay(city, { about: key }, owner);
        if (time) return context.features.events.replay(city, time, owner);
        return { ok: false, problem: { code: 'NOT_FOUND', facts: { what: 'about' }, path: ['input', 'about'] } };
      }),
    pauseEvents: (_, { paused }, context) =>
      act(context, ({ id }, owner) => (paused ? context.features.events.pause(id, owner) : context.features.events.resume(id, owner))),
    sendTestEvent: (_, __, context) => act(context, (city, owner) => context.features.events.test(city, owner, context.traceparent)),
  },
  EventsResult: {
    __resolveType: (result) => ('__typename' in result ? (result.__typename as 'InvalidInput') : 'EventsSuccess'),
  },
  EventChannel: {
    deliver: ({ deliver }) => deliver.toUpperCase() as EventChannelKind,
    deliveries: async ({ city }, args, { features }) => {
      const page = pageRequest(args);
      const filter = { city, ...(args.state ? { state: parse(args.state) } : {}), ...(args.type ? { type: args.type } : {}) };
      return connection(await features.events.deliveries(filter, page), page);
    },
  },
  EventDelivery: {
    state: ({ state }) => state.toUpperCase() as EventDeliveryState,
    changedAt: ({ updatedAt }) => updatedAt,
  },
  EventAttempt: {
    at: ({ at }) => new Date(at),
    milliseconds: ({ ms }) => ms,
  },
  TrailEntry: { kind: ({ kind }) => kind.toUpperCase() as TrailKind },
};
