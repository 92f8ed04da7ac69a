import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Json, OfferRecord } from '#contract';
import { xzufi } from '../../adapters/xzufi/index.ts';
import { narrowest } from '../../adapters/xzufi/mapping.ts';
import { createReader, type TransferObject } from '../../adapters/xzufi/reader.ts';
import { constructed, startXzufiSimulator, type XzufiSimulator } from '../../adapters/xzufi/simulator.ts';
import { CityCallError, type Cities } from '../../src/cities/cities.ts';
import { connectCity } from './connect.ts';

const secret = 'xzufi-simulator-secret';
const ns = 'http://xoev.de/schemata/xzufi/2_2_0';
const folder = mkdtempSync(join(tmpdir(), 'xzufi-'));
afterAll(() => rmSync(folder, { recursive: true }));

const connect = (config: Json, endpoint = 'http://127.0.0.1:9') => connectCity(xzufi, config, { endpoint, secret });
const overHttp = (simulator: XzufiSimulator, path = '/index.txt', own = secret) =>
  connect({ url: simulator.url + path, auth: { scheme: 'bearer', secret: own } }, simulator.url).cities;

/** All pages, and how many were given before an error. */
const list = (cities: Cities): Promise<OfferRecord[]> =>
  cities.read(
    'stadt',
    'cases',
    async (adapter, call) => {
      const offers: OfferRecord[] = [];
      for await (const page of adapter.catalogue!.listOffers(call)) offers.push(...page.items);
      return offers;
    },
    { traceparent: '' },
  );

const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => expect.unreachable('the call should fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CityCallError);
  return { kind: (error as CityCallError).failure.kind, message: (error as CityCallError).message };
};

const transfer = (content: string, attributes = 'xzufiVersion="2.2.0"') =>
  `<x:schreiben xmlns:x="${ns}" ${attributes}>${content}</x:schreiben>`;
const id = (text: string, scheme = 'L100002_LB') => `<x:id schemeAgencyID="L100002" schemeID="${scheme}">${text}</x:id>`;
const rs = 'schemeID="urn:de:bund:destatis:bevoelkerungsstatistik:schluessel:rs"';
const leistung = (text: string, more = '', name = `Leistung ${text}`) =>
  `<x:schreibe><x:leistung>${id(text)}<x:modulText><x:inhalt languageCode="de">${name}</x:inhalt><x:leikaTextmodul><code>02</code></x:leikaTextmodul></x:modulText>${more}</x:leistung></x:schreibe>`;
const competence = (owner: string, service: string, area: string) =>
  `<x:schreibe><x:zustaendigkeitTransferObjekt><x:uebergeordnetesObjektID schemeAgencyID="L100002" schemeID="${owner.split(' ')[1]}">${owner.split(' ')[0]}</x:uebergeordnetesObjektID><x:zustaendigkeit>${id(`z${owner}${service}`.replaceAll(' ', ''), 'L100002_Z')}<x:leistungID schemeAgencyID="L100002" schemeID="L100002_LB">${service}</x:leistungID><x:gebietID ${rs}>${area}</x:gebietID><x:rolle><code>01</code></x:rolle></x:zustaendigkeit></x:zustaendigkeitTransferObjekt></x:schreibe>`;
const unit = (text: string, name: string) =>
  `<x:schreibe><x:organisationseinheit>${id(text, 'L100002_OE')}<x:name><x:name languageCode="de">${name}</x:name></x:name><x:anschrift><x:ort>Düsseldorf</x:ort></x:anschrift></x:organisationseinheit></x:schreibe>`;

const fromFile = (text: string | Buffer, name = 'export.xml') => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return connect({ file }).cities;
};

