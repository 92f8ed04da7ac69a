import { inLanguage, refuse, type Language, type Localised, type LoggedEvent, type RegionalKey } from '#contract';
import { isValid, type CaseFile, type WaitingStep } from '../../coordination/coordination.ts';
import { getPrincipal, type Context } from '../context.ts';
import type { AnswerCaseInput, CaseStepParty, Resolvers } from '../generated/resolver-types.ts';
import { caseKey, toGlobalId } from '../ids.ts';
import { forgetLoaded } from '../loaders.ts';
import { connection, pageRequest } from '../pages.ts';
import { asMember } from '../problems.ts';

/** A code of a kind of case, with its text. */
export interface CaseCode {
  readonly kind: string;
  readonly code: string;
  /** Who stands for `{departure}` in the text. */
  readonly departure?: string | null;
}

const parties = { city: 'CITY', clerk: 'CLERK', office: 'BACK_OFFICE', time: 'TIME' } as const satisfies Record<
  WaitingStep['by'],
  CaseStepParty
>;

const notFound = { problem: { code: 'NOT_FOUND', facts: { what: 'CaseFile' }, path: ['input', 'id'] } } as const;

/** The text of a code; the code itself where this version does not know its kind. */
const textOf = ({ kind, code, departure }: CaseCode, language: Language | null | undefined, { features }: Context): string => {
  const text: Localised | undefined = features.coordination.findKind(kind)?.texts[code];
  if (!text) return code;
  const name = departure ? features.catalogue.findMunicipality({ ars: departure })?.name : undefined;
  return inLanguage(text, language ?? 'DE').replace('{departure}', name ?? departure ?? '–');
};

/** The city that asks. @throws HubError PROBLEM UNAUTHENTICATED, FORBIDDEN */
function getCity(context: Context): { readonly ars: RegionalKey; readonly owner: string } {
  const { roles, ars, owner } = getPrincipal(context);
  if (!roles.includes('city') || ars === null) throw refuse({ code: 'FORBIDDEN', facts: { role: 'city' } });
  return { ars, owner };
}

async function answer(input: AnswerCaseInput, context: Context, tasksOnly: boolean) {
  const { ars, owner } = getCity(context);
  const { coordination } = context.features;
  const id = caseKey(input.id);
  if (!id) return asMember('AnswerCaseResult', notFound);
  const { step, choice, fields } = input;
  for (const [what, text, most] of [['step', step, 200] as const, ['choice', choice, 100] as const])
    if (text.length > most)
      return asMember('AnswerCaseResult', {
        problem: { code: 'TEXT_TOO_LONG', facts: { what, found: text.length, most }, path: ['input', what] },
      });
  const result = await coordination.answer(
    id,
    step,
    { choice, ...(fields ? { fields } : {}) },
    { ars, who: owner, traceparent: context.traceparent, tasksOnly },
  );
  if (!result.ok) return asMember('AnswerCaseResult', result);
  const found = await coordination.find(id, context.principal);
  if (!found) throw new Error(`case ${id} vanished`);
  return { case: found, replayed: result.replayed };
}

/** The stream of `caseChanged`: refuses what the caller may not see, then follows it until the caller is gone. */
async function* follow(id: string, context: Context): AsyncGenerator<{ caseChanged: CaseFile }> {
  const key = caseKey(id);
  const visible = key && (await context.features.coordination.find(key, context.principal));
  if (!key || !visible) throw refuse({ code: 'NOT_FOUND', facts: { what: 'CaseFile' }, path: ['id'] });
  for await (const caseFile of context.features.coordination.watch(key, context.signal)) {
    forgetLoaded(context.loaders);
    yield { caseChanged: caseFile };
  }
}

const municipalityOf = (ars: string, { features }: Context) => {
  const municipality = features.catalogue.findMunicipality({ ars });
  if (!municipality) throw new Error(`the catalogue does not know municipality ${ars} of a case`);
  return municipality;
};

const applicationOf = (id: string | null, { loaders }: Context) => (id === null ? null : loaders.application.load(id));

