import { access, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { contractVersion, parseMunicipalityArs, type AdapterDefinition, type Json, type MappableStatus } from '#contract';
import type { CallLimits, City, CityAdapter, CityCatalogue, ConnectedAdapter, ConnectedCity } from './cities.ts';
import { say, type Complaint } from './load/complaint.ts';
import { checkConfig, type ConfigOptions } from './load/config.ts';
import { complaintsOfShape } from './load/shape.ts';
import { readSource, type Path, type Source } from './load/source.ts';

export interface LoadOptions {
  /** Folder of the cities' files. */
  readonly folder: string;
  readonly adapters: readonly AdapterDefinition[];
  /** Where `$env` references look. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Secrets in clear text pass: for development only. @default false */
  readonly literalSecrets?: boolean;
}

export interface LoadedCities {
  /** The cities whose files are right. */
  readonly cities: readonly ConnectedCity[];
  /** Everything that is wrong with the others. */
  readonly complaints: readonly Complaint[];
}

/** A city's file after its shape was checked. */
interface CityFile {
  readonly ars: string;
  readonly name: string;
  readonly since: string;
  readonly paused?: boolean;
  readonly catalogue?: CityCatalogue;
  readonly adapters: Readonly<Record<string, AdapterEntry>>;
}

interface AdapterEntry {
  readonly product: string;
  readonly services: readonly string[];
  readonly config: Json;
  readonly statusMap: Readonly<Record<string, MappableStatus>>;
  readonly limits?: Partial<Omit<CallLimits, 'breaker'>> & { readonly breaker?: Partial<CallLimits['breaker']> };
}

/** How hard a back office is pressed where its city's file does not say. */
export const limitDefaults: CallLimits = { concurrency: 4, timeoutMs: 8_000, retries: 2, breaker: { failures: 5, halfOpenMs: 30_000 } };

/**
 * Reads all cities' files. A file is right as a whole or its city is left out, with every complaint at once: its shape
 * (schema/city.schema.json), each adapter's config, what the files mean together. Nothing is sent anywhere.
 */
export async function loadCities(options: LoadOptions): Promise<LoadedCities> {
  const { folder } = options;
  const names = await readdir(folder).catch(() => null);
  const files = (names ?? []).filter((name) => /\.ya?ml$/.test(name)).toSorted();
  if (files.length === 0)
    return {
      cities: [],
      complaints: [{ file: folder, line: 1, column: 1, path: '', ...(names ? say.noFiles() : say.unreadable('ENOENT')) }],
    };

  const cities: ConnectedCity[] = [];
  const complaints: Complaint[] = [];
  const taken = new Map<string, string>();
  for (const name of files) {
    const loaded = await loadCity(join(folder, name), name.replace(/\.ya?ml$/, ''), options);
    if ('complaints' in loaded) {
      complaints.push(...loaded.complaints);
      continue;
    }
    const { connected, source } = loaded;
    const { ars } = connected.city;
    const other = taken.get(ars);
    if (other !== undefined) complaints.push(source.complain(['ars'], say.duplicateArs(ars, other)));
    else cities.push(connected);
    taken.set(ars, other ?? name);
  }
  return { cities, complaints };
}

async function loadCity(
  path: string,
  id: string,
  { adapters, env, literalSecrets = false }: LoadOptions,
): Promise<{ connected: ConnectedCity; source: Source } | { complaints: readonly Complaint[] }> {
  const source = await readSource(path);
  if (!('complain' in source)) return { complaints: source };
  const complaints: Complaint[] = [...complaintsOfShape(source)];
  if (!/^[a-z][a-z0-9-]{0,39}$/.test(id)) complaints.push(source.complain([], say.badName(id)));
  if (complaints.length > 0) return { complaints };

  const file = source.value as unknown as CityFile;
  const ars = parseMunicipalityArs(file.ars);
  const connected: ConnectedAdapter[] = [];
  for (const [name, entry] of Object.entries(file.adapters)) {
    const adapter = await checkAdapter(source, name, entry, adapters, { env, literalSecrets });
    if ('id' in adapter) connected.push(adapter);
    else complaints.push(...adapter);
  }
  complaints.push(...claimedTwice(source, file.adapters), ...(await missingFiles(source, path, file.catalogue)));
  if (ars === null || complaints.length > 0) return { complaints };

  const city: City = {
    id,
    ars,
    name: file.name,
    since: file.since,
    paused: file.paused ?? false,
    adapters: Object.entries(file.adapters).map(([name, entry]) => toAdapter(name, entry)),
    catalogue: file.catalogue
      ? {
          format: file.catalogue.format,
          files: Object.fromEntries(Object.entries(file.catalogue.files).map(([part, where]) => [part, located(path, where)])),
        }
      : null,
  };
  return { connected: { city, adapters: connected }, source };
}

async function checkAdapter(
  source: Source,
  name: string,
  entry: AdapterEntry,
  adapters: readonly AdapterDefinition[],
  options: ConfigOptions,
): Promise<ConnectedAdapter | readonly Complaint[]> {
  const at: Path = ['adapters', name];
  const definition = adapters.find(({ id }) => id === entry.product);
  if (!definition)
    return [
      source.complain(
        [...at, 'product'],
        say.unknownProduct(
          entry.product,
          adapters.map(({ id }) => id),
        ),
      ),
    ];
  if (!definition.contract.some((version) => version === contractVersion))
    return [source.complain([...at, 'product'], say.wrongContract(definition.contract, contractVersion))];
  const checked = await checkConfig(source, [...at, 'config'], entry.config, definition, options);
  return 'config' in checked ? { id: name, definition, ...checked } : checked;
}

const toAdapter = (id: string, { product, services, statusMap, limits }: AdapterEntry): CityAdapter => ({
  id,
  product,
  services,
  statusMap: new Map(Object.entries(statusMap)),
  limits: { ...limitDefaults, ...limits, breaker: { ...limitDefaults.breaker, ...limits?.breaker } },
});

/** Each service has one adapter; `*` takes what no other names. */
function claimedTwice(source: Source, adapters: CityFile['adapters']): readonly Complaint[] {
  const owners = new Map<string, string>();
  return Object.entries(adapters).flatMap(([name, { services }]) =>
    services.flatMap((service, index) => {
      const owner = owners.get(service);
      owners.set(service, owner ?? name);
      return owner === undefined ? [] : [source.complain(['adapters', name, 'services', index], say.claimedTwice(service, owner))];
    }),
  );
}

const isAddress = (where: string): boolean => /^https?:\/\//.test(where);

const located = (cityFile: string, where: string): string => (isAddress(where) ? where : resolve(dirname(cityFile), where));

async function missingFiles(source: Source, cityFile: string, catalogue: CityCatalogue | undefined): Promise<readonly Complaint[]> {
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
