import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parkingFormIn, parkingPermit } from '../kit/samples.ts';
import { describeOnEachPort, startTowns, townArs, type TownName, type Towns } from '../kit/towns.ts';

/* Somebody moves between any two of the sandbox's cities, whatever keys their catalogues use: the city that was left is told, and the permit ends. */

const registration = '99115005104000';
const patience = { timeout: 40_000, interval: 50 };
const persona = 'citizen-eid';

const addresses: Readonly<Record<TownName, { street: string; houseNumber: string; postalCode: string; town: string }>> = {
  duesseldorf: { street: 'Königsallee', houseNumber: '1a', postalCode: '40212', town: 'Düsseldorf' },
  koeln: { street: 'Hohe Straße', houseNumber: '3', postalCode: '50667', town: 'Köln' },
  neuss: { street: 'Oberstraße', houseNumber: '7', postalCode: '41460', town: 'Neuss' },
  muenchen: { street: 'Kaufingerstraße', houseNumber: '9', postalCode: '80331', town: 'München' },
};
const names = Object.keys(addresses) as TownName[];
const pairs = names.flatMap((from) => names.filter((to) => to !== from).map((to) => [from, to] as const));

const form = (to: TownName, previous: object) => ({
  moveInDate: '2026-11-20',
  newAddress: addresses[to],
  previousAddress: previous,
  dwelling: 'only',
  keepsPreviousDwelling: false,
  landlord: 'Vermietung Kanarienvogel GmbH',
  persons: [{ familyName: 'Zugvogel', givenNames: 'Friederike', dateOfBirth: '1987-02-00' }],
});

describeOnEachPort('a move', (environment) => {
  let towns: Towns;
  beforeAll(async () => {
    towns = await startTowns({ towns: names, env: await environment() });
  }, 120_000);
  afterAll(() => towns?.close());

  async function grant(town: TownName, service: string, formData: object) {
    const application = await towns.submit(town, service, formData, persona);
    await expect.poll(() => towns.status(application, persona), patience).toBe('RECEIVED');
    towns.decide(town, application, 'genehmigt');
    await expect.poll(() => towns.status(application, persona), patience).toBe('GRANTED');
    return application;
  }

  test.each(pairs)('from %s to %s ends with the permit ended', { timeout: 120_000 }, async (from, to) => {
    const permit = await grant(from, parkingPermit, parkingFormIn(townArs[from]));
    const registered = await grant(to, registration, form(to, { ...addresses[from], municipality: townArs[from] }));
    await expect
      .poll(async () => (await towns.caseOf(registered, persona))?.waiting.map(({ step }) => step), patience)
      .toEqual(['evaluate']);
    const { reference } = (await towns.caseOf(registered, persona))!;
    expect(await towns.answer(from, reference, 'evaluate', 'ACCEPTED')).toMatchObject({ replayed: false });
    expect(await towns.answer(from, reference, 'deregister', 'DONE')).toMatchObject({ replayed: false });
    await expect.poll(async () => (await towns.caseOf(registered, persona))?.outcome?.code, patience).toBe('COMPLETED');
    expect(await towns.status(permit, persona), 'the citizen sees it').toBe('WITHDRAWN');
    expect(
      towns.filed(from, permit).map(({ status }) => status),
      'and the back office knows',
    ).toEqual(['zurückgezogen']);
  });

  describe('whose places cannot be is refused at the field', () => {
    const elsewhere = { street: 'Hauptstraße', houseNumber: '1', town: 'Anderswo' };
    test.each([
      ['a postal code of several municipalities', { ...elsewhere, postalCode: '52538' }, {}, '/previousAddress/postalCode'],
      ['a postal code of none', { ...elsewhere, postalCode: '00000' }, {}, '/previousAddress/postalCode'],
      ['an ARS of none', { ...elsewhere, postalCode: '50667', municipality: '999999999999' }, {}, '/previousAddress/municipality'],
      [
        'an ARS and the postal code of another',
        { ...elsewhere, postalCode: '80331', municipality: townArs.koeln },
        {},
        '/previousAddress/postalCode',
      ],
      ['a new home elsewhere', addresses.koeln, { newAddress: { ...elsewhere, postalCode: '10117' } }, '/newAddress/postalCode'],
    ])('%s', async (_, previous, more, pointer) => {
      const answer = await towns.apply('duesseldorf', registration, { ...form('duesseldorf', previous), ...more }, persona);
      expect(answer).toMatchObject({ code: 'VALIDATION_FAILED', fields: [{ pointer }] });
    });

    test('several municipalities are named, and the ARS of one of them is taken', async () => {
      const previous = { ...elsewhere, postalCode: '52538' };
      const answer = await towns.apply('duesseldorf', registration, form('duesseldorf', previous), persona);
      expect(answer['fields']).toMatchObject([{ message: expect.stringMatching(/Gangelt.*Selfkant|Selfkant.*Gangelt/) }]);
      const [ars] = /\d{12}/.exec(JSON.stringify(answer['fields'])) ?? [];
      expect(
        await towns.apply('duesseldorf', registration, form('duesseldorf', { ...previous, municipality: ars }), persona),
      ).toMatchObject({
        application: { status: 'SUBMITTED' },
      });
    });
  });

  test('somebody born in another city is asked where that was registered', async () => {
    const birth = {
      familyNameAtBirth: 'Kanarienvogel',
      givenNames: 'Erika',
      dateOfBirth: '1964',
      placeOfBirth: 'Neuss',
      kind: 'standard',
      copies: 1,
      relation: 'self',
    };
    const certificate = '99027002012000';
    expect(await towns.apply('duesseldorf', certificate, birth)).toMatchObject({ fields: [{ pointer: '/registeredIn' }] });
    expect(await towns.apply('duesseldorf', certificate, { ...birth, registeredIn: townArs.neuss })).toMatchObject({ replayed: false });
    expect(await towns.apply('neuss', certificate, birth)).toMatchObject({ replayed: false });
  });
});
