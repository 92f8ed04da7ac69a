import { existsSync, statSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { contractVersions, type AdapterDefinition } from '#contract';
import { shippedModule } from '../admission.ts';
import { say, type Saying } from './complaint.ts';

/** A definition and where it was found. */
export interface FoundDefinition {
  readonly definition: AdapterDefinition;
  /** URL of its module. */
  readonly module: string;
}

/** A module that waits for something while it is loaded must not keep the hub from starting. */
const LOAD_WITHIN_MS = 10_000;

/**
 * The adapter that a `product` names: one that ships with the hub, else a module. A module is a path (relative to the folder
 * of `file`, or absolute) of a file or of a folder with an `index`, or the name of an installed package. Loads and runs the
 * module; what is wrong with it is what is to be said about it.
 */
export async function findDefinition(
  product: string,
  file: string,
  shipped: readonly AdapterDefinition[],
): Promise<FoundDefinition | Saying> {
  const known = shipped.find(({ id }) => id === product);
  if (known) return { definition: known, module: shippedModule(known.id) };
  try {
    const path = isPath(product) ? moduleAt(resolve(dirname(file), product)) : packageAt(product, file);
    if (path === null) {
      const names = shipped.map(({ id }) => id);
      return isPath(product) ? say.moduleMissing(product) : say.unknownProduct(product, names);
    }
    const module = pathToFileURL(path).href;
    const definition = definitionIn(await load(module));
    const wrong = definition === null ? ['a default export that is an AdapterDefinition'] : lacking(definition);
    return definition === null || wrong.length > 0 ? say.noDefinition(product, wrong) : { definition, module };
  } catch (error) {
    return say.moduleFails(product, reason(error));
  }
}

/** The newest contract version that both speak, or null. */
export const commonContract = (speaks: readonly string[], ours: readonly string[] = contractVersions): string | null =>
  ours.find((version) => speaks.includes(version)) ?? null;

const isPath = (product: string): boolean => /^\.{0,2}[\\/]/.test(product) || isAbsolute(product);

const endings = ['ts', 'mts', 'js', 'mjs'];

function moduleAt(path: string): string | null {
  if (!existsSync(path)) return null;
  if (!statSync(path).isDirectory()) return path;
  return endings.map((ending) => join(path, `index.${ending}`)).find((candidate) => existsSync(candidate)) ?? null;
}

/** Looked for as Node does from the city's file. Names of Node's own modules are no adapters. */
function packageAt(name: string, file: string): string | null {
  try {
    const found = createRequire(resolve(file)).resolve(name);
    return isAbsolute(found) ? found : null;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return null;
    throw error;
  }
}

const contractUrl = new URL('../../contract/contract.ts', import.meta.url).href;
let hooked = false;

/** An adapter that imports `staedtebund/contract` gets the hub's own, wherever it lies, so that `instanceof AdapterError` holds. */
function shareContract(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'staedtebund/contract' ? { url: contractUrl, shortCircuit: true } : next(specifier, context),
  });
}

async function load(module: string): Promise<Record<string, unknown>> {
  shareContract();
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it is still loading after ${LOAD_WITHIN_MS / 1000} s`)), LOAD_WITHIN_MS);
  });
  try {
    return (await Promise.race([import(/* @vite-ignore */ module), tooLong])) as Record<string, unknown>;
  } finally {
    clearTimeout(timer);
  }
}

/** The default export, or the only export that could be a definition. */
function definitionIn(exports: Record<string, unknown>): AdapterDefinition | null {
  const objects = Object.values(exports).filter((value) => value !== null && typeof value === 'object' && 'create' in value);
  const chosen = exports['default'] ?? (objects.length === 1 ? objects[0] : null);
  return chosen !== null && typeof chosen === 'object' ? (chosen as AdapterDefinition) : null;
}

/** What an object lacks to be a definition: it may come from anywhere and be anything. */
function lacking(definition: AdapterDefinition): readonly string[] {
  const { id, version, contract, config, create } = definition as Partial<Record<keyof AdapterDefinition, unknown>>;
  const schema = (config as { '~standard'?: { validate?: unknown; jsonSchema?: { input?: unknown } } } | null | undefined)?.['~standard'];
  const parts: readonly [part: string, there: boolean][] = [
    ['id (a text of lower-case letters, digits and hyphens)', typeof id === 'string' && /^[a-z][a-z0-9-]{0,39}$/.test(id)],
    ['version (a text such as 1.0.0)', typeof version === 'string' && /^\d+\.\d+\.\d+/.test(version)],
    [
      'contract (a list such as ["1.0"])',
      Array.isArray(contract) && contract.length > 0 && contract.every((one) => typeof one === 'string' && /^\d+\.\d+$/.test(one)),
    ],
    ['config (a zod 4 schema, or another Standard Schema)', typeof schema?.validate === 'function'],
    ['config["~standard"].jsonSchema (zod from 4.2 has it)', typeof schema?.jsonSchema?.input === 'function'],
    ['create (a function)', typeof create === 'function'],
  ];
  return parts.flatMap(([part, there]) => (there ? [] : [part]));
}

/** What Node says, on one line, with the place in the adapter where it says one. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'it throws something that is no Error';
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING') return 'a package must bring JavaScript, its types are not stripped.';
  const place = /\(?(file:\/\/\/\S+?\.[cm]?[jt]s:\d+)/.exec(error.stack ?? '')?.[1];
  const text = `${error.name}: ${error.message.split('\n').find((line) => line.trim() !== '') ?? code}`.slice(0, 300);
  return `${text}${place && !text.includes(place) ? ` (${place})` : ''}`;
}
