import { GraphQLError } from 'graphql';
import { HubError, problemCodes, problemText, type Language } from '#contract';
import { CityCallError } from '../cities/cities.ts';
import { MisfitError, SubgraphError, type SubgraphFailure } from '../federation/failure.ts';
import { limitText } from './limit-texts.ts';
import { withoutQuoted } from './values-unsaid.ts';
import { RowError, type RowFailure } from '../federation/rows/rows.ts';

/**
 * Codes of `errors[].extensions.code` beside those of `ProblemCode`, with the status of an HTTP answer that consists of
 * such an error alone.
 */
const failures = {
  BAD_REQUEST: { status: 400, de: 'Die Anfrage ist keine gültige GraphQL-Anfrage.', en: 'This is not a valid GraphQL request.' },
  LIMIT_EXCEEDED: { status: 400, de: 'Die Anfrage ist zu umfangreich.', en: 'The operation is too large.' },
  UNAUTHENTICATED: { status: 401, de: '', en: '' },
  NOT_FOUND: {
    status: 404,
    de: 'Hier gibt es nichts. Die API steht unter /graphql.',
    en: 'There is nothing here. The API is at /graphql.',
  },
  PERSISTED_DOCUMENTS_ONLY: {
    status: 403,
    de: 'Ohne Zugriffstoken werden nur registrierte Dokumente beantwortet: Senden Sie documentId.',
    en: 'Without an access token only registered documents are answered: send documentId.',
  },
  PERSISTED_DOCUMENT_NOT_FOUND: {
    status: 404,
    de: 'Unter diesem Hash ist kein Dokument registriert: Senden Sie es als query, oder lassen Sie es registrieren.',
    en: 'No document is registered under this hash: send it as query, or have it registered.',
  },
  // Its message in an answer is that of Apollo's protocol: persisted.ts.
  PERSISTED_QUERY_NOT_FOUND: {
    status: 200,
    de: 'Unter diesem Hash ist kein Dokument registriert. Clients, die mit extensions.persistedQuery fragen, senden es daraufhin selbst als query.',
    en: 'No document is registered under this hash. Clients that ask by extensions.persistedQuery then send it as query by themselves.',
  },
  METHOD_NOT_ALLOWED: { status: 405, de: 'Diese Methode gibt es hier nicht.', en: 'This method is not allowed here.' },
  BODY_TOO_LARGE: { status: 413, de: 'Die Anfrage ist zu groß.', en: 'The request body is too large.' },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    de: 'Senden Sie die Anfrage als application/json.',
    en: 'Send the request as application/json.',
  },
  RATE_LIMITED: { status: 429, de: 'Zu viele Anfragen. Bitte warten Sie.', en: 'Too many requests. Please wait.' },
  OPERATORS_ONLY: {
    status: 401,
    de: 'Das ist nur für den Betrieb: Fragen Sie von diesem Rechner aus, oder senden Sie OPERATIONS_TOKEN als Bearer-Token.',
    en: 'This is for operators only: ask from this machine, or send OPERATIONS_TOKEN as a bearer token.',
  },
  TOO_MANY_STREAMS: {
    status: 429,
    de: 'Sie haben schon so viele Ereignisströme offen, wie erlaubt sind. Schließen Sie einen, bevor Sie den nächsten öffnen.',
    en: 'You have as many event streams open as are allowed. Close one before you open the next.',
  },
  INTERNAL: {
    status: 500,
    de: 'Unerwarteter Fehler. Die requestId führt zu ihm im Protokoll.',
    en: 'Unexpected error. The requestId leads to it in the log.',
  },
  UNAVAILABLE: {
    status: 503,
    de: 'Zurzeit nicht verfügbar. Versuchen Sie es später erneut.',
    en: 'Unavailable at the moment. Try again later.',
  },
  CITY_NOT_CONNECTED: {
    status: 404,
    de: '{city} ist noch nicht angeschlossen.',
    en: '{city} is not connected yet.',
  },
  CITY_DOES_NOT_ANSWER_FIELD: {
    status: 404,
    de: '{city} gibt hierzu keine Auskunft.',
    en: '{city} gives no information about this.',
  },
  CITY_UNAVAILABLE: {
    status: 503,
    de: '{city} ist zurzeit nicht erreichbar. Versuchen Sie es später erneut.',
    en: '{city} cannot be reached at the moment. Try again later.',
  },
  CITY_TIMED_OUT: {
    status: 504,
    de: '{city} hat nicht rechtzeitig geantwortet. Versuchen Sie es später erneut.',
    en: '{city} did not answer in time. Try again later.',
  },
  CITY_REFUSED: {
    status: 400,
    de: '{city} nimmt die Frage so nicht an.',
    en: '{city} does not take the question as it was asked.',
  },
  CITY_ANSWER_INVALID: {
    status: 502,
    de: 'Die Antwort von {city} entspricht nicht der Vereinbarung und wird nicht gezeigt.',
    en: 'The answer of {city} is not what was agreed and is not shown.',
  },
  CITY_FAILED: {
    status: 502,
    de: '{city} konnte die Frage nicht beantworten.',
    en: '{city} could not answer the question.',
  },
  PLAN_NOT_FOUND: {
    status: 400,
    de: 'Für diese Anfrage über mehrere Dienste wurde kein Weg gefunden. Teilen Sie sie, oder lassen Sie Fragmente und Bedingungen weg.',
    en: 'No way was found to answer this operation from several services. Split it, or leave out fragments and conditions.',
  },
  SUBGRAPH_FAILED: {
    status: 502,
    de: 'Auf {field} kam eine Antwort, die dem Schema widerspricht; sie wird nicht gezeigt.',
    en: 'The answer to {field} contradicts the schema and is not shown.',
  },
} as const;

