import { join } from 'node:path';
import { parse as parseCsv } from 'csv-parse/sync';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { isLeikaKey } from '#contract';
import { bulkPlace, keyOf, type Row } from '../records.ts';
import type { EverydayWords } from '../search/everyday.ts';
import { refuseImport } from './complaints.ts';
import { readSource, type SourceText } from './source.ts';

/** Largest reference file, in bytes. */
const maxBytes = 64 * 1024 * 1024;

/** The reference files, read but not parsed: parsing is spared where nothing changed. */
export type ReferenceFiles = Readonly<Record<keyof typeof fileNames, SourceText>>;

const fileNames = {
  municipalities: 'municipalities.csv',
  changes: 'municipality-changes.yaml',
  postalCodes: 'postal-codes/postal-codes.csv',
  leika: 'leika.csv',
  founding: 'founding-services.yaml',
  equivalences: 'equivalences.yaml',
  situations: 'life-situations.yaml',
} as const;

/** Reads the reference files of a folder. */
export async function readReferenceFiles(folder: string): Promise<ReferenceFiles> {
  const entries = await Promise.all(
    Object.entries(fileNames).map(async ([part, name]) => [part, await readSource(join(folder, name), maxBytes)]),
  );
  return Object.fromEntries(entries) as ReferenceFiles;
}

/** Other names of services, by service key (synonyms.yaml). */
export async function readSynonyms(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const file = await readSource(join(folder, 'synonyms.yaml'), maxBytes);
  return new Map(Object.entries(parseWith(z.record(leikaKey, z.array(z.string().min(1)).min(1)), file)));
}

/** Words with white space between. */
const wordList = z.string().transform((text) => text.split(/\s+/).filter((word) => word !== ''));
/** Phrases with commas between. */
const phraseList = z.string().transform((text, context) => {
  const phrases = text.split(',').map((phrase) => phrase.trim());
  if (phrases.some((phrase) => phrase === '')) context.addIssue({ code: 'custom', message: 'expected phrases with one comma between' });
  return phrases;
});
const everydayFile = z.strictObject({
  silent: wordList,
  weak: wordList,
  common: wordList,
  wishes: wordList,
  verbs: z.record(z.string().min(1), wordList),
  actions: z.record(z.string().regex(/^\d{3}$/, "LeiKa's number of an action: three digits, in quotes"), z.array(z.string().min(1)).min(1)),
  words: z.record(z.string().min(1), z.array(z.string().min(1)).min(1)),
  services: z.record(z.string().regex(/^99\d{12}$/, 'a LeiKa key: 14 digits, 99 first'), phraseList),
  topics: z.record(z.string().regex(/^99\d{6}0{6}$/, 'the key of an object of LeiKa: 14 digits, 99 first, six zeros last'), wordList),
});

const situationsFile = z.record(
  z.string().min(1),
  z.strictObject({ also: phraseList, services: z.array(z.string().regex(/^99\d{12}$/, 'a LeiKa key: 14 digits, 99 first')) }),
);

/** What people say and what it means (everyday.yaml), also for life situations (life-situations.yaml). */
export async function readEverydayWords(folder: string): Promise<EverydayWords> {
  const [file, called] = (await Promise.all(
    ['everyday.yaml', fileNames.situations].map((name) => readSource(join(folder, name), maxBytes)),
  )) as [SourceText, SourceText];
  const { silent, weak, common, wishes, ...maps } = parseWith(everydayFile, file);
  const situations = new Map(Object.entries(parseWith(situationsFile, called)).map(([name, { also }]) => [name, also]));
  const [verbs, actions, words, services, topics] = [maps.verbs, maps.actions, maps.words, maps.services, maps.topics].map(
    (entries) => new Map(Object.entries(entries as Record<string, readonly string[]>)),
  );
  return { silent, weak, common, wishes, verbs, actions, words, services, topics, situations } as EverydayWords;
}

const leikaKey = z.string().regex(/^99\d{12}$/, 'a LeiKa key: 14 digits, 99 first');
const ars = z.string().regex(/^\d{12}$/, 'an ARS of 12 digits');
const day = z.iso.date();

