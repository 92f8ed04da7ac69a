import { problemCodes, type ProblemCode } from '#contract';
import { failure, failureCodes, type FailureCode } from '../errors.ts';
import { html, sendPage } from './page.ts';
import { answerFailure, type Route } from './exchange.ts';

/** What a code means and what to do, for a person who has met it. */
interface Explained {
  readonly de: readonly [means: string, remedy: string];
  readonly en: readonly [means: string, remedy: string];
}

const explained: Readonly<Record<ProblemCode, Explained>> = {
  INVALID_INPUT: {
    de: ['Ein Wert in der Anfrage ist ungültig.', 'Die Meldung nennt, was erwartet wird, path die Stelle der Eingabe.'],
    en: ['A value does not have the expected form.', 'The message says what is expected, path says where in the input.'],
  },
  UNKNOWN_SERVICE: {
    de: ['Der Katalog kennt den Leistungsschlüssel nicht.', 'Suchen Sie die Leistung mit services(search:).'],
    en: ['The catalogue does not know the service key.', 'Search for the service with services(search:).'],
  },
  UNKNOWN_PLACE: {
    de: ['Zu dem Ort ist keine Gemeinde bekannt.', 'Prüfen Sie die Schreibweise oder suchen Sie mit municipalities(search:).'],
    en: ['No municipality is known for the place.', 'Check the spelling or search with municipalities(search:).'],
  },
  AMBIGUOUS_PLACE: {
    de: ['Die Postleitzahl gehört zu mehreren Gemeinden.', 'Lassen Sie eine aus candidates wählen und fragen Sie mit deren ARS erneut.'],
    en: ['The postal code belongs to several municipalities.', 'Have one of candidates chosen and ask again with its ARS.'],
  },
  POSTAL_CODE_UNCERTAIN: {
    de: [
      'Eine Gemeinde mit dieser Postleitzahl gibt es nicht mehr; welche an ihre Stelle getreten ist, ist nicht sicher bekannt.',
      'Lassen Sie eine aus candidates wählen oder mit municipalities(search:) suchen und fragen Sie mit deren ARS erneut.',
    ],
    en: [
      'A municipality with this postal code no longer exists, and it is not known for certain which one took its place.',
      'Have one of candidates chosen, or one found with municipalities(search:), and ask again with its ARS.',
    ],
  },
  BULK_POSTAL_CODE: {
    de: [
      'Die Postleitzahl gehört einem Großempfänger, hier einer Verwaltung, und keinem Wohngebiet.',
      'Fragen Sie nach der Postleitzahl der Wohnung; candidates nennt die Gemeinde der Verwaltung.',
    ],
    en: [
      'The postal code is that of a large receiver, here an administration, not of a place to live.',
      'Ask for the postal code of the home; candidates holds the municipality of the administration.',
    ],
  },
  NO_COMPETENT_AUTHORITY: {
    de: ['Für die Leistung ist dort keine zuständige Stelle eingetragen.', 'Möglicherweise ist die Stadt noch nicht angeschlossen.'],
    en: ['No competent authority is registered for the service there.', 'The city may not be connected yet.'],
  },
  NOT_OFFERED_ONLINE: {
    de: ['Die Stadt nimmt Anträge für diese Leistung nicht online entgegen.', 'Zeigen Sie die anderen Zugänge des Angebots (channels).'],
    en: ['The city does not take applications for this service online.', 'Show the other channels of the offer.'],
  },
  REGISTER_NOT_CONNECTED: {
    de: [
      'Zuständig ist eine andere Stadt, in deren Register der Eintrag steht; sie nimmt Anträge noch nicht über diesen Weg an.',
      'Wenden Sie sich unmittelbar an die Stelle, die die Meldung nennt.',
    ],
    en: [
      'Another city is competent, because the register entry is there; it does not take applications this way yet.',
      'Apply directly at the office that the message names.',
    ],
  },
  ASSURANCE_LEVEL_TOO_LOW: {
    de: ['Die Leistung verlangt ein höheres Vertrauensniveau als das der Anmeldung.', 'Melden Sie sich mit einem stärkeren Mittel an.'],
    en: ['The service needs a higher assurance level than that of the sign-in.', 'Sign in again with a stronger means.'],
  },
  VALIDATION_FAILED: {
    de: [
      'Das Formular ist nicht richtig ausgefüllt.',
      'Zeigen Sie fields[].message neben den Feldern; laden Sie das Formular neu, wenn sich seine Revision geändert hat.',
    ],
    en: [
      'The form is not filled in correctly.',
      'Show fields[].message beside the fields; load the form again if its revision has changed.',
    ],
  },
  IDEMPOTENCY_CONFLICT: {
    de: [
      'Unter diesem idempotencyKey wurde schon ein anderer Antrag gestellt.',
      'Verwenden Sie für einen neuen Antrag einen neuen Schlüssel.',
    ],
    en: ['This idempotencyKey was already used for a different application.', 'Use a new key for a new application.'],
  },
  MUNICIPALITY_PAUSED: {
    de: ['Die Stadt nimmt zurzeit keine Anträge entgegen.', 'Versuchen Sie es später erneut.'],
    en: ['The city does not take applications at the moment.', 'Try again later.'],
  },
  NOT_FOUND: {
    de: [
      'Das Gesuchte gibt es nicht, oder es ist für Sie nicht einsehbar; beides wird nicht unterschieden.',
      'Prüfen Sie die Kennung und die Anmeldung.',
    ],
    en: ['It does not exist, or it is not visible to you; the two are not told apart.', 'Check the id, and who is signed in.'],
  },
  NOT_WITHDRAWABLE: {
    de: ['Der Antrag ist zu weit fortgeschritten, um zurückgezogen zu werden.', 'Wenden Sie sich an die Stadt.'],
    en: ['The application has gone too far to be withdrawn.', 'Contact the city.'],
  },
  NOT_PARKED: {
    de: ['Der Antrag wartet auf keine Entscheidung der Stadt.', 'Laden Sie ihn neu: Möglicherweise war jemand schneller.'],
    en: ['The application does not wait for a decision of the city.', 'Load it again: somebody may have been faster.'],
  },
  NOT_AWAITED: {
    de: ['Der Vorgang wartet nicht oder nicht mehr auf diesen Schritt.', 'Laden Sie ihn neu: waiting nennt, worauf er wartet.'],
    en: ['The case does not wait for this step, or no longer does.', 'Load it again: waiting says what it waits for.'],
  },
  TEXT_TOO_LONG: {
    de: ['Ein Text der Anfrage ist zu lang.', 'Die Meldung nennt, wie lang er höchstens sein darf.'],
    en: ['A text of the request is too long.', 'The message says how long it may be.'],
  },
  UNAUTHENTICATED: {
    de: ['Die Anfrage trägt kein gültiges Zugriffstoken.', 'Melden Sie sich an und senden Sie das Token im Kopf Authorization.'],
    en: ['The request carries no valid access token.', 'Sign in, and send the token in the Authorization header.'],
  },
  FORBIDDEN: {
    de: ['Dazu sind Sie nicht berechtigt.', 'Die Meldung sagt, wer es darf, und nennt die Rolle.'],
    en: ['Your role does not allow this.', 'The message names the role that is needed.'],
  },
};

