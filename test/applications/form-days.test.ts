import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { FormRecord, Json } from '#contract';
import { createFormCheck } from '../../src/applications/form.ts';

/* Dates in the forms of the sandbox's cities, filled in on the evening of 1 December 2026. */

const now = () => new Date('2026-12-01T19:00:00Z');
const check = createFormCheck(now);

/** The problems with one field, whatever else is missing. */
function problems(form: string, field: string, data: Json): readonly string[] {
  const schema = JSON.parse(readFileSync(join(import.meta.dirname, `../../cities/forms/${form}.schema.json`), 'utf8')) as Json;
  const record: FormRecord = { revision: 'r', schema };
  return check(form, record, data)
    .filter(({ pointer }) => pointer === field)
    .map(({ code }) => code);
}

const person = (dateOfBirth: string) => ({ persons: [{ familyName: 'A', givenNames: 'B', dateOfBirth }] });

describe('a date of birth', () => {
  const of = (text: string) => problems('anmeldung', '/persons/0/dateOfBirth', person(text));

  test.each(['1964-08-03', '1964-08-00', '1964-08', '1964-00-00', '1964', '2026-12-01', '2026', '2026-12', '2024-02-29'])(
    '%s, as registers hold it, passes',
    (text) => expect(of(text)).toEqual([]),
  );

  test.each(['2999-01-01', '2026-12-02', '2027', '1850-01-01', '1895'])('%s is refused: nobody is born then', (text) =>
    expect(of(text)).toEqual(['x-day']),
  );

  test.each(['1964-13', '1964-00-03', '1964-02-30', '2023-02-29', '0000', '64', '1964-8-3', '03.08.1964', ''])('%s is no date', (text) =>
    expect(of(text)).toEqual(['format']),
  );
});

test.each([
  ['halteverbot', { from: '2026-12-24', to: '2026-12-24' }, '/to', []],
  ['halteverbot', { from: '2026-12-24', to: '2026-12-23' }, '/to', ['x-day']],
  ['halteverbot', { from: '2026-11-30', to: '2026-12-02' }, '/from', ['x-day']],
  ['halteverbot', { from: '2026-12-01', to: '2028-01-01' }, '/to', ['x-day']],
  ['halteverbot', { to: '2026-12-03' }, '/to', []],
  ['kita-platz', { childDateOfBirth: '1950-01-01' }, '/childDateOfBirth', ['x-day']],
  ['kita-platz', { childDateOfBirth: '2027-03-01' }, '/childDateOfBirth', []],
  ['kita-platz', { childDateOfBirth: '2027-03-01', from: '2027-02-01' }, '/from', ['x-day']],
  ['geburtsurkunde', { dateOfBirth: '1880-00-00' }, '/dateOfBirth', []],
  ['sterbeurkunde', { dateOfDeath: '2026-12-02' }, '/dateOfDeath', ['x-day']],
  ['eheurkunde', { dateOfMarriage: '2027-01-01' }, '/dateOfMarriage', ['x-day']],
  ['anmeldung', { moveInDate: '2026-12-02' }, '/moveInDate', ['x-day']],
  ['abmeldung', { moveOutDate: '2026-12-08' }, '/moveOutDate', []],
  ['abmeldung', { moveOutDate: '2026-12-09' }, '/moveOutDate', ['x-day']],
  ['bewohnerparkausweis', { startDate: '2999-01-01' }, '/startDate', ['x-day']],
])('%s %o: %s', (form, data, field, expected) => {
  expect(problems(form, field, data)).toEqual(expected);
});

test('every date of every form of the sandbox has bounds', () => {
  const unbounded = (node: Json, path: string): string[] => {
    if (node === null || typeof node !== 'object') return [];
    const { format } = node as { format?: Json };
    const own = typeof format === 'string' && format.endsWith('date') && !('x-day' in node) ? [path] : [];
    return [...own, ...Object.entries(node).flatMap(([name, below]) => unbounded(below, `${path}/${name}`))];
  };
  const names = 'abmeldung anmeldung bewohnerparkausweis eheurkunde geburtsurkunde halteverbot handwerkerparkausweis kita-platz';
  for (const name of [...names.split(' '), 'meldebescheinigung', 'sterbeurkunde', 'ummeldung']) {
    const schema = JSON.parse(readFileSync(join(import.meta.dirname, `../../cities/forms/${name}.schema.json`), 'utf8')) as Json;
    expect(unbounded(schema, name)).toEqual([]);
  }
});

test('the words are those of the form, in both languages', () => {
  const schema = { properties: { to: { title: 'Letzter Tag', 'x-title-en': 'Last day', type: 'string', 'x-day': { notBefore: 'from' } } } };
  expect(check('words', { revision: 'r', schema }, { from: '2026-12-24', to: '2026-12-23' })).toMatchObject([
    { message: { de: '„Letzter Tag“ darf nicht vor dem 24.12.2026 liegen.', en: '“Last day” must not be before 2026-12-24.' } },
  ]);
});