/** Cases between cities: seeing them, answering, following. */
export const coordinationResolvers: Resolvers = {
  Query: {
    case: (_, { id }, { features, principal }) => {
      const key = caseKey(id);
      return key ? features.coordination.find(key, principal) : null;
    },
    cases: async (_, args, context) => {
      const page = pageRequest(args);
      const principal = getPrincipal(context);
      return connection(
        await context.features.coordination.list(principal, { page, open: args.open ?? null, kind: args.kind ?? null }),
        page,
      );
    },
    awaitedAnswers: async (_, args, context) => {
      const page = pageRequest(args);
      return connection(await context.features.coordination.steps(getCity(context).ars, ['city', 'clerk'], page), page);
    },
    clerkTasks: async (_, args, context) => {
      const page = pageRequest(args);
      return connection(await context.features.coordination.steps(getCity(context).ars, ['clerk'], page), page);
    },
    caseFacts: async (_, { id }, context) => {
      const principal = getPrincipal(context);
      const key = caseKey(id);
      const result = key
        ? await context.features.coordination.facts(key, principal)
        : ({ ok: false, problem: { code: 'NOT_FOUND', facts: { what: 'CaseFile' }, path: ['id'] } } as const);
      return result.ok ? { facts: result.facts } : asMember('CaseFactsResult', result);
    },
  },
  Mutation: {
    answerCase: (_, { input }, context) => answer(input, context, false),
    resolveClerkTask: (_, { input }, context) => answer(input, context, true),
  },
  Subscription: { caseChanged: { subscribe: (_, { id }, context) => follow(id, context) } },
  AnswerCaseResult: {
    __resolveType: (result) => ('__typename' in result ? (result.__typename as 'InvalidInput') : 'AnswerCaseSuccess'),
  },
  CaseFactsResult: { __resolveType: (result) => ('__typename' in result ? (result.__typename as 'NotFound') : 'CaseFacts') },
  Application: { case: ({ id }, _, { features, principal }) => features.coordination.findOf(id, principal) },
  CaseFile: {
    id: ({ id }) => toGlobalId('CaseFile', id),
    reference: ({ id }) => id,
    name: ({ kind }, { language }, { features }) => {
      const name = features.coordination.findKind(kind)?.name;
      return name ? inLanguage(name, language ?? 'DE') : kind;
    },
    municipality: ({ ars }, _, context) => municipalityOf(ars, context),
    participants: ({ participants }, _, context) => participants.map((ars) => municipalityOf(ars, context)),
    service: ({ serviceKey }, _, { features }) => features.catalogue.findService(serviceKey),
    application: ({ applicationId }, _, context) => applicationOf(applicationId, context),
    outcome: ({ kind, outcome, departure }) => (outcome === null ? null : { kind, code: outcome, departure }),
    history: async ({ id }, args, { features }) => {
      const page = pageRequest(args, 50);
      return connection(await features.coordination.history(id, page), page);
    },
  },
  RecognisedPermit: { valid: (permit) => isValid(permit, new Date()) },
  PermitRecognition: {
    municipality: ({ ars }, _, context) => municipalityOf(ars, context),
    service: ({ serviceKey }, _, { features }) => features.catalogue.findService(serviceKey),
  },
  CaseOutcome: { text: (code, { language }, context) => textOf(code, language, context) },
  CaseChoice: { text: (code, { language }, context) => textOf(code, language, context) },
  CaseStep: {
    case: async ({ caseId }, _, { features, principal }) => {
      const found = await features.coordination.find(caseId, principal);
      if (!found) throw refuse({ code: 'NOT_FOUND', facts: { what: 'CaseFile' } });
      return found;
    },
    municipality: ({ ars }, _, context) => municipalityOf(ars, context),
    awaits: ({ by }) => parties[by],
    text: (step, { language }, context) => textOf(step, language, context),
    choices: ({ kind, choices }) => choices.map((code) => ({ kind, code })),
    application: ({ applicationId }, _, context) => applicationOf(applicationId, context),
  },
  CaseEvent: {
    municipality: ({ municipality }: LoggedEvent, _, context) => (municipality === null ? null : municipalityOf(municipality, context)),
  },
};
