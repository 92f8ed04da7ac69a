import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AdapterDefinition, Batch, CaseChange, Json, Row, RowQuery } from '#contract';
import { withSelection } from '../../adapters/graphql/documents.ts';
import { graphql } from '../../adapters/graphql/index.ts';
import { graphqlSimulatedToken, startGraphqlSimulator } from '../../adapters/graphql/simulator.ts';
import type { Simulator } from '../../adapters/simulation/server.ts';
import { CityCallError, type Cities } from '../../src/cities/cities.ts';
import { connectCity, submission, writeWith } from './connect.ts';
import { ticketApi } from './graphql-config.ts';

const definition = graphql as AdapterDefinition;
const connect = (url: string, over: Record<string, Json> = {}) =>
  connectCity(definition, ticketApi(url, over), { endpoint: url, secret: graphqlSimulatedToken });

const submit = (cities: Cities, write = writeWith(), application = submission()) =>
  cities.write('stadt', 'cases', (adapter, call) => adapter.cases!.submit(application, call), write);
const load = (cities: Cities, ...ids: string[]) =>
  cities.loadCases(
    'stadt',
    'cases',
    ids.map((id) => ({ id })),
    { traceparent: '' },
  );
const rows = (cities: Cities, query: Partial<RowQuery>): Promise<Batch<Row>> =>
  cities.read(
    'stadt',
    'cases',
    (adapter, call) =>
      adapter.rows!.load({ field: 'Municipality.kitas', rows: ['059140000000'], args: {}, selection: '{ name }', ...query }, call),
    { traceparent: '' },
  );

const pull = (cities: Cities, from: string | null) =>
  cities.read(
    'stadt',
    'cases',
    async (adapter, call) => {
      const changes: CaseChange[] = [];
      let next = from;
      for await (const page of adapter.changes!.pull(from, call)) {
        changes.push(...page.items);
        next = page.next;
      }
      return { changes, next };
    },
    { traceparent: '' },
  );

const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => expect.unreachable('the call should fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CityCallError);
  return (error as CityCallError).failure;
};

