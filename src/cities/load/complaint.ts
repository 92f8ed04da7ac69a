import { closest, distance } from 'fastest-levenshtein';
import { inLanguage, type Language, type Localised } from '#contract';

/** One thing that is wrong with the cities' files, with all that is needed to put it right. */
export interface Complaint {
  /** Path of the file as it was given. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** Where in the file, names joined with dots; empty for the file as a whole. */
  readonly path: string;
  readonly problem: Localised;
  readonly remedy: Localised;
}

/** What a complaint says: the problem and its remedy, each in both languages. */
export type Saying = Pick<Complaint, 'problem' | 'remedy'>;

const both = (de: string, en: string): Localised & { en: string } => ({ de, en });

/** The nearest of the words, or null if none is near enough to be meant. */
export function nearestWord(word: string, words: readonly string[]): string | null {
  if (words.length === 0) return null;
  const lower = word.toLowerCase();
  const nearest =
    words[
      words
        .map((one) => one.toLowerCase())
        .indexOf(
          closest(
            lower,
            words.map((one) => one.toLowerCase()),
          ),
        )
    ];
  return nearest !== undefined && distance(lower, nearest.toLowerCase()) <= Math.max(2, Math.floor(word.length / 3)) ? nearest : null;
}

const meant = (word: string, words: readonly string[]): Localised & { en: string } => {
  const nearest = nearestWord(word, words);
  const all = words.slice(0, 20).join(', ');
  if (nearest !== null) return both(`Meinten Sie „${nearest}“? Möglich: ${all}.`, `Did you mean “${nearest}”? Possible: ${all}.`);
  return both(`Möglich: ${all}.`, `Possible: ${all}.`);
};

/** A key and what it stands for. */
export interface NamedKey {
  readonly key: string;
  readonly name: string;
}

const meantKeys = (nearest: readonly NamedKey[], otherwise: Localised & { en: string }): Localised & { en: string } => {
  const all = nearest.map(({ key, name }) => `${key} ${name}`).join('; ');
  return nearest.length === 0 ? otherwise : both(`Am nächsten kommen: ${all}.`, `Nearest are: ${all}.`);
};

