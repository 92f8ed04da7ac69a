import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { adapters } from '../../adapters/index.ts';
import { loadCities, type LoadOptions } from '../../src/cities/load.ts';
import { complaintText, type Complaint } from '../../src/cities/load/complaint.ts';
import { parseSource } from '../../src/cities/load/source.ts';
import { complaintsOfShape } from '../../src/cities/load/shape.ts';

const folder = mkdtempSync(join(tmpdir(), 'staedtebund-cities-'));
afterAll(() => rmSync(folder, { recursive: true }));

const env = { STADT_URL: 'http://127.0.0.1:9', STADT_KEY: 'a-secret-of-the-city' };

const good = `ars: "051110000000"
name: Düsseldorf
since: 2026-11-01
adapters:
  cases:
    product: redmine
    services: ["*"]
    config:
      baseUrl: { $env: STADT_URL }
      apiKey: { $env: STADT_KEY }
      project: permits
      tracker: 1
      keyField: 1
    statusMap: { New: received, Closed: closed }
`;

let count = 0;
const load = async (files: Record<string, string>, over: Partial<LoadOptions> = {}) => {
  const own = join(folder, String(count++));
  mkdirSync(own);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(own, name), text);
  return loadCities({ folder: own, adapters, env, ...over });
};
const complaintsOf = async (text: string, over: Partial<LoadOptions> = {}): Promise<readonly Complaint[]> => {
  const { complaints, cities } = await load({ 'stadt.yaml': text }, over);
  expect(cities, 'a city with a complaint is not connected').toEqual([]);
  return complaints;
};
const change = (from: string, to: string): string => {
  expect(good).toContain(from);
  return good.replace(from, to);
};

test('the cities of this repository load without a complaint', async () => {
  const names = ['DUESSELDORF', 'KOELN', 'NEUSS', 'MUENCHEN'];
  const values = names.flatMap((name) =>
    ['', 'PORTAL_'].flatMap((part) => [
      [`${name}_${part}URL`, 'http://127.0.0.1:9'] as const,
      [`${name}_${part}${part ? 'TOKEN' : 'KEY'}`, 'eight-letters'] as const,
    ]),
  );
  const { complaints, cities } = await loadCities({
    folder: 'cities',
    adapters,
    env: { ...Object.fromEntries(values), KOELN_WEBHOOK_SECRET: 'whsec_abcdefgh' },
  });
  expect(complaints.map((complaint) => complaintText(complaint, 'EN'))).toEqual([]);
  expect(cities.map(({ city }) => [city.id, city.ars, city.name])).toEqual([
    ['duesseldorf', '051110000000', 'Düsseldorf'],
    ['koeln', '053150000000', 'Köln'],
    ['muenchen', '091620000000', 'München'],
    ['neuss', '051620024024', 'Neuss'],
  ]);
});

test('a right file becomes a city with its limits, endpoints and secrets', async () => {
  const { cities, complaints } = await load({ 'stadt.yaml': `${good}    limits: { timeoutMs: 500, breaker: { failures: 2 } }\n` });
  expect(complaints).toEqual([]);
  expect(cities[0]?.city.adapters[0]).toMatchObject({
    statusMap: new Map([
      ['New', 'received'],
      ['Closed', 'closed'],
    ]),
    limits: { concurrency: 4, timeoutMs: 500, retries: 2, breaker: { failures: 2, halfOpenMs: 30_000 } },
  });
  expect(cities[0]?.adapters[0]).toMatchObject({ endpoints: [env.STADT_URL], secrets: [env.STADT_KEY] });
});