describe('a ticket system with a GraphQL API', () => {
  let simulator: Simulator;
  let cities: Cities;
  beforeAll(async () => {
    simulator = await startGraphqlSimulator();
    cities = connect(simulator.url).cities;
  });
  afterAll(() => simulator.close());

  test('takes an application once, with what was submitted', async () => {
    const write = writeWith();
    const receipt = await submit(cities, write);
    expect(receipt).toEqual({ ref: { id: '1', publicNumber: 'T-1' }, taken: 'now', replayed: false });
    expect(simulator.cases.find(1)?.content).toMatchObject({
      reference: write.key,
      title: 'Bewohnerparkausweis (online)',
      person: { name: 'Jürgen Groß-Öztürk' },
      form: submission().formData as object,
    });
    expect(await submit(cities, write)).toEqual({ ...receipt, replayed: true });
  });

  test.each([
    ['honours keys', {}],
    [
      'can be asked for keys',
      {
        idempotency: {
          lookup: {
            document: 'query ($key: String) { tickets(reference: $key) { nodes { id number reference } } }',
            variables: { '/key': '/key' },
            items: '/tickets/nodes',
            key: '/reference',
          },
        },
      },
    ],
  ])('that %s makes one case of one key, also after a lost reply', async (_, over) => {
    const own = connect(simulator.url, over).cities;
    const write = writeWith();
    simulator.setFaults({ dropReplies: 1 });
    const lost = await failureOf(submit(own, write));
    expect(lost.kind).toBe('unavailable');
    simulator.setFaults({ dropReplies: 0 });
    const receipts = await Promise.all(Array.from({ length: 4 }, () => submit(own, write)));
    expect(new Set(receipts.map(({ ref }) => ref.id)).size).toBe(1);
    expect(simulator.cases.list().filter(({ key }) => key === write.key)).toHaveLength(1);
  });

  test('loads cases in order; one that the API cannot read is an error, not absent', async () => {
    const [one, broken] = [await submit(cities), await submit(cities)];
    simulator.cases.setStatus(Number(broken.ref.id), 'BROKEN');
    const [missing, loaded, failed] = await load(cities, '99999', one.ref.id, broken.ref.id);
    expect(loaded).toMatchObject({ ref: one.ref, nativeStatus: 'OPEN', version: '1' });
    for (const unknown of [missing, failed]) expect(unknown).toMatchObject({ kind: 'unavailable' });
    simulator.cases.setStatus(Number(broken.ref.id), 'OPEN');
    expect(await load(cities, '99999', '')).toEqual([null, null]);
  });

  test('tells of every change over many pages, and from a cursor; never a part', async () => {
    for (let made = 0; made < 50; made++) simulator.cases.create(`bulk-${randomUUID()}`, 'OPEN', {});
    const first = await pull(cities, null);
    expect(new Set(first.changes.map(({ ref }) => ref.id)).size).toBe(simulator.cases.list().length);
    simulator.cases.setStatus(7, 'GRANTED');
    expect((await pull(cities, first.next)).changes.find(({ ref }) => ref.id === '7')).toMatchObject({ nativeStatus: 'GRANTED' });
    simulator.cases.setStatus(7, 'BROKEN');
    expect(await failureOf(pull(cities, first.next))).toMatchObject({ kind: 'unavailable' });
    simulator.cases.setStatus(7, 'OPEN');
  });

  test('a change that becomes visible after a page of later ones was read is still told', async () => {
    let now = Date.parse('2026-11-20T10:00:00Z');
    const late = await startGraphqlSimulator({ now: () => new Date((now += 20)) });
    for (let made = 0; made < 25; made++) late.cases.create(`key-${made}`, 'OPEN', {});
    const own = connect(late.url, { changes: { ...(ticketApi('') as { changes: object }).changes, overlapMs: 10_000 } }).cities;
    const { next } = await pull(own, null);
    now -= 5_000;
    late.cases.create('late', 'OPEN', {});
    expect((await pull(own, next)).changes.map(({ ref }) => ref.id)).toContain('26');
    await late.close();
  });

  test('withdraws, and again; what it does not have is refused', async () => {
    const { ref } = await submit(cities);
    const withdraw = (id: string) =>
      cities.write('stadt', 'cases', (adapter, call) => adapter.cases!.withdraw!({ id }, 'Umzug', call), writeWith());
    await withdraw(ref.id);
    await withdraw(ref.id);
    expect(await load(cities, ref.id)).toEqual([expect.objectContaining({ nativeStatus: 'WITHDRAWN' })]);
    expect(await failureOf(withdraw('99999'))).toMatchObject({ kind: 'rejected', effect: 'none' });
  });

  test('names the field that must be corrected as the applicant knows it', async () => {
    expect(await failureOf(submit(cities, writeWith(), submission({ applicant: { name: ' ' } })))).toEqual({
      kind: 'rejected',
      effect: 'none',
      fields: { '/applicant/name': 'Bitte nennen Sie Ihren Namen.' },
    });
  });

  test('passes the check, and fails it with another token', async () => {
    expect(await cities.check('stadt', 'cases')).toMatchObject({ ok: true });
    const health = await connect(simulator.url, { auth: { scheme: 'bearer', secret: 'another-token' } }).cities.check('stadt', 'cases');
    expect(health.ok).toBe(false);
  });

  test('answers rows with what was asked, in the order asked, under the contract’s names', async () => {
    const asked = ['051620024024', '000000000000', '059140000000'];
    expect(await rows(cities, { rows: asked, selection: '{ name freePlaces }' })).toEqual([
      { ars: '051620024024', value: [] },
      null,
      {
        ars: '059140000000',
        value: [
          { name: 'Kita Rheinufer', freePlaces: 3 },
          { name: 'Kita Königsallee', freePlaces: 0 },
        ],
      },
    ]);
    expect(await rows(cities, { args: { minFreePlaces: 1 } })).toEqual([{ ars: '059140000000', value: [{ name: 'Kita Rheinufer' }] }]);
  });

  test.each<[string, Partial<RowQuery>]>([
    ['a field that it does not answer', { field: 'Municipality.pools' }],
    ['no fields, where the value has some', { selection: '' }],
    ['what is no selection', { selection: '{ name' }],
    ['a mutation', { selection: 'mutation { createTicket { known } }' }],
  ])('refuses %s', async (_, query) => {
    expect(await failureOf(rows(cities, query))).toMatchObject({ kind: 'unsupported' });
  });

  test.each([
    ['a field that is not there', 'type Kita { name: String! seats: Int }', 'no field seats'],
    ['another type', 'type Kita { name: Int! }', 'is String!, the contract says Int!'],
    ['null if the contract has none', 'type Kita { street: String! }', 'is String, the contract says String!'],
  ])('whose rows have %s fails the check', async (_, expects, words) => {
    const config = ticketApi(simulator.url) as { rows: { fields: { 'Municipality.kitas': Record<string, Json> } } };
    const own = connect(simulator.url, {
      rows: { fields: { 'Municipality.kitas': { ...config.rows.fields['Municipality.kitas'], expects } } },
    });
    const health = await own.cities.check('stadt', 'cases');
    expect(health.ok).toBe(false);
    expect(health.probes.find(({ ok }) => !ok)?.hint).toContain(words);
  });

  test('whose schema has no such field fails the check with the place', async () => {
    const load = {
      document: 'query ($ids: [ID!]!) {\n  tickets(ids: $ids) { items { id } } }',
      variables: { '/ids': '/ids' },
      items: '/tickets/items',
    };
    const health = await connect(simulator.url, { load }).cities.check('stadt', 'cases');
    expect(health.probes.find(({ ok }) => !ok)?.hint).toContain('load line 2: Cannot query field "items"');
  });

  test.each([
    ['the reply to a mutation is cut', { cutBodies: true }, { kind: 'malformed', effect: 'unknown' }],
    ['it is under maintenance', { unavailable: 1 }, { kind: 'retryable', effect: 'none' }],
    ['a login page stands in front', { loginPage: true }, { kind: 'misconfigured' }],
  ] as const)('says honestly whether something landed when %s', async (_, faults, failure) => {
    const sick = await startGraphqlSimulator({ faults });
    expect(await failureOf(submit(connect(sick.url).cities))).toMatchObject(failure);
    await sick.close();
  });
});

