import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { adapters } from '../../adapters/index.ts';
import { loadCities } from '../../src/cities/load.ts';
import { complaintText, type Complaint } from '../../src/cities/load/complaint.ts';

/*
 * What people get wrong when they write a city's file. Each mistake is made in an otherwise right file; the complaint must stand
 * on the line of the mistake, say what is expected there and how to put it right, in German and in English.
 */

const folder = mkdtempSync(join(tmpdir(), 'staedtebund-mistakes-'));
afterAll(() => rmSync(folder, { recursive: true }));

const env = { STADT_URL: 'http://127.0.0.1:9', STADT_KEY: 'a-secret-of-the-city', LEER: '' };

const redmine = `ars: "051110000000"
name: Düsseldorf
since: 2026-11-01
catalogue: { format: offers, files: { offers: ${resolve('cities/offers/duesseldorf.yaml')} } }
adapters:
  cases:
    product: redmine
    services: ["99108001001000", "anmeldung"]
    config:
      baseUrl: { $env: STADT_URL }
      apiKey: { $env: STADT_KEY }
      project: permits
      tracker: 1
      keyField: 1
      withdrawnStatus: Withdrawn
    statusMap:
      New: received
      Closed: closed
    limits: { concurrency: 4 }
`;

const rest = `ars: "053150000000"
name: Köln
since: 2026-11-01
adapters:
  cases:
    product: rest
    services: ["*"]
    config:
      baseUrl: { $env: STADT_URL }
      auth: { header: X-Api-Key, secret: { $env: STADT_KEY } }
      idempotency: { header: Idempotency-Key }
      submit:
        path: /antraege
        body: { /leistung: /service }
      case: { id: /id, status: /stand, updatedAt: /geaendertAm }
      load: { path: "/antraege?ids={ids}", items: /antraege }
      changes: { path: "/antraege?seit={since}", items: /antraege }
      health: { path: /health }
    statusMap: { NEU: received }
`;

const template = `ars: "051620024024"
name: Neuss
since: 2026-11-01
adapters:
  desk:
    product: ${resolve('adapters/_template/index.ts')}
    services: ["*"]
    config: { baseUrl: { $env: STADT_URL }, token: { $env: STADT_KEY }, queue: applications }
    statusMap: { open: received }
`;

let count = 0;
async function complaintsOf(text: string) {
  const own = join(folder, String(count++));
  mkdirSync(own);
  writeFileSync(join(own, 'stadt.yaml'), text);
  return loadCities({ folder: own, adapters, env });
}

type Mistake = [what: string, file: string, from: string, to: string, words: readonly [english: RegExp, german: RegExp]];

