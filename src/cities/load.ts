import { access, readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contractVersions, parseMunicipalityArs, type AdapterDefinition, type Json, type MappableStatus } from '#contract';
import { admission, readReport, reportPath } from './admission.ts';
import type { CallLimits, City, CityAdapter, CityCatalogue, ConnectedAdapter, ConnectedCity } from './cities.ts';
import { complaintsOfCatalogue, type CatalogueEntry } from './load/catalogue.ts';
import { say, type Complaint, type Saying } from './load/complaint.ts';
import { checkConfig } from './load/config.ts';
import { commonContract, findDefinition, type FoundDefinition } from './load/definition.ts';
import { toCoordination, type CoordinationEntry } from './load/coordination.ts';
import { complaintsOfKnown, type Known } from './load/known.ts';
import { checkEvents, toGrant, type EventsEntry, type GrantEntry } from './load/events.ts';
import { complaintsOfPorts, portsOf, type Ports } from './load/ports.ts';
import { complaintsOfShape } from './load/shape.ts';
import { readSource, type Path, type Source } from './load/source.ts';
import { complaintsOfTreaties, notesOnTreaties, toTreaty, type TreatyEntry } from './load/treaties.ts';

export interface LoadOptions {
  /** Folder of the cities' files. */
  readonly folder: string;
  /** Those that ship with the hub; a city's file may name others by their module. */
  readonly adapters: readonly AdapterDefinition[];
  /** Where `$env` references look. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Secrets in clear text pass: for development only. @default false */
  readonly literalSecrets?: boolean;
  /** What an adapter without a current report of the conformance kit means for its city. @default 'ignored' */
  readonly admission?: 'required' | 'noted' | 'ignored';
  /** Municipalities and services that there are; without it, any key passes that is written like one. */
  readonly known?: Known;
}

export interface LoadedCities {
  /** The cities whose files are right. */
  readonly cities: readonly ConnectedCity[];
  /** Everything that is wrong with the others. */
  readonly complaints: readonly Complaint[];
  /** What keeps no city out: what would in production and does not here, and treaties that do not hold yet. */
  readonly notes: readonly Complaint[];
  /** Where catalogues are, also of cities whose files are wrong elsewhere. */
  readonly catalogues: readonly NamedCatalogue[];
}

/** What a city's file says of its catalogue. */
export interface NamedCatalogue extends Pick<City, 'id' | 'ars' | 'catalogue'> {
  /** The city's file. */
  readonly file: string;
}

/** A city's file after its shape was checked. */
interface CityFile {
  readonly ars: string;
  readonly name: string;
  readonly since: string;
  readonly paused?: boolean;
  readonly catalogue?: CatalogueEntry;
  readonly events?: EventsEntry;
  readonly grants?: readonly GrantEntry[];
  readonly treaties?: readonly TreatyEntry[];
  readonly coordination?: CoordinationEntry;
  readonly adapters: Readonly<Record<string, AdapterEntry>>;
}

interface AdapterEntry {
  readonly product: string;
  readonly services?: readonly string[];
  readonly config: Json;
  readonly statusMap?: Readonly<Record<string, MappableStatus>>;
  readonly limits?: Partial<Omit<CallLimits, 'breaker'>> & { readonly breaker?: Partial<CallLimits['breaker']> };
}

/** After how many hours an adapter's catalogue is read again where the city's file does not say. */
const everyHoursDefault = 24;

/** How hard a back office is pressed where its city's file does not say. */
export const limitDefaults: CallLimits = { concurrency: 4, timeoutMs: 8_000, retries: 2, breaker: { failures: 5, halfOpenMs: 30_000 } };

/**
 * Reads all cities' files. A file is right as a whole or its city is left out, with every complaint at once: its shape
 * (schema/city.schema.json), each adapter's config, what the files mean together. Nothing is sent anywhere.
 */
