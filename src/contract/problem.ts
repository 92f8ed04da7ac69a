import { inLanguage, type Language, type Localised } from './vocabulary.ts';

/**
 * Every expected refusal, by code, with its text in German and English. `{name}` is filled from the problem's facts.
 * The list is closed: a new code is an addition to the API.
 */
const texts = {
  INVALID_INPUT: {
    de: '{what} ist ungültig: {found}. Erwartet wird {expected}.',
    en: '{what} is invalid: {found}. Expected: {expected}.',
  },
  TEXT_TOO_LONG: {
    de: '{what} hat {found} Zeichen, erlaubt sind höchstens {most}. Bitte kürzen Sie den Text.',
    en: '{what} has {found} characters; at most {most} are allowed. Please shorten the text.',
  },
  UNKNOWN_SERVICE: {
    de: 'Den Leistungsschlüssel {key} kennt der Katalog nicht. Suchen Sie die Leistung mit services(search:).',
    en: 'The catalogue does not know the service key {key}. Search for the service with services(search:).',
  },
  UNKNOWN_PLACE: {
    de: 'Zu {place} ist keine Gemeinde bekannt. Prüfen Sie die Schreibweise oder suchen Sie mit municipalities(search:).',
    en: 'No municipality is known for {place}. Check the spelling or search with municipalities(search:).',
  },
  AMBIGUOUS_PLACE: {
    de: 'Die Postleitzahl {place} gehört zu {count} Gemeinden. Bitte wählen Sie eine aus.',
    en: 'The postal code {place} belongs to {count} municipalities. Please choose one.',
  },
  POSTAL_CODE_UNCERTAIN: {
    de: 'Eine Gemeinde mit der Postleitzahl {place} gibt es nicht mehr. Bitte wählen Sie die Gemeinde aus, in der Sie wohnen, oder suchen Sie sie.',
    en: 'A municipality with the postal code {place} no longer exists. Please choose the municipality that you live in, or search for it.',
  },
  BULK_POSTAL_CODE: {
    de: '{place} ist die Postleitzahl einer Verwaltung und sagt nicht, wo jemand wohnt. Bitte geben Sie die Postleitzahl der Wohnung an.',
    en: '{place} is the postal code of an administration and does not say where somebody lives. Please give the postal code of the home.',
  },
  NO_COMPETENT_AUTHORITY: {
    de: 'Für diese Leistung ist in {place} keine zuständige Stelle eingetragen.',
    en: 'No competent authority is registered for this service in {place}.',
  },
  NOT_OFFERED_ONLINE: {
    de: '{name} nimmt Anträge für diese Leistung nicht online entgegen. Möglich ist: {channels}.',
    en: '{name} does not take applications for this service online. Available: {channels}.',
  },
  REGISTER_NOT_CONNECTED: {
    de: 'Zuständig ist {name}, denn dort steht der Eintrag im Register. {name} nimmt Anträge noch nicht über diesen Weg an; bitte wenden Sie sich unmittelbar dorthin.',
    en: '{name} is competent, because the register entry is there. {name} does not take applications this way yet; please apply there directly.',
  },
  ASSURANCE_LEVEL_TOO_LOW: {
    de: 'Diese Leistung verlangt das Vertrauensniveau {needed}; Ihre Anmeldung erreicht {has}.',
    en: 'This service needs the assurance level {needed}; your sign-in reaches {has}.',
  },
  VALIDATION_FAILED: {
    de: 'Bitte prüfen Sie Ihre Angaben: {count|Eine Angabe muss|# Angaben müssen} korrigiert werden.',
    en: 'Please check your entries: {count|one of them needs|# of them need} correction.',
  },
  IDEMPOTENCY_CONFLICT: {
    de: 'Unter diesem idempotencyKey wurde schon ein anderer Antrag gestellt. Verwenden Sie für einen neuen Antrag einen neuen Schlüssel.',
    en: 'This idempotencyKey was already used for a different application. Use a new key for a new application.',
  },
  MUNICIPALITY_PAUSED: {
    de: '{name} nimmt zurzeit keine Anträge entgegen. Versuchen Sie es später erneut.',
    en: '{name} does not take applications at the moment. Try again later.',
  },
  NOT_FOUND: {
    de: '{what} wurde nicht gefunden oder ist für Sie nicht einsehbar.',
    en: '{what} was not found or is not visible to you.',
  },
  NOT_WITHDRAWABLE: {
    de: 'Der Antrag lässt sich nicht mehr zurückziehen (Status: {status}).',
    en: 'The application can no longer be withdrawn (status: {status}).',
  },
  NOT_PARKED: {
    de: 'Über diesen Antrag ist nichts zu entscheiden: Er ist nicht angehalten (Status: {status}).',
    en: 'There is nothing to decide about this application: it is not on hold (status: {status}).',
  },
  NOT_AWAITED: {
    de: 'Der Vorgang wartet nicht (mehr) auf {step}. Laden Sie ihn neu: waiting nennt, worauf er wartet.',
    en: 'The case does not wait for {step} (any more). Load it again: waiting says what it waits for.',
  },
  UNAUTHENTICATED: {
    de: 'Bitte melden Sie sich an: Senden Sie ein gültiges Zugriffstoken im Kopf Authorization.',
    en: 'Please sign in: send a valid access token in the Authorization header.',
  },
  FORBIDDEN: {
    de: 'Dazu sind Sie nicht berechtigt: Das darf nur {role}.',
    en: 'You are not allowed to do this: it takes {role}.',
  },
} as const satisfies Record<string, { de: string; en: string }>;