const named: Readonly<Record<string, { readonly de: string; readonly en: string }>> = { city: { de: 'Die Stadt', en: 'The city' } };

/** The text of a failure without holes. */
const failureText = (code: FailureCode, language: 'de' | 'en'): string =>
  failure(code, language === 'de' ? 'DE' : 'EN').message.replaceAll(/\{(\w+)\}/g, (_, name: string) => named[name]?.[language] ?? name);

/** Every code that the API answers with, its meaning and what to do. */
const codes: Readonly<Record<string, Explained>> = {
  ...Object.fromEntries(
    failureCodes.map((code) => {
      const { status, retryable } = failure(code, 'DE');
      const de = `${retryable ? 'Derselbe Aufruf kann später gelingen. ' : ''}HTTP-Status ${status}, wenn nichts anderes geantwortet wird.`;
      const en = `${retryable ? 'The same call may succeed later. ' : ''}HTTP status ${status} if it is the whole answer.`;
      return [code, { de: [failureText(code, 'de'), de], en: [failureText(code, 'en'), en] }];
    }),
  ),
  ...explained,
};

const about = (code: string): string => {
  const { de, en } = codes[code] as Explained;
  return `<p>${de.join(' ')}</p><p lang="en">${en.join(' ')}</p>`;
};

const list = (names: readonly string[]): string =>
  `<dl>${names.map((code) => `<dt id="${code}"><a href="/problems/${code}"><code>${code}</code></a></dt><dd>${about(code)}</dd>`).join('')}</dl>`;

const overview = html(
  'Städtebund – Codes',
  `    <main>
      <h1>Ablehnungen – Problems</h1>
      ${list(problemCodes)}
      <h2>Fehler – Failures</h2>
      ${list(Object.keys(codes).filter((code) => !Object.hasOwn(explained, code)))}
    </main>`,
);

const pages = new Map(
  Object.keys(codes).map((code) => [
    code,
    html(
      `Städtebund – ${code}`,
      `    <main>
      <h1><code>${code}</code></h1>
      ${about(code)}
      <p><a href="/problems">Alle Codes – every code</a></p>
    </main>`,
    ),
  ]),
);

/** `/problems`: every code; `/problems/<code>`: one of them, where `helpUrl` of a problem leads. */
export const problemsRoute: Route = (exchange) => {
  const code = exchange.url.pathname.slice('/problems/'.length);
  const page = code === '' ? overview : pages.get(code);
  if (page === undefined) return answerFailure(exchange, failure('NOT_FOUND', exchange.language));
  sendPage(exchange, page);
};
