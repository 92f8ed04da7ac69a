import { inLanguage, problemText } from '#contract';
import type { InvalidInputResolvers, Resolvers } from '../generated/resolver-types.ts';

const problem: Pick<InvalidInputResolvers, 'message' | 'helpUrl'> = {
  message: (parent, { language }) => problemText(parent, language ?? 'DE'),
  helpUrl: (parent, _, { helpUrl }) => helpUrl(parent.code),
};

/** Texts and links of every problem type. */
export const problemResolvers: Resolvers = {
  InvalidInput: problem,
  NotFound: problem,
  AmbiguousPlace: { ...problem, candidates: (parent) => parent.candidates ?? [] },
  NoCompetentAuthority: problem,
  ValidationProblem: { ...problem, fields: (parent) => parent.fields ?? [] },
  NotOfferedOnline: problem,
  AssuranceLevelTooLow: problem,
  IdempotencyConflict: problem,
  MunicipalityPaused: problem,
  NotWithdrawable: problem,
  NotParked: problem,
  NotAwaited: problem,
  FieldProblem: { message: (parent, { language }) => inLanguage(parent.message, language ?? 'DE') },
};
