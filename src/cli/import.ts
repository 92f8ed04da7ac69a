import { parseMunicipalityArs } from '#contract';
import type { CatalogueImports } from '../catalogue/catalogue.ts';
import { catalogueFormats, type CityImport, type CityWithCatalogue } from '../catalogue/import/cities.ts';
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
  /** Also takes a listing that loses more than half of a city's offers. @default false */
  readonly force?: boolean | undefined;
  /** One JSON document at the end instead of lines for people. @default false */
  readonly json?: boolean | undefined;
}

/**
 * What `staedtebund import` does: reference records first, then the catalogues of the cities. Resolves to the exit code:
 * 0 all is taken over, 1 a catalogue was refused (its old offers stay), 2 the call itself makes no sense.
 */
export async function runImport(options: ImportOptions, out: (line: string) => void): Promise<number> {
  const { catalogue, dryRun = false, force = false, json = false } = options;
  const cities = chosenCities(options);
  if (typeof cities === 'string') {
    out(json ? JSON.stringify({ ok: false, problem: cities }) : cities);
    return 2;
  }
  const reference = dryRun ? null : await catalogue.importReference(json ? undefined : progressLines(out));
  const imports = await catalogue.importCities(cities, { dryRun, force });
  const ok = imports.every((entry) => entry.ok);
  if (json) {
    out(JSON.stringify({ ok, dryRun, reference, cities: imports }, null, 2));
    return ok ? 0 : 1;
  }
  if (reference) for (const line of referenceLines(reference)) out(line);
  for (const entry of imports) for (const line of cityLines(entry, dryRun)) out(line);
  return ok ? 0 : 1;
}

/** The cities to import, or a sentence that says why there are none. */
function chosenCities({ cities, city: id, files }: ImportOptions): readonly CityWithCatalogue[] | string {
  const known = cities.map((city) => city.id).join(', ') || 'none';
  if (files && !catalogueFormats.includes(files.format))
    return `--format ${files.format} is unknown: use ${catalogueFormats.join(' or ')}.`;
  if (id === undefined)
    return files ? '--format needs --city: whose catalogue is it?' : cities.filter(({ catalogue }) => catalogue !== null);
  const city = cities.find((candidate) => candidate.id === id || candidate.ars === id);
  if (city) return [files ? { ...city, catalogue: { format: files.format, files: files.parts } } : city];
  const ars = parseMunicipalityArs(id);
  if (ars && files) return [{ id: ars, ars, catalogue: { format: files.format, files: files.parts } }];
  return `--city ${id} is not connected; connected are: ${known}. For another city give its ARS (12 digits) with --format and its files.`;
}

/** One line per part, when it is done: chunks would only scroll by. */
const progressLines =
  (out: (line: string) => void): Progress =>
  ({ part, done, total }) => {
    if (done === total || done % 10_000 === 0) out(`${part}: ${done} of ${total}`);
  };

function referenceLines({ changed, parts }: ReferenceReport): string[] {
  if (!changed) return [`reference records: unchanged (${parts.map(({ part, rows }) => `${rows} ${part}`).join(', ')})`];
  return parts.map(({ part, rows, withoutKey, changed }) => {
    const left = withoutKey > 0 ? `, ${withoutKey} rows without a service key left out` : '';
    return `${part}: ${rows} rows${left}${changed ? '' : ', unchanged'}`;
  });
}

function cityLines(entry: CityImport, dryRun: boolean): string[] {
  if (!entry.ok) return [`${entry.city}: refused, nothing changed`, ...entry.problem.split('\n').map((line) => `  ${line}`)];
  const { offers, mapped, unmapped, added, changed, removed, unchanged, unmappedList } = entry.report;
  const would = dryRun ? ' (dry run, nothing written)' : '';
  return [
    `${entry.city}: ${offers} offers, ${mapped} under a LeiKa key, ${unmapped} under a local key; ${added} added, ${changed} changed, ${removed} removed, ${unchanged} unchanged${would}`,
    ...unmappedList.map(({ localKey, name }) => `  no LeiKa key: ${localKey} ${name}`),
  ];
}
