import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Listing } from '../../src/catalogue/catalogue.ts';
import { filterMunicipalities, filterOffers } from '../../src/catalogue/lists.ts';
import { pageOf } from '../../src/catalogue/pages.ts';
import { edgeOf, splitCompound } from '../../src/catalogue/search/compounds.ts';
import { noEverydayWords } from '../../src/catalogue/search/everyday.ts';
import { builtOnce, mapEach } from '../../src/catalogue/search/pieces.ts';
import { createServiceSearch, nearBest } from '../../src/catalogue/search/services.ts';
import { createTypoSearch, distanceUpTo } from '../../src/catalogue/search/typos.ts';
import { verbForms } from '../../src/catalogue/search/verbs.ts';
import { comparable, plainOf, queryClauses, queryWords } from '../../src/catalogue/search/words.ts';
import { ars, municipalityRow, offerRow, serviceRow, viewOf } from './kit.ts';

const service = (key: string, names: readonly string[], cities = 0) => ({
  key,
  phrases: names.map((text) => ({ text, trust: 1 })),
  summary: '',
  cities,
});

const services = createServiceSearch(
  [
    service('parking', ['Bewohnerparkausweis', 'Resident parking permit', 'Anwohnerparken'], 4),
    service('disabled', ['Parkausweis für Schwerbehinderte']),
    service('child', ['Kinderausweis']),
    service('99008001000000', ['Personalausweis']),
    service('99008001011000', ['Personalausweis Änderung']),
    service('99008001012000', ['Personalausweis Ausstellung', 'Perso'], 2),
    service('passport', ['Reisepass Ausstellung zusätzlicher Pässe']),
    service('dog', ['Hundesteuer']),
    service('99050012000000', ['Gewerbe']),
    service('99050012070000', ['Gewerbe Abmeldung'], 3),
    service('99050012104000', ['Gewerbe Anmeldung']),
    service('residence', ['Anmeldung des Wohnsitzes', 'Wohnsitz anmelden', 'Umzug'], 4),
    service('vehicle', ['Kraftfahrzeug Zulassung']),
    service('aircraft', ['Luftfahrtgerät Zulassung']),
    service('adaption', ['Anpassung einer Rente']),
    service('fees', ['Abfallgebühr']),
    service('certificate', ['Meldebescheinigung']),
    service('crossing', ['Straßenverkehrszeichen']),
  ],
  {
    ...noEverydayWords,
    silent: 'ich möchte einen für den was brauche kostet mein'.split(' '),
    actions: new Map([
      ['011', ['ändern', 'change']],
      ['070', ['abmelden']],
      ['104', ['anmelden']],
    ]),
    words: new Map([
      ['kraftfahrzeug', ['auto', 'kfz']],
      ['hund', ['dog']],
      ['steuer', ['tax']],
    ]),
  },
);
const search = (query: string) => nearBest(services.find(query)).map(({ keys }) => keys[0]);

