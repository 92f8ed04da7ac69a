import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Listing } from '../../src/catalogue/catalogue.ts';
import { filterMunicipalities } from '../../src/catalogue/lists.ts';
import { pageOf } from '../../src/catalogue/pages.ts';
import { createServiceSearch, type SearchableService } from '../../src/catalogue/search/services.ts';
import { comparable, meaningful, splitCompound, stem, termsOf } from '../../src/catalogue/search/words.ts';
import { municipalityRow, viewOf } from './kit.ts';

const service = (key: string, name: string, more: Partial<SearchableService> = {}): SearchableService => ({
  key,
  names: [name],
  aliases: [],
  summary: '',
  offered: false,
  ...more,
});

const search = createServiceSearch([
  service('parking', 'Bewohnerparkausweis', {
    names: ['Bewohnerparkausweis', 'Resident parking permit'],
    aliases: ['Anwohnerparken'],
    offered: true,
  }),
  service('disabled', 'Parkausweis für Schwerbehinderte'),
  service('parking-duplicate', 'Bewohnerparkausweis Ersatz'),
  service('identity', 'Personalausweis', { aliases: ['Perso'], offered: true }),
  service('passport', 'Reisepass Ausstellung zusätzlicher Pässe'),
  service('dog', 'Hundesteuer'),
  service('trade', 'Gewerbe Anmeldung'),
  service('residence', 'Anmeldung des Wohnsitzes', { aliases: ['Wohnsitz anmelden', 'Umzug'] }),
  service('adaption', 'Anpassung einer Rente'),
  service('fees', 'Abfallgebühr'),
]);

describe('services are found by what people call them', () => {
  test.each([
    ['parkausweis', 'parking', 'the end of a compound'],
    ['anwohnerparken', 'parking', 'a synonym'],
    ['Bewohner-Parkausweis', 'parking', 'a hyphen'],
    ['resident parking', 'parking', 'English'],
    ['personalausweise', 'identity', 'the plural'],
    ['Abfallgebuehren', 'fees', 'an umlaut in two letters'],
    ['abfallgebuhr', 'fees', 'an umlaut without its dots'],
    ['pass', 'passport', 'the singular of a plural with an umlaut'],
    ['Persnalausweis', 'identity', 'a missing letter'],
    ['bewohnerparkauswies', 'parking', 'two letters the wrong way round'],
    ['ich möchte einen Perso', 'identity', 'a sentence'],
    ['hundesteueranmeldung', 'dog', 'a compound nobody uses, by its parts'],
    ['bewohnerp', 'parking', 'the beginning'],
  ])('%s finds %s by %s', (query, key) => expect(search(query)).toContain(key));

  test('what is called exactly so comes first, then what is offered', () => {
    expect(search('Bewohnerparkausweis')[0]).toBe('parking');
    expect(search('parkausweis für schwerbehinderte')[0]).toBe('disabled');
    expect(search('parkausweis')[0]).toBe('parking');
    expect(search('umzug')[0]).toBe('residence');
  });

  test('a word within another that only happens to hold its letters is not found', () => {
    expect(search('pass')).not.toContain('adaption');
    expect(search('zzzzzz')).toEqual([]);
    expect(search('  ')).toEqual([]);
  });

  test('any text is answered', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 60 })), (text) => {
        expect(search(text)).toBeInstanceOf(Array);
      }),
    );
  });
});