describe('an export over HTTP', () => {
  let simulator: XzufiSimulator;
  beforeAll(async () => void (simulator = await startXzufiSimulator({ secret })));
  afterAll(() => simulator.close());

  test('becomes offers that keep ids, keys, areas and texts', async () => {
    expect(await list(overHttp(simulator))).toEqual([
      {
        localKey: 'L100002.LB.40',
        serviceKey: '99108001001000',
        name: { de: 'Bewohnerparkausweis beantragen' },
        area: '051110000000',
        authority: { name: 'Amt für Einwohnerwesen' },
        channels: [],
        maturityLevel: 1,
        fees: [
          { cents: 2500, currency: 'EUR', label: { de: '1 Jahr' }, channel: 'ONLINE' },
          { cents: 3000, currency: 'EUR', label: { de: '1 Jahr' }, channel: 'OFFICE' },
        ],
        requiredDocuments: [{ de: 'Fahrzeugschein, Personalausweis' }],
      },
    ]);
  });

  test('of several files is one export: later objects replace, competences and online services join, deletions count', async () => {
    simulator.setFile(
      'leistungen-2.xml',
      transfer(
        leistung('40', '', 'Bewohnerparken &lt;b&gt;neu&lt;/b&gt;') +
          competence('9001 L100002_OD', '40', '05') +
          leistung('41') +
          `<x:loesche>${id('41')}</x:loesche>`,
      ),
    );
    const offers = await list(overHttp(simulator));
    expect(offers.map(({ localKey }) => localKey)).toEqual(['L100002.LB.40']);
    expect(offers[0]).toMatchObject({
      name: { de: 'Bewohnerparken neu' },
      channels: ['ONLINE'],
      maturityLevel: 2,
      assuranceLevel: 'LOW',
      onlineUrl: 'https://service.duesseldorf.de/suche/-/vr-bis-detail/dienstleistung/40/show',
    });
    simulator.setFile('leistungen-2.xml', null);
  });

  test('is complete or nothing', async () => {
    simulator.setFile('leistungen-2.xml', constructed().slice(0, 2500));
    expect(await failureOf(list(overHttp(simulator)))).toMatchObject({
      kind: 'malformed',
      message: expect.stringContaining('/leistungen-2.xml: ') as string,
    });
    simulator.setFile('leistungen-2.xml', null);
  });

  test.each<[string, () => Cities, string, string]>([
    ['wrong credentials', () => overHttp(simulator, '/index.txt', 'not-the-secret'), 'misconfigured', 'credentials'],
    ['a file that is not there', () => overHttp(simulator, '/nothing.xml'), 'misconfigured', 'there is no file under /nothing.xml (404)'],
  ])('%s', async (_, cities, kind, words) => {
    expect(await failureOf(list(cities()))).toMatchObject({ kind, message: expect.stringContaining(words) as string });
  });

  test('a login page, a pause, and a name that leads elsewhere', async () => {
    const cities = overHttp(simulator);
    simulator.setFaults({ loginPage: true });
    expect(await failureOf(list(cities))).toMatchObject({ kind: 'misconfigured' });
    simulator.setFaults({ loginPage: false, unavailable: 1 });
    expect(await failureOf(list(cities))).toMatchObject({ kind: 'retryable' });
    simulator.setFaults({ unavailable: 0 });
    simulator.setFile('http://127.0.0.1:1/x.xml', '');
    expect(await failureOf(list(cities))).toMatchObject({ kind: 'malformed', message: expect.stringContaining('another host') as string });
    simulator.setFile('http://127.0.0.1:1/x.xml', null);
  });

  test('comes from PVOG’s bulk service too, page by page until it is complete', async () => {
    const bulk = (clientSecret: string) => {
      const config = { bulk: { url: `${simulator.url}/bulk`, tokenUrl: `${simulator.url}/token`, clientId: 'hub', clientSecret } };
      return connect(config, simulator.url).cities;
    };
    simulator.setFile('leistungen-2.xml', transfer(leistung('41')));
    simulator.setFile('leistungen-3.xml', transfer(leistung('42')));
    expect((await list(bulk(secret))).map(({ localKey }) => localKey)).toEqual(['L100002.LB.40', 'L100002.LB.41', 'L100002.LB.42']);
    expect(await bulk(secret).check('stadt', 'cases')).toMatchObject({ ok: true, system: 'XZuFi 2.2.0 (sample)' });
    simulator.setFile('leistungen-3.xml', transfer(leistung('42')).slice(0, 100));
    expect(await failureOf(list(bulk(secret)))).toMatchObject({
      kind: 'malformed',
      message: expect.stringContaining('/bulk, page 3') as string,
    });
    simulator.setFile('leistungen-2.xml', null);
    simulator.setFile('leistungen-3.xml', null);
    expect(await failureOf(list(bulk('not-the-secret')))).toMatchObject({ kind: 'misconfigured' });
  });

  test('check says what it found and reads no further', async () => {
    const health = await overHttp(simulator).check('stadt', 'cases');
    expect(health).toMatchObject({ ok: true, system: 'XZuFi 2.2.0 (sample)' });
  });
});

