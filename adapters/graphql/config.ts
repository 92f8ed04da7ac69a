import { GraphQLError, Kind, parse } from 'graphql';
import { z } from 'zod';
import { documentProblem, hasSelection, SELECTION, variablesOf } from './documents.ts';

const pointer = z
  .string()
  .regex(/^(\/([^~/]|~[01])*)*$/, 'a JSON pointer: empty or beginning with /')
  .describe('JSON pointer (RFC 6901) into the data of the answer.');
/** A key of a record is refused with what its own schema says, not with “invalid key”. */
const ofKey = (issue: {
  readonly code?: string | undefined;
  readonly issues?: readonly { readonly message: string }[];
}): string | undefined => (issue.code === 'invalid_key' ? issue.issues?.[0]?.message : undefined);
const secret = z.string().min(8).meta({ 'x-hub': 'secret' });
const header = z
  .string()
  .regex(/^[A-Za-z0-9-]+$/, 'the name of a header')
  .refine(
    (name) => !/^(host|content-length|content-type|connection|transfer-encoding|accept|accept-encoding)$/i.test(name),
    'a header that the connection does not set itself',
  );

const auth = z
  .union([
    z.strictObject({ header, secret }),
    z.strictObject({ scheme: z.literal('bearer'), secret }),
    z.strictObject({ scheme: z.literal('basic'), user: z.string().min(1), secret }),
    z.literal('none'),
  ])
  .describe('How the hub proves who it is: a header of its own, or Authorization with bearer or basic.');

const documentOf = (...kinds: ('query' | 'mutation')[]) =>
  z
    .string()
    .check((context) => {
      const problem = documentProblem(context.value, kinds);
      if (problem !== null) context.issues.push({ code: 'custom', input: '', message: problem });
    })
    .describe(`GraphQL document with one ${kinds.join(' or ')}.`);

const sources = (what: string) =>
  z
    .record(pointer, z.union([z.string(), z.number(), z.boolean()]), { error: ofKey })
    .describe(
      `Their variable (a pointer, such as /input/title) → ours: ${what}; or a text with pointers in braces, a fixed number or truth.`,
    );

