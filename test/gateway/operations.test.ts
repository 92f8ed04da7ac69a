import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HubError, refuse } from '../../src/contract/contract.ts';
import { CityCallError } from '../../src/cities/cities.ts';
import { startGateway, submission, type Running } from './fixtures/gateway.ts';

describe('an operation', () => {
  let hub: Running;

  beforeAll(async () => {
    hub = await startGateway();
  });
  afterAll(() => hub.stop());
  beforeEach(() => {
    hub.lines.length = 0;
    hub.asked.length = 0;
  });

  const submitting = `mutation ($input: SubmitApplicationInput!) {
  submitApplication(input: $input) {
    __typename
    ... on SubmitApplicationSuccess { application { id status receipt { reference } } replayed }
    ... on Problem { code message english: message(language: EN) path }
    ... on ValidationProblem { fields { pointer code message } }
    ... on AmbiguousPlace { candidates { name } }
  }
}`;

  const submitWith = (change: Record<string, unknown> = {}) =>
    hub.ask(submitting, { as: 'citizen', variables: { input: { ...submission, ...change } } });

  describe('who is responsible', () => {
    const competence = (place: string, service = '99108001001000') =>
      hub.ask(`{ competence(service: "${service}", place: { ${place} }) { __typename
      ... on Competence { regions: path resolvedFrom offer { name fees { cents channel label(language: EN) } competentAuthority { name url } processingTime { maximumDays } } }
      ... on AmbiguousPlace { candidates { name } }
      ... on Problem { code message english: message(language: EN) path } } }`);

    test('an offer with its fees, and the regions that were asked', async () => {
      const { body } = await competence('postalCode: "40213"');
      expect(body.data.competence).toMatchObject({
        __typename: 'Competence',
        regions: ['051110000000', '051110000', '05111', '051', '05'],
        offer: {
          name: 'Bewohnerparkausweis',
          fees: [
            { cents: 2500, channel: 'ONLINE', label: null },
            { cents: 3000, channel: 'OFFICE', label: 'at the office' },
          ],
          processingTime: { maximumDays: 5 },
        },
      });
    });

    test('a link that no browser should follow is not shown', async () => {
      const { body } = await competence('postalCode: "40213"');
      expect(body.data.competence.offer.competentAuthority.url).toBeNull();
    });

    test('candidates where the postal code belongs to several', async () => {
      const { body } = await competence('postalCode: "40472"');
      expect(body.data.competence).toMatchObject({
        __typename: 'AmbiguousPlace',
        code: 'AMBIGUOUS_PLACE',
        candidates: [{ name: 'Düsseldorf' }, { name: 'Neuss' }],
      });
    });

    test('a typed problem in two languages for a key nobody knows', async () => {
      const { body } = await competence('postalCode: "40213"', 'nonsense');
      expect(body.data.competence).toMatchObject({ __typename: 'InvalidInput', code: 'UNKNOWN_SERVICE', path: ['service'] });
      expect(body.data.competence.message).toContain('Leistungsschlüssel nonsense');
      expect(body.data.competence.english).toContain('service key nonsense');
    });

    test.each(['', 'ars: "051110000000", ags: "05111000"', 'ars: null'])('a place is exactly one key, not {%s}', async (place) => {
      const { body } = await competence(place);
      expect(body.errors).toHaveLength(1);
      expect(body.errors[0].extensions.code).toBe('BAD_REQUEST');
    });
  });

  describe('lists', () => {
    test('go on where the page before ended', async () => {
      const list = (after: string | null) =>
        hub.ask(
          'query ($after: String) { services(first: 100, after: $after) { totalCount edges { node { key } } pageInfo { endCursor hasNextPage hasPreviousPage } } }',
          {
            variables: { after },
          },
        );
      const first = (await list(null)).body.data.services;
      const second = (await list(first.pageInfo.endCursor as string)).body.data.services;
      expect([first.edges.length, second.edges.length, first.totalCount]).toEqual([100, 50, 150]);
      expect([first.pageInfo.hasNextPage, second.pageInfo.hasNextPage, second.pageInfo.hasPreviousPage]).toEqual([true, false, true]);
      expect(new Set([...first.edges, ...second.edges].map((edge) => edge.node.key)).size).toBe(150);
    });

    test('are the same by nodes and by edges', async () => {
      const { body } = await hub.ask('{ services(first: 3) { nodes { key } edges { node { key } } } }');
      const { nodes, edges } = body.data.services;
      expect(nodes).toHaveLength(3);
      expect(nodes).toEqual(edges.map((edge: { node: unknown }) => edge.node));
    });

    test.each(['\0', 'x'.repeat(501)])('do not begin after what can be no cursor', async (after) => {
      const { body } = await hub.ask('query ($after: String) { services(after: $after) { totalCount } }', { variables: { after } });
      expect(body.errors).toMatchObject([{ extensions: { code: expect.stringMatching(/INVALID_INPUT|TEXT_TOO_LONG/) } }]);
    });

    test.each([0, -1, 101, 100_000])('never %d at a time', async (first) => {
      const { body } = await hub.ask(`{ municipalities(first: ${first}) { totalCount } }`);
      expect(body.errors).toMatchObject([{ extensions: { code: expect.stringMatching(/INVALID_INPUT|LIMIT_EXCEEDED/) } }]);
    });
  });

  describe('ids', () => {
    test('node finds municipalities, services and offers again', async () => {
      const { body } = await hub.ask('{ municipality(ars: "051110000000") { id offers { edges { node { id service { id } } } } } }');
      const { id, offers } = body.data.municipality;
      const { node: offer } = offers.edges[0];
      for (const [given, type] of [
        [id, 'Municipality'],
        [offer.id, 'Offer'],
        [offer.service.id, 'Service'],
      ]) {
        const { body: found } = await hub.ask('query ($id: ID!) { node(id: $id) { __typename id } }', { variables: { id: given } });
        expect(found.data.node).toEqual({ __typename: type, id: given });
      }
    });

    test.each([
      '',
      'x',
      'Municipality:051110000000',
      Buffer.from('User:1').toString('base64url'),
      Buffer.from('Municipality:').toString('base64url'),
      Buffer.from('Application:\0').toString('base64url'),
      Buffer.from('CaseFile:\0').toString('base64url'),
      '!'.repeat(300),
    ])('node answers null for %s', async (id) => {
      const { body } = await hub.ask('query ($id: ID!) { node(id: $id) { id } }', { variables: { id } });
      expect(body).toMatchObject({ data: { node: null } });
      expect(body.errors).toBeUndefined();
    });
  });

  describe('the health of cities', () => {
    test('each city is asked once, however often it is mentioned', async () => {
      const { body } = await hub.ask(`{
      a: municipality(ars: "051110000000") { connection { since paused adapters { state hint } } }
      b: municipality(ags: "05111000") { connection { adapters { state } } }
      c: municipalities { edges { node { connection { adapters { state } } } } }
    }`);
      expect(body.data.a.connection).toEqual({
        since: '2026-11-01T00:00:00.000Z',
        paused: false,
        adapters: [{ state: 'DOWN', hint: null }],
      });
      expect(hub.asked.toSorted()).toEqual(['duesseldorf', 'neuss']);
    });

    test.each([
      [undefined, null],
      ['citizen', null],
      ['clerk-neuss', null],
      ['clerk-duesseldorf', 'key refused by 10.0.0.7'],
    ])('hints for those who run the system only: %s sees %s', async (as, hint) => {
      const { body } = await hub.ask('{ municipality(ars: "051110000000") { connection { adapters { hint } } } }', as ? { as } : {});
      expect(body.data.municipality.connection.adapters).toEqual([{ hint }]);
    });
  });

  describe('a submission', () => {
    test('is answered with its receipt', async () => {
      const { body } = await submitWith();
      expect(body.data.submitApplication).toMatchObject({
        __typename: 'SubmitApplicationSuccess',
        replayed: false,
        application: { status: 'SUBMITTED' },
      });
    });

    test('takes its trace along', async () => {
      const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
      await hub.ask(submitting, {
        as: 'citizen',
        variables: { input: submission },
        headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` },
      });
      expect(hub.applications.traces.at(-1)).toMatch(new RegExp(`^00-${trace}-[\\da-f]{16}-01$`));
      expect(hub.applications.traces.at(-1)).not.toContain('00f067aa0ba902b7');
    });

    test('tells every place to correct', async () => {
      hub.applications.refuseNext({
        ok: false,
        problem: { code: 'VALIDATION_FAILED', facts: { count: 1 } },
        fields: [{ pointer: '/licencePlate', code: 'pattern', message: { de: 'Bitte so: D-AB 1234', en: 'Like this: D-AB 1234' } }],
      });
      const { body } = await submitWith();
      expect(body.data.submitApplication).toMatchObject({
        __typename: 'ValidationProblem',
        fields: [{ pointer: '/licencePlate', code: 'pattern', message: 'Bitte so: D-AB 1234' }],
      });
    });

    test.each([
      ['INVALID_INPUT', 'InvalidInput'],
      ['UNKNOWN_SERVICE', 'InvalidInput'],
      ['NO_COMPETENT_AUTHORITY', 'NoCompetentAuthority'],
      ['NOT_OFFERED_ONLINE', 'NotOfferedOnline'],
      ['REGISTER_NOT_CONNECTED', 'NotOfferedOnline'],
      ['ASSURANCE_LEVEL_TOO_LOW', 'AssuranceLevelTooLow'],
      ['IDEMPOTENCY_CONFLICT', 'IdempotencyConflict'],
      ['MUNICIPALITY_PAUSED', 'MunicipalityPaused'],
    ] as const)('refused with %s travels as %s', async (code, type) => {
      hub.applications.refuseNext({ ok: false, problem: { code } });
      const { body } = await submitWith();
      expect(body.data.submitApplication).toMatchObject({ __typename: type, code });
    });

    test('a refusal without a type is an error with the same code', async () => {
      hub.applications.refuseNext({ ok: false, problem: { code: 'FORBIDDEN', facts: { role: 'citizen' } } });
      const { body } = await submitWith();
      expect(body.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' }, path: ['submitApplication'] }]);
    });

    test.each([
      ['a form nested 40 deep', { formData: Array.from({ length: 40 }).reduce<unknown>((inner) => [inner], 1) }],
      ['a form of 30,000 values', { formData: Array.from({ length: 30_000 }, () => 0) }],
      ['a form that would change prototypes', { formData: JSON.parse('{"a":{"__proto__":{"polluted":true}}}') as unknown }],
      ['a service key of 100 letters', { service: 'x'.repeat(100) }],
    ])('%s is refused before anybody looks at it', async (_, change) => {
      const { body } = await submitWith(change);
      expect(body.errors).toHaveLength(1);
      expect(body.errors[0].extensions.code).toBe('INVALID_INPUT');
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    });

    test("an applicant's ids are texts", async () => {
      const { body } = await submitWith({ applicant: { name: 'E', ids: { bundId: 1 } } });
      expect(body.errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT' } }]);
    });
  });

  describe('errors', () => {
    const fail = async (error: Error, headers: Record<string, string> = {}) => {
      hub.applications.refuseNext(error);
      const { body } = await hub.ask(submitting, { as: 'citizen', variables: { input: submission }, headers });
      return body.errors as { message: string; extensions: Record<string, unknown> }[];
    };

    test('what nobody expected is masked; its request id leads to the log', async () => {
      const [error] = await fail(new Error("duplicate key (owner)=('Erika Mustermann')"));
      expect(error).toMatchObject({ extensions: { code: 'INTERNAL' } });
      expect(JSON.stringify(error)).not.toMatch(/Erika|duplicate|at .*\.ts/);
      const logged = hub.lines.find(({ level }) => level === 'error');
      expect(logged?.facts['requestId']).toBe(error?.extensions['requestId']);
    });

    test('the rest of the answer stands', async () => {
      const { body } = await hub.ask('{ municipality(ars: "051110000000") { name } services(search: "break") { totalCount } }');
      expect(body).toMatchObject({ errors: [{ extensions: { code: 'INTERNAL' }, path: ['services'] }] });
      expect(JSON.stringify(body)).not.toContain('vault');
    });

    test.each([
      new HubError('STORE_UNAVAILABLE', 'connect ECONNREFUSED 10.0.0.5:5432', { retryable: true }),
      new HubError('CITY_UNAVAILABLE', 'neuss'),
      new CityCallError('timeout at http://internal', { kind: 'deadline', effect: 'unknown' }),
    ])('what may work later says so: %o', async (error) => {
      const [told] = await fail(error);
      expect(told).toMatchObject({ extensions: { code: 'UNAVAILABLE', retryable: true } });
      expect(told?.message).not.toMatch(/10\.0|internal|neuss/);
    });

    test('what may work later says when to come back, in a header too, whatever of the answer stands', async () => {
      hub.applications.refuseNext(new HubError('STORE_UNAVAILABLE', 'disk full', { retryable: true }));
      const { body, headers } = await hub.ask(submitting, { as: 'citizen', variables: { input: submission } });
      expect(body.errors).toMatchObject([{ extensions: { code: 'UNAVAILABLE', retryable: true } }]);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(JSON.stringify(body)).not.toMatch(/retry-after|"http"/);
    });

    test('a fault of our configuration is masked', async () => {
      expect(await fail(new HubError('CONFIG_INVALID', { de: 'geheimer Pfad', en: 'secret path' }))).toMatchObject([
        { extensions: { code: 'INTERNAL' } },
      ]);
    });

    test('a problem without a union reads in the language asked for', async () => {
      const problem = () => refuse({ code: 'NOT_FOUND', facts: { what: 'X' } });
      expect((await fail(problem()))[0]?.message).toBe('X wurde nicht gefunden oder ist für Sie nicht einsehbar.');
      expect((await fail(problem(), { 'accept-language': 'en-GB,de;q=0.5' }))[0]?.message).toBe(
        'X was not found or is not visible to you.',
      );
    });

    test('one complaint, however many mistakes', async () => {
      const { body } = await hub.ask(`{ ${Array.from({ length: 200 }, (_, index) => `wrong${index}`).join(' ')} }`);
      expect(body.errors).toHaveLength(1);
    });
  });

  describe('limits', () => {
    const many = (count: number, make: (index: number) => string) => Array.from({ length: count }, (_, index) => make(index)).join(' ');
    const nested = (levels: number) => `${'municipality { offers { edges { node { '.repeat(levels)}id${' } } } }'.repeat(levels)}`;

    test.each([
      ['depth', `{ service(key: "99108001001000") { offers { edges { node { ${nested(3)} } } } } }`],
      ['aliases', `{ ${many(40, (index) => `a${index}: __typename`)} }`],
      ['characters, comments among them', `{ __typename } # ${'x'.repeat(20_000)}`],
      ['tokens', `{ ${many(2100, () => '__typename')} }`],
      ['rows by literal', '{ services(first: 100) { edges { node { offers(first: 100) { edges { node { id name } } } } } } }'],
      [
        'rows by default',
        `{ services(first: 100) { edges { node { ${many(10, (index) => `o${index}: offers { edges { node { id name area fees { cents } } } }`)} } } } }`,
      ],
      [
        'rows through fragments',
        '{ services(first: 100) { edges { node { ...a } } } } fragment a on Service { offers(first: 100) { edges { node { ...b } } } } fragment b on Offer { id name }',
      ],
    ])('%s', async (_, query) => {
      const { body } = await hub.ask(query);
      expect(body.errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED', requestId: expect.any(String) } }]);
      expect(body.data).toBeUndefined();
    });

    test.each([[{ n: 100 }], [{ n: 1_000_000_000 }], [{}]])('rows by variable %o', async (variables) => {
      const query = 'query ($n: Int = 100) { services(first: $n) { edges { node { offers(first: $n) { edges { node { id name } } } } } } }';
      const { body } = await hub.ask(query, { variables });
      expect(body.errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }]);
    });

    test('a document once counted as cheap is counted again for other variables', async () => {
      const query = 'query ($n: Int!) { services(first: $n) { edges { node { offers(first: $n) { edges { node { id name } } } } } } }';
      expect((await hub.ask(query, { variables: { n: 5 } })).body.errors).toBeUndefined();
      expect((await hub.ask(query, { variables: { n: 100 } })).body.errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }]);
    });

    test('fragments that use each other twice at every level cost no time', async () => {
      const levels = 60;
      const fragments = many(levels, (index) => `fragment f${index} on Service { ...f${index + 1} ...f${index + 1} }`);
      const { body } = await hub.ask(`{ services { edges { node { ...f0 } } } } ${fragments} fragment f${levels} on Service { key }`);
      expect(body.errors?.[0].extensions.code ?? 'LIMIT_EXCEEDED').toBe('LIMIT_EXCEEDED');
    });

    test('introspection for GraphiQL passes', async () => {
      const { getIntrospectionQuery } = await import('graphql');
      const { body } = await hub.ask(getIntrospectionQuery({ oneOf: true, specifiedByUrl: true, inputValueDeprecation: true }));
      expect(body.errors).toBeUndefined();
      expect(body.data.__schema.types.length).toBeGreaterThan(50);
    });

    test('introspection that feeds on itself does not', async () => {
      const { body } = await hub.ask(`{ __schema { types ${'{ fields { type '.repeat(6)}{ name }${' } }'.repeat(6)} } }`);
      expect(body.errors).toHaveLength(1);
    });
  });
});
