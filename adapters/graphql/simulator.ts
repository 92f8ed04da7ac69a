import { buildSchema, GraphQLError } from 'graphql';
import { createHandler } from 'graphql-http';
import type { SimulatedCase, SimulatedCases } from '../simulation/cases.ts';
import { runSimulator } from '../simulation/command.ts';
import {
  startSimulator,
  type SimulatedAnswer,
  type SimulatedRequest,
  type Simulator,
  type SimulatorOptions,
} from '../simulation/server.ts';

export interface GraphqlSimulatorOptions extends SimulatorOptions {
  /** The token it knows. @default 'graphql-simulator-token' */
  readonly token?: string;
}

export const graphqlSimulatedToken = 'graphql-simulator-token';

const schema = buildSchema(`
  type Query {
    me: Me!
    tickets(ids: [ID!], reference: String, changedSince: String, first: Int = 50, offset: Int = 0): TicketList!
    "One entry for each place that is known, in the order of the table."
    places(keys: [ID!]!): [Place!]!
  }
  type Me { name: String! }
  type TicketList { nodes: [Ticket]! }
  type Ticket { id: ID!, number: String!, state: String!, revision: Int!, changedAt: String!, reference: String }
  type Place { key: ID!, kindergartens(minFree: Int = 0): [Kindergarten!]! }
  type Kindergarten { name: String!, vacancies: Int!, street: String }
  type Mutation {
    createTicket(input: TicketInput!): CreatePayload!
    withdrawTicket(id: ID!, reason: String): WithdrawPayload!
  }
  input TicketInput { reference: ID, service: String!, title: String, person: PersonInput!, form: JSON }
  input PersonInput { name: String!, email: String }
  scalar JSON
  type CreatePayload { ticket: Ticket, known: Boolean!, problems: [Problem!]! }
  type WithdrawPayload { ticket: Ticket }
  type Problem { field: [String!]!, message: String! }
`);

const kindergartens: Readonly<Record<string, readonly { name: string; vacancies: number; street: string | null }[]>> = {
  '059140000000': [
    { name: 'Kita Rheinufer', vacancies: 3, street: 'Uferstraße 1' },
    { name: 'Kita Königsallee', vacancies: 0, street: null },
  ],
  '051620024024': [],
};

/** Starts a simulated ticket system on loopback that speaks GraphQL over HTTP under /graphql (graphql-http). */
export async function startGraphqlSimulator(options: GraphqlSimulatorOptions = {}): Promise<Simulator> {
  const { token = graphqlSimulatedToken } = options;
  const handle = createHandler<unknown, SimulatedCases, { cases: SimulatedCases }>({
    schema,
    rootValue: root,
    context: ({ context }) => ({ cases: context }),
  });

  async function answer(request: SimulatedRequest, cases: SimulatedCases): Promise<SimulatedAnswer> {
    const { method, url, headers, text } = request;
    if (url.pathname !== '/graphql') return { status: 404, body: { error: 'unknown' } };
    if (headers.get('authorization') !== `Bearer ${token}`)
      return { status: 200, body: { errors: [{ message: 'please sign in', extensions: { code: 'UNAUTHENTICATED' } }] } };
    const [body, init] = await handle({ method, url: url.href, headers, body: text, raw: request, context: cases });
    return { status: init.status, text: body ?? '', headers: { ...init.headers } };
  }

  return startSimulator({ path: ['OPEN', 'IN_PROGRESS', 'GRANTED'], answer }, options);
}

const root = {
  me: () => ({ name: 'hub' }),

  tickets(
    asked: { ids?: string[]; reference?: string; changedSince?: string; first: number; offset: number },
    { cases }: { cases: SimulatedCases },
  ) {
    const since = Date.parse(asked.changedSince ?? '1970-01-01');
    const found = cases
      .list()
      .filter(({ id }) => !asked.ids || asked.ids.includes(String(id)))
      .filter(({ key }) => asked.reference === undefined || key === asked.reference)
      .filter(({ updatedAt }) => updatedAt.getTime() >= since)
      .toSorted((a, b) => a.updatedAt.getTime() - b.updatedAt.getTime() || a.id - b.id)
      .slice(asked.offset, asked.offset + asked.first);
    return {
      nodes: found.map((one) => {
        // A ticket that the system itself cannot read: the others are answered.
        if (one.status === 'BROKEN') return new GraphQLError('out of order', { extensions: { code: 'INTERNAL_SERVER_ERROR' } });
        return toTicket(one);
      }),
    };
  },

  places: ({ keys }: { keys: string[] }) =>
    Object.entries(kindergartens)
      .filter(([key]) => keys.includes(key))
      .map(([key, all]) => ({
        key,
        kindergartens: ({ minFree }: { minFree: number }) => all.filter(({ vacancies }) => vacancies >= minFree),
      })),

  createTicket(
    { input }: { input: { reference?: string; service: string; person: { name: string } } },
    { cases }: { cases: SimulatedCases },
  ) {
    const { name } = input.person;
    if (name === 'CRASH') throw new Error('out of order');
    const problems = [
      ...(name.trim() === '' ? [{ field: ['input', 'person', 'name'], message: 'Bitte nennen Sie Ihren Namen.' }] : []),
      ...(name.length > 200 ? [{ field: ['input', 'person', 'name'], message: 'Höchstens 200 Zeichen.' }] : []),
    ];
    if (problems.length > 0) return { ticket: null, known: false, problems };
    const before = input.reference === undefined ? undefined : cases.list().find(({ key }) => key === input.reference);
    const made = before ?? cases.create(input.reference ?? null, 'OPEN', input);
    return { ticket: toTicket(made), known: before !== undefined, problems };
  },

  withdrawTicket({ id }: { id: string }, { cases }: { cases: SimulatedCases }) {
    const found = /^\d{1,9}$/.test(id) ? cases.find(Number(id)) : null;
    if (!found) return { ticket: null };
    // Withdrawing twice is withdrawing.
    return { ticket: toTicket(found.status === 'WITHDRAWN' ? found : (cases.setStatus(found.id, 'WITHDRAWN') ?? found)) };
  },
};

const toTicket = (one: SimulatedCase) => ({
  id: String(one.id),
  number: `T-${one.id}`,
  state: one.status,
  revision: one.version,
  changedAt: one.updatedAt.toISOString(),
  reference: one.key,
});

if (import.meta.main) {
  await runSimulator(['token'], (options, { token }) => startGraphqlSimulator({ ...options, ...(token === undefined ? {} : { token }) }));
}
