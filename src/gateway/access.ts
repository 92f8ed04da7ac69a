import { contractFields } from '../federation/rows/rows.ts';

/**
 * Who may read a field, and whether its answer may be given to the next who asks.
 *
 *   catalogue   everybody; comes from the catalogue alone and is the same for all until that changes: may be kept
 *   live        everybody; as a city or the hub is at this moment: never kept
 *   caller      about the caller, who alone asks for it
 *   parties     of an application: who submitted it, and its city
 *   city        the city it belongs to, alone
 *   operator    whoever runs the hub, alone
 *   signed-in   a change, and what became of it: needs a token, and the right to what it changes
 */
export type Access = 'catalogue' | 'live' | 'caller' | 'parties' | 'city' | 'operator' | 'signed-in';

/** Types of which every field has the same access, unless `fields` says otherwise. */
const types: Readonly<Record<string, Access>> = {
  Service: 'catalogue',
  ServiceConnection: 'catalogue',
  ServiceEdge: 'catalogue',
  ServiceEquivalence: 'catalogue',
  Offer: 'catalogue',
  OfferConnection: 'catalogue',
  OfferEdge: 'catalogue',
  Authority: 'catalogue',
  ProcessingTime: 'catalogue',
  Form: 'catalogue',
  Fee: 'catalogue',
  Freshness: 'catalogue',
  Competence: 'catalogue',
  AmbiguousPlace: 'catalogue',
  NoCompetentAuthority: 'catalogue',
  InvalidInput: 'catalogue',
  Problem: 'catalogue',
  Municipality: 'catalogue',
  MunicipalityConnection: 'catalogue',
  MunicipalityEdge: 'catalogue',
  PageInfo: 'catalogue',
  _Service: 'catalogue',

  CityConnection: 'live',
  AdapterStatus: 'live',
  Kita: 'live',
  Office: 'live',
  OpeningHours: 'live',
  OpeningException: 'live',
  Roadwork: 'live',
  Node: 'live',

  Viewer: 'caller',

  Application: 'parties',
  ApplicationConnection: 'parties',
  ApplicationEdge: 'parties',
  Receipt: 'parties',
  ApplicationEvent: 'parties',
  ApplicationEventConnection: 'parties',
  ApplicationEventEdge: 'parties',

  CaseFile: 'parties',
  RecognisedPermit: 'parties',
  PermitRecognition: 'parties',
  CaseOutcome: 'parties',
  CaseStep: 'parties',
  CaseChoice: 'parties',
  CaseEvent: 'parties',
  CaseEventConnection: 'parties',
  CaseEventEdge: 'parties',
  CaseFileConnection: 'parties',
  CaseFileEdge: 'parties',
  CaseStepConnection: 'city',
  CaseStepEdge: 'city',
  CaseFacts: 'city',
  ApplicationFacts: 'city',
  BackOfficeRefusal: 'city',
  BackOfficeFieldRefusal: 'city',

  Subgraph: 'operator',
  SubgraphObjection: 'operator',
  RegisterSubgraphSuccess: 'operator',
  SubgraphRefused: 'operator',
  RemoveSubgraphSuccess: 'operator',

  EventChannel: 'city',
  EventSubscription: 'city',
  EventDelivery: 'city',
  EventDeliveryConnection: 'city',
  EventDeliveryEdge: 'city',
  EventAttempt: 'city',
  TrailEntry: 'parties',

  Task: 'city',
  TaskConnection: 'city',
  TaskEdge: 'city',
  ApplicationTask: 'city',
  CaseStepTask: 'city',
  EventTask: 'city',
  RecordTask: 'city',

  EventsSuccess: 'signed-in',
  AnswerCaseSuccess: 'signed-in',
  NotAwaited: 'signed-in',
  SubmitApplicationSuccess: 'signed-in',
  WithdrawApplicationSuccess: 'signed-in',
  ReleaseApplicationSuccess: 'signed-in',
  ValidationProblem: 'signed-in',
  FieldProblem: 'signed-in',
  NotOfferedOnline: 'signed-in',
  AssuranceLevelTooLow: 'signed-in',
  IdempotencyConflict: 'signed-in',
  MunicipalityPaused: 'signed-in',
  NotWithdrawable: 'signed-in',
  NotFound: 'signed-in',
  NotParked: 'signed-in',
};

/** Fields of the roots, and those that differ from their type. */
const fields: Readonly<Record<string, Access>> = {
  'Query.service': 'catalogue',
  'Query.services': 'catalogue',
  'Query.competence': 'catalogue',
  'Query.municipality': 'catalogue',
  'Query.municipalities': 'catalogue',
  'Query.__schema': 'catalogue',
  'Query.__type': 'catalogue',
  'Query._service': 'catalogue',
  // What may be kept is decided by what is asked of the entities.
  'Query._entities': 'catalogue',
  'Query.node': 'live',
  'Query.application': 'parties',
  'Query.viewer': 'caller',
  'Query.case': 'parties',
  'Query.cases': 'parties',
  'Query.awaitedAnswers': 'city',
  'Query.clerkTasks': 'city',
  'Query.tasks': 'city',
  'Query.caseFacts': 'city',
  'Query.eventChannel': 'city',
  'Query.subgraphs': 'operator',
  'Mutation.registerSubgraph': 'operator',
  'Mutation.removeSubgraph': 'operator',
  'Query.caseTrail': 'parties',
  'Mutation.subscribeToEvents': 'signed-in',
  'Mutation.unsubscribeFromEvents': 'signed-in',
  'Mutation.releaseEvent': 'signed-in',
  'Mutation.discardEvent': 'signed-in',
  'Mutation.replayEvents': 'signed-in',
  'Mutation.pauseEvents': 'signed-in',
  'Mutation.sendTestEvent': 'signed-in',
  'Mutation.answerCase': 'signed-in',
  'Mutation.resolveClerkTask': 'signed-in',
  'Subscription.caseChanged': 'parties',
  'Mutation.submitApplication': 'signed-in',
  'Mutation.withdrawApplication': 'signed-in',
  'Mutation.releaseApplication': 'signed-in',
  'Subscription.applicationChanged': 'parties',
  'Municipality.connection': 'live',
  'AdapterStatus.hint': 'city',
  'ApplicationEvent.facts': 'city',
  'Application.refusal': 'city',
  ...Object.fromEntries(contractFields().map(({ type, name }) => [`${type}.${name}`, 'live' as const])),
};

/**
 * The access of a field of the hub's own schema; null if nobody has said: it is then treated as strictly as any, and a
 * test fails until somebody does. Introspection is the schema, which is published.
 */
export function accessOf(type: string, field: string): Access | null {
  if (field === '__typename' || type.startsWith('__')) return 'catalogue';
  const own = `${type}.${field}`;
  if (Object.hasOwn(fields, own)) return fields[own] ?? null;
  return Object.hasOwn(types, type) ? (types[type] ?? null) : null;
}

/** Everything the classification names, to be compared with the schema: `Type` or `Type.field`. */
export const classified = (): readonly string[] => [...Object.keys(types), ...Object.keys(fields)];