describe('an export as a file', () => {
  test('of more services than fit in a page comes whole and in order', async () => {
    const offers = await list(fromFile(transfer(Array.from({ length: 1234 }, (_, index) => leistung(String(index))).join('\n'))));
    expect(offers.map(({ localKey }) => localKey)).toEqual(Array.from({ length: 1234 }, (_, index) => `L100002.LB.${index}`));
  });

  test('keeps to the city: competence elsewhere is somebody else’s, the narrowest and deciding unit is the authority', async () => {
    const offers = await list(
      fromFile(
        transfer(
          leistung('1') +
            leistung('2') +
            leistung('3', `<x:gueltigkeitGebietID ${rs}>05315</x:gueltigkeitGebietID>`) +
            leistung('4') +
            unit('10', 'Bezirksregierung') +
            unit('11', 'Bürgerbüro') +
            unit('12', 'Stadt Köln') +
            competence('10 L100002_OE', '1', '050000000000') +
            competence('11 L100002_OE', '1', '051110000000') +
            competence('12 L100002_OE', '2', '053150000000'),
        ),
      ),
    );
    expect(offers.map(({ localKey, authority, area, channels }) => [localKey, authority.name, area, channels])).toEqual([
      ['L100002.LB.1', 'Bürgerbüro', '051110000000', ['OFFICE']],
      ['L100002.LB.4', undefined, '051110000000', []],
    ]);
  });

  test('gives English where it has it, days, and validity', async () => {
    const more =
      '<x:modulText><x:inhalt languageCode="de">&lt;ul&gt;&lt;li&gt;Ausweis&lt;/li&gt;&lt;li&gt;Foto &amp;amp; Antrag&lt;/li&gt;&lt;/ul&gt;</x:inhalt><x:inhalt languageCode="en">&lt;p&gt;ID&lt;/p&gt;&lt;p&gt;Photo&lt;/p&gt;</x:inhalt><x:leikaTextmodul><code>08</code></x:leikaTextmodul></x:modulText>' +
      '<x:modulBearbeitungsdauer><x:beschreibung languageCode="de">2 bis 4 Wochen</x:beschreibung></x:modulBearbeitungsdauer>' +
      '<x:modulBegriffImKontext><x:begriffImKontext><x:begriff>Perso</x:begriff><x:typ><code>1</code></x:typ></x:begriffImKontext><x:begriffImKontext><x:begriff>Ausweis, amtlich</x:begriff></x:begriffImKontext></x:modulBegriffImKontext>' +
      '<x:gueltigkeit><x:beginn>2026-01-01</x:beginn><x:ende>2026-12-31T00:00:00+01:00</x:ende></x:gueltigkeit>';
    expect((await list(fromFile(transfer(leistung('1', more)))))[0]).toMatchObject({
      requiredDocuments: [
        { de: 'Ausweis', en: 'ID' },
        { de: 'Foto & Antrag', en: 'Photo' },
      ],
      keywords: ['Perso', 'Ausweis', 'amtlich'],
      processingDays: { min: 14, max: 28 },
      validFrom: '2026-01-01',
      validTo: '2026-12-31',
    });
  });

  const attributes = (count: number) => Array.from({ length: count }, (_, index) => `n${index}=""`).join(' ');
  test.each<[string, string, string]>([
    ['cut off', transfer(leistung('1')).slice(0, 300), 'line 1: not well-formed XML, or cut off'],
    ['no XZuFi', '<rss/>', 'the root has no xzufiVersion'],
    ['another version', transfer('', 'xzufiVersion="3.0.0"'), 'XZuFi 3.0.0; 2.1 to 2.3 are read'],
    ['a DOCTYPE', `<!DOCTYPE a SYSTEM "file:///etc/passwd">${transfer(leistung('1'))}`, 'a DOCTYPE'],
    ['an entity', transfer(leistung('1', '&x;')), 'not well-formed'],
    ['attributes without end', `<a ${attributes(501)}/>`, 'an element with more than 500 attributes'],
    ['an encoding nobody knows', `<?xml version="1.0" encoding="klingon"?>${transfer(leistung('1'))}`, 'not known (klingon)'],
    ['no id', transfer('\n<x:schreibe>\n<x:leistung/></x:schreibe>'), 'schreiben/schreibe[1]/leistung, line 3: no id'],
    ['no name', transfer(leistung('1', '', '')), 'schreiben/schreibe[1]/leistung, line 1: no German text in module 02 or 03'],
    [
      'an area that is none',
      transfer(leistung('1', `<x:gueltigkeitGebietID ${rs}>5111</x:gueltigkeitGebietID>`)),
      'leistung/gueltigkeitGebietID, line 1: a regional key has',
    ],
    [
      'a day that is none',
      transfer(leistung('1', '<x:gueltigkeit><x:ende>2026-02-30</x:ende></x:gueltigkeit>')),
      'leistung/gueltigkeit/ende, line 1: a date such as',
    ],
    [
      'an unknown assurance level',
      transfer(
        `${leistung('1')}<x:schreibe><x:onlinedienst>${id('9', 'L100002_OD')}<x:vertrauensniveau><code>77</code></x:vertrauensniveau></x:onlinedienst></x:schreibe>`,
      ),
      'vertrauensniveau 77 is not listed',
    ],
    ['no services', transfer(unit('1', 'Amt')), 'no leistung'],
    [
      'services of others only',
      transfer(leistung('1', `<x:gueltigkeitGebietID ${rs}>09</x:gueltigkeitGebietID>`)),
      'none of its 1 services holds for 051110000000',
    ],
  ])('that is %s is refused with the reason', async (_, text, words) => {
    const failure = await failureOf(list(fromFile(text)));
    expect(failure.message).toContain(words);
    expect(failure.message).toContain('export.xml');
  });

  test.each<[string, string, string | undefined, string]>([
    ['no id', '<x:schreibe><x:leistung/></x:schreibe>', undefined, 'schreiben/schreibe[2]/leistung, line 1: no id'],
    ['no name', leistung('2', '', ''), 'L100002.LB.2', 'no German text in module 02 or 03'],
    [
      'an area that is none',
      leistung('2', `<x:gueltigkeitGebietID ${rs}>5111</x:gueltigkeitGebietID>`),
      'L100002.LB.2',
      'a regional key has',
    ],
    ['a day that is none', leistung('2', '<x:gueltigkeit><x:ende>2026-02-30</x:ende></x:gueltigkeit>'), 'L100002.LB.2', 'a date such as'],
  ])('with a service that has %s sets it aside, and lists the others', async (_, odd, oddId, words) => {
    const pages = await fromFile(transfer(leistung('1') + odd + leistung('3'))).read(
      'stadt',
      'cases',
      (adapter, call) => Array.fromAsync(adapter.catalogue!.listOffers(call)),
      { traceparent: '' },
    );
    expect(pages.flatMap(({ items }) => items.map(({ localKey }) => localKey))).toEqual(['L100002.LB.1', 'L100002.LB.3']);
    expect(pages.flatMap(({ malformed = [] }) => malformed)).toEqual([
      { ...(oddId ? { id: oddId } : {}), reason: expect.stringContaining(words) as string },
    ]);
  });

  test('with a service that a later object writes well, or deletes, sets nothing aside', async () => {
    const odd = leistung('1', '<x:gueltigkeit><x:ende>2026-02-30</x:ende></x:gueltigkeit>');
    const gone = leistung('2', '<x:gueltigkeit><x:ende>2026-02-30</x:ende></x:gueltigkeit>');
    const deleted = `<x:loesche>${id('2')}</x:loesche>`;
    const pages = await fromFile(transfer(odd + gone + leistung('1') + deleted)).read(
      'stadt',
      'cases',
      (adapter, call) => Array.fromAsync(adapter.catalogue!.listOffers(call)),
      { traceparent: '' },
    );
    expect(pages.map(({ items, malformed }) => [items.length, malformed])).toEqual([[1, []]]);
  });

  test.each([
    ['as it declares', '', 'ISO-8859-1', 'latin1' as const],
    ['as its byte order mark says', '\uFEFF', 'UTF-16', 'utf16le' as const],
  ])('is read in its encoding, %s', async (_, mark, stated, encoding) => {
    const text = `${mark}<?xml version="1.0" encoding="${stated}"?>${transfer(leistung('1', '', 'Straße'))}`;
    const [offer] = await list(fromFile(Buffer.from(text, encoding)));
    expect(offer?.name.de).toBe('Straße');
  });

  test('that is no text of its encoding, too large or away', async () => {
    expect((await failureOf(list(fromFile(Buffer.from(transfer(leistung('1', '', 'Straße')), 'latin1'))))).message).toContain('not utf-8');
    const file = join(folder, 'large.xml');
    writeFileSync(file, transfer(leistung('1')));
    expect((await failureOf(list(connect({ file, maxBytes: 100 }).cities))).message).toContain('larger than 100 bytes');
    expect(await failureOf(list(connect({ file: join(folder, 'away.xml') }).cities))).toMatchObject({ kind: 'misconfigured' });
  });

  test('as a list names files beside it, and nothing above', async () => {
    writeFileSync(join(folder, 'a.xml'), transfer(leistung('1')));
    writeFileSync(join(folder, 'index.txt'), 'a.xml\r\n\r\n');
    expect(await list(connect({ file: join(folder, 'index.txt') }).cities)).toHaveLength(1);
    writeFileSync(join(folder, 'index.txt'), '../a.xml');
    expect((await failureOf(list(connect({ file: join(folder, 'index.txt') }).cities))).message).toContain('without a path');
  });
});

