import { Help, type Command } from 'commander';

/** What the help says, in German. A test holds that nothing is missing. */
const german: Readonly<Record<string, string>> = {
  'Operate a Städtebund hub: check cities, import catalogues, release parked applications, read events.':
    'Einen Städtebund-Hub betreiben: Städte prüfen, Kataloge übernehmen, angehaltene Anträge freigeben, Ereignisse lesen.',
  'read environment variables from this file (default: .env if it exists)':
    'Umgebungsvariablen aus dieser Datei lesen (sonst aus .env, falls vorhanden)',
  'language of texts': 'Sprache der Texte',
  'one JSON document': 'ein JSON-Dokument ausgeben',
  'one JSON document per projection': 'je Projektion ein JSON-Dokument ausgeben',
  // check, conformance
  "check every city's file and, read-only, every connection": 'die Dateien aller Städte prüfen und, nur lesend, alle Verbindungen',
  'only read the files': 'nur die Dateien lesen',
  'prove that an adapter (a product, or the path of its module) keeps the contract':
    'nachweisen, dass ein Adapter (ein Produkt oder der Pfad seines Moduls) den Vertrag einhält',
  "a city's file with the adapter's config": 'Datei einer Stadt mit der Konfiguration des Adapters',
  "which of the file's adapters, if several are of this product": 'welcher Adapter der Datei, wenn mehrere von diesem Produkt sind',
  'what the back office takes and refuses, and how to see what it did':
    'was das Fachverfahren annimmt und ablehnt, und woran man sieht, was es getan hat',
  'checks for which somebody takes responsibility until a day': 'Prüfungen, für die jemand bis zu einem Tag die Verantwortung übernimmt',
  'only these checks; * stands for anything': 'nur diese Prüfungen; * steht für Beliebiges',
  'against what it runs': 'wogegen geprüft wird',
  'format of the report': 'Format des Berichts',
  'write the report into this file': 'den Bericht in diese Datei schreiben',
  'the adapters that ship with the hub, against their simulators; renews their reports':
    'die mitgelieferten Adapter gegen ihre Simulatoren prüfen; erneuert ihre Berichte',
  // import, form, subgraph, documents
  "import reference records and cities' catalogues; repeating it changes nothing":
    'Referenzdaten und Kataloge der Städte übernehmen; eine Wiederholung ändert nichts',
  'only this city': 'nur diese Stadt',
  "format of the files, instead of the city's own": 'Format der Dateien, anstelle des Formats der Stadt',
  'format offers: the offers': 'Format offers: die Angebote',
  'format dldb: the services': 'Format dldb: die Leistungen',
  'format dldb: the locations': 'Format dldb: die Standorte',
  'format dldb: the authorities, if services name theirs by id': 'Format dldb: die Behörden, wenn Leistungen sie mit ihrer Kennung nennen',
  'format dldb: forms by service id': 'Format dldb: Formulare nach der Kennung der Leistung',
  'say what would change, change nothing': 'nur sagen, was sich ändern würde',
  "also take a listing that loses many of a city's offers (more than half, of 20 or more a fifth)":
    'auch eine Liste übernehmen, in der viele Angebote einer Stadt fehlen (mehr als die Hälfte, ab 20 Angeboten ein Fünftel)',
  'show the form that a data schema in XDatenfelder becomes, and what it cannot check':
    'das Formular zeigen, das aus einem Datenschema in XDatenfelder entsteht, und was es nicht prüfen kann',
  'code lists in Genericode (default: codelists beside the file)': 'Codelisten in Genericode (sonst: codelists neben der Datei)',
  'check a subgraph as the hub would before it takes it in; changes nothing':
    'einen Subgraphen prüfen, wie es der Hub vor der Aufnahme tut; ändert nichts',
  'its endpoint; asked for the SDL if no file holds it': 'seine Adresse; dort wird die SDL abgefragt, wenn keine Datei sie enthält',
  'its SDL': 'seine SDL',
  'fields (Type.field) it may take over, entities it may extend':
    'Felder (Typ.Feld), die er übernehmen, und Entitäten, die er erweitern darf',
  'register GraphQL documents: check them and write hash → document as JSON':
    'GraphQL-Dokumente registrieren: prüfen und als JSON (Hash → Dokument) schreiben',
  'where to; standard output if absent': 'Zieldatei; ohne diese Angabe die Standardausgabe',
  'SDL to check them against, if they ask subgraphs too (default: the hub alone)':
    'SDL, gegen die geprüft wird, wenn auch Subgraphen gefragt werden (sonst: der Hub allein)',
  // parked, release, changes
  'list applications that wait for a person': 'Anträge auflisten, über die ein Mensch entscheiden muss',
  'decide about a parked application': 'über einen angehaltenen Antrag entscheiden',
  'nothing landed in the back office: deliver again': 'im Fachverfahren ist nichts angekommen: erneut zustellen',
  "it is there, under this id of the back office's": 'er liegt dort vor, unter dieser Kennung des Fachverfahrens',
  'with --delivered: the case number citizens see': 'mit --delivered: das Aktenzeichen, das die Bürgerin oder der Bürger sieht',
  'it will never be delivered': 'er wird nicht mehr zugestellt',
  'where the pulls of changes stand, and which records were set aside; sets one back':
    'wie weit Änderungen abgeholt und welche Datensätze beiseitegelegt sind; setzt auf Wunsch eine Abholung zurück',
  'the next pull begins at this moment, for example 2026-11-30T08:00:00Z':
    'die nächste Abholung beginnt bei diesem Zeitpunkt, zum Beispiel 2026-11-30T08:00:00Z',
  'the next pull begins anew; what took effect takes none again':
    'die nächste Abholung beginnt von vorn; was schon gewirkt hat, wirkt nicht noch einmal',
  // events
  'print events as CloudEvents, one JSON per line': 'Ereignisse als CloudEvents ausgeben, je Zeile ein JSON',
  'go on with what comes': 'auch neue Ereignisse ausgeben, bis zum Abbruch',
  'begin after this place in the log': 'hinter dieser Stelle des Ereignisprotokolls beginnen',
  'how events reach each city, and how that goes': 'wie Ereignisse zu den Städten kommen und ob das gelingt',
  'the delivery log, newest first': 'das Zustellprotokoll, Neuestes zuerst',
  'only to this city': 'nur an diese Stadt',
  'only in this state': 'nur in diesem Zustand',
  'only of this type, for example move.registered': 'nur von diesem Typ, zum Beispiel move.registered',
  'how many': 'wie viele',
  'events that wait for a person': 'Ereignisse, über die ein Mensch entscheiden muss',
  'try a parked event again': 'ein angehaltenes Ereignis erneut zustellen',
  'give a parked event up': 'ein angehaltenes Ereignis aufgeben',
  'why; it is kept, so say nothing about people': 'Grund; er wird aufbewahrt, nennen Sie deshalb keine Personen',
  'hold events to a city': 'Ereignisse an eine Stadt anhalten',
  'send events to a city again': 'Ereignisse an eine Stadt wieder senden',
  'send a city an event that says nothing; prints its id': 'einer Stadt ein Ereignis ohne Inhalt senden; gibt seine Kennung aus',
  'send again what a city gets of the events of a time or a case, under their ids':
    'einer Stadt die Ereignisse einer Zeit oder eines Vorgangs unter ihren alten Kennungen erneut senden',
  'events from then on': 'Ereignisse ab diesem Zeitpunkt',
  'events before': 'Ereignisse vor diesem Zeitpunkt',
  'events of this case or application': 'Ereignisse dieses Vorgangs oder Antrags',
  'what happened to an application, a case or an event: who did what where':
    'was mit einem Antrag, einem Vorgang oder einem Ereignis geschehen ist: wer wo was getan hat',
  // store
  'make what the store keeps of the event log again from it: applications, cases':
    'Anträge und Vorgänge im Speicher aus dem Ereignisprotokoll neu aufbauen',
  'only compare; change nothing': 'nur vergleichen, nichts ändern',
  'write the store into a file while the hub runs; a file of that name is replaced once the new one is whole':
    'den Speicher bei laufendem Hub in eine Datei sichern; eine Datei dieses Namens wird erst ersetzt, wenn die neue vollständig ist',
  'put a backup in the place of the store; the hub must not run': 'eine Sicherung zurückspielen; der Hub darf dabei nicht laufen',
  'only look the backup through; change nothing': 'die Sicherung nur prüfen, nichts ändern',
  'say that the store was restored by other means: what is open is looked for before it is sent again':
    'mitteilen, dass der Speicher auf anderem Weg zurückgespielt wurde: Offenes wird gesucht, bevor es erneut gesendet wird',
  'begin something of your own': 'etwas Eigenes beginnen',
  'write an adapter that works, to be changed into yours': 'einen lauffähigen Adapter anlegen, den Sie zu Ihrem machen',
  'its folder (default: adapters/<name> in a checkout of the hub, else <name>)':
    'sein Ordner (sonst: adapters/<name> in einem Checkout des Hubs, außerhalb <name>)',
};

