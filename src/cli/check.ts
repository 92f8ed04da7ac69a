import { isAbsolute, relative } from 'node:path';
import type { AdapterDefinition, Health, Language } from '#contract';
import { checkCatalogue } from '../catalogue/import/cities.ts';
import { readKnown } from '../catalogue/import/known.ts';
import { createCities, type ConnectedCity } from '../cities/cities.ts';
import { loadCities } from '../cities/load.ts';
import { complaintText } from '../cities/load/complaint.ts';
import { readSubgraphFiles } from '../federation/read-files.ts';
import { createMemoryCache } from '../infra/cache/memory.ts';
import { createLog } from '../infra/log.ts';
import { createMetrics } from '../infra/metrics.ts';

export interface CheckOptions {
  /** Folder of the cities' files. */
  readonly folder: string;
  /** Folder of the reference records. */
  readonly referenceFolder: string;
  /** Folder of the files of subgraphs; may be absent. @default none is read */
  readonly subgraphs?: string;
  readonly adapters: readonly AdapterDefinition[];
  /** Where `$env` references look. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @default 'DE' */
  readonly language?: Language;
  /** One JSON document instead of lines for people. @default false */
  readonly json?: boolean;
  /** Only read the files; ask no back office. @default false */
  readonly offline?: boolean;
  /** Secrets in clear text pass, and adapters without a current report of the conformance kit are only noted. @default false */
  readonly development?: boolean;
}

interface Checked {
  readonly city: string;
  readonly adapter: string;
  readonly product: string;
  readonly health: Health;
}

const words = {
  DE: { fine: 'in Ordnung', wrong: 'Fehler', unasked: 'Datei in Ordnung, nicht gefragt' },
  EN: { fine: 'fine', wrong: 'wrong', unasked: 'file fine, not asked' },
} as const;

/**
 * Checks all that a start would read (cities' files, their offers and forms, subgraphs' files) and, read-only, every
 * connection, all at once and each with its own deadline. Resolves to the exit code: 0 all is well, 1 a back office has
 * something against it, 2 a file is wrong.
 */
export async function runCheck(options: CheckOptions, out: (line: string) => void): Promise<number> {
  const { folder, language = 'DE', json = false, offline = false } = options;
  const { connected, complaints, notes, wrong } = await readAll(options);
  const checked = offline ? [] : await askAll(connected, language);
  const code = complaints.length > 0 ? 2 : checked.some(({ health }) => !health.ok) ? 1 : 0;
  if (json) {
    out(JSON.stringify({ ok: code === 0, complaints, notes, connections: checked }, null, 2));
    return code;
  }
  const say = words[language];
  for (const complaint of [...complaints, ...notes]) out(complaintText(complaint, language));
  for (const { city, adapter, product, health } of checked) {
    const ms = health.probes.reduce((sum, probe) => sum + probe.ms, 0);
    out(
      `${city}/${adapter} (${product}${health.system && health.system.toLowerCase() !== product ? `, ${health.system}` : ''}): ${health.ok ? say.fine : say.wrong}, ${ms} ms`,
    );
    for (const probe of health.probes)
      if (!probe.ok) out(`  ${folder}/${city}.yaml adapters.${adapter}: ${probe.name}: ${probe.hint ?? say.wrong}`);
  }
  if (offline) for (const { city } of connected) if (!wrong.has(city.id)) out(`${city.id}: ${say.unasked}`);
  return code;
}

/** Every file that a start would read, and what is wrong with it. A form that several offers name is told of once. */
async function readAll({ folder, referenceFolder, subgraphs, adapters, env, development = false }: CheckOptions) {
  const known = await readKnown(referenceFolder);
  const loaded = await loadCities({
    folder,
    adapters,
    env,
    literalSecrets: development,
    admission: development ? 'noted' : 'required',
    known,
  });
  const catalogues = await Promise.all(loaded.catalogues.map(({ file, ...city }) => checkCatalogue(city, file, known)));
  const { complaints: ofSubgraphs } = subgraphs === undefined ? { complaints: [] } : await readSubgraphFiles(subgraphs, env);
  const all = [...loaded.complaints, ...catalogues.flat(), ...ofSubgraphs].map((complaint) => ({
    ...complaint,
    file: near(complaint.file),
  }));
  const distinct = new Map(all.map((complaint) => [complaintText(complaint, 'EN'), complaint]));
  const complaints = [...distinct.values()].toSorted((one, other) =>
    one.file < other.file ? -1 : one.file > other.file ? 1 : one.line - other.line,
  );
  const wrong = new Set(loaded.catalogues.flatMap(({ id }, index) => (catalogues[index]?.length ? [id] : [])));
  return { connected: loaded.cities, complaints, notes: loaded.notes, wrong };
}

/** A path as short as it can be from here. */
const near = (file: string): string => (isAbsolute(file) && !relative('.', file).startsWith('..') ? relative('.', file) : file);

async function askAll(connected: readonly ConnectedCity[], language: Language): Promise<readonly Checked[]> {
  const cache = createMemoryCache();
  const cities = createCities({ connected, cache, log: createLog('silent'), metrics: createMetrics(), now: () => new Date(), language });
  try {
    await cities.start();
    const all = cities.list().flatMap((city) => city.adapters.map((adapter) => ({ city, adapter })));
    return await Promise.all(
      all.map(async ({ city, adapter }) => ({
        city: city.id,
        adapter: adapter.id,
        product: adapter.product,
        health: await cities.check(city.id, adapter.id),
      })),
    );
  } finally {
    await cities.stop();
    await cache.close();
  }
}