/** What a subgraph's failure is called outside. */
const subgraphCodes: Readonly<Record<SubgraphFailure, keyof typeof failures>> = {
  unavailable: 'CITY_UNAVAILABLE',
  busy: 'CITY_UNAVAILABLE',
  'left-alone': 'CITY_UNAVAILABLE',
  aborted: 'CITY_UNAVAILABLE',
  deadline: 'CITY_TIMED_OUT',
  refused: 'CITY_REFUSED',
  malformed: 'CITY_ANSWER_INVALID',
  'too-long': 'CITY_ANSWER_INVALID',
  failed: 'CITY_FAILED',
};

/** What a row's failure is called outside. */
const rowCodes: Readonly<Record<RowFailure, keyof typeof failures>> = {
  'not-connected': 'CITY_NOT_CONNECTED',
  'not-answered': 'CITY_DOES_NOT_ANSWER_FIELD',
  unavailable: 'CITY_UNAVAILABLE',
  deadline: 'CITY_TIMED_OUT',
  refused: 'CITY_REFUSED',
  invalid: 'CITY_ANSWER_INVALID',
};

/** Code of a failure that is no problem of the domain. */
export type FailureCode = keyof typeof failures;

export const failureCodes = Object.keys(failures) as readonly FailureCode[];

/** What a caller is told of a failure. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly status: number;
  readonly retryable: boolean;
  /** The subgraph that it is about, and its own code for it. */
  readonly subgraph?: { readonly serviceName: string; readonly serviceCode?: string };
  /** The city that it is about. */
  readonly city?: { readonly ars: string; readonly name: string };
}

/** For how long a caller leaves a hub alone that cannot do its work now, in seconds (RFC 9110 §10.2.3). */
export const retrySoon = { 'retry-after': '5' } as const;

/** A failure by its code. */
export const failure = (code: FailureCode, language: Language): Failure => ({
  code,
  status: failures[code].status,
  retryable: code === 'UNAVAILABLE' || code === 'RATE_LIMITED',
  message: code === 'UNAUTHENTICATED' ? problemText({ code }, language) : failures[code][language === 'EN' ? 'en' : 'de'],
});

/** What a caller is told of an answer that is not sent because of its length. */
export const answerTooLong = (most: number, language: Language): Failure => ({
  ...failure('LIMIT_EXCEEDED', language),
  message:
    language === 'EN'
      ? `The answer is longer than ${most} bytes. Ask for fewer rows (first) or fewer fields.`
      : `Die Antwort ist länger als ${most} Bytes. Fragen Sie nach weniger Zeilen (first) oder weniger Feldern.`,
});

/** What a caller is told of an error of the hub; null if it is unexpected and must be masked. */
function expected(error: unknown, language: Language): Failure | null {
  if (error instanceof CityCallError) return failure('UNAVAILABLE', language);
  if (error instanceof RowError) {
    const told = failure(rowCodes[error.failure], language);
    const { ars, name } = error.owner;
    return { ...told, message: told.message.replace('{city}', () => name), retryable: error.retryable, city: { ars, name } };
  }
  if (error instanceof SubgraphError) {
    const told = failure(subgraphCodes[error.kind], language);
    const subgraph = { serviceName: error.subgraph, ...(error.code !== null && { serviceCode: error.code }) };
    return { ...told, message: told.message.replace('{city}', () => error.subgraph), retryable: error.retryable, subgraph };
  }
  if (error instanceof MisfitError) {
    const told = failure('SUBGRAPH_FAILED', language);
    return { ...told, message: told.message.replace('{field}', () => error.coordinate) };
  }
  if (!(error instanceof HubError)) return null;
  if (error.problem)
    return {
      code: error.problem.code,
      message: problemText(error.problem, language),
      status: error.problem.code === 'UNAUTHENTICATED' ? 401 : 400,
      retryable: false,
    };
  if (error.code === 'PLAN_NOT_FOUND') return failure('PLAN_NOT_FOUND', language);
  return error.retryable || error.code === 'CLOSED' || error.code.endsWith('_UNAVAILABLE') ? failure('UNAVAILABLE', language) : null;
}