const outcomeOf = (run: () => unknown): string => {
  try {
    run();
    return 'read';
  } catch (error) {
    return (error as Error).name;
  }
};

test('where a text is cut into pieces changes nothing, and no text at all ends otherwise than with an AdapterError', () => {
  const text = transfer(leistung('1', '', 'Größe &amp; 𝔘') + unit('2', 'Amt'));
  const read = (pieces: readonly string[]) => {
    const objects: TransferObject[] = [];
    const reader = createReader('x', (object) => objects.push(object));
    for (const piece of pieces) reader.write(piece);
    reader.end();
    return objects;
  };
  const whole = read([text]);
  expect(whole).toHaveLength(2);
  fc.assert(
    fc.property(fc.array(fc.nat(text.length)), (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
      expect(read(places.slice(1).map((place, index) => text.slice(places[index], place)))).toEqual(whole);
    }),
  );
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom('<', '>', '&', '"', '/', '\u0000', 'x:', ''), (place, piece) => {
      expect(outcomeOf(() => read([text.slice(0, place) + piece + text.slice(place + 1)]))).toMatch(/^(read|AdapterError)$/);
    }),
  );
});

test.each<[string, Json]>([
  ['two sources', { file: 'a.xml', url: 'http://127.0.0.1:9/' }],
  ['no source', {}],
])('a config with %s is refused', async (_, config) => {
  expect(JSON.stringify(await xzufi.config['~standard'].validate(config))).toContain('say one of file, url and bulk');
});

test.each<[readonly string[], string | null]>([
  [[], '051110000000'],
  [['05'], '05'],
  [['050000000000', '051110000000'], '051110000000'],
  [['000000000000'], ''],
  [['053150000000'], null],
  [['05111'], '05111'],
  [['other'], null],
])('of the areas %o the narrowest over Düsseldorf is %s', (areas, found) => expect(narrowest(areas, '051110000000')).toBe(found));