describe('services are found by what people call them', () => {
  test.each([
    ['parkausweis', 'parking', 'the end of a compound'],
    ['anwohnerparken', 'parking', 'a synonym'],
    ['Bewohner-Parkausweis', 'parking', 'a hyphen'],
    ['personal ausweis', '99008001012000', 'a compound in two words'],
    ['resident parking', 'parking', 'English'],
    ['dog tax', 'dog', 'a compound in the words of another language'],
    ['personalausweise', '99008001012000', 'the plural'],
    ['Abfallgebuehren', 'fees', 'an umlaut in two letters'],
    ['abfallgebuhr', 'fees', 'an umlaut without its dots'],
    ['Strassenverkehrszeichen', 'crossing', 'ss for ß'],
    ['pass', 'passport', 'the singular of a plural with an umlaut'],
    ['Persnalausweis', '99008001012000', 'a missing letter'],
    ['bewohnerparkauswies', 'parking', 'two letters the wrong way round'],
    ['meldebescheinigug', 'certificate', 'an error in the ending, which the stem would hide'],
    ['ich möchte einen Perso', '99008001012000', 'a sentence'],
    ['was kostet mein Perso', '99008001012000', 'a question'],
    ['hundesteueranmeldung', 'dog', 'a compound nobody uses, by its parts'],
    ['bewohnerp', 'parking', 'the beginning'],
    ['KFZ Zulassung', 'vehicle', 'a word that means the same'],
    ['Gewerbebehörde', '99050012000000', 'the beginning of a compound'],
    ['auto', 'vehicle', 'a word that means the same, without the action'],
    ['auto ummelden', 'vehicle', 'its object, where the action is unknown'],
  ])('%s finds %s first by %s', (query, key) => expect(search(query)[0]).toBe(key));

  test('what is called exactly so comes first; that a city offers it helps, and does not decide', () => {
    expect(search('parkausweis für schwerbehinderte')[0]).toBe('disabled');
    expect(search('parkausweis').slice(0, 2)).toEqual(['parking', 'disabled']);
    expect(search('Kinderausweis')[0]).toBe('child');
  });

  test('an object and its actions are one hit; the action that the words name leads, else what is offered, else the object', () => {
    expect(search('gewerbe abmelden')[0]).toBe('99050012070000');
    expect(search('gewerbe anmelden')[0]).toBe('99050012104000');
    expect(search('gewerbe')).toEqual(['99050012000000']);
    expect(search('perso ändern')[0]).toBe('99008001011000');
    expect(search('personalausweis')).toEqual(['99008001012000']);
    expect(services.find('gewerbe')[0]?.keys.toSorted()).toEqual(['99050012000000', '99050012070000', '99050012104000']);
  });

  test('a word within another that only happens to hold its letters is not found', () => {
    expect(search('pass')).not.toContain('adaption');
    expect(search('zzzzzz')).toEqual([]);
    expect(search('  ')).toEqual([]);
  });

  test('any text is answered, with scores that fall and no hit twice', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 60 })), (text) => {
        const hits = services.find(text);
        expect(hits).toEqual(hits.toSorted((a, b) => b.score - a.score));
        expect(new Set(hits.map(({ keys }) => keys[0])).size).toBe(hits.length);
      }),
    );
  });

  test('only the first 200 letters of a query and 40 of a word are read', () => {
    expect(queryWords('ä'.repeat(5000))).toEqual(['a'.repeat(40)]);
    expect(queryWords('wort '.repeat(5000))).toHaveLength(16);
    expect(queryClauses('a '.repeat(5000)).flat()).toHaveLength(36);
    expect(queryClauses(`${'a'.repeat(201)} b`).flat()).toEqual(['a'.repeat(40)]);
  });

  test('of texts, the one that says what was asked is likest', () => {
    expect(services.likenessTo('parkausweis bewohner')('Bewohnerparkausweis')).toBeGreaterThan(
      services.likenessTo('parkausweis bewohner')('Personalausweis'),
    );
    expect(services.likenessTo('parkausweis')('Abfallgebühr')).toBe(0);
  });
});