const titles: Readonly<Record<string, string>> = {
  'Usage:': 'Aufruf:',
  'Arguments:': 'Argumente:',
  'Options:': 'Optionen:',
  'Commands:': 'Befehle:',
};

/** The terms of a usage line. */
const termOf = (text: string): string =>
  text.replace('[options]', '[Optionen]').replace('[command]', '[Befehl]').replace('<id or ARS>', '<Kennung oder ARS>');

const plain = new Help();

/** What commander says of a wrong call, as far as people meet it. */
const complaints: readonly (readonly [RegExp, string])[] = [
  [/^error: unknown option '(.+?)'/, 'Fehler: Die Option „$1“ gibt es nicht.'],
  [/^error: unknown command '(.+?)'/, 'Fehler: Den Befehl „$1“ gibt es nicht.'],
  [/^error: missing required argument '(.+?)'/, 'Fehler: Das Argument „$1“ fehlt.'],
  [/^error: required option '(.+?)' not specified/, 'Fehler: Die Option „$1“ ist Pflicht.'],
  [/^error: option '(.+?)' argument missing/, 'Fehler: Der Option „$1“ fehlt ihr Wert.'],
  [
    /^error: option '(.+?)' argument '(.*?)' is invalid\. Allowed choices are (.+?)\./,
    'Fehler: „$2“ passt nicht zu „$1“. Möglich sind: $3.',
  ],
  [/^error: too many arguments.*/, 'Fehler: Das sind zu viele Argumente.'],
  [/\(Did you mean (?:one of )?(.+?)\?\)/, '(Meinten Sie $1?)'],
];

