import { randomBytes } from 'node:crypto';
import type { AdapterDefinition, Json } from '#contract';
import { places, type SchemaNode } from '../cities/load/marks.ts';
import type { Path } from '../cities/load/source.ts';

/** The JSON Schema of an adapter's config, as the hub asks for it. */
export const configSchema = (definition: AdapterDefinition): SchemaNode =>
  definition.config['~standard'].jsonSchema.input({ target: 'draft-2020-12' });

/** Places of a config that carry a mark, with their text. */
export const markedTexts = (
  definition: AdapterDefinition,
  config: Json,
  mark: 'secret' | 'endpoint',
): readonly { path: Path; text: string }[] =>
  [...places(configSchema(definition), config)].flatMap(({ path, value, node }) =>
    node['x-hub'] === mark && typeof value === 'string' ? [{ path, text: value }] : [],
  );

/** A copy of the config with this value at the path. */
export function withValue(config: Json, path: Path, value: Json): Json {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  if (Array.isArray(config)) return config.map((item: Json, index) => (index === Number(name) ? withValue(item, rest, value) : item));
  const record = (config ?? {}) as { readonly [key: string]: Json };
  return { ...record, [name]: withValue(record[name] ?? null, rest, value) };
}

/** A copy with every secret replaced by one nobody knows, of the same kind as far as that can be seen. */
export const withWrongSecrets = (definition: AdapterDefinition, config: Json): Json =>
  markedTexts(definition, config, 'secret').reduce((changed, { path, text }) => withValue(changed, path, wrong(text)), config);

/** A prefix such as `whsec_` stays; a key in PEM stays as it is, because no other one of its kind can be made up. */
function wrong(secret: string): string {
  if (secret.includes('-----BEGIN')) return secret;
  const prefix = /^[a-z]{2,10}_/.exec(secret)?.[0] ?? '';
  return (
    prefix +
    randomBytes(Math.max(8, Math.ceil((secret.length - prefix.length) / 2)))
      .toString('hex')
      .slice(0, Math.max(16, secret.length - prefix.length))
  );
}

/** The config as its adapter gets it. */
export type Validated = { readonly config: unknown } | { readonly issues: readonly string[] };

/** Validates as the hub does; the issues name places, never values. */
export async function validate(definition: AdapterDefinition, config: unknown): Promise<Validated> {
  const result = await definition.config['~standard'].validate(config);
  if (!result.issues) return { config: result.value };
  return {
    issues: result.issues.map(({ message, path }) => {
      const place = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
      return place === '' ? message : `${place}: ${message}`;
    }),
  };
}