/** What some refusals say more closely than the text of their code. */
const sayings = {
  NO_ATTACHMENTS: {
    de: 'Anlagen lassen sich auf diesem Weg noch nicht einreichen. Bitte lassen Sie {what} weg.',
    en: 'Attachments cannot be filed this way yet. Please leave out {what}.',
  },
  LIST_TOO_LONG: {
    de: 'Die Liste {what} hat {found} Einträge; erlaubt {most|ist höchstens einer|sind höchstens #}.',
    en: 'The list {what} has {found} entries; {most|one is|# are} allowed at most.',
  },
  TEXT_MISSING: {
    de: '{what} fehlt. Bitte geben Sie einen Text mit höchstens {most} Zeichen an.',
    en: '{what} is missing. Please give a text of at most {most} characters.',
  },
  IDEMPOTENCY_KEY: {
    de: 'Ein idempotencyKey besteht aus 1 bis {most} sichtbaren ASCII-Zeichen, ohne Leerzeichen und Umlaute; eine UUID passt.',
    en: 'An idempotencyKey has 1 to {most} visible ASCII characters, without spaces and umlauts; a UUID will do.',
  },
  FORM_DATA_MISSING: {
    de: 'Die Angaben fehlen: formData enthält, was in das Formular eingetragen wurde.',
    en: 'The entries are missing: formData holds what was filled into the form.',
  },
  NOT_SEALED_YET: {
    de: 'Verschlüsselte Angaben (sealedFormData) werden auf diesem Weg noch nicht angenommen. Bitte senden Sie formData.',
    en: 'Sealed entries (sealedFormData) are not taken this way yet. Please send formData.',
  },
  EMAIL: {
    de: 'Das ist keine E-Mail-Adresse. Ein Beispiel: name@example.org.',
    en: 'This is not an e-mail address. An example: name@example.org.',
  },
  PHONE: {
    de: 'Das ist keine Telefonnummer. Ein Beispiel: +49 211 123456.',
    en: 'This is not a phone number. An example: +49 211 123456.',
  },
  REPLAY_TOO_LONG: {
    de: 'Das sind mehr als {most} Ereignisse. Wählen Sie einen kürzeren Zeitraum, oder nennen Sie mit about einen Vorgang oder Antrag.',
    en: 'These are more than {most} events. Choose a shorter time, or name a case or an application with about.',
  },
  CHANNEL_NOT_OFFERED: {
    de: 'Diese Leistung wird hier nicht {channel} angeboten. Möglich ist: {channels}.',
    en: 'This service is not offered here {channel}. Available: {channels}.',
  },
} as const satisfies Record<string, { de: string; en: string }>;

export type ProblemCode = keyof typeof texts;

export const problemCodes = Object.keys(texts) as readonly ProblemCode[];

/** An expected refusal. Facts fill its text and must hold no personal data. */
export interface Problem {
  readonly code: ProblemCode;
  readonly facts?: Readonly<Record<string, string | number | Localised>>;
  /** A closer text than that of the code. */
  readonly saying?: keyof typeof sayings;
  /** Where in the input, outermost name first. */
  readonly path?: readonly string[];
}

