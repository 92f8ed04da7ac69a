import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '#contract';
import type { TakenSubmission } from '../../src/applications/applications.ts';
import { kinds } from '../../src/coordination/kinds.ts';
import { placesIn, valueAt } from '../../src/catalogue/forms/marks.ts';
import { findPlaceProblems } from '../../src/applications/places.ts';
import { createMarking, createMarkPlaces } from '../../src/coordination/marks.ts';
import { createSeal } from '../../src/coordination/seal.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { shippedKeys } from '../kit/key-rules.ts';
import { insertApplication } from './rows.ts';

const duesseldorf = '051110000000';
const neuss = '051620024024';
const meerbusch = '051620022022';
const registration = '99115005104000';

describe('where a form says that something stands', () => {
  test('is found at any depth, several times, in the order of the form', () => {
    const schema = {
      properties: {
        address: { 'x-hub': 'fact', properties: { municipality: { 'x-hub': 'departure' }, 'a/b~c': { 'x-hub': ['departure', 'fact'] } } },
        kept: { 'x-hub': 'keeps-previous' },
      },
    };
    expect(placesIn(schema)).toEqual({
      marks: { departure: ['/address/municipality', '/address/a~1b~0c'], 'keeps-previous': ['/kept'] },
      facts: ['/address', '/address/a~1b~0c'],
    });
    expect(placesIn(null)).toEqual({ marks: {}, facts: [] });
  });

  test('a pointer leads to what the form holds there, or to nothing', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.json()), fc.string(), (form, name) => {
        const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        expect(valueAt(form, pointer)).toBe(Object.hasOwn(form, name) ? form[name] : undefined);
      }),
    );
    expect(valueAt({}, '/constructor')).toBeUndefined();
    expect(valueAt({ a: 'text' }, '/a/length')).toBeUndefined();
  });
});

const form = {
  properties: {
    municipality: { 'x-hub': 'departure' },
    postalCode: { 'x-hub': 'departure' },
    dwelling: { 'x-hub': 'keeps-previous' },
    kept: { 'x-hub': 'keeps-previous' },
    persons: { 'x-hub': 'fact' },
  },
};

/** Two municipalities share a postal code, one has one of its own. */
const catalogue = {
  keys: shippedKeys,
  findService: () => null,
  findMunicipality: ({ ars }: { ars: string }) => ([duesseldorf, neuss, meerbusch].includes(ars) ? { ars } : null),
  listMunicipalities: ({ postalCode }: { postalCode: string }) => {
    const found = { '41460': [neuss], '40668': [meerbusch, neuss] }[postalCode] ?? [];
    return { items: found.map((ars) => ({ node: { ars }, cursor: ars })), totalCount: found.length, hasNextPage: false };
  },
} as never;

const connected = (settings: object = {}) =>
  ({ findByArs: (ars: string) => ([duesseldorf, neuss].includes(ars) ? { ars, ...settings } : null) }) as never;

async function marksOf(
  store: Store,
  formData: Json,
  over: { asked?: string; cities?: never; principal?: object; applicant?: object; seal?: boolean } = {},
) {
  const id = randomUUID();
  const mark = createMarking({
    catalogue,
    cities: over.cities ?? connected(),
    kinds,
    seal: over.seal === false ? null : createSeal(Buffer.alloc(32, 7).toString('base64')),
  });
  const submission = {
    id,
    asked: over.asked ?? registration,
    offer: { serviceKey: registration, ars: duesseldorf, record: { form: { revision: 'r1', schema: form } } },
    applicant: { name: 'Friederike Zugvogel', ...over.applicant },
    formData,
    principal: { owner: 'issuer|one', roles: ['citizen'], ars: null, assuranceLevel: 'HIGH', ...over.principal },
    at: new Date(0),
  } as unknown as TakenSubmission;
  await store.transaction(async (tx) => {
    await insertApplication(tx, { id, ars: duesseldorf, service: registration, status: 'SUBMITTED' });
    await mark(tx, submission);
  });
  const row = await store.db.selectFrom('application_mark').selectAll().where('application_id', '=', id).executeTakeFirstOrThrow();
  const facts = await store.db.selectFrom('case_facts').selectAll().where('application_id', '=', id).executeTakeFirst();
  return { marks: JSON.parse(row.marks) as object, applicant: row.applicant, facts: facts ?? null, row };
}

