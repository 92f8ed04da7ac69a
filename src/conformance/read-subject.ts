import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { HubError, type AdapterDefinition, type Json } from '#contract';
import type { CallLimits } from '../cities/cities.ts';
import { limitDefaults } from '../cities/load.ts';
import { say, type Complaint } from '../cities/load/complaint.ts';
import { checkConfig } from '../cities/load/config.ts';
import { findDefinition, type FoundDefinition } from '../cities/load/definition.ts';
import { resolveReferences } from '../cities/load/references.ts';
import { complaintsOfShape } from '../cities/load/shape.ts';
import { readSource } from '../cities/load/source.ts';
import { noSamples, readSamples } from './read-samples.ts';
import type { Subject } from './subject.ts';

export interface SubjectSource {
  /** A shipped product, the path of an adapter's module, or a package. */
  readonly adapter: string;
  /** A city's file. */
  readonly config: string;
  /** Which of the file's adapters; needed where several are of this product. */
  readonly name?: string;
  /** A file of samples; without it, most checks stay unverified. */
  readonly samples?: string;
  /** Those that ship with the hub. */
  readonly shipped: readonly AdapterDefinition[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface Entry {
  readonly product: string;
  readonly config: Json;
  readonly statusMap?: Readonly<Record<string, string>>;
  readonly limits?: Partial<CallLimits>;
}

/**
 * What is put to the test, read as the hub reads it. Secrets in clear text pass: a test system's are no secrets.
 * @throws HubError CONFIG_INVALID if the adapter cannot be found or it is not clear which one is meant
 */
export async function readSubject(options: SubjectSource): Promise<Subject | { readonly complaints: readonly Complaint[] }> {
  const { config: file, samples: samplesFile, env } = options;
  const found = await findAdapter(options);
  const source = await readSource(file);
  if (!('complain' in source)) return { complaints: source };
  const shape = complaintsOfShape(source);
  if (shape.length > 0) return { complaints: shape };
  const { ars, adapters } = source.value as unknown as { readonly ars: string; readonly adapters: Readonly<Record<string, Entry>> };
  const name = options.name ?? (await nameOf(found, adapters, options));
  const entry = adapters[name];
  if (!entry) return { complaints: [source.complain(['adapters', name], say.notOneOf(name, Object.keys(adapters)))] };

  const checked = await checkConfig(source, ['adapters', name, 'config'], entry.config, found.definition, { env, literalSecrets: true });
  const samples = samplesFile === undefined ? noSamples : await readSamples(samplesFile);
  const complaints = [...('config' in checked ? [] : checked), ...('services' in samples ? [] : samples)];
  if (complaints.length > 0 || !('services' in samples)) return { complaints };
  return {
    definition: found.definition,
    module: found.module,
    city: file.replace(/^.*[\\/]/, '').replace(/\.ya?ml$/, ''),
    ars,
    config: resolveReferences(entry.config, env, source.file).value,
    mappedStatuses: new Set(Object.keys(entry.statusMap ?? {})),
    withdrawnStatuses: new Set(
      Object.entries(entry.statusMap ?? {}).flatMap(([native, status]) => (status === 'withdrawn' ? [native] : [])),
    ),
    limits: { ...limitDefaults, ...entry.limits },
    samples,
    surroundings: { folder: resolve(dirname(samplesFile ?? file)), env },
  };
}

/** A path counts from where the command is given. */
async function findAdapter({ adapter, shipped }: SubjectSource): Promise<FoundDefinition> {
  const product = shipped.some(({ id }) => id === adapter) || !existsSync(adapter) ? adapter : resolve(adapter);
  const found = await findDefinition(product, join(process.cwd(), 'here'), shipped);
  if ('definition' in found) return found;
  throw new HubError('CONFIG_INVALID', {
    de: `${adapter}: ${found.problem.de} ${found.remedy.de}`,
    en: `${adapter}: ${found.problem.en ?? found.problem.de} ${found.remedy.en ?? found.remedy.de}`,
  });
}

/** The only one of the file's adapters that is of this product. */
async function nameOf(
  found: FoundDefinition,
  adapters: Readonly<Record<string, Entry>>,
  { config, shipped }: SubjectSource,
): Promise<string> {
  const candidates: string[] = [];
  for (const [name, { product }] of Object.entries(adapters)) {
    const other = await findDefinition(product, config, shipped);
    if (product === found.definition.id || ('definition' in other && other.module === found.module)) candidates.push(name);
  }
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only;
  const all = Object.keys(adapters).join(', ');
  throw new HubError(
    'CONFIG_INVALID',
    candidates.length === 0
      ? {
          de: `${config} hat keinen Adapter des Produkts ${found.definition.id}; es gibt dort ${all}. Sagen Sie mit --adapter, welcher gemeint ist.`,
          en: `${config} has no adapter of the product ${found.definition.id}; it has ${all}. Say which one with --adapter.`,
        }
      : {
          de: `${config} hat mehrere Adapter des Produkts ${found.definition.id}: Sagen Sie mit --adapter, welcher gemeint ist: ${candidates.join(' oder ')}.`,
          en: `${config} has several adapters of the product ${found.definition.id}: say which one with --adapter ${candidates.join(' or ')}.`,
        },
  );
}
