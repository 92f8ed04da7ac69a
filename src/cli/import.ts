import { parseMunicipalityArs, spelledAlike, type Language } from '#contract';
import type { CatalogueImports } from '../catalogue/catalogue.ts';
import { catalogueFormats, type CityImport, type CityWithCatalogue } from '../catalogue/import/cities.ts';
import type { OfferReport } from '../catalogue/import/offers.ts';
import { complaintText } from '../cities/load/complaint.ts';
import type { Progress, ReferenceReport } from '../catalogue/import/reference.ts';

export interface ImportOptions {
  readonly catalogue: CatalogueImports;
  /** The connected cities. */
  readonly cities: readonly CityWithCatalogue[];
  /** Only this city: its id, or, with `files`, also the ARS of a city that is not connected. @default all connected cities */
  readonly city?: string | undefined;
  /** Files to import for `city` instead of those its own file names. */
  readonly files?: { readonly format: string; readonly parts: Readonly<Record<string, string>> } | undefined;
  /** Says what would change and changes nothing; the reference records are left alone too. @default false */
  readonly dryRun?: boolean | undefined;
  /** Also takes a listing that loses many of a city's offers. @default false */
  readonly force?: boolean | undefined;
  /** One JSON document at the end instead of lines for people. @default false */
  readonly json?: boolean | undefined;
  /** Of the report; the complaints about a source are English. @default 'DE' */
  readonly language?: Language | undefined;
}

/**
 * What `staedtebund import` does: reference records first, then the catalogues of the cities. Resolves to the exit code:
 * 0 all is taken over, 1 a catalogue was refused (its old offers stay), 2 the call itself makes no sense.
 */
export async function runImport(options: ImportOptions, out: (line: string) => void): Promise<number> {
  const { catalogue, dryRun = false, force = false, json = false, language = 'DE' } = options;
  const cities = chosenCities(options);
  if (typeof cities === 'string') {
    out(json ? JSON.stringify({ ok: false, problem: cities }) : cities);
    return 2;
  }
  const reference = dryRun ? null : await catalogue.importReference(json ? undefined : progressLines(out, language));
  const imports = await catalogue.importCities(cities, { dryRun, force });
  const ok = imports.every((entry) => entry.ok);
  if (json) {
    out(JSON.stringify({ ok, dryRun, reference, cities: imports }, null, 2));
    return ok ? 0 : 1;
  }
  if (reference) for (const line of referenceLines(reference, language)) out(line);
  for (const entry of imports) for (const line of cityLines(entry, dryRun, language)) out(line);
  return ok ? 0 : 1;
}

/** The cities to import, or a sentence that says why there are none. */
function chosenCities({ cities, city: id, files, language = 'DE' }: ImportOptions): readonly CityWithCatalogue[] | string {
  const say = words[language];
  if (files && !catalogueFormats.includes(files.format)) return say.unknownFormat(files.format, catalogueFormats.join(', '));
  if (id === undefined) return files ? say.whose : cities.filter(({ catalogue }) => catalogue !== null);
  const city = cities.find((candidate) => candidate.id === id || spelledAlike(candidate.ars, id));
  if (city) return [files ? { ...city, catalogue: { format: files.format, files: files.parts } } : city];
  const ars = parseMunicipalityArs(id);
  if (ars && files) return [{ id: ars, ars, catalogue: { format: files.format, files: files.parts } }];
  return say.notConnected(id, cities.map((candidate) => candidate.id).join(', ') || '–');
}

/** One line per part, when it is done: chunks would only scroll by. */
const progressLines =
  (out: (line: string) => void, language: Language): Progress =>
  ({ part, done, total }) => {
    if (done === total || done % 10_000 === 0) out(words[language].progress(part, done, total));
  };

function referenceLines({ changed, parts }: ReferenceReport, language: Language): string[] {
  const say = words[language];
  if (!changed) return [say.referenceUnchanged(parts.map(({ part, rows }) => `${part} ${rows}`).join(', '))];
  return parts.map(({ part, rows, withoutKey }) => say.part(part, rows, withoutKey));
}

function cityLines(entry: CityImport, dryRun: boolean, language: Language): string[] {
  const say = words[language];
  if (!entry.ok) {
    const lines = entry.complaints?.map((complaint) => complaintText(complaint, language)) ?? entry.problem.split('\n');
    return [say.refused(entry.city), ...lines.map((line) => `  ${line}`)];
  }
  return [
    `${entry.city}: ${say.counts(entry.report)}${dryRun ? say.dryRun : ''}`,
    ...entry.report.unmappedList.map(({ localKey, name }) => `  ${say.withoutKey}: ${localKey} ${name}`),
    ...entry.report.setAside.map(({ id, reason }) => `  ${say.setAside}: ${id ?? say.nameless} ${reason}`),
  ];
}

const words = {
  DE: {
    unknownFormat: (format: string, known: string) => `--format ${format} gibt es nicht; es gibt ${known}.`,
    whose: '--format braucht --city: Wessen Katalog ist es?',
    notConnected: (city: string, known: string) =>
      `--city ${city} ist nicht angeschlossen; angeschlossen sind: ${known}. Für eine andere Stadt geben Sie ihren ARS (12 Ziffern) mit --format und den Dateien an.`,
    progress: (part: string, done: number, total: number) => `${part}: ${done} von ${total}`,
    referenceUnchanged: (parts: string) => `Referenzdaten unverändert: ${parts}`,
    part: (part: string, rows: number, withoutKey: number) =>
      `${part}: ${rows} Zeilen${withoutKey > 0 ? `, ${withoutKey} ohne Leistungsschlüssel ausgelassen` : ''}`,
    refused: (city: string) => `${city}: abgelehnt, nichts geändert`,
    counts: ({ offers, mapped, unmapped, added, changed, removed, unchanged }: OfferReport) =>
      `${offers} Angebote, ${mapped} mit LeiKa-Schlüssel, ${unmapped} mit örtlichem Schlüssel; ${added} neu, ${changed} geändert, ${removed} entfernt, ${unchanged} unverändert`,
    dryRun: ' (Probelauf, nichts geschrieben)',
    withoutKey: 'ohne LeiKa-Schlüssel',
    setAside: 'nicht lesbar, zurückgestellt',
    nameless: '(ohne lesbare Kennung)',
  },
  EN: {
    unknownFormat: (format: string, known: string) => `--format ${format} is unknown; known are ${known}.`,
    whose: '--format needs --city: whose catalogue is it?',
    notConnected: (city: string, known: string) =>
      `--city ${city} is not connected; connected are: ${known}. For another city give its ARS (12 digits) with --format and its files.`,
    progress: (part: string, done: number, total: number) => `${part}: ${done} of ${total}`,
    referenceUnchanged: (parts: string) => `reference records unchanged: ${parts}`,
    part: (part: string, rows: number, withoutKey: number) =>
      `${part}: ${rows} rows${withoutKey > 0 ? `, ${withoutKey} without a service key left out` : ''}`,
    refused: (city: string) => `${city}: refused, nothing changed`,
    counts: ({ offers, mapped, unmapped, added, changed, removed, unchanged }: OfferReport) =>
      `${offers} offers, ${mapped} under a LeiKa key, ${unmapped} under a local key; ${added} added, ${changed} changed, ${removed} removed, ${unchanged} unchanged`,
    dryRun: ' (dry run, nothing written)',
    withoutKey: 'no LeiKa key',
    setAside: 'cannot be read, set aside',
    nameless: '(no readable id)',
  },
} as const;
