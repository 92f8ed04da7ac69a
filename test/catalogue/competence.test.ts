import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKeyRules, problemText, regionsAbove } from '#contract';
import { decideCompetence, walkUp } from '../../src/catalogue/competence.ts';
import { dayOf } from '../../src/catalogue/days.ts';
import { createKeyHistory } from '../../src/catalogue/places.ts';
import { bulkPlace } from '../../src/catalogue/records.ts';
import { ars, key, municipalityRow, offerRow, serviceRow, viewOf } from './kit.ts';

const permit = '99108001001000';
const town = '053700008008';
const day = '2026-11-24';
const services = [serviceRow(permit, 'Bewohnerparkausweis'), serviceRow('99108010000000', 'Parkerleichterungen')];
const municipalities = [municipalityRow(town, 'Gangelt'), municipalityRow('053700024024', 'Selfkant')];
const postalCodes = [
  { postal_code: '52538', ags: '05370008', place: 'Gangelt' },
  { postal_code: '52538', ags: '05370024', place: 'Selfkant' },
  { postal_code: '52531', ags: '05370008', place: 'Gangelt' },
];
const base = { services, municipalities, postalCodes };

describe('who is responsible', () => {
  test.each([12, 9, 5, 3, 2])('an offer of the region of %i digits answers, and the walk ends there', (digits) => {
    const view = viewOf(base, [offerRow(town.slice(0, digits), { localKey: 'a', serviceKey: permit })]);
    const answer = decideCompetence(view, permit, { ars: town }, day);
    expect(answer).toMatchObject({ found: true, resolvedFrom: town });
    expect(answer.found && answer.path.at(-1)).toBe(town.slice(0, digits));
  });

  test('the nearest region wins, whatever stands above it', () => {
    fc.assert(
      fc.property(fc.subarray([12, 9, 5, 3, 2], { minLength: 1 }), fc.boolean(), (levels, equivalent) => {
        const offers = levels.map((digits) =>
          offerRow(town.slice(0, digits), { localKey: 'a', serviceKey: equivalent ? '99108010000000' : permit }),
        );
        const equivalences = [{ key_a: permit, key_b: '99108010000000', provenance: 'test', source: 'test', as_of: day }];
        const { offer, path } = walkUp(viewOf({ ...base, equivalences }, offers), ars(town), key(permit), day);
        expect(offer?.area).toBe(town.slice(0, Math.max(...levels)));
        expect(path).toEqual(regionsAbove(ars(town)).filter((region) => region.length >= Math.max(...levels)));
      }),
    );
  });

  test('no offer anywhere above is a refusal after the whole walk, not an offer of a neighbour', () => {
    const view = viewOf(base, [
      offerRow('053700024024', { localKey: 'a', serviceKey: permit }),
      offerRow('09', { localKey: 'b', serviceKey: permit }),
    ]);
    expect(decideCompetence(view, permit, { ars: town }, day)).toMatchObject({ found: false, problem: { code: 'NO_COMPETENT_AUTHORITY' } });
    expect(walkUp(view, ars(town), key(permit), day).path.map((region) => region.length)).toEqual([12, 9, 5, 3, 2]);
  });

  test('at the same region the asked key goes before an equivalent, that before a broader key', () => {
    const equivalences = [{ key_a: '99108010000000', key_b: permit, provenance: 'test', source: 'test', as_of: day }];
    const all = [
      offerRow(town, { localKey: 'broad', serviceKey: '99108001000000' }),
      offerRow(town, { localKey: 'equivalent', serviceKey: '99108010000000' }),
      offerRow(town, { localKey: 'asked', serviceKey: permit }),
    ];
    const chosen = (count: number) =>
      walkUp(viewOf({ ...base, equivalences }, all.slice(0, count)), ars(town), key(permit), day).offer?.record.localKey;
    expect([chosen(1), chosen(2), chosen(3)]).toEqual(['broad', 'equivalent', 'asked']);
  });

  test('an offer filed under several keys answers for each', () => {
    const view = viewOf(base, [offerRow(town, { localKey: 'a', serviceKey: '99108010000000', furtherServiceKeys: [permit] })]);
    expect(walkUp(view, ars(town), key(permit), day).offer?.record.localKey).toBe('a');
  });

  test('of several offers under one key the one called like the service answers', () => {
    const named = (localKey: string, de: string) => offerRow(town, { localKey, serviceKey: permit, name: { de } });
    const offers = [
      named('1', 'Bewohnerparkausweis – Umschreibung'),
      named('2', 'Parkausweis – Altstadt'),
      named('3', 'Bewohnerparkausweis'),
    ];
    expect(walkUp(viewOf(base, offers), ars(town), key(permit), day).offer?.record.localKey).toBe('3');
  });

  test('an offer holds from its first to its last day, both included', () => {
    const offer = offerRow(town, { localKey: 'a', serviceKey: permit, validFrom: '2026-03-01', validTo: '2026-03-31' });
    const found = (on: string) => walkUp(viewOf(base, [offer]), ars(town), key(permit), on).offer !== null;
    expect(['2026-02-28', '2026-03-01', '2026-03-31', '2026-04-01'].map(found)).toEqual([false, true, true, false]);
  });

  test('a postal code of two municipalities is a question back, even where one offer would answer for both', () => {
    const view = viewOf(base, [offerRow('05', { localKey: 'a', serviceKey: permit })]);
    const answer = decideCompetence(view, permit, { postalCode: '52538' }, day);
    expect(answer).toMatchObject({ found: false, problem: { code: 'AMBIGUOUS_PLACE', facts: { place: '52538', count: 2 } } });
    expect(!answer.found && answer.candidates?.map(({ name }) => name)).toEqual(['Gangelt', 'Selfkant']);
    expect(decideCompetence(view, permit, { postalCode: '52531' }, day)).toMatchObject({ found: true, resolvedFrom: town });
  });

  test.each([
    [{ ars: '05370' }, permit, 'INVALID_INPUT'],
    [{ ags: '0537000' }, permit, 'INVALID_INPUT'],
    [{ postalCode: 'K52538' }, permit, 'INVALID_INPUT'],
    [{ ars: town, postalCode: '52538' }, permit, 'INVALID_INPUT'],
    [{} as never, permit, 'INVALID_INPUT'],
    [{ ars: town }, '108001001000', 'INVALID_INPUT'],
    [{ ars: '999999999999' }, permit, 'UNKNOWN_PLACE'],
    [{ postalCode: '99999' }, permit, 'UNKNOWN_PLACE'],
    [{ ags: '05370008' }, '99999999999999', 'UNKNOWN_SERVICE'],
  ])('%j with %s is refused as %s', (place, service, code) => {
    const answer = decideCompetence(viewOf(base), service, place, day);
    expect(answer).toMatchObject({ found: false, problem: { code } });
    for (const language of ['DE', 'EN'] as const)
      expect(!answer.found && problemText(answer.problem, language), 'told in words').not.toMatch(/\\d|\{|\|/);
  });

  test('whatever comes in, the answer is typed and an offer found holds for the place', () => {
    const view = viewOf(base, [offerRow('05370', { localKey: 'a', serviceKey: permit })]);
    const text = fc.oneof(fc.string(), fc.constantFrom(town, '05370008', '52538', '52531', permit));
    fc.assert(
      fc.property(fc.constantFrom('ars', 'ags', 'postalCode'), text, text, (field, value, service) => {
        const answer = decideCompetence(view, service, { [field]: value } as never, day);
        const seen = answer.found ? `offer ${answer.resolvedFrom.startsWith(answer.offer.area)}` : answer.problem.code;
        expect(seen).toMatch(/^(offer true|INVALID_INPUT|UNKNOWN_SERVICE|UNKNOWN_PLACE|AMBIGUOUS_PLACE|NO_COMPETENT_AUTHORITY)$/);
      }),
    );
  });
});

describe('a municipality whose key changed', () => {
  const [before, after] = ['064350014014', '064150000000'];
  const changes = [{ old_ars: before, new_ars: after, valid_from: '2026-01-01', source: 'test' }];
  const hanau = {
    services,
    municipalities: [municipalityRow(before, 'Hanau', { to: '2025-12-31' }), municipalityRow(after, 'Hanau', { from: '2026-01-01' })],
    postalCodes: [{ postal_code: '63450', ags: '06435014', place: 'Hanau' }],
    changes,
  };

  test.each([[{ ars: before }], [{ ars: after }], [{ ags: '06435014' }], [{ ags: '06415000' }], [{ postalCode: '63450' }]])(
    'resolves %j to the key of the day',
    (place) => {
      const view = viewOf(hanau, [offerRow('06', { localKey: 'a', serviceKey: permit })]);
      expect(decideCompetence(view, permit, place, '2025-12-31')).toMatchObject({ resolvedFrom: before });
      expect(decideCompetence(view, permit, place, '2026-01-01')).toMatchObject({ resolvedFrom: after });
    },
  );

  test('keeps the offers filed under its old key and leaves those of its former district', () => {
    const own = viewOf(hanau, [offerRow(before, { localKey: 'own', serviceKey: permit })]);
    expect(decideCompetence(own, permit, { ars: after }, day)).toMatchObject({ found: true, path: [after] });
    const district = viewOf(hanau, [offerRow('06435', { localKey: 'district', serviceKey: permit })]);
    expect(decideCompetence(district, permit, { ars: before }, '2025-06-01')).toMatchObject({ found: true });
    expect(decideCompetence(district, permit, { ars: before }, day)).toMatchObject({ found: false });
  });

  test('any chain of changes ends, circles too, and every key of it means the same on every day', () => {
    const keyText = fc.constantFrom('010000000001', '010000000002', '010000000003', '010000000004').map(ars);
    const change = fc.record({ from: keyText, to: keyText, since: fc.constantFrom('2024-01-01', '2025-01-01', '2026-01-01') });
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 6 }),
        keyText,
        fc.constantFrom('2023-06-01', '2024-06-01', '2026-06-01'),
        (list, start, on) => {
          const history = createKeyHistory(list);
          expect(history.keysOf(start)).toContain(history.keyOn(start, on));
        },
      ),
    );
    const torn = createKeyHistory([
      { from: ars('010000000003'), to: ars('010000000004'), since: '2025-01-01' },
      { from: ars('010000000003'), to: ars('010000000001'), since: '2024-01-01' },
    ]);
    expect(torn.keyOn(ars('010000000004'), '2024-06-01')).toBe('010000000003');
    const line = createKeyHistory([
      { from: ars('010000000001'), to: ars('010000000002'), since: '2024-01-01' },
      { from: ars('010000000002'), to: ars('010000000003'), since: '2025-01-01' },
    ]);
    const everywhere = ['010000000001', '010000000002', '010000000003'].map((key) => line.keyOn(ars(key), '2024-06-01'));
    expect(everywhere).toEqual(['010000000002', '010000000002', '010000000002']);
  });
});