const mistakes: readonly Mistake[] = [
  // YAML itself
  [
    'an indentation that is one short',
    redmine,
    '      tracker: 1',
    '     tracker: 1',
    [/not valid YAML.*indentation/, /kein gültiges YAML.*Einrückung/],
  ],
  ['a tab instead of spaces', redmine, '      tracker: 1', '\t\t\ttracker: 1', [/indented with tabs/, /Tabulatoren/]],
  [
    'a bracket that is not closed',
    redmine,
    '["99108001001000", "anmeldung"]',
    '["99108001001000"',
    [/a bracket that is opened is closed/, /wer eine Klammer öffnet/],
  ],
  ['a quotation mark that is not closed', redmine, 'name: Düsseldorf', 'name: "Düsseldorf', [/not valid YAML/, /Anführungszeichen/]],
  [
    'a name twice',
    redmine,
    'name: Düsseldorf',
    'name: Düsseldorf\nname: Neuss',
    [/this name stands here twice/, /Dieser Name steht hier zweimal/],
  ],
  [
    'a colon without a space',
    redmine,
    'name: Düsseldorf',
    'name:Düsseldorf',
    [/not valid YAML|not known here/, /kein gültiges YAML|nicht vorgesehen/],
  ],
  ['a colon inside a text', redmine, 'name: Düsseldorf', 'name: Stadt: Düsseldorf', [/not valid YAML/, /Anführungszeichen/]],
  ['an alias to nothing', redmine, 'name: Düsseldorf', 'name: *name', [/not valid YAML/, /kein gültiges YAML/]],
  [
    'aliases that would grow without end',
    redmine,
    'name: Düsseldorf',
    `name: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [${'*a,'.repeat(10)}]\nc: &c [${'*b,'.repeat(10)}]\nd: [${'*c,'.repeat(10)}]`,
    [/not valid YAML.*alias/i, /kein gültiges YAML/],
  ],
  ['a second document', redmine, 'adapters:\n', '---\nadapters:\n', [/not valid YAML/, /kein gültiges YAML/]],
  ['a tag of another language', redmine, 'name: Düsseldorf', 'name: !!python/object:os.system x', [/not valid YAML/, /kein gültiges YAML/]],
  [
    'a list where names belong',
    redmine,
    'adapters:\n  cases:\n',
    'adapters:\n  - cases:\n',
    [/a mapping \(name: value\)|not valid YAML/, /Zuordnung|YAML/],
  ],

  // who the city is
  [
    'an ARS without quotation marks, read as a number',
    redmine,
    '"051110000000"',
    '51110000000',
    [/12 digits in quotation marks/, /12 Ziffern in Anführungszeichen/],
  ],
  ['an ARS in octal notation', redmine, '"051110000000"', '0o51110000000', [/12 digits in quotation marks/, /12 Ziffern/]],
  ['an AGS instead of an ARS', redmine, '"051110000000"', '"05111000"', [/12 digits/, /12 Ziffern/]],
  ['an ARS with spaces', redmine, '"051110000000"', '"05 1 11 0000 000"', [/12 digits/, /12 Ziffern/]],
  ['no name', redmine, 'name: Düsseldorf\n', '', [/“name” is missing.*municipality’s name/, /„name“ fehlt.*Name der Gemeinde/]],
  ['an empty name', redmine, 'name: Düsseldorf', 'name: ""', [/municipality’s name/, /Name der Gemeinde/]],
  ['a German date', redmine, '2026-11-01', '01.11.2026', [/a day, for example 2026-11-01/, /ein Tag, zum Beispiel 2026-11-01/]],
  ['a day that does not exist', redmine, '2026-11-01', '2026-02-30', [/a day, for example/, /ein Tag/]],
  ['a yes that is no boolean', redmine, 'since: 2026-11-01', 'since: 2026-11-01\npaused: yes', [/true or false/, /true oder false/]],
  ['a mistyped name at the top', redmine, 'since:', 'sicne:', [/“sicne” is not known here. Did you mean “since”/, /Meinten Sie „since“/]],
  ['a name in German', redmine, 'adapters:', 'adapter:', [/Did you mean “adapters”/, /Meinten Sie „adapters“/]],

  // the catalogue
  [
    'a format that there is not',
    redmine,
    'format: offers',
    'format: xlsx',
    [/“xlsx” is not a possible value.*offers/, /kein möglicher Wert/],
  ],
  [
    'a file that is not there',
    redmine,
    'duesseldorf.yaml',
    'dusseldorf.yaml',
    [/cannot be read.*paths start at this file/, /lässt sich nicht lesen/],
  ],

  // the adapters
  ['an unknown product', redmine, 'product: redmine', 'product: redmin', [/Did you mean “redmine”/, /Meinten Sie „redmine“/]],
  [
    'a module that is not there',
    redmine,
    'product: redmine',
    'product: ./tickets',
    [/no adapter at \.\/tickets/, /Unter \.\/tickets liegt kein Adapter/],
  ],
  ['a name of an adapter in capitals', redmine, '  cases:', '  Cases:', [/lower-case letters/, /Kleinbuchstaben/]],
  [
    'no config',
    redmine,
    redmine.slice(redmine.indexOf('    config:'), redmine.indexOf('    statusMap:')),
    '',
    [/“config” is missing/, /„config“ fehlt/],
  ],
  ['a service key as a number', redmine, '"99108001001000"', '99108001001000', [/in quotation marks/, /in Anführungszeichen/]],
  ['a service twice', redmine, '"anmeldung"]', '"anmeldung", "anmeldung"]', [/each entry only once/, /jeder Eintrag nur einmal/]],
  ['no list of services', redmine, '["99108001001000", "anmeldung"]', 'anmeldung', [/a list/, /eine Liste/]],
  [
    'a status that means nothing',
    redmine,
    'New: received',
    'New: accepted',
    [/“accepted” is not a possible value.*received/, /kein möglicher Wert/],
  ],
  ['a status in capitals', redmine, 'New: received', 'New: RECEIVED', [/Did you mean “received”/, /Meinten Sie „received“/]],
  ['a map of statuses as a list', redmine, '      New: received\n      Closed: closed', '      - New', [/a mapping/, /eine Zuordnung/]],
  ['a limit of nothing', redmine, 'concurrency: 4', 'concurrency: 0', [/a number >= 1/, /eine Zahl >= 1/]],
  ['a limit as a text', redmine, 'concurrency: 4', 'concurrency: four', [/a whole number/, /eine ganze Zahl/]],
  ['a limit of another name', redmine, 'concurrency: 4', 'timeout: 4', [/Did you mean “timeoutMs”|Possible: .*timeoutMs/, /timeoutMs/]],

  // secrets and references
  ['a secret in clear text', redmine, '{ $env: STADT_KEY }', 'supersecret-key', [/clear text.*\$env/, /Klartext.*\$env/]],
  ['a variable that is not set', redmine, 'STADT_KEY', 'STADT_KEYS', [/STADT_KEYS is not set/, /STADT_KEYS ist nicht gesetzt/]],
  ['a variable that is empty', redmine, 'STADT_KEY', 'LEER', [/LEER is not set/, /LEER ist nicht gesetzt/]],
  [
    'a reference with something beside it',
    redmine,
    '{ $env: STADT_KEY }',
    '{ $env: STADT_KEY, $file: ./key }',
    [/not a complete reference/, /kein vollständiger Verweis/],
  ],
  ['a reference to nothing', redmine, '{ $env: STADT_KEY }', '{ $env: }', [/not a complete reference/, /kein vollständiger Verweis/]],
  ['a variable as shells write it', redmine, '{ $env: STADT_KEY }', '$STADT_KEY', [/clear text.*\$env/, /Klartext/]],
  [
    'a secret’s file that is not there',
    redmine,
    '{ $env: STADT_KEY }',
    '{ $file: /run/secrets/none }',
    [/\/run\/secrets\/none cannot be read/, /lässt sich nicht lesen/],
  ],

  // what the adapters themselves ask for
  [
    'a mistyped setting',
    redmine,
    'withdrawnStatus:',
    'withdrawStatus:',
    [/Did you mean “withdrawnStatus”/, /Meinten Sie „withdrawnStatus“/],
  ],
  [
    'an address without http',
    redmine,
    '{ $env: STADT_URL }',
    'redmine.example.org',
    [/a whole address.*Address of Redmine/, /eine vollständige Adresse/],
  ],
  ['an address of another kind', redmine, '{ $env: STADT_URL }', 'ftp://redmine.example.org', [/ftp:/, /ftp:/]],
  ['a number as a text', redmine, 'tracker: 1', 'tracker: "1"', [/a number \(Id of the tracker/, /eine Zahl/]],
  ['a number below zero', redmine, 'keyField: 1', 'keyField: -1', [/Id of the custom field/, /passt nicht/]],
  ['a setting without a value', redmine, 'project: permits', 'project:', [/Identifier of the project/, /passt nicht|fehlt/]],
  ['a setting that is missing', redmine, '      keyField: 1\n', '', [/“keyField” is missing.*lost reply/, /„keyField“ fehlt/]],
  ['a pointer without a slash', rest, 'status: /stand', 'status: stand', [/JSON pointer/, /passt nicht/]],
  ['a path without a slash', rest, 'path: /health', 'path: health', [/a path beginning with one \//, /passt nicht/]],
  ['a path to another host', rest, 'path: /health', 'path: //example.org/health', [/a path beginning with one \//, /passt nicht/]],
  ['a list of cases without a place for ids', rest, '?ids={ids}', '', [/contains \{ids\} or \{id\}/, /\{ids\}/]],
  [
    'a page of nothing',
    rest,
    'items: /antraege }\n      health',
    'items: /antraege, limit: 0 }\n      health',
    [/a number from 1/, /eine Zahl ab 1/],
  ],
  ['a way to sign in that there is not', rest, '{ header: X-Api-Key, secret', '{ scheme: digest, secret', [/auth/, /auth/]],
  [
    'a secret in clear text deep inside',
    rest,
    'secret: { $env: STADT_KEY }',
    'secret: klartext-geheimnis',
    [/clear text.*STADT_SECRET/, /Klartext/],
  ],
  ['a mistyped setting deep inside', rest, 'updatedAt:', 'updateAt:', [/Did you mean “updatedAt”/, /Meinten Sie „updatedAt“/]],
  ['a mistyped setting of an adapter of one’s own', template, 'queue:', 'que:', [/Did you mean “queue”/, /Meinten Sie „queue“/]],
  [
    'a missing setting of an adapter of one’s own',
    template,
    ', queue: applications',
    '',
    [/“queue” is missing.*Queue that takes/, /„queue“ fehlt/],
  ],
];

test('without a mistake nothing is said', async () => {
  for (const file of [redmine, rest, template]) {
    const { complaints } = await complaintsOf(file);
    expect(complaints.map((complaint) => complaintText(complaint, 'EN'))).toEqual([]);
  }
});

describe(`${mistakes.length} mistakes, each named on its line with what is expected and what to do:`, () => {
  test.each(mistakes)('%s', async (_, file, from, to, [english, german]) => {
    expect(file.split(from).length, 'the mistake is made in one place at least').toBeGreaterThan(1);
    const wrong = file.replace(from, to);
    const { cities, complaints } = await complaintsOf(wrong);
    expect(cities).toEqual([]);
    const told = complaints.map((complaint) => complaintText(complaint, 'EN'));
    expect(told.join('\n')).toMatch(english);
    expect(complaints.map((complaint) => complaintText(complaint, 'DE')).join('\n')).toMatch(german);

    const at = file.indexOf(from);
    const first = file.slice(0, at).split('\n').length;
    const last = first + Math.max(from.split('\n').length, to.split('\n').length);
    const lines = complaints.map(({ line }) => line);
    expect(
      lines.some((line) => line >= first - 1 && line <= last) || complaints.some(isMissing),
      `a complaint stands in lines ${first} to ${last}\n${told.join('\n')}`,
    ).toBe(true);
    expect(complaints.length, `one mistake, not a heap of complaints\n${told.join('\n')}`).toBeLessThanOrEqual(3);
    for (const { problem, remedy } of complaints) {
      expect(problem.de).not.toBe(problem.en);
      expect(remedy.de).not.toBe(remedy.en);
    }
    for (const secret of ['supersecret-key', 'klartext-geheimnis', env.STADT_KEY]) expect(JSON.stringify(complaints)).not.toContain(secret);
  });
});

/** What is missing is complained about where it belongs: at the beginning of what surrounds it. */
const isMissing = ({ problem }: Complaint): boolean => problem.en?.includes('is missing') ?? false;
