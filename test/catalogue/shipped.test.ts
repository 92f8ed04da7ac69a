import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Catalogue, CatalogueImports } from '../../src/catalogue/catalogue.ts';
import type { CityImport, CityWithCatalogue } from '../../src/catalogue/import/cities.ts';
import { readEverydayWords, readSynonyms } from '../../src/catalogue/import/reference-files.ts';
import { shelveOffers, shelveReference } from '../../src/catalogue/memory.ts';
import { atOnce } from '../../src/catalogue/search/pieces.ts';
import { loadOffers, loadReference, loadSources } from '../../src/catalogue/records.ts';
import { createView } from '../../src/catalogue/view.ts';
import { runImport } from '../../src/cli/import.ts';
import { openStore } from '../../src/infra/store/open-store.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { ars, catalogueOn, folders, key } from './kit.ts';

const offers = (name: string) => join(folders.offers, name);
const city = (id: string, keyOfCity: string, format: string, files: Record<string, string>): CityWithCatalogue => ({
  id,
  ars: ars(keyOfCity),
  catalogue: { format, files },
});
const cities = [
  city('duesseldorf', '051110000000', 'offers', { offers: offers('duesseldorf.yaml') }),
  city('koeln', '053150000000', 'offers', { offers: offers('koeln.yaml') }),
  city('neuss', '051620024024', 'offers', { offers: offers('neuss.yaml') }),
  city('muenchen', '091620000000', 'dldb', { services: offers('muenchen-dldb.json'), forms: offers('muenchen-forms.yaml') }),
];
const permit = '99108001001000';