describe('a complaint names line, column, what is wrong and the remedy:', () => {
  test.each<[what: string, text: string, line: number, column: number, path: string, words: string[]]>([
    ['a mistyped name', change('since:', 'sincee:'), 3, 1, 'sincee', ['“sincee” is not known here', 'Did you mean “since”']],
    [
      'a mistyped name in the adapter’s config',
      change('project:', 'projekt:'),
      11,
      7,
      'adapters.cases.config.projekt',
      ['Did you mean “project”'],
    ],
    [
      'an ARS without quotation marks',
      change('"051110000000"', '051110000000'),
      1,
      6,
      'ars',
      ['51110000000', '12 digits in quotation marks'],
    ],
    ['an ARS that is too short', change('"051110000000"', '"05111000"'), 1, 6, 'ars', ['05111000', '12 digits']],
    ['an impossible day', change('2026-11-01', '2026-13-01'), 3, 8, 'since', ['a day, for example']],
    ['an unknown status', change('New: received', 'New: recieved'), 14, 23, 'adapters.cases.statusMap.New', ['Did you mean “received”']],
    [
      'an unknown product',
      change('redmine', 'redmin'),
      6,
      14,
      'adapters.cases.product',
      ['no adapter for “redmin”', 'Did you mean “redmine”'],
    ],
    [
      'a missing part',
      change('      tracker: 1\n', ''),
      9,
      7,
      'adapters.cases.config.tracker',
      ['“tracker” is missing', 'Id of the tracker'],
    ],
    ['a wrong type', change('tracker: 1', 'tracker: one'), 12, 16, 'adapters.cases.config.tracker', ['"one"', 'Id of the tracker']],
    [
      'a variable that is not set',
      change('STADT_KEY', 'STADT_KEI'),
      10,
      15,
      'adapters.cases.config.apiKey',
      ['STADT_KEI is not set', 'Set STADT_KEI'],
    ],
    [
      'a file that is not there',
      change('{ $env: STADT_KEY }', '{ $file: ./nope }'),
      10,
      15,
      'adapters.cases.config.apiKey',
      ['./nope cannot be read'],
    ],
    [
      'half a reference',
      change('{ $env: STADT_KEY }', '{ $env: STADT_KEY, or: x }'),
      10,
      15,
      'adapters.cases.config.apiKey',
      ['not a complete reference'],
    ],
    ['broken YAML', change('services: ["*"]', 'services: ["*"'), 8, 5, '', ['not valid YAML']],
    ['the same name twice', `${good}name: Again\n`, 15, 1, '', ['not valid YAML']],
    ['a limit out of range', `${good}    limits: { concurrency: 0 }\n`, 15, 28, 'adapters.cases.limits.concurrency', ['a number >= 1']],
    [
      'a catalogue that is not there',
      `${good}catalogue: { format: offers, files: { offers: ./nope.yaml } }\n`,
      15,
      47,
      'catalogue.files.offers',
      ['./nope.yaml cannot be read'],
    ],
  ])('%s', async (_, text, line, column, path, words) => {
    const complaints = await complaintsOf(text);
    const told = complaints.map((complaint) => complaintText(complaint, 'EN')).join('\n');
    expect(complaints).toContainEqual(expect.objectContaining({ line, column, path }));
    for (const word of words) expect(told).toContain(word);
    expect(told).toMatch(/stadt\.yaml:\d+:\d+ /);
  });

  test('everything at once, not one thing after the other', async () => {
    const text = change('name:', 'nam:').replace('New: received', 'New: x');
    expect((await complaintsOf(text)).map(({ path }) => path).toSorted()).toEqual(['adapters.cases.statusMap.New', 'nam', 'name']);
  });

  test('in German too', async () => {
    const [complaint] = await complaintsOf(change('STADT_KEY', 'FEHLT'));
    expect(complaint && complaintText(complaint, 'DE')).toContain('Die Umgebungsvariable FEHLT ist nicht gesetzt. Setzen Sie FEHLT');
  });
});