describe('where somebody came from, if the city’s file says where that stands', () => {
  const settings = { coordination: { moving: { marks: { departure: '/cameFrom' } } } };
  const offer = { serviceKey: registration, ars: duesseldorf, record: { form: { revision: 'r1', schema: { type: 'object' } } } } as never;
  const { marks } = createMarkPlaces({ catalogue, kinds, cities: connected(settings) })(offer, registration as never);
  test.each([
    [neuss, []],
    ['41460', []],
    [undefined, []],
    ['999999999999', [{ pointer: '/cameFrom', code: 'municipality' }]],
    ['40668', [{ pointer: '/cameFrom', code: 'departure' }]],
    ['00000', [{ pointer: '/cameFrom', code: 'departure' }]],
  ])('%s is asked about as it would be if the form said so', (cameFrom, problems) => {
    expect(findPlaceProblems(catalogue, offer, marks, cameFrom === undefined ? {} : { cameFrom })).toMatchObject(problems);
    expect(findPlaceProblems(catalogue, offer, {}, cameFrom === undefined ? {} : { cameFrom }), 'said nowhere').toEqual([]);
  });
});

describeOnEachStore('marks of an application', (kit) => {
  test('say where somebody came from: by key, or by a postal code that is one municipality’s alone', async () => {
    const store = await kit.openFresh();
    expect((await marksOf(store, { municipality: neuss })).marks).toEqual({ departure: neuss });
    expect((await marksOf(store, { postalCode: '41460' })).marks).toEqual({ departure: neuss });
    expect((await marksOf(store, { municipality: meerbusch, postalCode: '41460' })).marks, 'the key goes first').toEqual({
      departure: meerbusch,
    });
    expect((await marksOf(store, { postalCode: '40668' })).marks, 'it belongs to two').toEqual({});
    expect((await marksOf(store, { municipality: '999999999999', postalCode: '00000' })).marks).toEqual({});
    expect((await marksOf(store, { municipality: neuss, dwelling: 'secondary' })).marks).toEqual({
      departure: neuss,
      'keeps-previous': true,
    });
    expect((await marksOf(store, { dwelling: 'only', kept: false })).marks).toEqual({ 'keeps-previous': false });
  });

  test('say what was asked for, where its city files it under another key', async () => {
    const store = await kit.openFresh();
    expect((await marksOf(store, { municipality: neuss }, { asked: '99115005104001' })).marks).toEqual({
      departure: neuss,
      asked: '99115005104001',
    });
  });

  test('stand where the city’s file says, before what the form says', async () => {
    const settings = { coordination: { moving: { marks: { departure: '/cameFrom' }, facts: ['/named'] } } };
    const store = await kit.openFresh();
    const { marks, facts } = await marksOf(
      store,
      { municipality: meerbusch, cameFrom: neuss, named: 'Friederike' },
      { cities: connected(settings) },
    );
    expect(marks).toEqual({ departure: neuss });
    expect(facts).not.toBeNull();
  });

  test('facts are kept, sealed, only for a city that is connected and another', async () => {
    const store = await kit.openFresh();
    const persons = [{ familyName: 'Zugvogel' }];
    expect((await marksOf(store, { municipality: neuss, persons })).facts?.sealed).not.toContain('Zugvogel');
    expect((await marksOf(store, { municipality: meerbusch, persons })).facts, 'not connected').toBeNull();
    expect((await marksOf(store, { municipality: duesseldorf, persons })).facts, 'the same city').toBeNull();
    expect((await marksOf(store, { municipality: neuss, persons }, { seal: false })).facts, 'without a key').toBeNull();
  });

  test('tell applicants apart, where somebody can', async () => {
    const store = await kit.openFresh();
    const portal = { principal: { owner: 'issuer|portal', roles: ['portal'] } };
    const of = async (over: Parameters<typeof marksOf>[2]) => (await marksOf(store, {}, over)).applicant;
    expect(await of({})).toBe(await of({ seal: false }));
    expect(await of({})).not.toBe(await of({ principal: { owner: 'issuer|two' } }));
    expect(await of(portal), 'a portal that does not say for whom').toBeNull();
    const account = await of({ ...portal, applicant: { ids: { account: '7' } } });
    expect(account).toBe(await of({ ...portal, applicant: { name: 'F. Zugvogel', ids: { account: '7' } } }));
    expect(account).not.toBe(await of({ ...portal, applicant: { ids: { account: '8' } } }));
    expect(await of({ ...portal, applicant: { ids: { account: '7' } }, seal: false })).toBeNull();
  });

  test('never hold a text of the form', { timeout: 60_000 }, async () => {
    const store = await kit.openFresh();
    const text = fc.string({ minLength: 5, unit: 'grapheme' }).filter((one) => !/^\d{5}(\d{7})?$/.test(one) && one !== 'secondary');
    await fc.assert(
      fc.asyncProperty(fc.record({ municipality: text, postalCode: text, dwelling: text, kept: text, persons: text }), async (formData) => {
        const { marks, row, facts } = await marksOf(store, formData);
        expect(marks).toEqual({});
        expect(facts).toBeNull();
        for (const word of Object.values(formData)) expect(Object.values(row)).not.toContain(word);
      }),
      { numRuns: 50 },
    );
  });
});