describe('the wish in a sentence', () => {
  const people = createServiceSearch(
    [
      { ...service('99102013000000', ['Hundesteuer', 'Hund anmelden'], 4), topics: 'Welpe Tierheim angeschafft' },
      { ...service('99115005000000', ['Wohnsitz', 'Umzug', 'umziehen'], 4), topics: 'Wohnung einziehen Adresse' },
      { ...service('99036008000000', ['Kraftfahrzeug', 'Auto']), topics: 'gekauft Halter Händler' },
      service('99036008070000', ['Kraftfahrzeug Abmeldung']),
      service('99036008104000', ['Kraftfahrzeug Anmeldung']),
      { ...service('99102009000000', ['Erbschaftsteuer']), topics: 'geerbt Haus Finanzamt' },
      { ...service('99012008000000', ['Baugenehmigung', 'Haus']), topics: 'bauen Dach Garage' },
    ],
    {
      ...noEverydayWords,
      silent: 'ich bin und jetzt mal meinen bei euch habe das es nicht mehr fürs von ein'.split(' '),
      wishes: 'müsste will muss wo wie'.split(' '),
      weak: 'letzte woche fahre'.split(' '),
      actions: new Map([
        ['070', ['abmelden']],
        ['104', ['anmelden']],
      ]),
      verbs: new Map([
        ['ziehen', ['zieht', 'zog', 'gezogen', 'zug']],
        ['erben', ['geerbt']],
      ]),
    },
  );
  const first = (query: string) => people.find(query)[0]?.keys[0];

  test.each([
    [
      'ich bin letzte Woche umgezogen und müsste jetzt mal meinen Hund bei euch anmelden',
      '99102013000000',
      'counts more than what has happened',
    ],
    ['ich bin letzte Woche umgezogen', '99115005000000', 'is what has happened, where nothing else is said'],
    ['habe einen Welpen vom Tierheim', '99102013000000', 'is known by words that are no name of it'],
    ['ich fahre das Auto nicht mehr, wo melde ich es ab', '99036008070000', 'may have its verb in two parts'],
    ['das Haus geerbt, was will das Finanzamt', '99102009000000', 'is where most of its words are'],
  ])('%s', (query, key) => expect(first(query)).toBe(key));

  test('is asked for by no word that fits many services: it begins no other', () => {
    expect(people.find('woche')).toEqual([]);
  });
});

describe('what cities call a service', () => {
  const [tax, keeping] = ['99102013000000', '99110009000000'] as const;
  const offer = (area: string, serviceKey: string, ...keywords: string[]) =>
    offerRow(area, { localKey: serviceKey, serviceKey, name: { de: 'Angebot' }, keywords });
  const view = viewOf(
    { services: [serviceRow(tax, 'Hundesteuer'), serviceRow(keeping, 'Hundehaltung'), serviceRow('99042001000000', 'Fischereischein')] },
    [
      offer('051110000000', tax, 'Vierbeiner', 'Steuermarke'),
      offer('053150000000', keeping, 'Steuermarke', 'Listenhund'),
      offer('051120000000', keeping, 'Steuermarke'),
      offer('051130000000', keeping, 'steuermarke'),
    ],
  );
  const found = (query: string) => view.find(query).map(({ keys }) => keys[0]);

  test('finds it for everybody', () => expect(found('vierbeiner')).toEqual([tax]));

  test('is compared with a query once, however many municipalities it is asked in', () => {
    const inCity = (city: string) => filterOffers(view, { ars: ars(city), search: 'vierbeiner steuermrake' }, '2026-11-24').length;
    expect(inCity('051110000000')).toBe(1);
    const steps = view.search.get().steps();
    expect(['051110000000', '053150000000', '051120000000', '051130000000'].map(inCity)).toEqual([1, 1, 1, 1]);
    expect(view.search.get().steps()).toBe(steps);
  });

  test('is trusted more where several of them agree, whoever offers it', () => {
    expect(found('steuermarke')[0]).toBe(keeping);
  });
});