/** Puts the help of a command and of all below it into German. Returns what nobody has translated. */
export function putIntoGerman(command: Command): readonly string[] {
  const missing: string[] = [];
  const said = (text: string): string => {
    const own = german[text];
    if (own === undefined && text !== '') missing.push(text);
    return own ?? text;
  };
  command.description(said(command.description()));
  for (const option of command.options) option.description = said(option.description);
  command
    .helpOption('-h, --help', 'diese Hilfe zeigen')
    .configureHelp({
      styleTitle: (title) => titles[title] ?? title,
      commandUsage: (one) => termOf(plain.commandUsage(one)),
      subcommandTerm: (one) => termOf(plain.subcommandTerm(one)),
      optionTerm: (option) => termOf(plain.optionTerm(option)),
      optionDescription: (option) => {
        const more = [
          ...(option.argChoices ? [`möglich: ${option.argChoices.join(', ')}`] : []),
          ...(typeof option.defaultValue === 'string' ? [`sonst: ${option.defaultValue}`] : []),
        ];
        return more.length > 0 ? `${option.description} (${more.join('; ')})` : option.description;
      },
    })
    .configureOutput({
      outputError: (text, write) => write(complaints.reduce((told, [pattern, own]) => told.replace(pattern, own), text)),
    });
  if (plain.visibleCommands(command).some((one) => one.name() === 'help'))
    command.helpCommand('help [Befehl]', 'die Hilfe zu einem Befehl zeigen');
  return [...missing, ...command.commands.flatMap(putIntoGerman)];
}