/* What a fresh hub has: the records and offers that are shipped with it, on a real store. */
describe('a fresh hub', () => {
  const folder = mkdtempSync(join(tmpdir(), 'staedtebund-shipped-'));
  let store: Store;
  let catalogue: Catalogue & CatalogueImports;
  let imports: readonly CityImport[];
  beforeAll(async () => {
    store = await openStore(`sqlite:${join(folder, 'hub.db')}`);
    catalogue = await catalogueOn(store, {
      cities: { list: () => cities, findByArs: (text) => cities.find((one) => one.ars === text) ?? null },
    });
    await catalogue.importReference();
    imports = await catalogue.importCities();
  });
  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const page = { first: 100, after: null };

  test('takes over the catalogues of all its cities', () => {
    expect(imports.filter(({ ok }) => !ok)).toEqual([]);
  });

  test("answers Düsseldorf's resident permit for 40213 with 25.00 € online and 30.00 € at the office", () => {
    const answer = catalogue.competence(permit, { postalCode: '40213' });
    expect(answer).toMatchObject({
      found: true,
      resolvedFrom: '051110000000',
      offer: { record: { fees: [{ cents: 2500, channel: 'ONLINE' }, { cents: 3000, channel: 'OFFICE' }, {}, {}] } },
    });
  });

  test.each(['52538', '52525', '51467', '40721', '40472', '33161', '33154'])(
    'asks back for %s, which belongs to two municipalities',
    (postalCode) => {
      const answer = catalogue.competence(permit, { postalCode });
      expect(answer).toMatchObject({ found: false, problem: { code: 'AMBIGUOUS_PLACE' }, candidates: [{}, {}] });
    },
  );

  test('leaves unsaid what München does not state, and asks for SUBSTANTIAL then', () => {
    const offer = catalogue.findOffer('muenchen:1063441');
    expect(offer?.record.name.de).toBe('Personalausweis');
    for (const field of ['assuranceLevel', 'appointment', 'processingDays']) expect(offer?.record).not.toHaveProperty(field);
    expect(offer && catalogue.assuranceNeeded(offer)).toBe('SUBSTANTIAL');
  });

  test('knows Hanau under its old and its new key', () => {
    expect(catalogue.findMunicipality({ ars: '064350014014' })).toMatchObject({
      ars: '064150000000',
      ags: '06415000',
      name: 'Hanau',
      kind: 'Kreisfreie Stadt',
    });
    expect(catalogue.findMunicipality({ ags: '06435014' })?.ars).toBe('064150000000');
    expect(catalogue.listMunicipalities({ search: 'Hanau', page }).totalCount).toBe(1);
    expect(catalogue.findMunicipality({ ars: '064150000000' })?.postalCodes).toContain('63450');
    expect(catalogue.competence(permit, { postalCode: '63450' })).toMatchObject({ problem: { code: 'NO_COMPETENT_AUTHORITY' } });
  });

  test.each([
    ['160560000000', 'Eisenach'],
    ['053130000000', 'Aachen'],
    ['053540032032', 'Stolberg (Rhld.)'],
    ['143650000000', 'Leipzig'],
    ['130010000000', 'Greifswald'],
    ['031520012012', 'Göttingen'],
    ['066350005005', 'Allendorf (Eder)'],
    ['010595919101', 'Hürup'],
  ])('knows what %s is now: %s', (former, name) => {
    expect(catalogue.findMunicipality({ ars: former })?.name).toBe(name);
    expect(catalogue.findMunicipality({ ags: `${former.slice(0, 5)}${former.slice(9)}` })?.name).toBe(name);
  });

  test.each([
    ['24943', 'AMBIGUOUS_PLACE', ['Flensburg', 'Hürup']],
    ['59969', 'AMBIGUOUS_PLACE', ['Allendorf (Eder)', 'Hallenberg']],
    ['80313', 'BULK_POSTAL_CODE', ['München']],
  ])('%s is no certain place: %s', (postalCode, code, names) => {
    const answer = catalogue.competence(permit, { postalCode });
    expect(answer).toMatchObject({ found: false, problem: { code } });
    expect(!answer.found && answer.candidates?.map(({ name }) => name).toSorted()).toEqual(names);
  });

  test.each([
    ['parkausweis', permit],
    ['anwohnerparken', permit],
    ['Bewohnerparkausweis', permit],
    ['perso', '99008001012000'],
    ['hochzeit', '99059001104000'],
    ['Knöllchen', '99108031002000'],
    ['kita', '99041004034000'],
    ['ummelden', '99115005011000'],
    ['Pässe', '99085001012000'],
    [permit, permit],
  ])('finds %s', (search, expected) => {
    expect(catalogue.listServices({ search, page: { first: 3, after: null } }).items.map(({ node }) => node.key)).toContain(expected);
  });

  // hit@1 and hit@3 over questions with the objects that answer them; a figure that falls names the questions.
  test.each([
    ['tuning', 0.9, 0.97],
    ['aside', 0.9, 0.97],
    ['unseen', 0.9, 0.97],
    ['fresh', 0.9, 0.97],
    ['blind-a', 0.9, 0.97],
    ['blind-b', 0.9, 0.97],
    ['sentences', 0.9, 0.97],
    // Below the aim of 0.9 and 0.97: the questions are long and hard, and the figures must not fall (docs/reference/search.md).
    ['drawn', 0.88, 0.94],
    ['drawn-b', 0.7, 0.88],
    ['blind-c', 0.8, 0.92],
  ])('answers everyday questions (%s): %d first, %d among the first three', (set, atOne, atThree) => {
    const file = readFileSync(new URL(`everyday/${set}.yaml`, import.meta.url), 'utf8');
    const places = Object.entries(parse(file) as Record<string, string[]>).map(([search, objects]) => {
      const found = catalogue.listServices({ search, page: { first: 3, after: null } }).items;
      return { search, place: found.findIndex(({ node }) => objects.includes(node.key.slice(0, 8))) };
    });
    const missed = (least: number) => places.filter(({ place }) => place < 0 || place >= least).map(({ search }) => search);
    expect(places.length).toBeGreaterThanOrEqual(40);
    expect(1 - missed(1).length / places.length, missed(1).join(', ')).toBeGreaterThanOrEqual(atOne);
    expect(1 - missed(3).length / places.length, missed(3).join(', ')).toBeGreaterThanOrEqual(atThree);
  });

  test('gets its search in pieces, and keeps the old one until a change has the new', async () => {
    const found: (string | undefined)[] = [];
    let running = true;
    const turn = () => {
      found.push(catalogue.listServices({ search: 'perso', page }).items[0]?.node.key);
      if (running) setImmediate(turn);
    };
    await catalogue.warmUp();
    setImmediate(turn);
    await catalogue.reload();
    running = false;
    expect(found.length).toBeGreaterThan(3);
    expect(new Set(found)).toEqual(new Set(['99008001012000']));
  });

  test('answers the most laborious of many queries with bounded work', async () => {
    const [synonyms, everyday] = await Promise.all([readSynonyms(folders.reference), readEverydayWords(folders.reference)]);
    const offered = atOnce(shelveOffers(await loadOffers(store), await loadSources(store), () => false));
    const view = createView(shelveReference(await loadReference(store)), offered, synonyms, everyday);
    const names = [
      ...new Set(
        view.ordered.flatMap((one) =>
          Object.values(view.services.get(one)?.name ?? {})
            .join(' ')
            .split(/\P{L}+/u),
        ),
      ),
    ];
    // The same sequence in every run (numbers of Park and Miller).
    let seed = 1;
    const below = (end: number) => (seed = (seed * 48_271) % 2_147_483_647) % end;
    const word = () => {
      const name = (names[below(names.length)] as string).toLowerCase();
      if (below(3) > 0) return name.slice(0, 3 + below(5));
      return `${name}${names[below(names.length)]}`.slice(below(3), 40);
    };
    const search = view.search.get();
    const workOf = (query: string) => {
      const before = search.steps();
      search.find(query);
      return search.steps() - before;
    };
    let worst = { work: 0, words: Array.from({ length: 16 }, word) };
    for (let tries = 0; tries < 600; tries += 1) {
      const words = worst.words.with(below(16), word());
      const work = workOf(words.join(' '));
      if (work > worst.work) worst = { work, words };
    }
    expect(worst.work).toBeGreaterThan(10_000);
    expect(worst.work, worst.words.join(' ')).toBeLessThan(100_000);
    expect(workOf('z'.repeat(100))).toBeLessThan(1000);
  });

  test('names a service filed under another key in another city, with its provenance', () => {
    const craftsmen = catalogue.findService('99108003001001');
    expect(craftsmen?.equivalents).toMatchObject([{ key: '99108010000000', provenance: 'curated' }]);
    expect(catalogue.findOfferFor(ars('091620000000'), key('99108003001001'))?.record.name.de).toBe('Parkausweis für Handwerksbetriebe');
    expect(catalogue.findOfferFor(ars('091620000000'), key('99115003012000'))?.record.name.de).toBe('Meldebescheinigung');
    expect(catalogue.findOfferFor(ars('051110000000'), key('99115005104001'))?.record.localKey).toBe('anmeldung');
    const shared = catalogue.listOffers({ service: key(permit), page }).items.map(({ node }) => node.source);
    expect(new Set(shared)).toEqual(new Set(['duesseldorf', 'koeln', 'neuss', 'muenchen']));
  });

  test('filters by place, maturity, life situation and connection', () => {
    const services = (filter: object) => catalogue.listServices({ ...filter, page }).items.map(({ node }) => node.key as string);
    expect(services({ offeredIn: '051620024024', minimumMaturity: 3 })).toContain(permit);
    expect(services({ offeredIn: '05', minimumMaturity: 3 })).not.toContain('99010005261000');
    expect(services({ offeredIn: '05' })).toContain('99010005261000');
    expect(services({ offeredIn: 'nowhere' })).toEqual([]);
    expect(services({ lifeSituation: 'kfz-besitz' })).toContain(permit);
    expect(services({ lifeSituation: 'Auto' })).toContain(permit);
    for (const lifeSituation of ['Umzug', 'umziehen', 'Moving'])
      expect(services({ lifeSituation })).toEqual(expect.arrayContaining(['99115005011000', '99108011153000', permit]));
    expect(services({ lifeSituation: 'Umzug', search: 'parken' })).toContain(permit);
    expect(services({ lifeSituation: 'Wohnen' })).toContain('99115005104000');
    expect(services({ lifeSituation: 'Hochzeit', offeredIn: '051110000000' })).toContain('99059001104000');
    expect(services({ lifeSituation: 'nowhere' })).toEqual([]);
    expect(catalogue.listMunicipalities({ connected: true, page }).items.map(({ node }) => node.name)).toEqual([
      'Düsseldorf',
      'Köln',
      'München',
      'Neuss',
    ]);
    expect(catalogue.listMunicipalities({ federalState: 'Nordrhein-Westfalen', page }).totalCount).toBe(396);
    expect(
      catalogue.listOffers({ ars: ars('051110000000'), search: 'parkausweis', page }).items.map(({ node }) => node.record.localKey),
    ).toEqual(['bewohnerparkausweis', 'handwerkerparkausweis']);
    const found = (key: string, search: string) =>
      catalogue.listOffers({ ars: ars(key), search, page }).items.map(({ node }) => node.record.name.de);
    expect(found('091620000000', 'anwohnerparken')[0]).toBe('Bewohnerparkausweis');
    expect(found('091620000000', 'Kontenklärung')[0]).toBe('Kontenklärung');
    expect(found('053150000000', 'ummelden')[0]).toBe('Ummeldung des Wohnsitzes');
    expect(found('053150000000', 'birth certificate')[0]).toBe('Geburtsurkunde');
    expect(catalogue.listOffers({ in: ['0516'], page }).totalCount).toBe(0);
    expect(catalogue.listOffers({ in: ['05162'], page }).totalCount).toBe(8);
  });

  test('every founding service is offered in Düsseldorf, and every form has German and English titles', () => {
    const first = catalogue.listOffers({ ars: ars('051110000000'), page }).items.map(({ node }) => node);
    expect(first.length).toBe(17);
    const untitled = cities.flatMap(({ ars }) =>
      catalogue.listOffers({ ars, page }).items.flatMap(({ node: { id, record } }) => {
        const schema = record.form?.schema as
          | { title?: string; properties?: Record<string, { title?: string; 'x-title-en'?: string }> }
          | undefined;
        return Object.entries(schema?.properties ?? {}).flatMap(([name, field]) =>
          field.title && field['x-title-en'] ? [] : [`${id} ${name}`],
        );
      }),
    );
    expect(untitled).toEqual([]);
  });

  test('the command reports what it did, names unmapped offers and gives an exit code', async () => {
    const lines: string[] = [];
    const run = (options: object) => runImport({ catalogue, cities, language: 'EN', ...options }, (line) => lines.push(line));
    expect(await run({})).toBe(0);
    expect(lines[0]).toContain('reference records unchanged: municipalities 10982');
    expect(lines).toContain('muenchen: 30 offers, 28 under a LeiKa key, 2 under a local key; 0 added, 0 changed, 0 removed, 30 unchanged');
    expect(lines).toContain('  no LeiKa key: 1080498 Kontenklärung');
    expect(await run({ language: 'DE', city: 'neuss' })).toBe(0);
    expect(lines.at(-1)).toContain('neuss: 8 Angebote, 8 mit LeiKa-Schlüssel');
    lines.length = 0;
    const files = { format: 'dldb', parts: { services: join(folders.fixtures, 'seestadt-services.json') } };
    expect(await run({ city: '040120000000', files, dryRun: true })).toBe(0);
    expect(lines[0]).toContain('040120000000: 4 offers, 2 under a LeiKa key');
    lines.length = 0;
    expect(await run({ city: 'neuss', files, json: true, dryRun: true })).toBe(1);
    expect(JSON.parse(lines.join('\n'))).toMatchObject({
      ok: false,
      cities: [{ city: 'neuss', ok: false, problem: expect.stringContaining('would remove 8 of 8') }],
    });
    expect([await run({ city: 'bonn' }), await run({ files }), await run({ city: 'neuss', files: { format: 'csv', parts: {} } })]).toEqual([
      2, 2, 2,
    ]);
  });
});