describe('words', () => {
  test('an umlaut and its two letters are the same word', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('ä', 'ö', 'ü', 'ß', 'a', 'k', 'e', 'n'), maxLength: 12 }), (word) => {
        const spelt = word.replaceAll('ä', 'ae').replaceAll('ö', 'oe').replaceAll('ü', 'ue').replaceAll('ß', 'ss');
        expect(comparable(word)).toBe(comparable(spelt));
        expect(termsOf(word)).toContain(termsOf(spelt)[0]);
      }),
    );
  });

  test('a compound comes apart where its parts are known, with the letters between them', () => {
    const known = new Set(['hund', 'steuer', 'anmeldung', 'wohnung', 'geber', 'bestaetigung'].map(stem));
    const split = (word: string) => splitCompound(word, (term) => known.has(term));
    expect(split('hundesteueranmeldung')).toEqual(['hund', 'steuer', 'anmeldung'].map(stem));
    expect(split('wohnungsgeberbestaetigung')).toEqual(['wohnung', 'geber', 'bestaetigung'].map(stem));
    expect(split('bestaetigungswohl')).toBeNull();
  });

  test('a long word is not taken apart, and one that nearly comes apart costs what its length costs', () => {
    let asked = 0;
    const knows = (term: string) => {
      asked += 1;
      return term.length < 12;
    };
    const never = (term: string) => knows(term) && !term.endsWith('x');
    expect(splitCompound('hundesteueranmeldung'.repeat(20), knows)).toBeNull();
    expect(asked).toBe(0);
    splitCompound(`${'hundesteueranmeldung'.repeat(2).slice(0, 39)}x`, never);
    expect(asked).toBeLessThan(40 * 40 * 3);
  });

  test('small words count only where there are no others', () => {
    expect(meaningful('Parkausweis für den Umzug')).toEqual(['Parkausweis', 'Umzug']);
    expect(meaningful('für den')).toEqual(['für', 'den']);
  });
});

describe('municipalities are found by name', () => {
  const view = viewOf({
    municipalities: [
      { ...municipalityRow('053150000000', 'Köln'), population: 1_084_831 },
      { ...municipalityRow('053340002002', 'Kölnbach'), population: 5_000_000 },
      municipalityRow('051110000000', 'Düsseldorf'),
      { ...municipalityRow('064120000000', 'Frankfurt am Main'), population: 773_068 },
      { ...municipalityRow('120530000000', 'Frankfurt (Oder)'), population: 57_873 },
    ],
    postalCodes: [{ postal_code: '50667', ags: '05315000', place: 'Köln' }],
  });
  const found = (search: string) => filterMunicipalities(view, { search }, '2026-01-01', () => false).map(({ name }) => name);

  test.each([
    ['Köln', 'Köln'],
    ['koeln', 'Köln'],
    ['50667', 'Köln'],
    ['05315000', 'Köln'],
    ['053150000000', 'Köln'],
    ['Dusseldorf', 'Düsseldorf'],
    ['düsseld', 'Düsseldorf'],
    ['frankfurt', 'Frankfurt am Main'],
    ['frankfurt oder', 'Frankfurt (Oder)'],
  ])('%s: %s first', (query, name) => expect(found(query)[0]).toBe(name));
});

describe('pages', () => {
  const keyOf = (item: string) => item;

  test('follow each other without gap or repetition, whatever their size', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20 })), fc.integer({ min: 1, max: 7 }), (items, first) => {
        const seen: string[] = [];
        for (let after: string | null = null, more = true; more;) {
          const page: Listing<string> = pageOf(items, keyOf, { first, after });
          seen.push(...page.items.map(({ node }) => node));
          after = page.items.at(-1)?.cursor ?? null;
          more = page.hasNextPage;
        }
        expect(seen).toEqual(items);
      }),
    );
  });

  test('go on behind their item when the list has changed, and behind its place when it is gone', () => {
    const cursor = pageOf(['a', 'b', 'c'], keyOf, { first: 2, after: null }).items[1]?.cursor ?? null;
    expect(pageOf(['0', 'a', 'b', 'c'], keyOf, { first: 5, after: cursor }).items.map(({ node }) => node)).toEqual(['c']);
    expect(pageOf(['a', 'c', 'd'], keyOf, { first: 5, after: cursor }).items.map(({ node }) => node)).toEqual(['c', 'd']);
  });

  test('a cursor nobody gave out is refused in words', () => {
    expect(() => pageOf(['a'], keyOf, { first: 1, after: 'nonsense' })).toThrow(
      expect.objectContaining({ problem: expect.objectContaining({ code: 'INVALID_INPUT' }) }),
    );
  });
});
