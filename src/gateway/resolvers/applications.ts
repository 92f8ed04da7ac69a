import { applicationStatuses, inLanguage, refuse, type ApplicationStatus, type Json, type LoggedEvent, type Person } from '#contract';
import { statusTexts, type Application, type Release, type SubmitInput } from '../../applications/applications.ts';
import { getPrincipal, type Context } from '../context.ts';
import type { ApplicantInput, ReleaseDecision, Resolvers, Role, SubmitApplicationInput } from '../generated/resolver-types.ts';
import { applicationKey, toGlobalId } from '../ids.ts';
import { forgetLoaded } from '../loaders.ts';
import { connection, pageRequest } from '../pages.ts';
import { asMember } from '../problems.ts';
import { toPlace } from './catalogue.ts';

/** An event and the municipality of its application: facts are for that city alone. */
export interface EventOf {
  readonly event: LoggedEvent;
  readonly ars: string;
}

const invalid = (what: string, found: string | number, expected: string, path: string[]) =>
  ({ code: 'INVALID_INPUT', facts: { what, found, expected }, path }) as const;

function toPerson({ name, email, phone, ids }: ApplicantInput): Person {
  if (ids && (typeof ids !== 'object' || !Object.values(ids).every((value) => typeof value === 'string')))
    throw refuse(invalid('applicant.ids', typeof ids, '{ name: text }', ['input', 'applicant', 'ids']));
  return { name, ...(email && { email }), ...(phone && { phone }), ...(ids ? { ids: ids as Record<string, string> } : {}) };
}

const toSubmission = (input: SubmitApplicationInput): SubmitInput => ({
  service: input.service,
  place: toPlace(input.place),
  formRevision: input.formRevision,
  applicant: toPerson(input.applicant),
  // JSON null is a value a client may have sent by leaving the field out: both mean that there is no form.
  ...(input.formData !== undefined && input.formData !== null && { formData: input.formData }),
  sealedFormData: input.sealedFormData ?? null,
  ...(input.attachmentIds && { attachmentIds: input.attachmentIds }),
  channel: input.channel ?? 'ONLINE',
  idempotencyKey: input.idempotencyKey,
});

/** The decision of a @oneOf input; null if it says `retry: false` or `discard: false`, which decides nothing. */
function toRelease({ retry, delivered, discard }: ReleaseDecision): Release | null {
  if (retry) return { action: 'retry' };
  if (discard) return { action: 'discard' };
  if (!delivered) return null;
  return { action: 'delivered', caseRef: delivered.caseRef, ...(delivered.caseNumber && { caseNumber: delivered.caseNumber }) };
}

const notFound = { problem: { code: 'NOT_FOUND', facts: { what: 'Application' }, path: ['input', 'id'] } } as const;

const isOwnCity = ({ principal, features }: Context, ars: string) =>
  Boolean(principal?.roles.includes('city') && features.catalogue.keys.sameMunicipality(principal.ars, ars));

const statusOf = (facts: { readonly [name: string]: Json }): ApplicationStatus | null =>
  applicationStatuses.find((status) => status === facts['status']) ?? null;

/** The stream of `applicationChanged`: refuses what the caller may not see, then follows it until the caller is gone. */
async function* follow(id: string, context: Context): AsyncGenerator<{ applicationChanged: Application }> {
  const key = applicationKey(id);
  const visible = key && (await context.loaders.application.load(key));
  if (!key || !visible) throw refuse({ code: 'NOT_FOUND', facts: { what: 'Application' }, path: ['id'] });
  for await (const application of context.features.applications.watch(key, context.signal)) {
    forgetLoaded(context.loaders);
    yield { applicationChanged: application };
  }
}