describe('verbs', () => {
  const verbs = verbForms(
    new Map([
      ['sterben', ['stirbt', 'starb', 'gestorben']],
      ['ziehen', ['zieht', 'zog', 'gezogen', 'zug']],
    ]),
  );
  test.each([
    ['anmelden', 'anmeldung'],
    ['anmelden', 'angemeldet'],
    ['anmelden', 'anzumelden'],
    ['verlangern', 'verlangerung'],
    ['verlangern', 'verlangert'],
    ['umziehen', 'umgezogen'],
    ['umziehen', 'umzuziehen'],
    ['umziehen', 'umzug'],
    ['sterben', 'gestorben'],
    ['versterben', 'verstorben'],
    ['kaufen', 'gekauft'],
  ])('%s and %s have a root in common', (one, other) => {
    expect(verbs.rootsOf(one).filter((root) => verbs.rootsOf(other).includes(root))).not.toEqual([]);
  });

  test.each([
    ['anmelden', 'abmelden'],
    ['umziehen', 'einziehen'],
    ['pass', 'passieren'],
  ])('%s and %s have none', (one, other) => expect(verbs.rootsOf(one).filter((root) => verbs.rootsOf(other).includes(root))).toEqual([]));

  test('a particle goes back before its verb where that is a word', () => {
    const knows = (root: string) => root === 'abmeld';
    expect(verbs.rejoin(['wo', 'melde', 'ich', 'das', 'ab'], knows)).toEqual(['wo', 'abmeld', 'ich', 'das']);
    expect(verbs.rejoin(['ab', 'wann'], knows)).toEqual(['ab', 'wann']);
    expect(verbs.rejoin(['montag', 'ab'], knows)).toEqual(['montag', 'ab']);
  });

  test('clauses end at marks and before the words that begin one', () => {
    expect(queryClauses('Ich bin umgezogen, was nun? Und 3,5 Zimmer weil')).toEqual([
      ['ich', 'bin', 'umgezogen'],
      ['was', 'nun'],
      ['und', '3', '5', 'zimmer'],
      ['weil'],
    ]);
  });
});

describe('what takes long to build', () => {
  const counted = () => {
    let done = 0;
    const built = builtOnce(() => mapEach(Array.from({ length: 5000 }), 1, () => (done += 1)));
    return { built, done: () => done };
  };

  test('gives way to others while it is prepared, and is built once', async () => {
    const built = builtOnce(() =>
      mapEach(Array.from({ length: 6 }), 1, () => {
        for (const since = performance.now(); performance.now() - since < 11;);
      }),
    );
    let turns = 0;
    let running = true;
    const turn = () => {
      turns += 1;
      if (running) setImmediate(turn);
    };
    setImmediate(turn);
    await Promise.all([built.prepare(), built.prepare()]);
    running = false;
    expect(turns).toBeGreaterThanOrEqual(5);
    expect(built.get()).toHaveLength(6);
  });

  test('is begun anew after a build that failed', async () => {
    let fails = 2;
    const built = builtOnce(() =>
      mapEach([1, 2], 1, (one) => {
        if (fails-- > 0) throw new Error('no memory');
        return one;
      }),
    );
    expect(() => built.get()).toThrow('no memory');
    await expect(built.prepare()).rejects.toThrow('no memory');
    await built.prepare();
    expect(built.get()).toEqual([1, 2]);
  });

  test('is finished at once for who cannot wait, from where it stands', async () => {
    const { built, done } = counted();
    expect([built.isWanted(), done()]).toEqual([false, 0]);
    const prepared = built.prepare();
    expect(built.get()).toHaveLength(5000);
    await prepared;
    expect([built.isWanted(), done()]).toEqual([true, 5000]);
  });
});

