import type { AdapterDefinition, Json } from '#contract';
import { SHORTEST_SECRET } from '../redaction.ts';
import { say, shown, type Complaint } from './complaint.ts';
import { expectedOf } from './expected.ts';
import { describedAt, places, type SchemaNode } from './marks.ts';
import { isReference, resolveReferences } from './references.ts';
import type { Path, Source } from './source.ts';

export interface ConfigOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Secrets in clear text pass: for development only. */
  readonly literalSecrets: boolean;
}

/** A config that its adapter accepts. */
export interface CheckedConfig {
  readonly config: unknown;
  readonly endpoints: readonly string[];
  readonly secrets: readonly string[];
}

/**
 * An adapter's part of a city's file against the adapter's own schema: unknown names first (with the nearest known one),
 * then references and secrets, then the schema itself on the values that the references stand for. No complaint shows a
 * value that came from a reference or stands where a secret belongs.
 */
export async function checkConfig(
  source: Source,
  at: Path,
  raw: Json,
  definition: AdapterDefinition,
  { env, literalSecrets }: ConfigOptions,
): Promise<CheckedConfig | readonly Complaint[]> {
  const schema = definition.config['~standard'].jsonSchema.input({ target: 'draft-2020-12' }) as SchemaNode;
  const complaints: Complaint[] = [];
  const told = new Set<string>();
  const complain = (path: Path, saying: Parameters<Source['complain']>[1], key?: 'key') => {
    told.add(path.join('.'));
    complaints.push(source.complain([...at, ...path], saying, key));
  };

  const described = [...places(schema, raw)];
  const secretPaths = new Set(described.filter(({ node }) => node['x-hub'] === 'secret').map(({ path }) => path.join('.')));
  for (const { path, value, node } of described) {
    if (node['x-hub'] === 'secret' && !isReference(value) && !literalSecrets) complain(path, say.literalSecret(suggestion(source, path)));
    if (node.additionalProperties !== false || value === null || typeof value !== 'object' || isReference(value)) continue;
    const known = Object.keys(node.properties ?? {});
    for (const name of Object.keys(value)) if (!known.includes(name)) complain([...path, name], say.unknownKey(name, known), 'key');
  }

  const resolved = resolveReferences(raw, env, source.file);
  for (const { path, saying } of resolved.complaints) complain(path, saying);

  const result = await definition.config['~standard'].validate(resolved.value);
  for (const issue of result.issues ?? []) {
    const path = (issue.path ?? [])
      .map((part) => (typeof part === 'object' ? part.key : part))
      .map((part) => (typeof part === 'symbol' ? String(part) : part));
    const covered = [...told].some((known) => known === path.join('.') || path.join('.').startsWith(`${known}.`));
    // A choice of shapes that none fits, because a part of it is wrong that was told already.
    const echo = 'code' in issue && issue.code === 'invalid_union' && [...told].some((known) => known.startsWith(`${path.join('.')}.`));
    // Unknown names are told above, with the name that was meant.
    if (covered || echo || ('code' in issue && issue.code === 'unrecognized_keys')) continue;
    const description = describedAt(schema, raw, path);
    const value = valueAt(raw, path);
    const name = String(path.at(-1) ?? '');
    const { de, en = de } = expectedOf(issue);
    const about = description === null ? '' : ` (${description.replace(/\.$/, '')})`;
    // Descriptions are English, as the adapter's author wrote them: a German answer is German throughout.
    const expected = { de, en: `${en}${about}` };
    const hidden = secretPaths.has(path.join('.'));
    complain(path, value === undefined ? say.missing(name, expected) : say.invalid(hidden ? '(…)' : shown(value), expected));
  }
  const marked = [...places(schema, resolved.value)];
  for (const { path, value, node } of marked)
    if (node['x-hub'] === 'secret' && typeof value === 'string' && value.length < SHORTEST_SECRET && !told.has(path.join('.')))
      complain(
        path,
        say.invalid('(…)', {
          de: `ein Geheimnis von mindestens ${SHORTEST_SECRET} Zeichen`,
          en: `a secret of at least ${SHORTEST_SECRET} characters`,
        }),
      );
  if (complaints.length > 0 || result.issues) return complaints;

  const texts = (mark: string) => marked.flatMap(({ node, value }) => (node['x-hub'] === mark && typeof value === 'string' ? [value] : []));
  return { config: result.value, endpoints: texts('endpoint'), secrets: [...new Set([...texts('secret'), ...resolved.fromFiles])] };
}

const valueAt = (value: Json, path: Path): Json | undefined =>
  path.reduce<Json | undefined>(
    (place, name) =>
      place !== null && typeof place === 'object' && Object.hasOwn(place, name)
        ? (place as Record<string | number, Json>)[name]
        : undefined,
    value,
  );

/** A name for the variable a secret should move to: the city's id and the last word of its place. */
const suggestion = (source: Source, path: Path): string => {
  const city = source.file.replace(/^.*[\\/]/, '').replace(/\.ya?ml$/, '');
  return `${city}_${path.at(-1) ?? 'secret'}`.replaceAll(/[^A-Za-z0-9]+/g, '_').toUpperCase();
};
