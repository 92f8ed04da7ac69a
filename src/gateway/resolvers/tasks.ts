import { refuse } from '#contract';
import type { Application, SetAsideRecord } from '../../applications/applications.ts';
import type { Listing, PageRequest } from '../../catalogue/catalogue.ts';
import type { WaitingStep } from '../../coordination/coordination.ts';
import type { DeliveryView } from '../../events/events.ts';
import { getPrincipal, type Context } from '../context.ts';
import type { Resolvers, TaskKind } from '../generated/resolver-types.ts';
import { chained, connection, nothing, pageRequest } from '../pages.ts';

/** A task, as its feature lists it. */
export type TaskOf =
  | { readonly kind: 'APPLICATION'; readonly application: Application }
  | { readonly kind: 'CASE_STEP'; readonly step: WaitingStep }
  | { readonly kind: 'EVENT'; readonly delivery: DeliveryView }
  | { readonly kind: 'RECORD'; readonly record: SetAsideRecord };

type Of<K extends TaskKind> = Extract<TaskOf, { kind: K }>;
export type ApplicationTaskOf = Of<'APPLICATION'>;
export type CaseStepTaskOf = Of<'CASE_STEP'>;
export type EventTaskOf = Of<'EVENT'>;
export type RecordTaskOf = Of<'RECORD'>;

const map = <T, U>({ items, ...rest }: Listing<T>, make: (node: T) => U): Listing<U> => ({
  ...rest,
  items: items.map(({ node, cursor }) => ({ cursor, node: make(node) })),
});

/** Where the tasks of each kind stand, in the order of the list. @throws HubError PROBLEM UNAUTHENTICATED, FORBIDDEN */
function sourcesFor(context: Context): Readonly<Record<TaskKind, (page: PageRequest) => Promise<Listing<TaskOf>>>> {
  const { roles, ars } = getPrincipal(context);
  if (!roles.includes('city') || ars === null) throw refuse({ code: 'FORBIDDEN', facts: { role: 'city' } });
  const { applications, cities, coordination, events } = context.features;
  // A municipality that is not connected may still have steps of cases.
  const city = cities.findByArs(ars)?.id ?? null;
  return {
    APPLICATION: async (page) => map(await applications.listParkedOf(ars, page), (application) => ({ kind: 'APPLICATION', application })),
    CASE_STEP: async (page) => map(await coordination.steps(ars, ['clerk'], page), (step) => ({ kind: 'CASE_STEP', step })),
    EVENT: async (page) =>
      city === null
        ? nothing
        : map(await events.deliveries({ city, state: 'parked', oldestFirst: true }, page), (delivery) => ({ kind: 'EVENT', delivery })),
    RECORD: async (page) =>
      city === null ? nothing : map(await applications.listSetAsideOf(city, page), (record) => ({ kind: 'RECORD', record })),
  };
}

const types = {
  APPLICATION: 'ApplicationTask',
  CASE_STEP: 'CaseStepTask',
  EVENT: 'EventTask',
  RECORD: 'RecordTask',
} as const satisfies Record<TaskKind, string>;

/** All that waits for a person of a city, whatever it is about. */
export const taskResolvers: Resolvers = {
  Query: {
    tasks: async (_, args, context) => {
      const page = pageRequest(args);
      const sources = Object.entries(sourcesFor(context)).filter(([kind]) => !args.kinds || args.kinds.includes(kind as TaskKind));
      return connection(await chained(sources, page), page);
    },
  },
  Task: { __resolveType: ({ kind }) => types[kind] },
  ApplicationTask: {
    since: ({ application }) => application.statusSince,
    reason: ({ application }) => application.parkedReason ?? '',
    refusal: ({ application }, _, { features }) => features.applications.findRefusal(application.id),
  },
  CaseStepTask: { since: ({ step }) => step.since },
  EventTask: { since: ({ delivery }) => delivery.updatedAt },
  RecordTask: {
    since: ({ record }) => record.firstAt,
    adapter: ({ record }) => record.adapter,
    record: ({ record }) => record.record,
    reason: ({ record }) => record.reason,
    lastMetAt: ({ record }) => record.lastAt,
  },
};