function parseWith<T>(shape: z.ZodType<T>, { name, text }: SourceText): T {
  const parsed = shape.safeParse(parseYaml(text, { maxAliasCount: 0 }));
  if (parsed.success) return parsed.data;
  throw refuseImport(name, z.prettifyError(parsed.error));
}

/** Several parts are made of the list of municipalities; reading it costs most of an import. */
const parsed = new WeakMap<SourceText, Record<string, string>[]>();

function csv<Column extends string>(source: SourceText, columns: readonly Column[]): readonly Record<Column, string>[] {
  const { name, text } = source;
  const rows = parsed.get(source) ?? parseCsv<Record<string, string>>(text, { columns: true, bom: true, skip_empty_lines: true });
  parsed.set(source, rows);
  const missing = columns.filter((column) => rows[0]?.[column] === undefined);
  if (missing.length > 0) throw refuseImport(name, `lacks the column(s) ${missing.join(', ')}`);
  return rows;
}

const numberOrNull = (text: string): number | null => (text === '' || Number.isNaN(Number(text)) ? null : Number(text));

/** Rows of a table without repetition of a key, in their order. */
function distinct<T extends Parameters<typeof keyOf>[0]>(table: T, rows: readonly Row<T>[]): Row<T>[] {
  return [...new Map(rows.map((row) => [keyOf(table, row), row])).values()];
}

const formerKey = z.string().regex(/^(\d{8}|\d{12})$/, 'an ARS of 12 digits or an AGS of 8');
const changesFile = z.strictObject({
  later: z.array(z.strictObject({ from: ars, to: ars, since: day, kind: z.string(), district: z.string().nullable(), source: z.string() })),
  earlier: z.array(z.strictObject({ since: day, source: z.string(), keys: z.record(formerKey, z.union([ars, z.array(ars).min(2)])) })),
});

/** Changes of municipality keys (municipality-changes.yaml). @throws HubError IMPORT_REFUSED if one leads to no municipality */
export function readChanges(files: ReferenceFiles): Row<'municipality_change'>[] {
  const { later, earlier } = parseWith(changesFile, files.changes);
  const rows = [
    ...later.map(({ from, to, since, source }) => ({ old_ars: from, new_ars: to, valid_from: since, source })),
    ...earlier.flatMap(({ since, source, keys }) =>
      Object.entries(keys).flatMap(([from, to]) => [to].flat().map((one) => ({ old_ars: from, new_ars: one, valid_from: since, source }))),
    ),
  ];
  const known = new Set([...readMunicipalities(files).map((row) => row.ars), ...rows.map(({ old_ars }) => old_ars)]);
  const astray = rows.find(({ new_ars }) => !known.has(new_ars));
  if (astray) throw refuseImport(files.changes.name, `${astray.old_ars} became ${astray.new_ars}, which no municipality has`);
  return rows;
}

/** Municipalities of GV-ISys, and each that changed its key under the new one as well. */
export function readMunicipalities(files: ReferenceFiles): Row<'municipality'>[] {
  const listed = csv(files.municipalities, ['ars', 'ags', 'name', 'typ', 'land', 'kreis', 'flaeche_ha', 'einwohner']).map((row) => ({
    ars: row.ars,
    ags: row.ags,
    // The designation after the comma (`, Stadt`, `, Landeshauptstadt`) is in `kind` already.
    name: row.name.split(', ')[0] as string,
    kind: row.typ,
    federal_state: row.land,
    district: row.kreis.split(', ')[0] || null,
    population: numberOrNull(row.einwohner),
    area_hectares: numberOrNull(row.flaeche_ha),
    valid_from: null as string | null,
    valid_to: null as string | null,
  }));
  const byArs = new Map(listed.map((row) => [row.ars, row]));
  for (const { from, to, since, kind, district } of parseWith(changesFile, files.changes).later) {
    const old = byArs.get(from);
    if (!old) throw refuseImport(files.changes.name, `names ${from}, which ${files.municipalities.name} does not have`);
    byArs.set(to, { ...old, ars: to, ags: `${to.slice(0, 5)}${to.slice(9)}`, kind, district, valid_from: since, valid_to: null });
    byArs.set(from, { ...old, valid_to: dayBefore(since) });
  }
  return [...byArs.values()];
}