/** Names of the API that stand in facts, as people say them. Others stay as they are: the API calls them so. */
const words: Readonly<Record<string, { readonly de: string; readonly en: string }>> = {
  Application: { de: 'Der Antrag', en: 'The application' },
  CaseFile: { de: 'Der Vorgang', en: 'The case' },
  EventChannel: { de: 'Der Ereigniskanal', en: 'The event channel' },
  channel: { de: 'Der Ereigniskanal', en: 'The event channel' },
  ParkedEvent: { de: 'Ein angehaltenes Ereignis mit dieser Kennung', en: 'A parked event with this id' },
  Subscription: { de: 'Das Abonnement', en: 'The subscription' },
  NONE: { de: 'keines', en: 'none' },
  LOW: { de: 'niedrig', en: 'low' },
  SUBSTANTIAL: { de: 'substanziell', en: 'substantial' },
  HIGH: { de: 'hoch', en: 'high' },
  ONLINE: { de: 'online', en: 'online' },
  OFFICE: { de: 'vor Ort', en: 'at the office' },
  TERMINAL: { de: 'am Terminal', en: 'at a terminal' },
  POST: { de: 'per Post', en: 'by post' },
  PHONE: { de: 'telefonisch', en: 'by phone' },
  VIDEO: { de: 'per Video', en: 'by video' },
  EMAIL: { de: 'per E-Mail', en: 'by e-mail' },
  SUBMITTED: { de: 'eingereicht', en: 'submitted' },
  DELIVERED: { de: 'zugestellt', en: 'delivered' },
  RECEIVED: { de: 'eingegangen', en: 'received' },
  IN_REVIEW: { de: 'in Bearbeitung', en: 'in review' },
  ACTION_REQUIRED: { de: 'Rückfrage', en: 'action required' },
  GRANTED: { de: 'bewilligt', en: 'granted' },
  PARTLY_GRANTED: { de: 'teilweise bewilligt', en: 'partly granted' },
  REFUSED: { de: 'abgelehnt', en: 'refused' },
  WITHDRAWN: { de: 'zurückgezogen', en: 'withdrawn' },
  CLOSED: { de: 'abgeschlossen', en: 'closed' },
  DISCARDED: { de: 'nicht angenommen und aufgegeben', en: 'not taken and given up' },
  PARKED: { de: 'wird von einer Person geprüft', en: 'being looked at by a person' },
};

/** Names that read otherwise as one fact than as another. */
const wordsOfFact: Readonly<Record<string, typeof words>> = {
  has: {
    NONE: { de: 'keines', en: 'none' },
    LOW: { de: 'nur das Niveau niedrig', en: 'only the level low' },
    SUBSTANTIAL: { de: 'nur das Niveau substanziell', en: 'only the level substantial' },
  },
  what: {
    'applicant.name': { de: 'Der Name', en: 'The name' },
    'applicant.email': { de: 'Die E-Mail-Adresse', en: 'The e-mail address' },
    reason: { de: 'Die Begründung', en: 'The reason' },
    'input.reason': { de: 'Die Begründung', en: 'The reason' },
  },
  role: {
    city: { de: 'ein Konto der Stadtverwaltung (Rolle city)', en: 'an account of the city administration (role city)' },
    operator: { de: 'der Betrieb des Hubs (Rolle operator)', en: 'an account of the hub’s operators (role operator)' },
    'citizen | portal': {
      de: 'ein Bürgerkonto oder ein Portal (Rolle citizen oder portal)',
      en: 'a citizen’s account or a portal (role citizen or portal)',
    },
  },
};

/** What a person reads of a problem. */
export function problemText(problem: Problem, language: Language): string {
  const own = language === 'EN' ? 'en' : 'de';
  const word = (name: string, list = words): string | undefined => (Object.hasOwn(list, name) ? list[name]?.[own] : undefined);
  const said = (name: string): string => {
    const given = problem.facts?.[name] ?? '–';
    if (typeof given === 'object') return inLanguage(given, language);
    const fact = String(given);
    return (
      word(fact, wordsOfFact[name] ?? {}) ??
      fact
        .split(', ')
        .map((one) => word(one) ?? one)
        .join(', ')
    );
  };
  const text = problem.saying ? sayings[problem.saying] : texts[problem.code];
  // `{count}`, or `{count|one|# of them}`: what stands for one and what for any other number.
  return text[own].replaceAll(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (_, name: string, one?: string, many = '') =>
    one === undefined ? said(name) : Number(problem.facts?.[name]) === 1 ? one : many.replace('#', said(name)),
  );
}