describe('errors in an answer', () => {
  let answer: { status: number; body: Json } = { status: 200, body: {} };
  let asked = '';
  const server = createServer((request, response) => {
    asked = '';
    request.on('data', (part: Buffer) => (asked += part.toString()));
    request.on('end', () => {
      response.writeHead(answer.status, { 'content-type': 'application/graphql-response+json' }).end(JSON.stringify(answer.body));
    });
  });
  let cities: Cities;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cities = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { codes: { LOCKED: 'retryable' } }).cities;
  });
  afterAll(() => void server.close());
  const coded = (code: string) => [{ message: 'Müller fehlt', path: ['createTicket'], extensions: { code } }];

  test.each<[string, number, Json, { kind: string; effect: string }]>([
    ['before execution', 200, { errors: [{ message: 'x' }] }, { kind: 'misconfigured', effect: 'none' }],
    ['before execution, with 400', 400, { errors: [{ message: 'x' }] }, { kind: 'misconfigured', effect: 'none' }],
    ['in execution', 200, { data: null, errors: [{ message: 'x' }] }, { kind: 'unavailable', effect: 'unknown' }],
    [
      'beside an answer',
      200,
      { data: { createTicket: { ticket: { id: 7 } } }, errors: [{ message: 'x' }] },
      { kind: 'unavailable', effect: 'unknown' },
    ],
    ['of input', 200, { data: null, errors: coded('BAD_USER_INPUT') }, { kind: 'rejected', effect: 'none' }],
    ['of rights', 200, { data: null, errors: coded('FORBIDDEN') }, { kind: 'misconfigured', effect: 'none' }],
    ['of haste', 200, { data: null, errors: coded('RATE_LIMITED') }, { kind: 'retryable', effect: 'none' }],
    ['of its own', 200, { data: null, errors: coded('INTERNAL_SERVER_ERROR') }, { kind: 'unavailable', effect: 'unknown' }],
    ['of a kind the config knows', 200, { data: null, errors: coded('LOCKED') }, { kind: 'retryable', effect: 'none' }],
    [
      'of rights below what was done',
      200,
      { data: { createTicket: { ticket: { id: 7, number: null } } }, errors: coded('FORBIDDEN') },
      { kind: 'misconfigured', effect: 'unknown' },
    ],
    [
      'of rights below what was done, where null took its place',
      200,
      { data: null, errors: [{ ...coded('FORBIDDEN')[0], path: ['createTicket', 'ticket', 'number'] }] },
      { kind: 'misconfigured', effect: 'unknown' },
    ],
    [
      'of which one is its own',
      200,
      { data: null, errors: [...coded('BAD_USER_INPUT'), { message: 'x' }] },
      { kind: 'rejected', effect: 'unknown' },
    ],
    ['without data, as a failure', 500, { errors: [{ message: 'x' }] }, { kind: 'unavailable', effect: 'unknown' }],
    ['without data, of haste', 503, { errors: coded('RATE_LIMITED') }, { kind: 'retryable', effect: 'none' }],
    ['that are none', 200, { data: null, errors: [] }, { kind: 'malformed', effect: 'unknown' }],
    ['in their absence', 200, {}, { kind: 'malformed', effect: 'unknown' }],
    ['and a status alone', 502, null, { kind: 'unavailable', effect: 'unknown' }],
    ['and no case', 200, { data: { createTicket: { ticket: null, problems: [] } } }, { kind: 'malformed', effect: 'unknown' }],
  ])('%s', async (_, status, body, failure) => {
    answer = { status, body };
    const said = await failureOf(submit(cities));
    expect(said).toEqual(failure);
  });

  test('a list of changes that is still empty is asked for from its beginning again', async () => {
    answer = { status: 200, body: { data: { tickets: { nodes: [], place: null } } } };
    const changes = {
      document: 'query ($after: String) { tickets(after: $after) { nodes { id } place } }',
      variables: { '/after': '/cursor' },
      items: '/tickets/nodes',
      next: '/tickets/place',
    };
    const own = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { changes }).cities;
    await pull(own, (await pull(own, null)).next);
    expect(JSON.parse(asked)).toMatchObject({ variables: {} });
    expect(asked).not.toContain('"after"');
  });

  test('a failed question has no effect, and nothing of the API’s words is told', async () => {
    answer = { status: 200, body: { data: null, errors: coded('INTERNAL_SERVER_ERROR') } };
    const [error] = await load(cities, '1');
    expect(error).toMatchObject({ failure: { kind: 'unavailable', effect: 'none' } });
    expect((error as Error).message).not.toContain('Müller');
  });
});

