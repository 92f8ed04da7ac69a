import { expect, test } from 'vitest';
import { problemCodes, problemText } from '#contract';

test('one entry and several are told in the singular and the plural', () => {
  const told = (count: number, language: 'DE' | 'EN') => problemText({ code: 'VALIDATION_FAILED', facts: { count } }, language);
  expect(told(1, 'DE')).toBe('Bitte prüfen Sie Ihre Angaben: Eine Angabe muss korrigiert werden.');
  expect(told(12, 'DE')).toBe('Bitte prüfen Sie Ihre Angaben: 12 Angaben müssen korrigiert werden.');
  expect(told(1, 'EN')).toBe('Please check your entries: one of them needs correction.');
  expect(told(3, 'EN')).toBe('Please check your entries: 3 of them need correction.');
});

test('the level of a sign-in is named in words, also if there is none', () => {
  const told = (has: string, language: 'DE' | 'EN') =>
    problemText({ code: 'ASSURANCE_LEVEL_TOO_LOW', facts: { needed: 'SUBSTANTIAL', has } }, language);
  expect(told('LOW', 'DE')).toBe(
    'Diese Leistung verlangt das Vertrauensniveau substanziell; Ihre Anmeldung erreicht nur das Niveau niedrig.',
  );
  expect(told('NONE', 'DE')).toBe('Diese Leistung verlangt das Vertrauensniveau substanziell; Ihre Anmeldung erreicht keines.');
  expect(told('NONE', 'EN')).toBe('This service needs the assurance level substantial; your sign-in reaches none.');
});

test.each(['city', 'operator', 'citizen | portal'])('the role %s is told as whose account it takes', (role) => {
  const told = problemText({ code: 'FORBIDDEN', facts: { role } }, 'DE');
  expect(told).toMatch(/^Dazu sind Sie nicht berechtigt: Das darf nur (ein|der) /);
  expect(told).not.toMatch(/nur (city|operator|citizen)/);
});

test('a refusal with a closer text says that', () => {
  const problem = { code: 'INVALID_INPUT', saying: 'NO_ATTACHMENTS', facts: { what: 'attachmentIds' } } as const;
  expect(problemText(problem, 'DE')).toBe('Anlagen lassen sich auf diesem Weg noch nicht einreichen. Bitte lassen Sie attachmentIds weg.');
  const long = { code: 'INVALID_INPUT', saying: 'LIST_TOO_LONG', facts: { what: 'in', found: 9, most: 1 } } as const;
  expect(problemText(long, 'DE')).toBe('Die Liste in hat 9 Einträge; erlaubt ist höchstens einer.');
});

test('citizens read nothing of parking, and no text leaves the number open', () => {
  const texts = problemCodes.flatMap((code) =>
    (['DE', 'EN'] as const).map((language) => problemText({ code, facts: { count: 1, status: 'PARKED' } }, language)),
  );
  expect(texts.filter((text) => /geparkt|parked|\(\w{1,2}\)|[{}|#]/.test(text))).toEqual([]);
});
