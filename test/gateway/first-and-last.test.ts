import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, parkingForm, parkingFormIn, parkingPermit } from '../kit/samples.ts';
import { startSandboxHub, type SandboxHub } from '../kit/sandbox-hub.ts';

/* What is asked often is answered as it was the first time, on a real hub. */

const often = 12;
const koeln = '053150000000';

let sandbox: SandboxHub;
let token: string;
let formRevision: string;
beforeAll(async () => {
  sandbox = await startSandboxHub();
  token = await sandbox.issuer.token('citizen');
  const query = `{ municipality(ars: "${koeln}") { offer(service: "${parkingPermit}") { form { revision } } } }`;
  const { data } = await ask<{ municipality: { offer: { form: { revision: string } } } }>(sandbox.hub.url, query);
  formRevision = data?.municipality.offer.form.revision ?? '';
}, 180_000);
afterAll(() => sandbox.close());

interface Told {
  readonly status: number;
  readonly body: { readonly data?: Readonly<Record<string, unknown>> | null; readonly errors?: readonly { readonly message: string }[] };
}

async function post(query: string, variables: object, accept: string, authorization?: string): Promise<Told> {
  const response = await fetch(`${sandbox.hub.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...(authorization === undefined ? {} : { authorization }) },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, body: (await response.json()) as Told['body'] };
}

const literal = (value: unknown): string => JSON.stringify(value).replaceAll(/"(\w+)":/g, '$1: ');

describe('a mutation', () => {
  test('keeps the variables inside of its literals, each time', async () => {
    const { licencePlate: _licencePlate, ...form } = parkingFormIn(koeln);
    const submit = `mutation S($plate: String!, $konto: String!, $key: String!) {
      submitApplication(input: {
        service: "${parkingPermit}", place: { ars: "${koeln}" }, formRevision: "${formRevision}"
        applicant: { name: "Erika Mustermann", email: "erika@example.org", ids: { konto: $konto } }
        formData: ${literal({ ...form, licencePlate: 'PLATE' }).replace('"PLATE"', '$plate')}
        idempotencyKey: $key
      }) { __typename }
    }`;
    const became: unknown[] = [];
    for (let n = 0; n < often; n += 1) {
      const { body } = await post(submit, { plate: `K-AB ${100 + n}`, konto: `${n}`, key: `often-${n}` }, '*/*', `Bearer ${token}`);
      became.push(body.data?.['submitApplication'] ?? body.errors);
    }
    expect(became).toEqual(Array.from({ length: often }, () => ({ __typename: 'SubmitApplicationSuccess' })));
  });

  test.each([
    [
      'two places',
      'mutation ($input: SubmitApplicationInput!) { submitApplication(input: $input) { __typename } }',
      () => ({
        service: parkingPermit,
        place: { ars: koeln, ags: '05111000' },
        formRevision,
        applicant: { name: 'Erika Mustermann' },
        formData: parkingForm,
        idempotencyKey: 'two-places',
      }),
    ],
    [
      'two decisions',
      'mutation ($input: ReleaseApplicationInput!) { releaseApplication(input: $input) { __typename } }',
      () => ({ id: sandbox.applications[0], decision: { retry: true, discard: true } }),
    ],
    [
      'a decision and a null',
      'mutation ($input: ReleaseApplicationInput!) { releaseApplication(input: $input) { __typename } }',
      () => ({ id: sandbox.applications[0], decision: { retry: true, discard: null } }),
    ],
  ])('with %s where exactly one is taken is refused, each time', async (_, query, input) => {
    for (let n = 0; n < often; n += 1) {
      const { status, body } = await post(query, { input: input() }, 'application/graphql-response+json', `Bearer ${token}`);
      expect({ status, data: body.data }).toEqual({ status: 400, data: undefined });
      expect(body.errors?.[0]?.message).toMatch(/Exactly one key must be specified/);
    }
  });
});

test('a fragment that is spread twice follows the condition of each place, each time', async () => {
  const query = `query ($x: Boolean!, $y: Boolean!) {
    a: service(key: "${parkingPermit}") { ...F @include(if: $x) } b: service(key: "${parkingPermit}") { ...F @include(if: $y) }
  } fragment F on Service { key name }`;
  for (let n = 0; n < often; n += 1) {
    const { body } = await post(query, { x: n % 2 === 0, y: n % 2 === 1 }, '*/*');
    const full = { key: parkingPermit, name: expect.any(String) };
    expect(body.data).toEqual(n % 2 === 0 ? { a: full, b: {} } : { a: {}, b: full });
  }
});

describe('a variable', () => {
  const query = `query ($key: ServiceKey!) { service(key: $key) { key } }`;
  test.each([
    ['missing', {}, 'was not provided'],
    ['null', { key: null }, 'must not be null'],
  ])('that is %s is one refusal with one status, each time', async (_, variables, said) => {
    for (let n = 0; n < often; n += 1)
      for (const [accept, expected] of [
        ['application/json', 200],
        ['application/graphql-response+json', 400],
      ] as const) {
        const { status, body } = await post(query, variables, accept);
        expect({ status, data: body.data }).toEqual({ status: expected, data: undefined });
        expect(body.errors?.[0]?.message).toContain(said);
      }
  });

  test('of null in @include is an error where it stands, and no fault of the hub', async () => {
    const asked = `query ($x: Boolean = true) { service(key: "${parkingPermit}") { key name @include(if: $x) } }`;
    for (let n = 0; n < often; n += 1) {
      const { status, body } = await post(asked, { x: null }, 'application/json');
      expect(status).toBe(200);
      expect(body.data).toEqual({ service: null });
      expect(body.errors).toEqual([
        expect.objectContaining({ path: ['service'], extensions: expect.objectContaining({ code: 'BAD_REQUEST' }) }),
      ]);
    }
  });
});