describe('what is wrong with a config is said where it stands', () => {
  const complaints = (over: Record<string, Json>): string => {
    const result = definition.config['~standard'].validate(ticketApi('http://127.0.0.1:9', over));
    if (result instanceof Promise) throw new Error('the schema answers at once');
    return (result.issues ?? []).map(({ path, message }) => `${path?.map(String).join('.')}: ${message}`).join('\n');
  };

  test.each<[string, Record<string, Json>, string]>([
    [
      'a document that does not parse',
      { health: { document: '{\n me { ' } },
      'health.document: a GraphQL document; this one does not parse',
    ],
    ['its line', { health: { document: '{\n me { ' } }, 'line 2'],
    ['a mutation where something is asked', { health: { document: 'mutation { a }' } }, 'a query; here is a mutation'],
    ['two operations', { health: { document: 'query A { a } query B { b }' } }, 'one operation; here are 2'],
    [
      'a variable that is not declared',
      { load: { document: '{ tickets { nodes { id } } }', variables: { '/ids': '/ids' }, items: '/a' } },
      'load.variables: a variable that the document declares ($none), not /ids',
    ],
    [
      'a key that goes nowhere',
      { submit: { document: 'mutation ($a: String) { a(a: $a) { id } }', variables: { '/a': '/service' }, at: '/a' } },
      'submit.variables: a variable that carries the key',
    ],
    ['changes without a place', { changes: { document: '{ a { id } }', items: '/a' } }, 'either /cursor or /since'],
    [
      'a contract field that is none',
      {
        rows: {
          fields: {
            kitas: { document: 'query ($a: [ID!]) { a(a: $a) { b } }', variables: { '/a': '/rows' }, items: '/a', ars: '/b', value: '/b' },
          },
        },
      },
      'a contract field such as Municipality.kitas',
    ],
  ])('%s', (_, over, words) => expect(complaints(over)).toContain(words));

  test('and this one is right', () => expect(complaints({})).toBe(''));
});

test('whatever is asked of a row, the document stays one query', () => {
  const source = 'query ($a: [ID!]) { places(a: $a) { key value { __selection } } }';
  const field = fc.constantFrom('name', 'freePlaces', 'place { town }', '__typename', 'a(b: 1)');
  const selection = fc.oneof(
    fc.array(field, { minLength: 1 }).map((fields) => `{ ${fields.join(' ')} }`),
    fc.string().map((text) => `{ ${text} }`),
  );
  fc.assert(
    fc.property(selection, (asked) => {
      const outcome = (() => {
        try {
          return parse(withSelection(source, asked, { freePlaces: 'vacancies' })).definitions.map((one) =>
            'operation' in one ? one.operation : one.kind,
          );
        } catch (error) {
          return (error as { kind?: string }).kind;
        }
      })();
      expect([['query'], 'unsupported']).toContainEqual(outcome);
    }),
  );
});