/** The failure behind anything thrown; `unexpected` is what must go to the log. */
export function toFailure(error: unknown, language: Language): Failure & { readonly unexpected?: unknown } {
  return expected(error, language) ?? { ...failure('INTERNAL', language), unexpected: error };
}

/** The innermost error: executors wrap what resolvers throw. */
function origin(error: unknown): unknown {
  let inner = error;
  while (inner instanceof GraphQLError && inner.originalError) inner = inner.originalError;
  return inner;
}

/** Every code that may leave the hub; docs/reference/errors.md lists them. */
export const publicCodes: ReadonlySet<string> = new Set<string>([...problemCodes, ...Object.keys(failures)]);

/**
 * Shown as it is: what the caller's document or variables did wrong, said by parser, validation, our limits and scalars, or by the
 * executor about a part of the document (a variable of null if none is taken). What resolvers throw has no part of the
 * document.
 */
const isCallersFault = (error: GraphQLError, inner: unknown): inner is GraphQLError =>
  inner instanceof GraphQLError && (error.path === undefined || publicCodes.has(String(inner.extensions['code'])) || isOfDocument(inner));

/** Refused by the engine before there was anything to execute: a body that is no JSON, a parameter that is none. */
const isOfEngine = ({ path, extensions }: GraphQLError): boolean => path === undefined && typeof extensions['code'] === 'string';

const isOfDocument = ({ nodes, originalError }: GraphQLError): boolean => originalError === undefined && (nodes?.length ?? 0) > 0;

/** How an error is shown. */
interface Showing {
  readonly requestId: string | null;
  readonly language: Language;
  /** The page that explains a code. @default none */
  readonly helpUrl?: (code: string) => string | null;
  /** Told what is masked. */
  readonly onUnexpected: (error: unknown) => void;
}

/** Anything thrown as an error that a plugin of the engine can pass on. */
export const asGraphQLError = (error: unknown): GraphQLError =>
  error instanceof GraphQLError
    ? error
    : new GraphQLError('failed', { originalError: error instanceof Error ? error : new Error(String(error)) });

/**
 * The only way from an error to what a client sees of it: a code from a closed list, a text, whether to try again, the
 * request id. What nobody expected is masked and handed to `onUnexpected`.
 */
export function publicError(error: unknown, { requestId, language, helpUrl = () => null, onUnexpected }: Showing): GraphQLError {
  const inner = origin(error);
  const outer = error instanceof GraphQLError ? error : null;
  const place = {
    nodes: outer?.nodes ?? null,
    source: outer?.source ?? null,
    positions: outer?.positions ?? null,
    path: outer?.path ?? null,
  };
  const id = requestId === null ? {} : { requestId };
  const helped = (code: string) => {
    const url = helpUrl(code);
    return url === null ? {} : { helpUrl: url };
  };
  const fault = outer && (isOfEngine(outer) ? outer : isCallersFault(outer, inner) ? inner : null);
  if (outer && fault) {
    const { code, originalError } = fault.extensions;
    // What is no request at all is answered with its status in every media type.
    const http = originalError === undefined ? fault.extensions['http'] : { status: 400 };
    const known = typeof code === 'string' && publicCodes.has(code) ? code : 'BAD_REQUEST';
    const message = known === 'LIMIT_EXCEEDED' ? limitText(outer.message, language) : outer.message;
    return new GraphQLError(withoutQuoted(message), {
      ...place,
      extensions: { code: known, ...id, ...helped(known), ...(http === undefined ? {} : { http }) },
    });
  }
  const told = toFailure(inner, language);
  if (told.unexpected !== undefined) onUnexpected(told.unexpected);
  const retryable = told.retryable ? { retryable: true } : {};
  // Thrown before anything ran, it decides the status of the whole answer.
  const http = { ...(outer?.path ? {} : { status: told.status }), ...(told.code === 'UNAVAILABLE' ? { headers: retrySoon } : {}) };
  const city = told.city ? { city: told.city } : {};
  return new GraphQLError(told.message, {
    ...place,
    extensions: {
      code: told.code,
      ...told.subgraph,
      ...city,
      ...retryable,
      ...id,
      ...helped(told.code),
      ...(Object.keys(http).length > 0 ? { http } : {}),
    },
  });
}