describe('words', () => {
  test('an umlaut and its two letters are the same word', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('ä', 'ö', 'ü', 'ß', 'a', 'k', 'e', 'n'), maxLength: 12 }), (word) => {
        const spelt = word.replaceAll('ä', 'ae').replaceAll('ö', 'oe').replaceAll('ü', 'ue').replaceAll('ß', 'ss');
        expect(comparable(word)).toBe(comparable(spelt));
      }),
    );
  });

  test.each([
    ['Pässe', 'Paesse'],
    ['Straße', 'strasse'],
    ['Gebühr', 'gebuhr'],
    ['Köln', 'Koeln'],
  ])('%s and %s are one word', (one, other) => expect(plainOf(one)).toBe(plainOf(other)));

  test.each(['bauen', 'neue', 'quelle', 'dauer'])('the vowels of %s stay two', (word) => expect(plainOf(word)).toBe(word));

  test('a compound comes apart where its parts are known, with the letters between them', () => {
    const known = new Set(['hund', 'steuer', 'anmeldung', 'wohnung', 'geber', 'bestatigung', 'steueranmeldung']);
    const split = (word: string) => splitCompound(word, (part) => known.has(part));
    expect(split('hundesteuer')).toEqual(['hund', 'steuer']);
    expect(split('hundesteueranmeldung')).toEqual(['hund', 'steueranmeldung']);
    expect(split('wohnungsgeberbestatigung')).toEqual(['wohnung', 'geber', 'bestatigung']);
    expect(split('bestatigungswohl')).toBeNull();
    const edge = (word: string) => edgeOf(word, (part) => known.has(part));
    expect([edge('zweitwohnung'), edge('wohnungsxyz'), edge('xyhund')]).toEqual(['wohnung', 'wohnung', null]);
    expect(split('steuer')).toBeNull();
  });

  test('taking a compound apart asks for each part once: the work grows with the length', () => {
    const asked = (length: number) => {
      let count = 0;
      splitCompound('hunde'.repeat(length / 5), (part) => {
        count += 1;
        return part === 'hund';
      });
      return count;
    };
    expect(asked(800)).toBeLessThan(2.2 * asked(400));
  });

  test('a misspelt word is found within a letter, a long one within two', () => {
    const typos = createTypoSearch(['meldebescheinigung', 'pass', 'reisepass', 'hund']);
    const found = (word: string) => typos(word).map((entry) => entry.word);
    expect(found('meldebescheinigug')).toEqual(['meldebescheinigung']);
    expect(found('meldebescheiningug')).toEqual(['meldebescheinigung']);
    expect(found('resiepass')).toEqual(['reisepass']);
    expect(found('hnud')).toEqual(['hund']);
    expect(found('xyzhund')).toEqual([]);
  });

  test('the distance is that of the fewest changes, up to the bound', () => {
    expect([distanceUpTo(2, 'pass', 'pass'), distanceUpTo(2, 'pass', 'psas'), distanceUpTo(2, 'pass', 'bass')]).toEqual([0, 1, 1]);
    expect(distanceUpTo(2, 'pass', 'reise')).toBe(3);
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
      municipalityRow('053820056056', 'Sankt Augustin'),
      municipalityRow('150020000000', 'Halle (Saale)'),
      municipalityRow('053140000000', 'Bonn'),
      municipalityRow('091620000000', 'München'),
      municipalityRow('146280360360', 'Stadt Wehlen'),
      municipalityRow('091750132132', 'Markt Schwaben'),
      municipalityRow('095750153153', 'Neustadt a.d.Aisch'),
      municipalityRow('051170000000', 'Mülheim an der Ruhr'),
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
    ['Stadt Köln', 'Köln'],
    ['Köln, Stadt', 'Köln'],
    ['Düsseldorf, Stadt', 'Düsseldorf'],
    ['Landeshauptstadt München', 'München'],
    ['München, Landeshauptstadt', 'München'],
    ['Bundesstadt Bonn', 'Bonn'],
    ['Munich', 'München'],
    ['St. Augustin', 'Sankt Augustin'],
    ['Sankt Augustin', 'Sankt Augustin'],
    ['St Augustin', 'Sankt Augustin'],
    ['Frankfurt/Main', 'Frankfurt am Main'],
    ['Frankfurt a.M.', 'Frankfurt am Main'],
    ['Frankfurt/Oder', 'Frankfurt (Oder)'],
    ['Frankfurt an der Oder', 'Frankfurt (Oder)'],
    ['Halle Saale', 'Halle (Saale)'],
    ['Halle/Saale', 'Halle (Saale)'],
    ['Halle an der Saale', 'Halle (Saale)'],
    ['Mülheim/Ruhr', 'Mülheim an der Ruhr'],
    ['Mülheim a. d. Ruhr', 'Mülheim an der Ruhr'],
    ['Neustadt Aisch', 'Neustadt a.d.Aisch'],
    ['Neustadt an der Aisch', 'Neustadt a.d.Aisch'],
    ['Stadt Wehlen', 'Stadt Wehlen'],
    ['Markt Schwaben', 'Markt Schwaben'],
    ['Düseldorf', 'Düsseldorf'],
    ['Düsseldrof', 'Düsseldorf'],
    ['Stadt Münhcen', 'München'],
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