/** Every complaint there is. `found` is shown shortened; what may be a secret is never passed in. */
export const say = {
  unreadable: (why: string): Saying => ({
    problem: both(`Die Datei lässt sich nicht lesen (${why}).`, `The file cannot be read (${why}).`),
    remedy: both('Prüfen Sie Pfad und Leserechte.', 'Check its path and permissions.'),
  }),
  noFiles: (): Saying => ({
    problem: both('In diesem Ordner liegt keine Datei einer Stadt.', 'There is no city’s file in this folder.'),
    remedy: both(
      'Legen Sie <stadt>.yaml an oder setzen Sie CITIES_DIR auf den richtigen Ordner.',
      'Add <city>.yaml, or point CITIES_DIR to the right folder.',
    ),
  }),
  badName: (name: string): Saying => ({
    problem: both(`„${name}“ taugt nicht als Kennung einer Stadt.`, `“${name}” cannot be the id of a city.`),
    remedy: both(
      'Benennen Sie die Datei um: Kleinbuchstaben, Ziffern und Bindestriche.',
      'Rename the file: lower-case letters, digits and hyphens.',
    ),
  }),
  tooLarge: (bytes: number, most: number): Saying => ({
    problem: both(`Die Datei hat ${bytes} Bytes; erlaubt sind ${most}.`, `The file has ${bytes} bytes; ${most} are allowed.`),
    remedy: both('Angebote und Formulare gehören in eigene Dateien.', 'Offers and forms belong into files of their own.'),
  }),
  syntax: (message: string): Saying => ({
    problem: both(`Das ist kein gültiges YAML: ${message}`, `This is not valid YAML: ${message}`),
    remedy: both('Prüfen Sie Einrückung, Anführungszeichen und Klammern.', 'Check indentation, quotes and brackets.'),
  }),
  unknownKey: (key: string, known: readonly string[]): Saying => ({
    problem: both(`„${key}“ ist hier nicht vorgesehen.`, `“${key}” is not known here.`),
    remedy: meant(key, known),
  }),
  missing: (key: string, expected: Localised): Saying => ({
    problem: both(`„${key}“ fehlt.`, `“${key}” is missing.`),
    remedy: both(`Ergänzen Sie „${key}“: ${expected.de}.`, `Add “${key}”: ${expected.en ?? expected.de}.`),
  }),
  notOneOf: (found: string, possible: readonly string[]): Saying => ({
    problem: both(`„${found}“ ist kein möglicher Wert.`, `“${found}” is not a possible value.`),
    remedy: meant(found, possible),
  }),
  invalid: (found: string, expected: Localised): Saying => ({
    problem: both(`Der Wert ${found} passt nicht.`, `The value ${found} does not fit.`),
    remedy: both(`Erwartet wird ${expected.de}.`, `Expected: ${expected.en ?? expected.de}.`),
  }),
  unknownProduct: (found: string, known: readonly string[]): Saying => ({
    problem: both(`Für „${found}“ gibt es keinen Adapter.`, `There is no adapter for “${found}”.`),
    remedy: meant(found, known),
  }),
  moduleMissing: (path: string): Saying => ({
    problem: both(`Unter ${path} liegt kein Adapter.`, `There is no adapter at ${path}.`),
    remedy: both(
      'Nennen Sie die Datei mit seiner Beschreibung, zum Beispiel ./tickets/index.ts; Pfade gelten ab dem Ordner dieser Datei.',
      'Name the file with its definition, for example ./tickets/index.ts; paths start at this file’s folder.',
    ),
  }),
  moduleFails: (path: string, why: string): Saying => ({
    problem: both(`Der Adapter ${path} lässt sich nicht laden: ${why}`, `The adapter ${path} cannot be loaded: ${why}`),
    remedy: both(
      'Berichtigen Sie ihn dort; was er importiert, muss neben ihm installiert sein (npm install).',
      'Put it right there; what it imports must be installed beside it (npm install).',
    ),
  }),
  noDefinition: (path: string, wrong: readonly string[]): Saying => ({
    problem: both(
      `${path} beschreibt keinen Adapter, denn es fehlt: ${wrong.join('; ')}.`,
      `${path} defines no adapter; it lacks ${wrong.join('; ')}.`,
    ),
    remedy: both(
      'Exportieren Sie die AdapterDefinition als default, siehe docs/reference/contract.md.',
      'Export the AdapterDefinition as default, see docs/reference/contract.md.',
    ),
  }),
  notAdmitted: (product: string, state: 'stale' | 'missing' | 'failed', command: string): Saying => {
    const why = {
      missing: both('hat keinen Bericht der Konformitätsprüfung', 'has no report of the conformance kit'),
      stale: both(
        'hat einen Bericht, der einen anderen Stand betrifft: Code, Konfiguration oder Fassung haben sich geändert',
        'has a report about another state of it: code, config or version have changed',
      ),
      failed: both(
        'hat die Konformitätsprüfung nicht bestanden, oder eine Ausnahme ist abgelaufen',
        'has not passed the conformance kit, or a waiver has run out',
      ),
    }[state];
    return {
      problem: both(`Der Adapter ${product} ${why.de}.`, `The adapter ${product} ${why.en}.`),
      remedy: both(
        `Prüfen Sie ihn: ${command} (mit NODE_ENV=development läuft er auch so).`,
        `Check it: ${command} (with NODE_ENV=development it runs without).`,
      ),
    };
  },
  wrongContract: (speaks: readonly string[], ours: readonly string[]): Saying => ({
    problem: both(
      `Der Adapter spricht Vertrag ${speaks.join(', ')}, der Hub ${ours.join(', ')}.`,
      `The adapter speaks contract ${speaks.join(', ')}, the hub ${ours.join(', ')}.`,
    ),
    remedy: both('Verwenden Sie eine Fassung des Adapters, die zum Hub passt.', 'Use a version of the adapter that fits the hub.'),
  }),
  envMissing: (name: string): Saying => ({
    problem: both(`Die Umgebungsvariable ${name} ist nicht gesetzt.`, `The environment variable ${name} is not set.`),
    remedy: both(`Setzen Sie ${name} in der Umgebung des Hubs.`, `Set ${name} in the hub’s environment.`),
  }),
  fileMissing: (path: string): Saying => ({
    problem: both(`Die Datei ${path} lässt sich nicht lesen.`, `The file ${path} cannot be read.`),
    remedy: both(
      'Prüfen Sie Pfad und Leserechte; Pfade gelten ab dem Ordner dieser Datei.',
      'Check its path and permissions; paths start at this file’s folder.',
    ),
  }),
  badReference: (): Saying => ({
    problem: both('Das ist kein vollständiger Verweis.', 'This is not a complete reference.'),
    remedy: both(
      'Schreiben Sie { $env: NAME } oder { $file: /pfad }, mit nichts daneben.',
      'Write { $env: NAME } or { $file: /path }, with nothing beside it.',
    ),
  }),
  literalSecret: (suggested: string): Saying => ({
    problem: both('Hier steht ein Geheimnis im Klartext.', 'A secret stands here in clear text.'),
    remedy: both(
      `Schreiben Sie { $env: ${suggested} } und setzen Sie die Variable. Das alte Geheimnis gilt als bekannt: ersetzen Sie es.`,
      `Write { $env: ${suggested} } and set the variable. Take the old secret for known: replace it.`,
    ),
  }),
  duplicateArs: (ars: string, other: string): Saying => ({
    problem: both(`${ars} hat schon ${other}.`, `${ars} is already taken by ${other}.`),
    remedy: both(
      'Jede Gemeinde hat eine Datei; mehrere Verfahren stehen darin als mehrere adapters.',
      'One file per municipality; several back offices stand in it as several adapters.',
    ),
  }),
  unknownMunicipality: (ars: string, nearest: readonly NamedKey[]): Saying => ({
    problem: both(`Eine Gemeinde mit dem Schlüssel ${ars} gibt es nicht.`, `There is no municipality with the key ${ars}.`),
    remedy: meantKeys(
      nearest,
      both(
        'Den ARS einer Gemeinde nennt reference/municipalities.csv.',
        'The ARS of a municipality stands in reference/municipalities.csv.',
      ),
    ),
  }),
  otherName: (ars: string, name: string, found: string, nearest: readonly NamedKey[]): Saying => ({
    problem: both(`${ars} ist ${name}, nicht ${found}.`, `${ars} is ${name}, not ${found}.`),
    remedy: both(
      `Schreiben Sie name: ${name}, oder berichtigen Sie ars${nearest.map(({ key, name: named }) => ` (${key} ${named})`).join(',')}.`,
      `Write name: ${name}, or correct ars${nearest.map(({ key, name: named }) => ` (${key} ${named})`).join(',')}.`,
    ),
  }),
  unknownService: (key: string, nearest: readonly NamedKey[]): Saying => ({
    problem: both(
      `Den Leistungsschlüssel ${key} gibt es im Leistungskatalog (LeiKa) nicht.`,
      `The services’ catalogue (LeiKa) has no service key ${key}.`,
    ),
    remedy: meantKeys(nearest, both('Alle Schlüssel stehen in reference/leika.csv.', 'All keys stand in reference/leika.csv.')),
  }),
  notWhole: (written: string, isCents: boolean): Saying => ({
    problem: both(`${written} ist keine ganze Zahl in Ziffern.`, `${written} is not a whole number in digits.`),
    remedy: isCents
      ? both('Schreiben Sie ganze Cent: 25,00 € sind 2500.', 'Write whole cents: 25.00 € are 2500.')
      : both('Schreiben Sie eine ganze Zahl, nur Ziffern.', 'Write a whole number, digits only.'),
  }),
  standsTwice: (name: string, found: string): Saying => ({
    problem: both(`${name} „${found}“ steht schon weiter oben.`, `${name} “${found}” stands further up already.`),
    remedy: both(`Jeder Eintrag braucht ${name} für sich.`, `Every entry needs ${name} of its own.`),
  }),
  notNamed: (found: string, where: string, known: readonly string[]): Saying => ({
    problem: both(`„${found}“ steht nicht unter ${where}.`, `“${found}” is not named under ${where}.`),
    remedy: meant(found, known),
  }),
  notJson: (): Saying => ({
    problem: both('Das ist kein gültiges JSON.', 'This is not valid JSON.'),
    remedy: both(
      'Erwartet wird ein JSON Schema: Prüfen Sie an dieser Stelle Anführungszeichen, Kommas und Klammern.',
      'A JSON Schema is expected: check quotes, commas and brackets at this place.',
    ),
  }),
  /** `why` is said by a library, in English: German quotes it. */
  unusableForm: (why: string, file: string): Saying => ({
    problem: both(`Als Formular ist das nicht zu gebrauchen; die Prüfung meldet: „${why}“.`, `This cannot be used as a form: ${why}.`),
    remedy: both(
      `Erwartet wird ein JSON Schema 2020-12 oder ein Datenschema in XDatenfelder: berichtigen Sie ${file}.`,
      `A JSON Schema 2020-12 or a data schema in XDatenfelder is expected: put ${file} right.`,
    ),
  }),
  otherArea: (area: string, ars: string): Saying => ({
    problem: both(`Im Gebiet ${area} liegt ${ars} nicht.`, `${ars} does not lie in the area ${area}.`),
    remedy: both(
      'Nennen Sie den Schlüssel der Gemeinde, ihres Kreises oder ihres Landes, oder streichen Sie area.',
      'Name the key of the municipality, its district or its state, or remove area.',
    ),
  }),
  importRefused: (message: string): Saying => ({
    problem: both(`Der Katalog wird nicht angenommen; das Format meldet: „${message}“.`, `The catalogue is refused: ${message}.`),
    remedy: both('Exportieren Sie die Datei neu, oder berichtigen Sie sie.', 'Export the file again, or put it right.'),
  }),
  notMade: (product: string, why: string): Saying => ({
    problem: both(
      `Der Adapter „${product}“ lässt sich damit nicht herstellen: ${why}.`,
      `The adapter “${product}” cannot be made of this: ${why}.`,
    ),
    remedy: both('Prüfen Sie config anhand der README des Adapters.', 'Check config by the adapter’s README.'),
  }),
  takesNoApplications: (product: string, key: string): Saying => ({
    problem: both(
      `„${product}“ nimmt keine Anträge an; „${key}“ hat hier keinen Sinn.`,
      `“${product}” takes no applications; “${key}” has no meaning here.`,
    ),
    remedy: both(`Streichen Sie „${key}“.`, `Remove “${key}”.`),
  }),
  catalogueFrom: (): Saying => ({
    problem: both(
      'Ein Katalog kommt entweder aus Dateien oder von einem Adapter.',
      'A catalogue comes either from files or from an adapter.',
    ),
    remedy: both('Schreiben Sie format und files, oder adapter (und everyHours).', 'Write format and files, or adapter (and everyHours).'),
  }),
  unknownAdapter: (found: string, known: readonly string[]): Saying => ({
    problem: both(`„${found}“ ist keiner der Namen unter adapters.`, `“${found}” is not one of the names under adapters.`),
    remedy: meant(found, known),
  }),
  noCatalogue: (adapter: string, able: readonly string[]): Saying => ({
    problem: both(`„${adapter}“ liefert keinen Katalog.`, `“${adapter}” lists no offers.`),
    remedy:
      able.length > 0
        ? both(`Einen Katalog liefert: ${able.join(', ')}.`, `A catalogue comes from: ${able.join(', ')}.`)
        : both(
            'Schließen Sie ein System an, das einen liefert, oder nennen Sie format und files.',
            'Connect a system that lists offers, or name format and files.',
          ),
  }),
  notWith: (key: string, deliver: string, known: readonly string[]): Saying => ({
    problem: both(`„${key}“ hat bei deliver: ${deliver} keinen Sinn.`, `“${key}” has no meaning with deliver: ${deliver}.`),
    remedy: both(`Dort stehen: ${known.join(', ')}.`, `What stands there: ${known.join(', ')}.`),
  }),
  takesNoEvents: (adapter: string, able: readonly string[]): Saying => ({
    problem: both(`„${adapter}“ nimmt keine Ereignisse an.`, `“${adapter}” takes no events.`),
    remedy:
      able.length > 0
        ? both(`Ereignisse nimmt an: ${able.join(', ')}.`, `Events are taken by: ${able.join(', ')}.`)
        : both('Wählen Sie deliver: webhook oder kafka.', 'Choose deliver: webhook or kafka.'),
  }),
  treatyWithItself: (): Saying => ({
    problem: both('Eine Stadt kann keine Vereinbarung mit sich selbst haben.', 'A city cannot have a treaty with itself.'),
    remedy: both('Nennen Sie unter with die anderen Städte.', 'Name the other cities under with.'),
  }),
  treatyTwice: (partner: string, service: string): Saying => ({
    problem: both(
      `Die Vereinbarung mit ${partner} über ${service} steht schon weiter oben.`,
      `The treaty with ${partner} about ${service} stands further up already.`,
    ),
    remedy: both('Streichen Sie die Wiederholung.', 'Remove the repetition.'),
  }),
  treatyOneSided: (partner: string, name: string): Saying => ({
    problem: both(
      `${partner} nennt ${name} in keiner Vereinbarung: Diese gilt noch nicht.`,
      `${partner} names ${name} in no treaty: this one does not hold yet.`,
    ),
    remedy: both(
      `Bitten Sie ${partner}, ${name} unter treaties zu nennen, oder streichen Sie den Eintrag.`,
      `Ask ${partner} to name ${name} under treaties, or remove the entry.`,
    ),
  }),
  claimedTwice: (service: string, other: string): Saying => ({
    problem: both(`„${service}“ nimmt schon der Adapter „${other}“ an.`, `“${service}” is already taken by the adapter “${other}”.`),
    remedy: both('Jede Leistung geht an genau einen Adapter.', 'Each service goes to exactly one adapter.'),
  }),
} as const;

/** A value as a complaint shows it: on one line and short. */
export const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nichts';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
};

/** One complaint on one line, as compilers print theirs, so that editors jump to it. */
export const complaintText = ({ file, line, column, path, problem, remedy }: Complaint, language: Language): string =>
  `${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${inLanguage(problem, language)} ${inLanguage(remedy, language)}`;