interface Operation {
  readonly document: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Every variable that is filled must be declared: the API would refuse the question otherwise. */
const declared = (operation: Operation): string | null => {
  if (documentProblem(operation.document, ['query', 'mutation']) !== null) return null;
  const known = variablesOf(operation.document);
  const stray = Object.keys(operation.variables).find((target) => !known.includes(target.split('/')[1] ?? ''));
  return stray === undefined ? null : `a variable that the document declares ($${known.join(', $') || 'none'}), not ${stray}`;
};

const filled = <T extends z.ZodObject>(shape: T) =>
  shape.check((context) => {
    const problem = declared(context.value as unknown as Operation);
    if (problem !== null) context.issues.push({ code: 'custom', input: '', path: ['variables'], message: problem });
  });

const problems = z
  .strictObject({
    at: pointer,
    field: pointer.default('/field'),
    text: pointer.default('/message'),
    names: z.record(z.string(), pointer).default({}),
  })
  .optional()
  .describe(
    'Where the answer lists what must be corrected. field: a text such as input.title or a list of names; names: theirs → ours, where it does not follow from variables.',
  );

const application = '/key, /service, /serviceName, /localKey, /formRevision, /channel, /submittedAt, /applicant/…, /formData/…';
const query = <T extends Record<string, z.ZodType>>(variables: string, more: T) =>
  filled(z.strictObject({ document: documentOf('query'), variables: sources(variables).default({}), ...more }));

const idempotency = z
  .union([
    z.literal('variable'),
    z.literal('none'),
    z.strictObject({ lookup: query('/key', { items: pointer, key: pointer.describe('Where a found case has its key.') }) }),
  ])
  .describe(
    'variable: the API honours the key that submit sends in a variable. lookup: it can be asked for the key. none: neither; what may have landed is parked.',
  );

const rowField = query('/rows (the ARS asked for), /args/…', {
  items: pointer.describe('The list of answers, one for each row, in any order.'),
  ars: pointer.describe('Where an item has the ARS it is about.'),
  value: pointer.describe('Where an item has the value.'),
  names: z
    .record(z.string(), z.string().regex(/^[_A-Za-z]\w*$/))
    .default({})
    .describe('Fields that the API calls otherwise: ours → theirs.'),
  expects: z
    .string()
    .optional()
    .check((context) => {
      const problem = context.value === undefined ? null : sdlProblem(context.value);
      if (problem !== null) context.issues.push({ code: 'custom', input: '', message: problem });
    })
    .describe('The contract’s types in SDL, the value’s type first; check compares them with the API’s.'),
});

function sdlProblem(source: string): string | null {
  try {
    const [first] = parse(source).definitions;
    return first?.kind === Kind.OBJECT_TYPE_DEFINITION ? null : 'types in SDL, the value’s object type first';
  } catch (error) {
    const [place] = error instanceof GraphQLError ? (error.locations ?? []) : [];
    return `types in SDL; this does not parse${place ? ` (line ${place.line}, column ${place.column})` : ''}`;
  }
}

/** What must be said of applications, all of it or nothing. */
const ofCases = ['idempotency', 'submit', 'case', 'load'] as const;

/** What a city's file says about a GraphQL API. */
export const graphqlConfig = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .describe('The address of the GraphQL API, for example https://tickets.city.example/graphql.')
      .meta({ 'x-hub': 'endpoint' }),
    auth,
    headers: z.record(header, z.string(), { error: ofKey }).default({}).describe('Sent with every request; no secrets.'),
    idempotency: idempotency.optional(),
    submit: filled(
      z.strictObject({
        document: documentOf('mutation'),
        variables: sources(application),
        at: pointer.describe('Where the answer has the case.'),
        replayed: pointer.optional().describe('Where the answer says that the key was known.'),
        problems,
      }),
    ).optional(),
    case: z
      .strictObject({ id: pointer, number: pointer.optional(), status: pointer, version: pointer.optional(), updatedAt: pointer })
      .optional(),
    load: query('/ids', { items: pointer, maxBatch: z.int().min(1).max(500).default(50) }).optional(),
    changes: query('/cursor or /since (RFC 3339), /limit, /offset', {
      items: pointer,
      next: pointer.optional().describe('With /cursor: where the answer says how to go on, such as pageInfo/endCursor.'),
      limit: z.int().min(1).max(1000).default(100),
      overlapMs: z.int().min(0).default(10_000).describe('With /since: how far each pull reaches back.'),
      everyMs: z.int().min(200).default(5000),
    }).optional(),
    withdraw: filled(
      z.strictObject({
        document: documentOf('mutation'),
        variables: sources('/id, /reason, /key'),
        at: pointer.describe('Where the answer has the case; null there: it is not there.'),
        problems,
      }),
    ).optional(),
    health: z.strictObject({ document: documentOf('query') }).describe('A harmless question that needs the credentials.'),
    rows: z
      .strictObject({
        maxBatch: z.int().min(1).max(1000).default(100),
        fields: z.record(z.string().regex(/^[A-Z]\w*\.[a-z]\w*$/, 'a contract field such as Municipality.kitas'), rowField, {
          error: ofKey,
        }),
      })
      .optional()
      .describe('Contract fields it answers for the city’s rows.'),
    codes: z
      .record(z.string(), z.enum(['retryable', 'unavailable', 'rejected', 'misconfigured']))
      .default({})
      .describe('extensions.code of an error → what it means, beside the usual ones.'),
  })
  .check(({ value, issues }) => {
    const complain = (path: string[], message: string) => issues.push({ code: 'custom', input: '', path, message });
    const uses = (variables: Readonly<Record<string, unknown>>, source: string) =>
      Object.values(variables).some((from) => typeof from === 'string' && (from === source || from.includes(`{${source}}`)));
    const missing = ofCases.filter((name) => value[name] === undefined);
    const needed = missing.length < ofCases.length || value.changes || value.withdraw || !value.rows;
    for (const name of needed ? missing : [])
      complain(
        [name],
        `${ofCases.join(', ')} together, for applications; none of them (and no changes, no withdraw) where rows are all it serves`,
      );
    if (value.submit && value.idempotency !== 'none' && !uses(value.submit.variables, '/key'))
      complain(['submit', 'variables'], 'a variable that carries the key: map one to /key, or set idempotency to none');
    if (value.load && !uses(value.load.variables, '/ids'))
      complain(['load', 'variables'], 'a variable that carries the ids: map one to /ids');
    if (value.changes) {
      const [cursor, since] = ['/cursor', '/since'].map((source) => uses(value.changes?.variables ?? {}, source));
      if (cursor === since) complain(['changes', 'variables'], 'either /cursor or /since in a variable');
      if (cursor && value.changes.next === undefined) complain(['changes', 'next'], 'where the answer says how to go on');
    }
    for (const [name, field] of Object.entries(value.rows?.fields ?? {})) {
      if (!uses(field.variables, '/rows'))
        complain(['rows', 'fields', name, 'variables'], 'a variable that carries the rows: map one to /rows');
      if (field.expects !== undefined && !hasSelection(field.document))
        complain(['rows', 'fields', name, 'document'], `the field ${SELECTION} where the value’s fields belong`);
    }
  });

/** The config after validation. */
export type GraphqlConfig = z.output<typeof graphqlConfig>;
/** What it says of applications; null where the API takes none. */
export type CasesConfig = { readonly [Name in (typeof ofCases)[number]]: NonNullable<GraphqlConfig[Name]> };
export type CaseFields = CasesConfig['case'];
export const casesOf = ({ idempotency, submit, case: fields, load }: GraphqlConfig): CasesConfig | null =>
  idempotency !== undefined && submit && fields && load ? { idempotency, submit, case: fields, load } : null;
export type RowField = NonNullable<GraphqlConfig['rows']>['fields'][string];
