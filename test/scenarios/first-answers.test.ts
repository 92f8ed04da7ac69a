import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import type { Simulator } from '../../adapters/simulation/server.ts';
import { ars, duesseldorf, startTestHub, type TestHub } from '../kit/hub.ts';
import { applicant, parkingForm, parkingPermit } from '../kit/samples.ts';

/* What somebody asks a hub that was just started, with nothing but what ships with it. */

let backoffice: Simulator;
let hub: TestHub;
beforeAll(async () => {
  backoffice = await startRedmineSimulator();
  hub = await startTestHub({ cities: { duesseldorf: duesseldorf({ baseUrl: backoffice.url, apiKey: redmineSimulated.apiKey }) } });
});
afterAll(async () => {
  await hub.close();
  await backoffice.close();
});

interface Competence {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly candidates?: readonly { readonly name: string }[];
  readonly steps?: readonly string[];
  readonly offer?: {
    readonly municipality: { readonly name: string };
    readonly service: { readonly key: string };
    readonly fees: readonly { readonly cents: number; readonly channel: string | null; readonly label: string | null }[];
  };
}

async function competence(service: string, place: object): Promise<Competence> {
  const answer = await hub.ask<{ competence: Competence }>(
    `query ($service: ServiceKey!, $place: PlaceInput!) {
      competence(service: $service, place: $place) {
        __typename
        ... on Competence { steps: path offer { municipality { name } service { key } fees { cents channel label } } }
        ... on Problem { code message(language: EN) }
        ... on AmbiguousPlace { candidates { name } }
      }
    }`,
    { service, place },
  );
  if (!answer.data) throw new Error(JSON.stringify(answer.errors));
  return answer.data.competence;
}

describe('who is responsible', () => {
  test('for the parking permit at 40213 is Düsseldorf, for 25.00 € online and 30.00 € at the office', async () => {
    const { offer } = await competence('99108001001000', { postalCode: '40213' });
    expect(offer?.municipality.name).toBe('Düsseldorf');
    expect(offer?.fees).toContainEqual({ cents: 2500, channel: 'ONLINE', label: '1 Jahr' });
    expect(offer?.fees).toContainEqual({ cents: 3000, channel: 'OFFICE', label: '1 Jahr' });
  });

  test.each([[{ ars: '051110000000' }], [{ ags: '05111000' }]])('is found by %o too, in the same place', async (place) => {
    expect((await competence('99108001001000', place)).offer?.municipality.name).toBe('Düsseldorf');
  });

  test.each(['52538', '52525', '51467', '40721', '40472', '33161', '33154'])(
    'at %s depends on which of two municipalities is meant',
    async (postalCode) => {
      const answer = await competence('99108001001000', { postalCode });
      expect(answer).toMatchObject({ __typename: 'AmbiguousPlace', code: 'AMBIGUOUS_PLACE' });
      expect(answer.candidates).toHaveLength(2);
    },
  );

  test.each([
    ['99999999999999', { postalCode: '40213' }, 'UNKNOWN_SERVICE'],
    ['parkausweis', { postalCode: '40213' }, 'INVALID_INPUT'],
    ['99108001001000', { postalCode: '00000' }, 'UNKNOWN_PLACE'],
    ['99108001001000', { postalCode: 'D-40213' }, 'INVALID_INPUT'],
    ['99108001001000', { ars: '010010000000' }, 'NO_COMPETENT_AUTHORITY'],
  ])('for %s at %o is a typed problem', async (service, place, code) => {
    const answer = await competence(service, place);
    expect(answer.code).toBe(code);
    expect(answer.message).toBeTruthy();
  });
});

test('every German municipality is known, Hanau under its old and its new key', async () => {
  const answer = await hub.ask<{ municipalities: { totalCount: number }; before: { ars: string }; now: { ars: string } }>(
    '{ municipalities { totalCount } before: municipality(ars: "064350014014") { ars } now: municipality(ars: "064150000000") { ars name } }',
  );
  expect(answer.data?.municipalities.totalCount).toBe(10_981);
  expect(answer.data?.before.ars).toBe('064150000000');
  expect(answer.data?.now.ars).toBe('064150000000');
});

test.each(['parkausweis', 'anwohnerparken', 'Bewohnerparkausweise', 'bewohner-parkausweis'])(
  'a search for %s finds the resident parking permit first',
  async (search) => {
    const answer = await hub.ask<{ services: { nodes: { key: string }[] } }>(
      'query ($search: String!) { services(search: $search, first: 3) { nodes { key } } }',
      { search },
    );
    expect(answer.data?.services.nodes[0]?.key).toBe('99108001001000');
  },
);

test('a service knows its twin under another key, and who says so', async () => {
  const answer = await hub.ask<{ service: { equivalents: { service: { key: string }; source: string }[] } }>(
    '{ service(key: "99108003001001") { equivalents { service { key } source } } }',
  );
  expect(answer.data?.service.equivalents.map(({ service }) => service.key)).toContain('99108010000000');
  expect(answer.data?.service.equivalents[0]?.source).toBeTruthy();
});

test('a form that is filled in wrongly is told field by field, and nothing is filed', async () => {
  await expect(hub.submit(ars.duesseldorf, 'wrong', { formData: { licencePlate: '?' } })).rejects.toThrow('/residence');
  expect(backoffice.cases.list()).toHaveLength(0);
});

test('a permit is for who lives there: a home elsewhere is told at its postal code', async () => {
  const elsewhere = { ...parkingForm, residence: { ...parkingForm.residence, postalCode: '10115', town: 'Berlin' } };
  await expect(hub.submit(ars.duesseldorf, 'elsewhere', { formData: elsewhere })).rejects.toThrow('/residence/postalCode');
});

describe('an application', () => {
  test.each([
    ['TERMINAL', 'ValidationProblem'],
    ['OFFICE', 'SubmitApplicationSuccess'],
  ])('that says it comes by %s: %s, as the offer has it', async (channel, answered) => {
    const [offer, submit] = [
      'query ($ars: RegionalKey!, $service: ServiceKey!) { municipality(ars: $ars) { offer(service: $service) { channels form { revision } } } }',
      `mutation ($input: SubmitApplicationInput!) {
        submitApplication(input: $input) { __typename ... on ValidationProblem { fields { pointer code message(language: EN) } } }
      }`,
    ];
    const seen = await hub.ask<{ municipality: { offer: { channels: string[]; form: { revision: string } } } }>(offer, {
      ars: ars.duesseldorf,
      service: parkingPermit,
    });
    const { channels, form } = seen.data!.municipality.offer;
    expect(channels).not.toContain('TERMINAL');
    const place = { ars: ars.duesseldorf };
    const input = {
      service: parkingPermit,
      place,
      formRevision: form.revision,
      applicant,
      formData: parkingForm,
      idempotencyKey: channel,
      channel,
    };
    const answer = await hub.ask<{ submitApplication: object }>(submit, { input }, 'citizen');
    expect(answer.data?.submitApplication).toMatchObject({
      __typename: answered,
      ...(answered === 'ValidationProblem'
        ? {
            fields: [{ pointer: '/channel', message: 'This service is not offered here at a terminal. Available: online, at the office.' }],
          }
        : {}),
    });
  });
});