/** Submitting, following, withdrawing and releasing applications. */
export const applicationResolvers: Resolvers = {
  Query: {
    application: (_, { id }, { loaders }) => {
      const key = applicationKey(id);
      return key ? loaders.application.load(key) : null;
    },
    viewer: (_, __, { principal }) => principal,
  },
  Mutation: {
    submitApplication: async (_, { input }, context) => {
      const result = await context.features.applications.submit(toSubmission(input), getPrincipal(context), context.traceparent);
      return result.ok ? { application: result.application, replayed: result.replayed } : asMember('SubmitApplicationResult', result);
    },
    withdrawApplication: async (_, { input }, context) => {
      const principal = getPrincipal(context);
      const id = applicationKey(input.id);
      if (!id) return asMember('WithdrawApplicationResult', notFound);
      const result = await context.features.applications.withdraw({ id, reason: input.reason }, principal, context.traceparent);
      return result.ok ? { application: result.application } : asMember('WithdrawApplicationResult', result);
    },
    releaseApplication: async (_, { input }, context) => {
      const principal = getPrincipal(context);
      const id = applicationKey(input.id);
      if (!id) return asMember('ReleaseApplicationResult', notFound);
      const release = toRelease(input.decision);
      if (!release) return asMember('ReleaseApplicationResult', { problem: invalid('decision', 'false', 'true', ['input', 'decision']) });
      const result = await context.features.applications.release(id, release, principal, context.traceparent);
      return result.ok ? { application: result.application } : asMember('ReleaseApplicationResult', result);
    },
  },
  Subscription: { applicationChanged: { subscribe: (_, { id }, context) => follow(id, context) } },
  SubmitApplicationResult: {
    __resolveType: (result) => ('__typename' in result ? (result.__typename as 'InvalidInput') : 'SubmitApplicationSuccess'),
  },
  WithdrawApplicationResult: {
    __resolveType: (result) => ('__typename' in result ? (result.__typename as 'InvalidInput') : 'WithdrawApplicationSuccess'),
  },
  ReleaseApplicationResult: {
    __resolveType: (result) => ('__typename' in result ? (result.__typename as 'InvalidInput') : 'ReleaseApplicationSuccess'),
  },
  Viewer: {
    roles: ({ roles }) => roles.map((role) => role.toUpperCase() as Role),
    municipality: ({ ars }, _, { features }) => ars && features.catalogue.findMunicipality({ ars }),
    applications: async (principal, args, { features }) => {
      const page = pageRequest(args);
      return connection(await features.applications.list(principal, { status: args.status ?? null, page }), page);
    },
  },
  Application: {
    id: ({ id }) => toGlobalId('Application', id),
    offer: ({ offerId }, _, { features }) => features.catalogue.findOffer(offerId),
    service: ({ serviceKey }, _, { features }) => features.catalogue.findService(serviceKey),
    municipality: ({ ars }, _, { features }) => {
      const municipality = features.catalogue.findMunicipality({ ars });
      if (!municipality) throw new Error(`The catalogue does not know municipality ${ars} of an application`);
      return municipality;
    },
    statusText: ({ status }, { language }) => inLanguage(statusTexts[status], language ?? 'DE'),
    receipt: ({ reference, submittedAt, channel, formRevision }) => ({ reference, submittedAt, channel, formRevision }),
    refusal: ({ id, ars, parkedReason }, _, context) =>
      parkedReason !== null && isOwnCity(context, ars) ? context.features.applications.findRefusal(id) : null,
    history: async (application, args, { features }) => {
      const page = pageRequest(args, 50);
      const { items, ...rest } = await features.applications.history(application, page);
      const events = items.map(({ node, cursor }) => ({ cursor, node: { event: node, ars: application.ars } }));
      return connection({ ...rest, items: events }, page);
    },
  },
  ApplicationEvent: {
    id: ({ event }) => event.id,
    type: ({ event }) => event.type,
    occurredAt: ({ event }) => event.occurredAt,
    status: ({ event }) => statusOf(event.facts),
    facts: ({ event, ars }, _, context) => (isOwnCity(context, ars) ? event.facts : null),
  },
};