describe('secrets', () => {
  const literal = change('{ $env: STADT_KEY }', 'sehr-geheimer-schluessel');

  test('in clear text are refused, named with the variable to use, and never repeated', async () => {
    const complaints = await complaintsOf(literal);
    const told = JSON.stringify(complaints);
    expect(told).toContain('STADT_APIKEY');
    expect(told).not.toContain('sehr-geheimer');
  });

  test('in clear text pass where development allows it', async () => {
    const { cities } = await load({ 'stadt.yaml': literal }, { literalSecrets: true });
    expect(cities[0]?.adapters[0]?.secrets).toEqual(['sehr-geheimer-schluessel']);
  });

  test('may come from a file beside the city’s, without its last line break', async () => {
    const { cities, complaints } = await load({ 'stadt.yaml': change('{ $env: STADT_KEY }', '{ $file: ./key }'), key: 'from-the-file\n' });
    expect(complaints).toEqual([]);
    expect(cities[0]?.adapters[0]?.secrets).toEqual(['from-the-file']);
  });

  test('that are too short to be kept out of the log are refused', async () => {
    const complaints = await complaintsOf(good, { env: { ...env, STADT_KEY: 'kurz' } });
    expect(JSON.stringify(complaints)).not.toContain('kurz');
    expect(complaints.map(({ path }) => path)).toContain('adapters.cases.config.apiKey');
  });
});