export async function loadCities(options: LoadOptions): Promise<LoadedCities> {
  const { folder } = options;
  const names = await readdir(folder).catch(() => null);
  const files = await byAge(
    folder,
    (names ?? []).filter((name) => /\.ya?ml$/.test(name)),
  );
  if (files.length === 0)
    return {
      cities: [],
      complaints: [{ file: folder, line: 1, column: 1, path: '', ...(names ? say.noFiles() : say.unreadable('ENOENT')) }],
      notes: [],
      catalogues: [],
    };

  const cities: ConnectedCity[] = [];
  const complaints: Complaint[] = [];
  const notes: Complaint[] = [];
  const catalogues: NamedCatalogue[] = [];
  const taken = new Map<string, string>();
  const sources = new Map<City, Source>();
  for (const name of files) {
    const loaded = await loadCity(join(folder, name), name.replace(/\.ya?ml$/, ''), options);
    if (loaded.catalogue) catalogues.push(loaded.catalogue);
    if ('complaints' in loaded) {
      complaints.push(...loaded.complaints);
      continue;
    }
    const { connected, source } = loaded;
    notes.push(...loaded.notes);
    const { ars } = connected.city;
    const other = taken.get(ars);
    if (other !== undefined) complaints.push(source.complain(['ars'], say.duplicateArs(ars, other)));
    else {
      cities.push(connected);
      sources.set(connected.city, source);
    }
    taken.set(ars, other ?? name);
  }
  return {
    cities: cities.toSorted((one, other) => (one.city.id < other.city.id ? -1 : 1)),
    complaints: complaints.toSorted((one, other) => (one.file < other.file ? -1 : one.file > other.file ? 1 : 0)),
    notes: [...notes, ...notesOnTreaties(sources)],
    catalogues,
  };
}

/**
 * The files as they were changed, the oldest first, then by name: where two claim the same, the one that came later is to be
 * put right. A copy is newer than what it was copied from.
 */
async function byAge(folder: string, names: readonly string[]): Promise<readonly string[]> {
  const aged = await Promise.all(
    names.map(async (name) => ({
      name,
      changed: await stat(join(folder, name)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    })),
  );
  return aged.toSorted((one, other) => one.changed - other.changed || (one.name < other.name ? -1 : 1)).map(({ name }) => name);
}

interface LoadedCity {
  readonly catalogue: NamedCatalogue | null;
  readonly connected: ConnectedCity;
  readonly source: Source;
  readonly notes: readonly Complaint[];
}

async function loadCity(
  path: string,
  id: string,
  options: LoadOptions,
): Promise<LoadedCity | { complaints: readonly Complaint[]; catalogue: NamedCatalogue | null }> {
  const source = await readSource(path);
  if (!('complain' in source)) return { complaints: source, catalogue: null };
  const complaints: Complaint[] = [...complaintsOfShape(source), ...complaintsOfNumbers(source)];
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(id)) complaints.push(source.complain([], say.badName(id)));
  if (complaints.length > 0) return { complaints, catalogue: null };

  const file = source.value as unknown as CityFile;
  const ars = parseMunicipalityArs(file.ars);
  const catalogue = ars !== null && file.catalogue ? { id, ars, file: path, catalogue: toCatalogue(path, file.catalogue) } : null;
  const connected: ConnectedAdapter[] = [];
  const notes: Complaint[] = [];
  const ports = new Map<string, Ports>();
  for (const [name, entry] of Object.entries(file.adapters)) {
    const adapter = await checkAdapter(source, name, entry, options);
    if ('complaints' in adapter) complaints.push(...adapter.complaints);
    else {
      connected.push(adapter.connected);
      const found = portsOf(adapter.connected, { city: id, ars: file.ars });
      ports.set(name, found);
      complaints.push(...complaintsOfPorts(source, name, entry, found));
      if (adapter.unproven) (options.admission === 'required' ? complaints : notes).push(adapter.unproven);
    }
  }
  const missing = await missingFiles(source, path, file.catalogue);
  complaints.push(
    ...(options.known ? complaintsOfKnown(source, options.known) : []),
    ...claimedTwice(source, file.adapters),
    ...complaintsOfTreaties(source, file),
    ...(file.catalogue ? complaintsOfCatalogue(source, file.catalogue, Object.keys(file.adapters), ports) : []),
    ...missing,
  );
  const events = file.events
    ? checkEvents(source, file.events, {
        adapters: Object.keys(file.adapters),
        ports,
        env: options.env,
        development: options.literalSecrets ?? false,
      })
    : null;
  if (events && !('channel' in events)) complaints.push(...events);
  const readable = missing.length === 0 ? catalogue : null;
  if (ars === null || complaints.length > 0) return { complaints, catalogue: readable };

  const city: City = {
    id,
    ars,
    name: file.name,
    since: file.since,
    paused: file.paused ?? false,
    adapters: connected.flatMap(({ id: name, definition }) => {
      const entry = file.adapters[name];
      return entry ? [toAdapter(name, definition.id, entry)] : [];
    }),
    catalogue: catalogue?.catalogue ?? null,
    ...(events && 'channel' in events ? { events: events.channel } : {}),
    ...(file.grants ? { grants: file.grants.map(toGrant) } : {}),
    ...(file.treaties ? { treaties: file.treaties.map(toTreaty) } : {}),
    ...(file.coordination ? { coordination: toCoordination(file.coordination) } : {}),
  };
  const webhook = events && 'channel' in events && events.webhook ? { webhook: events.webhook } : {};
  return { catalogue: readable, connected: { city, adapters: connected, ...webhook }, source, notes };
}

