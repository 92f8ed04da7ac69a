import { expect, test } from 'vitest';
import { problemCodes, problemText, type Problem, type ProblemCode } from '#contract';

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

test('what an application lacks or has too much of is told in words, without a count in the place of a value', () => {
  const told = (problem: Omit<Problem, 'code'>, code: ProblemCode = 'INVALID_INPUT') =>
    (['DE', 'EN'] as const).map((language) => problemText({ code, ...problem }, language));
  expect(told({ saying: 'TEXT_MISSING', facts: { what: 'applicant.name', most: 200 } })).toEqual([
    'Der Name fehlt. Bitte geben Sie einen Text mit höchstens 200 Zeichen an.',
    'The name is missing. Please give a text of at most 200 characters.',
  ]);
  expect(told({ facts: { what: 'reason', found: 501, most: 500 } }, 'TEXT_TOO_LONG')).toEqual([
    'Die Begründung hat 501 Zeichen, erlaubt sind höchstens 500. Bitte kürzen Sie den Text.',
    'The reason has 501 characters; at most 500 are allowed. Please shorten the text.',
  ]);
  expect(told({ saying: 'CHANNEL_NOT_OFFERED', facts: { channel: 'TERMINAL', channels: 'ONLINE, OFFICE' } })).toEqual([
    'Diese Leistung wird hier nicht am Terminal angeboten. Möglich ist: online, vor Ort.',
    'This service is not offered here at a terminal. Available: online, at the office.',
  ]);
  expect(told({ facts: { what: 'ParkedEvent' } }, 'NOT_FOUND')).toEqual([
    'Ein angehaltenes Ereignis mit dieser Kennung wurde nicht gefunden oder ist für Sie nicht einsehbar.',
    'A parked event with this id was not found or is not visible to you.',
  ]);
});

test('a fact with a text in each language is told in the one asked for', () => {
  const problem: Problem = {
    code: 'INVALID_INPUT',
    facts: { what: 'timeoutMs', found: '…', expected: { de: 'eine Zahl ab 50', en: 'a number from 50' } },
  };
  expect(problemText(problem, 'DE')).toBe('timeoutMs ist ungültig: …. Erwartet wird eine Zahl ab 50.');
  expect(problemText(problem, 'EN')).toBe('timeoutMs is invalid: …. Expected: a number from 50.');
});

test('citizens read nothing of parking, and no text leaves the number open', () => {
  const texts = problemCodes.flatMap((code) =>
    (['DE', 'EN'] as const).map((language) => problemText({ code, facts: { count: 1, status: 'PARKED' } }, language)),
  );
  expect(texts.filter((text) => /geparkt|parked|\(\w{1,2}\)|[{}|#]/.test(text))).toEqual([]);
});