describe('what the files mean together', () => {
  test('two files for one municipality: the second is refused', async () => {
    const { cities, complaints } = await load({ 'a.yaml': good, 'b.yaml': good });
    expect(cities.map(({ city }) => city.id)).toEqual(['a']);
    expect(complaints[0]).toMatchObject({ line: 1, path: 'ars', problem: { en: '051110000000 is already taken by a.yaml.' } });
  });

  test('two adapters for one service', async () => {
    const second = good.slice(good.indexOf('  cases:')).replace('cases', 'more');
    const complaints = await complaintsOf(good + second);
    expect(complaints[0]).toMatchObject({
      path: 'adapters.more.services.0',
      problem: { en: '“*” is already taken by the adapter “cases”.' },
    });
  });

  test('a broken city leaves the others connected', async () => {
    const { cities, complaints } = await load({ 'a.yaml': good, 'b.yaml': '{{{' });
    expect(cities).toHaveLength(1);
    expect(complaints.length).toBeGreaterThan(0);
  });

  test.each([['Düsseldorf.yaml'], ['-x.yaml'], ['two words.yaml']])('a file called %s cannot name a city', async (name) => {
    expect((await load({ [name]: good })).complaints[0]?.problem.en).toContain('cannot be the id');
  });

  test('an empty or missing folder is named', async () => {
    expect((await load({})).complaints[0]?.remedy.en).toContain('CITIES_DIR');
    expect((await loadCities({ folder: join(folder, 'nowhere'), adapters, env })).complaints[0]?.problem.en).toContain('ENOENT');
  });

  test('a file too large, and one that grows by aliases, are refused', async () => {
    expect((await complaintsOf(`# ${'x'.repeat(300_000)}\n`))[0]?.problem.en).toContain('262144 are allowed');
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[index]}`).join(',')}]`)
      .join('\n')}`;
    expect((await complaintsOf(bomb))[0]?.problem.en).toContain('not valid YAML');
  });
});

test('no text makes the reader fail: there is a value or there are complaints with a place in the file', () => {
  const snippets = fc.constantFrom(
    ...good.split('\n'),
    '{',
    '&a *a',
    '- x',
    '? y',
    '!!js/x',
    '"',
    "'",
    '\t',
    '$env',
    ': :',
    'null',
    '---',
    '%YAML 1.2',
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(snippets, fc.string()), { maxLength: 20 }).map((lines) => lines.join('\n')),
      (text) => {
        const source = parseSource('x.yaml', text);
        const complaints = 'complain' in source ? complaintsOfShape(source) : source;
        expect(complaints.length).toBeGreaterThan(0);
        for (const { line, column } of complaints) {
          expect(line).toBeGreaterThan(0);
          expect(line).toBeLessThanOrEqual(text.split(/\r?\n|\r/).length + 1);
          expect(column).toBeGreaterThan(0);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('a secret that is missing inside a choice of shapes is one complaint, not one about the choice too', async () => {
  const { complaints } = await loadCities({
    folder: 'cities',
    adapters,
    env: { NEUSS_URL: 'http://127.0.0.1:9' },
  });
  const neuss = complaints.filter(({ file }) => file.endsWith('neuss.yaml'));
  expect(neuss.map(({ path }) => path)).toEqual(['adapters.cases.config.auth.secret']);
});

describe('what cases with other cities need', () => {
  test('is taken over by kind: where marks and facts stand, how patient the city is', async () => {
    const settings =
      'coordination:\n  moving: { departure: /previousAddress/municipality, keepsPrevious: /kept, facts: [/persons], answerWithinHours: 24 }\n  kita: { answerWithinHours: 0.5 }\n';
    const { cities, complaints } = await load({ 'duesseldorf.yaml': good + settings });
    expect(complaints).toEqual([]);
    expect(cities[0]?.city.coordination).toEqual({
      moving: {
        marks: { departure: '/previousAddress/municipality', 'keeps-previous': '/kept' },
        facts: ['/persons'],
        answerWithinHours: 24,
      },
      kita: { marks: {}, answerWithinHours: 0.5 },
    });
  });

  test.each([
    ['a place that is no pointer', 'coordination: { moving: { departure: previousAddress } }\n', 'ein Zeiger in das Formular'],
    ['a kind that does not exist', 'coordination: { movign: {} }\n', 'moving'],
    ['patience without end', 'coordination: { moving: { answerWithinHours: 0 } }\n', '0'],
  ])('%s is complained about', async (_, settings, expected) => {
    const { cities, complaints } = await load({ 'duesseldorf.yaml': good + settings });
    expect(cities).toEqual([]);
    expect(complaints.map((one) => complaintText(one, 'DE')).join()).toContain(expected);
  });
});

describe('treaties', () => {
  const treaty = (service: string, partner: string) => `treaties: [{ service: "${service}", with: ["${partner}"], recognises: true }]\n`;
  const koeln = good.replace('051110000000', '053150000000').replace('Düsseldorf', 'Köln');

  test('hold where both cities name each other, each by its own key', async () => {
    const { cities, complaints, notes } = await load({
      'duesseldorf.yaml': good + treaty('99108003001001', '053150000000'),
      'koeln.yaml': koeln + treaty('99108010000000', '051110000000'),
    });
    expect([...complaints, ...notes]).toEqual([]);
    expect(cities.map(({ city }) => city.treaties)).toEqual([
      [{ service: '99108003001001', with: ['053150000000'] }],
      [{ service: '99108010000000', with: ['051110000000'] }],
    ]);
  });

  test('that one side alone names are noted at their line, and keep nobody out', async () => {
    const files = { 'duesseldorf.yaml': good + treaty('99108003001001', '053150000000') };
    for (const more of [{}, { 'koeln.yaml': koeln }]) {
      const { cities, complaints, notes } = await load({ ...files, ...more });
      expect(complaints).toEqual([]);
      expect(cities).toHaveLength(1 + Object.keys(more).length);
      expect(notes).toMatchObject([{ path: 'treaties.0.with.0', line: 15 }]);
    }
  });

  test.each([
    ['with itself', treaty('99108003001001', '051110000000'), 'Eine Stadt kann keine Vereinbarung mit sich selbst haben.'],
    [
      'twice',
      'treaties:\n  - { service: "99108003001001", with: ["053150000000"], recognises: true }\n  - { service: "99108003001001", with: ["053150000000"], recognises: true }\n',
      'steht schon weiter oben',
    ],
    ['with nobody', 'treaties: [{ service: "99108003001001", with: [], recognises: true }]\n', 'Erwartet wird eine Liste von ARS'],
    ['about no service', treaty('parking', '053150000000'), 'Erwartet wird ein Leistungsschlüssel'],
    ['of an unclear meaning', 'treaties: [{ service: "99108003001001", with: ["053150000000"] }]\n', '„recognises“ fehlt'],
  ])('%s are refused', async (_, text, problem) => {
    const [complaint] = await complaintsOf(good + text);
    expect(complaint && complaintText(complaint, 'DE')).toContain(problem);
  });
});