describe('municipalities that changed before the list begins', () => {
  const [now, other, old] = ['053340002002', '010595919126', '053130000000'];
  const change = (old_ars: string, new_ars: string) => ({ old_ars, new_ars, valid_from: '2009-10-21', source: 'test' });
  const view = viewOf({
    services,
    municipalities: [municipalityRow(now, 'Aachen'), municipalityRow(other, 'Hürup'), municipalityRow('010010000000', 'Flensburg')],
    changes: [
      change(old, now),
      change('053120000000', old),
      change('05311000', now),
      change('010595919101', other),
      change('010595919102', other),
      change('01059103', other),
      change('01059103', '010010000000'),
    ],
    postalCodes: [
      { postal_code: '24943', ags: '01001000', place: 'Flensburg' },
      { postal_code: '24943', ags: '01059101', place: 'Tastrup' },
      { postal_code: '24901', ags: '01059103', place: 'divided' },
      { postal_code: '24902', ags: '01059199', place: 'gone' },
      { postal_code: '24902', ags: '01001000', place: 'Flensburg' },
      { postal_code: '52058', ags: '05334002', place: bulkPlace },
    ],
  });
  const asked = (place: Parameters<typeof decideCompetence>[2], on = day) => decideCompetence(view, permit, place, on);

  test.each([[{ ars: old }], [{ ags: '05313000' }], [{ ars: '053120000000' }], [{ ags: '05311000' }]])(
    '%j resolves to the present key, chains too, on every day',
    (place) => {
      for (const on of [day, '2001-01-01'])
        expect(asked(place, on)).toMatchObject({ problem: { code: 'NO_COMPETENT_AUTHORITY', facts: { place: 'Aachen' } } });
    },
  );

  test('a key that differs only by the association of municipalities is the same municipality', () => {
    expect(view.byArs('010595123126', day)?.ars).toBe(other);
    expect(view.byArs('010590126126', day)?.ars).toBe(other);
    // NRW has no associations, and 7777 is none.
    expect(view.byArs('053345123002', day)).toBeNull();
    expect(view.byArs('010597777126', day)).toBeNull();
    expect(view.byArs('010595123999', day)).toBeNull();
    const keys = createKeyRules({ equivalentsOf: () => [], keysOf: (one) => view.keysOfMunicipality(one) });
    expect(keys.sameMunicipality('010595123126', other) && keys.sameMunicipality(other, '010595123126')).toBe(true);
    expect(keys.sameMunicipality(old, now) && keys.sameMunicipality(now, '053120000000')).toBe(true);
    expect(keys.sameMunicipality('010595919101', '010595919102'), 'two that became one').toBe(false);
  });

  test('a postal code of what became part of another is theirs too', () => {
    expect(asked({ postalCode: '24943' })).toMatchObject({
      problem: { code: 'AMBIGUOUS_PLACE' },
      candidates: [{ name: 'Hürup' }, { name: 'Flensburg' }],
    });
    expect(view.byArs(other, day)?.postalCodes).toContain('24943');
  });

  test('a municipality that was divided leads nowhere by its key, and everywhere by its postal code', () => {
    expect(asked({ ags: '01059103' })).toMatchObject({ problem: { code: 'UNKNOWN_PLACE' } });
    expect(asked({ postalCode: '24901' })).toMatchObject({ problem: { code: 'AMBIGUOUS_PLACE' }, candidates: [{}, {}] });
  });

  test('a postal code of a municipality that is gone is said to be uncertain, even with one candidate', () => {
    expect(asked({ postalCode: '24902' })).toMatchObject({
      found: false,
      problem: { code: 'POSTAL_CODE_UNCERTAIN' },
      candidates: [{ name: 'Flensburg' }],
    });
  });

  test('a bulk postal code is said to be one', () => {
    expect(asked({ postalCode: '52058' })).toMatchObject({ problem: { code: 'BULK_POSTAL_CODE' }, candidates: [{ name: 'Aachen' }] });
    expect(view.byArs(now, day)?.postalCodes).toEqual([]);
  });
});

test('the day is the day in Germany', () => {
  expect(dayOf(new Date('2025-12-31T22:59:59Z'))).toBe('2025-12-31');
  expect(dayOf(new Date('2025-12-31T23:00:00Z'))).toBe('2026-01-01');
});
