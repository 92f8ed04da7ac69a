import type { Localised } from '#contract';
import type { SubmissionProblem } from './events.ts';

const PREFIX = 'https://schema.fitko.de/fit-connect/events/problems/';

/** What a city may have against a submission, by the last part of the problem's type. */
const texts: Readonly<Record<string, Localised>> = {
  'encryption-issue': { de: 'Ein Teil ließ sich nicht entschlüsseln.', en: 'A part could not be decrypted.' },
  'syntax-violation': { de: 'Ein Teil ist kein gültiges JSON oder XML.', en: 'A part is not well-formed JSON or XML.' },
  'missing-schema': { de: 'Das Schema ist nicht angegeben.', en: 'The schema is not named.' },
  'unsupported-schema': { de: 'Das angegebene Schema wird nicht unterstützt.', en: 'The schema named is not supported.' },
  'schema-violation': { de: 'Die Angaben entsprechen nicht dem Schema.', en: 'The content does not fit its schema.' },
  'hash-mismatch': { de: 'Eine Prüfsumme stimmt nicht.', en: 'A checksum does not match.' },
  'incorrect-authentication-tag': { de: 'Ein Teil wurde unterwegs verändert.', en: 'A part was changed on its way.' },
  'missing-authentication-tags': { de: 'Die Prüfwerte der Übermittlung fehlen.', en: 'The transmission’s tags are missing.' },
  'missing-data': { de: 'Die Fachdaten fehlen.', en: 'The form’s content is missing.' },
  'missing-attachment': { de: 'Eine Anlage fehlt.', en: 'An attachment is missing.' },
  'attachments-mismatch': { de: 'Die Anlagen stimmen nicht mit der Liste überein.', en: 'The attachments are not those that were listed.' },
  'invalid-event-log': { de: 'Das Ereignisprotokoll ist ungültig.', en: 'The event log is not valid.' },
  'technical-error': { de: 'In der Behörde trat ein technischer Fehler auf.', en: 'A technical error occurred at the authority.' },
};

const other: Localised = { de: 'Die Behörde nennt einen eigenen Grund.', en: 'The authority names a reason of its own.' };

/** The type of a problem under FITKO's prefix. */
export const problemType = (name: string): string => `${PREFIX}${name}`;

/** Name of a problem without its prefix; `other` where its type is not one of FITKO's. */
export const problemName = ({ type }: SubmissionProblem): string => {
  const name = type.startsWith(PREFIX) ? type.slice(PREFIX.length) : '';
  return Object.hasOwn(texts, name) ? name : 'other';
};

/** What people read of a problem. Title and detail are left out: a city may quote the applicant there. */
export const problemText = (problem: SubmissionProblem): Localised => texts[problemName(problem)] ?? other;
