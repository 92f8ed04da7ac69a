import type { Problem, ProblemCode } from '#contract';
import { refuse } from '#contract';
import type { FieldProblem } from '../applications/applications.ts';
import type { Municipality } from '../catalogue/catalogue.ts';

/** Types of the schema that implement `Problem`. */
export type ProblemType =
  | 'InvalidInput'
  | 'NotFound'
  | 'AmbiguousPlace'
  | 'NoCompetentAuthority'
  | 'ValidationProblem'
  | 'NotOfferedOnline'
  | 'AssuranceLevelTooLow'
  | 'IdempotencyConflict'
  | 'MunicipalityPaused'
  | 'NotWithdrawable'
  | 'NotParked'
  | 'NotAwaited';

/** What the resolvers of every problem type get. */
export interface ProblemParent extends Problem {
  readonly __typename: ProblemType;
  readonly fields?: readonly FieldProblem[];
  readonly candidates?: readonly Municipality[];
}

/** The type in which a code travels; null if it has none and is answered as an error. */
const typeOf: Readonly<Record<ProblemCode, ProblemType | null>> = {
  INVALID_INPUT: 'InvalidInput',
  TEXT_TOO_LONG: 'InvalidInput',
  UNKNOWN_SERVICE: 'InvalidInput',
  UNKNOWN_PLACE: 'InvalidInput',
  AMBIGUOUS_PLACE: 'AmbiguousPlace',
  POSTAL_CODE_UNCERTAIN: 'AmbiguousPlace',
  BULK_POSTAL_CODE: 'AmbiguousPlace',
  NO_COMPETENT_AUTHORITY: 'NoCompetentAuthority',
  NOT_OFFERED_ONLINE: 'NotOfferedOnline',
  REGISTER_NOT_CONNECTED: 'NotOfferedOnline',
  ASSURANCE_LEVEL_TOO_LOW: 'AssuranceLevelTooLow',
  VALIDATION_FAILED: 'ValidationProblem',
  IDEMPOTENCY_CONFLICT: 'IdempotencyConflict',
  MUNICIPALITY_PAUSED: 'MunicipalityPaused',
  NOT_FOUND: 'NotFound',
  NOT_WITHDRAWABLE: 'NotWithdrawable',
  NOT_PARKED: 'NotParked',
  NOT_AWAITED: 'NotAwaited',
  UNAUTHENTICATED: null,
  FORBIDDEN: null,
};

/** Members of each result union that are problems; a test compares them with the schema. */
export const unionProblems = {
  RegisterSubgraphResult: ['InvalidInput'],
  RemoveSubgraphResult: ['NotFound'],
  CompetenceResult: ['AmbiguousPlace', 'NoCompetentAuthority', 'InvalidInput'],
  SubmitApplicationResult: [
    'InvalidInput',
    'ValidationProblem',
    'AmbiguousPlace',
    'NoCompetentAuthority',
    'NotOfferedOnline',
    'AssuranceLevelTooLow',
    'IdempotencyConflict',
    'MunicipalityPaused',
  ],
  WithdrawApplicationResult: ['InvalidInput', 'NotFound', 'NotWithdrawable'],
  ReleaseApplicationResult: ['InvalidInput', 'NotFound', 'NotParked'],
  AnswerCaseResult: ['InvalidInput', 'NotFound', 'NotAwaited'],
  CaseFactsResult: ['NotFound'],
  EventsResult: ['InvalidInput', 'NotFound'],
} as const satisfies Record<string, readonly ProblemType[]>;

/**
 * A refusal as a member of the union.
 * @throws HubError PROBLEM if the union has no member for it: it is then answered as an error with the same code.
 */
export function asMember(
  union: keyof typeof unionProblems,
  refusal: { readonly problem: Problem; readonly fields?: readonly FieldProblem[]; readonly candidates?: readonly Municipality[] },
): ProblemParent {
  const type = typeOf[refusal.problem.code];
  if (!type || !(unionProblems[union] as readonly ProblemType[]).includes(type)) throw refuse(refusal.problem);
  return {
    ...refusal.problem,
    __typename: type,
    ...(refusal.fields && { fields: refusal.fields }),
    ...(refusal.candidates && { candidates: refusal.candidates }),
  };
}
