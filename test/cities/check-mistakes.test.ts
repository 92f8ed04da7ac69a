import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { adapters } from '../../adapters/index.ts';
import { runCheck } from '../../src/cli/check.ts';
import type { Complaint } from '../../src/cities/load/complaint.ts';

/*
 * `staedtebund check` reads what a start would read. Each mistake is made in one of the shipped files, as somebody makes it who
 * edits them; it is found in its file, on its line, with what is expected and what to do, in German and in English.
 * Mistakes in the parts that adapters check themselves: mistakes.test.ts.
 */

const top = mkdtempSync(join(tmpdir(), 'staedtebund-seeded-'));
afterAll(() => rmSync(top, { recursive: true }));

const env = { NEUSS_URL: 'http://127.0.0.1:9', NEUSS_KEY: 'a-secret-of-the-city', EVENTS_KEY: `whsec_${'YWFh'.repeat(10)}` };
const city = 'cities/neuss.yaml';
const offers = 'cities/offers/neuss.yaml';
const form = 'cities/forms/bewohnerparkausweis.schema.json';
const subgraph = 'subgraphs/bonn.yaml';

let count = 0;
function folderOf(): string {
  const folder = join(top, String(count++));
  mkdirSync(join(folder, 'cities/offers'), { recursive: true });
  mkdirSync(join(folder, 'subgraphs'));
  for (const file of [city, offers]) cpSync(file, join(folder, file));
  cpSync('cities/forms', join(folder, 'cities/forms'), { recursive: true });
  writeFileSync(join(folder, subgraph), 'url: http://127.0.0.1:9/graphql\ntimeoutMs: 500\nsdl: ./bonn.graphql\n');
  writeFileSync(join(folder, 'subgraphs/bonn.graphql'), 'type Query { bonnFairs: [String!] }\n');
  return folder;
}

async function check(folder: string): Promise<readonly Complaint[]> {
  const lines: string[] = [];
  const code = await runCheck(
    {
      folder: join(folder, 'cities'),
      subgraphs: join(folder, 'subgraphs'),
      referenceFolder: 'reference',
      adapters,
      env,
      json: true,
      offline: true,
      development: true,
    },
    (line) => lines.push(line),
  );
  const { complaints } = JSON.parse(lines.join('\n')) as { complaints: readonly Complaint[] };
  expect(code).toBe(complaints.length > 0 ? 2 : 0);
  return complaints;
}

type Mistake = readonly [what: string, file: string, from: string, to: string, english: RegExp, german: RegExp];

const treaty = (service: string, partner: string) =>
  `since: 2026-11-01\ntreaties: [{ service: '${service}', with: ['${partner}'], recognises: true }]`;
const grant = (to: string) => `since: 2026-11-01\ngrants: [{ to: '${to}', types: ['*'] }]`;
const webhook = (more: string) =>
  `since: 2026-11-01\nevents: { deliver: webhook, url: 'https://neuss.example/hook', secrets: [{ $env: EVENTS_KEY }], ${more} }`;
const first = '    maturityLevel: 3\n    assuranceLevel: LOW\n';
const withFee = (fee: string) => `${first}    fees: [${fee}]\n`;

