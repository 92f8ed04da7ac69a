import type { z } from 'zod';
import { parse as parseYaml } from 'yaml';
import { z as zod } from 'zod';
import { assuranceLevels, type OfferRecord } from '#contract';
import { Complaints, RefusedFiles, refuseImport } from '../complaints.ts';
import { readSource, type SourceText } from '../source.ts';
import {
  announcedBy,
  dldbAuthority,
  dldbLocation,
  dldbService,
  failedBy,
  type DldbAuthority,
  type DldbLocation,
  type DldbService,
} from './dldb-shape.ts';
import { dldbOffer, type DldbAddition } from './dldb-offer.ts';
import { readForm } from './form-file.ts';
import type { CatalogueFormat } from './format.ts';
import { parseJson } from './json-file.ts';

/** Largest file, in bytes. */
const maxBytes = 64 * 1024 * 1024;
const limits = { depth: 24, values: 3_000_000, text: 200_000 };
/** Most entries of one file. */
const maxEntries = 20_000;

/**
 * DLDB, the service catalogue format of the eappointment software (Munich, Berlin). Parts: `services`; `locations` for
 * addresses; `authorities` where services name theirs by id only; `services_en` for English names; `forms`, a YAML file of the hub's own, that gives offers the form they are
 * submitted with.
 */
export const dldbFormat: CatalogueFormat = {
  id: 'dldb',
  parts: { needed: ['services'], optional: ['locations', 'authorities', 'services_en', 'forms'] },
  async read(files) {
    const complaints = new Complaints();
    const readList = async <T extends { id: string }>(part: string, shape: z.ZodType<T>): Promise<Map<string, T>> => {
      const path = files[part];
      if (path === undefined) return new Map();
      return entriesOf(await readSource(path, maxBytes), shape, complaints);
    };
    const services = await readList('services', dldbService);
    const english = await readList('services_en', dldbService);
    const locations = await readList<DldbLocation>('locations', dldbLocation);
    const authorities = await readList<DldbAuthority>('authorities', dldbAuthority);
    const additions = await readAdditions(files['forms'], services, complaints);
    complaints.refuseIfAny();
    if (services.size === 0) throw refuseImport('services', 'lists no service; a catalogue without services is not imported');
    return [...services.values()].map((service): OfferRecord =>
      dldbOffer(service, { locations, authorities, english: english.get(service.id), addition: additions.get(service.id) }),
    );
  },
};

/** Entries by id. Complains about everything that is not as the format has it. */
function entriesOf<T extends { id: string }>(source: SourceText, shape: z.ZodType<T>, complaints: Complaints): Map<string, T> {
  const document = parseJson(source, limits);
  const wrapped = typeof document === 'object' && document !== null && !Array.isArray(document);
  const file = wrapped ? (document as Readonly<Record<string, unknown>>) : {};
  const list: unknown = wrapped ? file['data'] : document;
  const found = new Map<string, T>();
  if (!Array.isArray(list)) throw refuseImport(source.name, 'expected a list of entries, or an object with such a list under "data"');
  if (list.length > maxEntries) throw refuseImport(source.name, `has ${list.length} entries; at most ${maxEntries} are read`);
  const path = wrapped ? '$.data' : '$';
  const announced = announcedBy(file);
  if (announced !== undefined && list.length < announced)
    complaints.add(`${source.name}: ${path}`, `has ${list.length} entries where the file announces ${announced}; it is not complete`);
  if (failedBy(file)) complaints.add(`${source.name}: $.error`, 'says that making the export failed; it may not be complete');
  for (const [index, entry] of list.entries()) {
    const parsed = shape.safeParse(entry);
    if (!parsed.success) {
      for (const issue of parsed.error.issues)
        complaints.add(`${source.name}: ${[`${path}[${index}]`, ...issue.path.map(String)].join('.')}`, issue.message);
      continue;
    }
    const { id } = parsed.data;
    if (found.has(id)) complaints.add(`${source.name}: ${path}[${index}].id`, `"${id}" stands there twice; ids must be unique`);
    found.set(id, parsed.data);
  }
  return found;
}

const additionFile = zod.record(
  zod.string(),
  zod.strictObject({ form: zod.string().min(1), assuranceLevel: zod.enum(assuranceLevels).default('LOW') }),
);

/** Forms by local id. Names only services that the catalogue has: a form for none is a mistake. */
async function readAdditions(
  path: string | undefined,
  services: ReadonlyMap<string, DldbService>,
  complaints: Complaints,
): Promise<Map<string, DldbAddition>> {
  const additions = new Map<string, DldbAddition>();
  if (path === undefined) return additions;
  const source = await readSource(path, 1024 * 1024);
  const parsed = additionFile.safeParse(parseYaml(source.text, { maxAliasCount: 0 }));
  if (!parsed.success) throw refuseImport(source.name, zod.prettifyError(parsed.error));
  for (const [id, { form, assuranceLevel }] of Object.entries(parsed.data))
    if (services.has(id)) {
      try {
        additions.set(id, { form: await readForm(form, source.path), assuranceLevel });
      } catch (error) {
        if (error instanceof RefusedFiles) throw error;
        complaints.add(`${source.name}: ${id}.form`, error instanceof Error ? error.message : String(error));
      }
    } else complaints.add(`${source.name}: ${id}`, 'is no service of the catalogue');
  return additions;
}