const dayBefore = (date: string): string => new Date(Date.parse(`${date}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);

/**
 * Postal codes by municipality, and those that administrations have for themselves: a seat's code that the list of places
 * does not have is one of a large receiver (Großempfänger).
 */
export function readPostalCodes(files: ReferenceFiles): Row<'postal_code'>[] {
  const places = csv(files.postalCodes, ['plz', 'ags', 'ort']).map(({ plz, ags, ort }) => ({ postal_code: plz, ags, place: ort }));
  const known = new Set(places.map(({ postal_code }) => postal_code));
  const placed = new Set(places.map(({ ags }) => ags));
  const bulk = csv(files.municipalities, ['ags', 'plz_sitz']).flatMap(({ ags, plz_sitz }) =>
    /^\d{5}$/.test(plz_sitz) && !known.has(plz_sitz) && placed.has(ags) ? [{ postal_code: plz_sitz, ags, place: bulkPlace }] : [],
  );
  return distinct('postal_code', [...places, ...bulk]);
}

const founding = z.strictObject({
  as_of: day,
  services: z.array(
    z.strictObject({
      key: leikaKey,
      name: z.strictObject({ de: z.string(), en: z.string() }),
      summary: z.strictObject({ de: z.string(), en: z.string() }),
    }),
  ),
});

/** Services with a LeiKa key, the founding ones under the names people use; and how many rows have no key. */
export function readServices(files: ReferenceFiles): { readonly rows: Row<'service'>[]; readonly withoutKey: number } {
  const own = new Map(parseWith(founding, files.founding).services.map((service) => [service.key, service]));
  const listed = csv(files.leika, ['leistungsschluessel', 'typisierung', 'leistung', 'ozg_id', 'lage', 'rechtsgrundlage']);
  const situations = Object.entries(parseWith(situationsFile, files.situations));
  /** By object: its actions belong to the same situations. */
  const added = Map.groupBy(
    situations.flatMap(([name, { services }]) => services.map((key) => ({ name, object: key.slice(0, 8) }))),
    ({ object }) => object,
  );
  const keyed = listed.filter((row) => isLeikaKey(row.leistungsschluessel));
  const rows = keyed.map((row) => {
    const better = own.get(row.leistungsschluessel);
    return {
      key: row.leistungsschluessel,
      name_de: better?.name.de ?? row.leistung.trim(),
      name_en: better?.name.en ?? null,
      summary_de: better?.summary.de ?? null,
      summary_en: better?.summary.en ?? null,
      typing: row.typisierung || null,
      ozg_id: row.ozg_id || null,
      life_situations: JSON.stringify([
        ...new Set(
          [row.lage.trim(), ...(added.get(row.leistungsschluessel.slice(0, 8)) ?? []).map(({ name }) => name)].filter(
            (name) => name !== '',
          ),
        ),
      ]),
      legal_basis: JSON.stringify(legalBases(row.rechtsgrundlage)),
      source: better ? 'founding-services.yaml, leika.csv' : 'leika.csv',
      as_of: '2019-10',
    };
  });
  const known = new Set(keyed.map((row) => row.leistungsschluessel));
  const unknown = [...own.keys()].find((key) => !known.has(key));
  if (unknown) throw refuseImport(files.founding.name, `names ${unknown}, which ${files.leika.name} does not have`);
  return { rows: distinct('service', rows), withoutKey: listed.length - keyed.length };
}

/** `§ 45 StVO [https://…], § 46 StVO [https://…]` as a list without the addresses. */
const legalBases = (text: string): string[] =>
  text
    .split(/(?<=\]),\s*/)
    .map((part) => part.replace(/\s*\[[^\]]*\]$/, '').trim())
    .filter((part) => part !== '');

const equivalenceList = z.array(
  z.strictObject({ keys: z.tuple([leikaKey, leikaKey]), provenance: z.string(), source: z.string(), as_of: day }),
);

/** Pairs of keys for the same service. */
export const readEquivalences = (files: ReferenceFiles): Row<'service_equivalence'>[] =>
  distinct(
    'service_equivalence',
    parseWith(equivalenceList, files.equivalences).map(({ keys, provenance, source, as_of }) => ({
      key_a: keys[0],
      key_b: keys[1],
      provenance,
      source: source.trim(),
      as_of,
    })),
  );