const mistakes: readonly Mistake[] = [
  // keys of municipalities and services, wherever one is named
  [
    'an ARS that exists nowhere',
    city,
    '051620024024',
    '051620024025',
    /no municipality with the key 051620024025\. Nearest are: .*051620024024 Neuss/,
    /gibt es nicht\. Am nächsten kommen: .*Neuss/,
  ],
  [
    'the name of another city',
    city,
    'name: Neuss',
    'name: Köln',
    /051620024024 is Neuss, not Köln\. Write name: Neuss, or correct ars \(053150000000 Köln\)/,
    /ist Neuss, nicht Köln/,
  ],
  [
    'a treaty with nobody',
    city,
    'since: 2026-11-01',
    treaty('99108001001000', '051110000001'),
    /no municipality.*Nearest are: .*Düsseldorf/,
    /Am nächsten kommen: .*Düsseldorf/,
  ],
  [
    'a treaty about nothing',
    city,
    'since: 2026-11-01',
    treaty('99108001001009', '051110000000'),
    /no service key 99108001001009\. Nearest are: 99108001001000 Bewohnerparkausweis/,
    /99108001001009 gibt es im Leistungskatalog/,
  ],
  ['a grant to nobody', city, 'since: 2026-11-01', grant('051110000001'), /no municipality/, /gibt es nicht/],
  [
    'events of a service that there is not',
    city,
    'since: 2026-11-01',
    `since: 2026-11-01\nevents: { deliver: kafka, subscribe: [{ types: ['*'], services: ['99108001001009'] }] }`,
    /no service key/,
    /Leistungskatalog/,
  ],
  [
    'applications of a service that there is not',
    city,
    "services: ['*']",
    "services: ['99108001001009']",
    /no service key/,
    /Leistungskatalog/,
  ],
  ['a local key of nobody’s', city, "services: ['*']", "services: ['L051620024025.hund']", /no municipality/, /gibt es nicht/],
  ['an ARS without its zero', city, "'051620024024'", '51620024024', /12 digits in quotation marks/, /12 Ziffern/],
  // the city's file
  [
    'every network opened',
    city,
    'since: 2026-11-01',
    webhook("privateNetworks: ['0.0.0.0/0']"),
    /a network of the city that is not public/,
    /ein Netz der Stadt/,
  ],
  [
    'this machine opened',
    city,
    'since: 2026-11-01',
    webhook("privateNetworks: ['127.0.0.0/8']"),
    /a network of the city that is not public/,
    /ein Netz der Stadt/,
  ],
  [
    'the cloud’s own addresses opened',
    city,
    'since: 2026-11-01',
    webhook("privateNetworks: ['169.254.0.0/16']"),
    /a network of the city that is not public/,
    /ein Netz der Stadt/,
  ],
  [
    'a number with decimals',
    city,
    'since: 2026-11-01',
    webhook('timeoutMs: 5000.0'),
    /5000\.0 is not a whole number.*digits only/,
    /keine ganze Zahl.*nur Ziffern/,
  ],
  ['a format that there is not', city, 'format: offers', 'format: offer', /Did you mean “offers”/, /Meinten Sie „offers“/],
  ['a file of offers that is not there', city, './offers/neuss.yaml', './offers/neus.yaml', /cannot be read/, /lässt sich nicht lesen/],
  ['a status that means nothing', city, 'neu: received', 'neu: recieved', /Did you mean “received”/, /Meinten Sie „received“/],
  [
    'a pointer without a slash',
    city,
    'id: /kennung',
    'id: kennung',
    /a JSON pointer: empty or beginning with \//,
    /ein JSON-Pointer: leer oder mit \/ am Anfang/,
  ],
  ['a path without a slash', city, 'path: /health', 'path: health', /a path beginning with one \//, /ein Pfad, der mit einem \/ beginnt/],
  ['a mistyped setting', city, 'withdraw:', 'withdrawl:', /Did you mean “withdraw”/, /Meinten Sie „withdraw“/],
  ['a variable that is not set', city, 'NEUSS_KEY', 'NEUS_KEY', /NEUS_KEY is not set/, /NEUS_KEY ist nicht gesetzt/],
  ['a name twice', city, 'name: Neuss', 'name: Neuss\nname: Neuss', /stands here twice/, /steht hier zweimal/],
  // offers
  [
    'euros as cents',
    offers,
    first,
    withFee('{ cents: 25.00, currency: EUR }'),
    /25\.00 is not a whole number.*25\.00 € are 2500/,
    /keine ganze Zahl.*25,00 € sind 2500/,
  ],
  ['cents in powers of ten', offers, first, withFee('{ cents: 25e2, currency: EUR }'), /not a whole number/, /keine ganze Zahl/],
  ['half cents', offers, first, withFee('{ cents: 2500.5, currency: EUR }'), /not a whole number/, /keine ganze Zahl/],
  [
    'cents as a text',
    offers,
    first,
    withFee("{ cents: '2500', currency: EUR }"),
    /Expected: a (whole )?number/,
    /Erwartet wird eine (ganze )?Zahl/,
  ],
  ['cents below nothing', offers, first, withFee('{ cents: -1, currency: EUR }'), /a number from 0/, /eine Zahl ab 0/],
  ['a currency as a word', offers, first, withFee('{ cents: 2500, currency: Euro }'), /ISO 4217 code such as EUR/, /Währungskürzel/],
  ['a currency that there is not', offers, first, withFee('{ cents: 2500, currency: EUX }'), /ISO 4217 code such as EUR/, /Währungskürzel/],
  ['no currency', offers, first, withFee('{ cents: 2500 }'), /“currency” is missing/, /„currency“ fehlt/],
  ['a channel that there is not', offers, '[ONLINE]', '[INTERNET]', /“INTERNET” is not a possible value/, /kein möglicher Wert/],
  [
    'a maturity beyond the model',
    offers,
    'maturityLevel: 3',
    'maturityLevel: 9',
    /a whole number from 0 to 4/,
    /eine ganze Zahl von 0 bis 4/,
  ],
  ['a maturity with decimals', offers, 'maturityLevel: 3', 'maturityLevel: 3.0', /3\.0 is not a whole number/, /keine ganze Zahl/],
  [
    'a level of assurance that there is not',
    offers,
    'assuranceLevel: LOW',
    'assuranceLevel: MEDIUM',
    /“MEDIUM” is not a possible value/,
    /kein möglicher Wert/,
  ],
  [
    'a service that there is not',
    offers,
    '99108001001000',
    '99108001001009',
    /no service key 99108001001009\. Nearest are: 99108001001000/,
    /Am nächsten kommen: 99108001001000/,
  ],
  [
    'a further service that there is not',
    offers,
    first,
    `${first}    furtherServiceKeys: ['99108001001009']\n`,
    /no service key/,
    /Leistungskatalog/,
  ],
  ['a service key as a number', offers, "'99108001001000'", '99108001001000', /in quotation marks/, /in Anführungszeichen/],
  ['an authority that is not named', offers, 'authority: city', 'authority: citi', /Did you mean “city”/, /Meinten Sie „city“/],
  ['an address that is none', offers, "'https://www.neuss.de'", 'www.neuss.de', /a web address/, /eine Webadresse/],
  ['an address that runs', offers, "'https://www.neuss.de'", "'javascript:alert(1)'", /a web address/, /eine Webadresse/],
  ['a German date', offers, 'asOf: 2026-11-01', 'asOf: 01.11.2026', /a date as YYYY-MM-DD/, /JJJJ-MM-TT/],
  ['a mistyped field', offers, 'maturityLevel:', 'maturitylevel:', /Did you mean “maturityLevel”/, /Meinten Sie „maturityLevel“/],
  [
    'a name without a language',
    offers,
    '{ de: Bewohnerparkausweis, en: Resident parking permit }',
    'Bewohnerparkausweis',
    /a mapping/,
    /eine Zuordnung/,
  ],
  [
    'a name in English alone',
    offers,
    '{ de: Bewohnerparkausweis, en: Resident parking permit }',
    '{ en: Resident parking permit }',
    /“de” is missing/,
    /„de“ fehlt/,
  ],
  [
    'no key of its own',
    offers,
    '  - localKey: bewohnerparkausweis\n    serviceKey',
    '  - serviceKey',
    /“localKey” is missing/,
    /„localKey“ fehlt/,
  ],
  [
    'a key twice',
    offers,
    'localKey: geburtsurkunde',
    'localKey: bewohnerparkausweis',
    /stands further up already/,
    /steht schon weiter oben/,
  ],
  ['an area elsewhere', offers, first, `${first}    area: '05315'\n`, /does not lie in the area 05315/, /Im Gebiet 05315 liegt/],
  [
    'days the wrong way round',
    offers,
    first,
    `${first}    processingDays: { min: 9, max: 3 }\n`,
    /min to be at most max/,
    /min höchstens so groß wie max/,
  ],
  [
    'a form that is not there',
    offers,
    'bewohnerparkausweis.schema.json',
    'bewohnerparkausweise.schema.json',
    /cannot be read/,
    /lässt sich nicht lesen/,
  ],
  ['an indentation that is short', offers, '    authority: city', '   authority: city', /not valid YAML/, /kein gültiges YAML/],
  ['a postal code as a number', offers, 'town: Neuss', 'town: Neuss, postalCode: 41460', /a text/, /ein Text/],
  ['an e-mail that is none', offers, 'town: Neuss', 'town: Neuss, email: neuss.de', /an e-mail address/, /eine E-Mail-Adresse/],
  // forms
  ['a comma that is missing', form, '"type": "object",', '"type": "object"', /not valid JSON/, /kein gültiges JSON/],
  ['a comma too many', form, '"required": [', '"required": [,', /not valid JSON/, /kein gültiges JSON/],
  ['a mistyped keyword', form, '"maxLength"', '"maxLenght"', /Did you mean “maxLength”/, /Meinten Sie „maxLength“/],
  ['a mistyped word for all properties', form, '"properties"', '"propertys"', /Did you mean “properties”/, /Meinten Sie „properties“/],
  ['a type that there is not', form, '"type": "string"', '"type": "text"', /cannot be used as a form/, /nicht zu gebrauchen/],
  ['a length as a text', form, '"maxLength": ', '"maxLength": "a", "x-fim": ', /cannot be used as a form/, /nicht zu gebrauchen/],
  // subgraphs
  [
    'a subgraph’s address without http',
    subgraph,
    'http://127.0.0.1:9/graphql',
    'bonn.example/graphql',
    /an http or https URL/,
    /eine Adresse mit http oder https/,
  ],
  ['a subgraph’s key in another writing', subgraph, 'timeoutMs', 'timeoutms', /timeoutms|another value/, /timeoutms|anderer Wert/],
  ['a deadline below what is possible', subgraph, '500', '5', /a number from 50/, /eine Zahl ab 50/],
  ['a subgraph’s SDL that is not there', subgraph, './bonn.graphql', './bon.graphql', /cannot be read/, /lässt sich nicht lesen/],
];

test('without a mistake nothing is said', async () => {
  expect(await check(folderOf())).toEqual([]);
});

describe(`${mistakes.length} seeded mistakes, each found in its file, on its line, in both languages:`, () => {
  test.each(mistakes)('%s', async (_, file, from, to, english, german) => {
    const folder = folderOf();
    const path = join(folder, file);
    const right = readFileSync(path, 'utf8');
    expect(right).toContain(from);
    writeFileSync(path, right.replace(from, to));
    const complaints = await check(folder);
    const told = JSON.stringify(complaints, null, 1);
    expect(complaints.length, told).toBeGreaterThan(0);
    expect(complaints.length, told).toBeLessThanOrEqual(3);
    const line = right.slice(0, right.indexOf(from)).split('\n').length;
    const last = line + Math.max(from.split('\n').length, to.split('\n').length);
    const here = complaints.filter((one) => one.file.endsWith(file) && one.line >= line - 1 && one.line <= last);
    expect(here, told).not.toEqual([]);
    const textOf = (language: 'de' | 'en') => here.map(({ problem, remedy }) => `${problem[language]} ${remedy[language]}`).join('\n');
    expect(textOf('en')).toMatch(english);
    expect(textOf('de')).toMatch(german);
    expect(textOf('en')).not.toMatch(/Erwartet|Meinten|Möglich:|„/);
    expect(textOf('de').replaceAll(/„[^“]*“/g, '')).not.toMatch(/Expected|Did you mean|Possible:|Invalid|must (be|match)|beginning with/);
  });
});

test('of two files for one city the one that came later is to be put right', async () => {
  for (const later of ['neuss', 'krefeld']) {
    const folder = folderOf();
    cpSync(join(folder, city), join(folder, 'cities/krefeld.yaml'));
    const [old, young] = [new Date('2026-01-01'), new Date('2026-02-01')];
    for (const name of ['neuss', 'krefeld']) utimesSync(join(folder, `cities/${name}.yaml`), old, name === later ? young : old);
    const [complaint, ...more] = await check(folder);
    expect(more).toEqual([]);
    expect(complaint?.file).toMatch(new RegExp(`cities/${later}\\.yaml$`));
    expect(complaint?.problem.en).toBe(`051620024024 is already taken by ${later === 'neuss' ? 'krefeld' : 'neuss'}.yaml.`);
  }
});

test('a name may be fuller or shorter than the list has it', async () => {
  for (const name of ['Stadt Neuss', 'Neuss am Rhein', 'NEUSS']) {
    const folder = folderOf();
    writeFileSync(join(folder, city), readFileSync(city, 'utf8').replace('name: Neuss', `name: ${name}`));
    expect(await check(folder), name).toEqual([]);
  }
});
