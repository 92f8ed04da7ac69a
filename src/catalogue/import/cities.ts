import { HubError, type OfferRecord } from '#contract';
import type { CatalogueFiles, City } from '../../cities/cities.ts';
import { say, type Complaint } from '../../cities/load/complaint.ts';
import type { Known } from '../../cities/load/known.ts';
import { readSource as readCityFile } from '../../cities/load/source.ts';
import { checkRecords } from './check-records.ts';
import { nearestWord, RefusedFiles, refuseImport } from './complaints.ts';
import { dldbFormat } from './formats/dldb.ts';
import type { CatalogueFormat } from './formats/format.ts';
import { offersFormat } from './formats/offers.ts';
import { listOffers, type ListingTools } from './listing.ts';
import { importOffers, noteRefusal, type Aside, type OfferImportOptions, type OfferImportTools, type OfferReport } from './offers.ts';

const formats: readonly CatalogueFormat[] = [offersFormat, dldbFormat];

/** Formats a city's catalogue may have, by the name under `catalogue.format`. */
export const catalogueFormats: readonly string[] = formats.map(({ id }) => id);

/** What became of a city's catalogue: taken over, or refused and why. */
export type CityImport =
  | { readonly city: string; readonly ok: true; readonly report: OfferReport }
  | {
      readonly city: string;
      readonly ok: false;
      readonly problem: string;
      /** The same, by place and in both languages, where the format says it so. */
      readonly complaints?: readonly Complaint[];
    };

/** What an import needs to know of a city. */
export type CityWithCatalogue = Pick<City, 'id' | 'ars' | 'catalogue'>;

/** The format of a source whose offers an adapter lists. */
export const adapterFormat = 'adapter';

/**
 * Reads a city's catalogue, from its files or through its adapter, and takes it over, complete or not at all. A refusal is
 * remembered with the source, whose offers then count as stale. Only a store that is away throws, and a hub that stops.
 */
export async function importCity(
  tools: OfferImportTools & ListingTools,
  city: CityWithCatalogue,
  options: OfferImportOptions,
): Promise<CityImport> {
  const { catalogue } = city;
  const source = {
    id: city.id,
    ars: city.ars,
    format: catalogue === null ? 'none' : 'adapter' in catalogue ? adapterFormat : catalogue.format,
  };
  try {
    const { records, aside } = await readCatalogue(tools, city);
    return { city: city.id, ok: true, report: await importOffers(tools, source, records, options, aside) };
  } catch (error) {
    if (!(error instanceof HubError) || error.code !== 'IMPORT_REFUSED') throw error;
    if (!options.dryRun) await noteRefusal(tools, source, error.message);
    const complaints = error instanceof RefusedFiles ? { complaints: error.complaints } : {};
    return { city: city.id, ok: false, problem: error.message, ...complaints };
  }
}

async function readCatalogue(
  tools: ListingTools,
  city: CityWithCatalogue,
): Promise<{ readonly records: readonly OfferRecord[]; readonly aside?: Aside }> {
  const { id, catalogue } = city;
  if (!catalogue) throw refuseImport(id, 'has no catalogue; name one in its city file');
  if (!('adapter' in catalogue)) return { records: await readFiles(city, catalogue, tools.known) };
  const { offers, malformed } = await listOffers(tools, id, catalogue.adapter);
  if (offers.length === 0 && malformed.length > 0)
    throw refuseImport(id, `none of its ${malformed.length} entries can be read, the first because: ${malformed[0]?.reason ?? ''}`);
  return { records: await checkRecords(offers, city), aside: { adapter: catalogue.adapter, records: malformed } };
}

/**
 * What an import would have against a city's files, each with its place; empty if it would take them, and where an adapter
 * lists the offers. Reads files alone.
 */
export async function checkCatalogue(
  { catalogue, ...city }: CityWithCatalogue & { readonly name?: string },
  cityFile: string,
  known: Known,
): Promise<readonly Complaint[]> {
  if (catalogue === null || 'adapter' in catalogue) return [];
  try {
    await readFiles({ ...city, catalogue }, catalogue, known);
    return [];
  } catch (error) {
    if (error instanceof RefusedFiles) return error.complaints;
    if (!(error instanceof HubError) || error.code !== 'IMPORT_REFUSED') throw error;
    const source = await readCityFile(cityFile);
    const place = { file: cityFile, line: 1, column: 1, path: 'catalogue' };
    return error.message
      .split('\n')
      .map((line) =>
        'complain' in source ? source.complain(['catalogue', 'files'], say.importRefused(line)) : { ...place, ...say.importRefused(line) },
      );
  }
}

/** Every offer of a city's files, in the format they are in. */
function readFiles({ id, ars }: CityWithCatalogue, catalogue: CatalogueFiles, known?: Known): Promise<readonly OfferRecord[]> {
  const format = formats.find((candidate) => candidate.id === catalogue.format);
  if (!format) {
    const near = nearestWord(catalogue.format, catalogueFormats);
    throw refuseImport(
      id,
      `catalogue format "${catalogue.format}" is unknown; ${near ? `did you mean "${near}"?` : `known are ${catalogueFormats.join(', ')}`}`,
    );
  }
  const { needed, optional } = format.parts;
  const missing = needed.find((part) => catalogue.files[part] === undefined);
  if (missing) throw refuseImport(id, `catalogue.files lacks "${missing}", which the format ${format.id} needs`);
  const stray = Object.keys(catalogue.files).find((part) => ![...needed, ...optional].includes(part));
  if (stray) throw refuseImport(id, `catalogue.files has "${stray}"; the format ${format.id} knows ${[...needed, ...optional].join(', ')}`);
  return format.read(catalogue.files, { ars, known });
}