type CheckedAdapter = { connected: ConnectedAdapter; unproven: Complaint | null } | { complaints: readonly Complaint[] };

async function checkAdapter(source: Source, name: string, entry: AdapterEntry, options: LoadOptions): Promise<CheckedAdapter> {
  const { adapters, env, literalSecrets = false } = options;
  const at: Path = ['adapters', name];
  const product = (saying: Saying): Complaint => source.complain([...at, 'product'], saying);
  const found = await findDefinition(entry.product, source.file, adapters);
  if ('problem' in found) return { complaints: [product(found)] };
  const { definition } = found;
  const contract = commonContract(definition.contract);
  if (contract === null) return { complaints: [product(say.wrongContract(definition.contract, contractVersions))] };
  const checked = await checkConfig(source, [...at, 'config'], entry.config, definition, { env, literalSecrets });
  if (!('config' in checked)) return { complaints: checked };
  const unproven = options.admission === 'required' || options.admission === 'noted' ? notAdmitted(found, source.file, name) : null;
  return { connected: { id: name, definition, contract, ...checked }, unproven: unproven && product(unproven) };
}

/** What is to be said of an adapter that no current report of the conformance kit speaks for. */
function notAdmitted({ definition, module }: FoundDefinition, cityFile: string, name: string): Saying | null {
  const report = reportPath(module);
  const state = admission(readReport(report), module, definition);
  if (state === 'current') return null;
  const near = (path: string) => relative(process.cwd(), path);
  const samples = near(join(dirname(report), 'samples.yaml'));
  return say.notAdmitted(
    definition.id,
    state,
    `npx staedtebund conformance ${near(fileURLToPath(module))} --config ${near(resolve(cityFile))} --adapter ${name} --samples ${samples} --report json --out ${near(report)}`,
  );
}

const toCatalogue = (
  cityFile: string,
  { format = '', files = {}, adapter, everyHours = everyHoursDefault }: CatalogueEntry,
): CityCatalogue =>
  adapter === undefined
    ? { format, files: Object.fromEntries(Object.entries(files).map(([part, where]) => [part, located(cityFile, where)])) }
    : { adapter, everyHours };

const toAdapter = (id: string, product: string, { services = [], statusMap = {}, limits }: AdapterEntry): CityAdapter => ({
  id,
  product,
  services,
  statusMap: new Map(Object.entries(statusMap)),
  limits: { ...limitDefaults, ...limits, breaker: { ...limitDefaults.breaker, ...limits?.breaker } },
});

/** Numbers of the file's own keys are whole; what adapters take is for their schemas to say. */
const complaintsOfNumbers = (source: Source): readonly Complaint[] =>
  source
    .numbers()
    .filter(
      ({ path: [top, , part], written }) =>
        !(top === 'adapters' && part === 'config') && /[.eE]/.test(written) && Number.isInteger(Number(written)),
    )
    .map(({ path, written }) => source.complain(path, say.notWhole(written, false)));

/** Each service has one adapter; `*` takes what no other names. */
function claimedTwice(source: Source, adapters: CityFile['adapters']): readonly Complaint[] {
  const owners = new Map<string, string>();
  return Object.entries(adapters).flatMap(([name, { services = [] }]) =>
    services.flatMap((service, index) => {
      const owner = owners.get(service);
      owners.set(service, owner ?? name);
      return owner === undefined ? [] : [source.complain(['adapters', name, 'services', index], say.claimedTwice(service, owner))];
    }),
  );
}

const isAddress = (where: string): boolean => /^https?:\/\//.test(where);

const located = (cityFile: string, where: string): string => (isAddress(where) ? where : resolve(dirname(cityFile), where));

async function missingFiles(source: Source, cityFile: string, catalogue: CatalogueEntry | undefined): Promise<readonly Complaint[]> {
  const missing: Complaint[] = [];
  for (const [part, where] of Object.entries(catalogue?.files ?? {})) {
    if (isAddress(where)) continue;
    const there = await access(located(cityFile, where)).then(
      () => true,
      () => false,
    );
    if (!there) missing.push(source.complain(['catalogue', 'files', part], say.fileMissing(where)));
  }
  return missing;
}
