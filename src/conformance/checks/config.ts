import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Json } from '#contract';
import { describedAt, places, type SchemaNode } from '../../cities/load/marks.ts';
import type { Path } from '../../cities/load/source.ts';
import { fail, notApplicable, pass, unverified, type Check } from '../check.ts';
import { configSchema, validate, withValue } from '../settings.ts';

const placeName = (path: Path): string => (path.length === 0 ? 'the config' : path.join('.'));

const schemaIsValid: Check = {
  id: 'config.schema-is-valid-2020-12',
  level: 'MUST',
  title: "The config's JSON Schema is valid draft 2020-12 and takes the city's config, as the adapter itself does.",
  remedy: 'describe the config with zod or another Standard Schema that prints JSON Schema, and correct the config where it is at fault',
  async run({ definition, config }) {
    const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
    addFormats.default(ajv);
    const schema = configSchema(definition);
    if (ajv.validateSchema(schema) !== true)
      return fail('a schema that draft 2020-12 takes', ajv.errorsText(ajv.errors), schemaIsValid.remedy);
    const own = await validate(definition, config);
    if ('issues' in own) return fail('a config that the adapter takes', own.issues.join('; '), schemaIsValid.remedy);
    const takes = ajv.compile(schema);
    if (takes(config)) return pass;
    const where = (takes.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`).slice(0, 3);
    return fail(
      'a schema that takes what the adapter takes',
      where.join('; '),
      'print the schema of what goes in, before defaults and transformations',
    );
  },
};

const TYPO = 'unknwonSetting';

const rejectsTypos: Check = {
  id: 'config.rejects-typos',
  level: 'MUST',
  title: 'A name that the config does not know is refused, at every depth.',
  remedy: 'use strict objects (zod: strictObject) everywhere, so that a misspelt setting is not silently ignored',
  async run({ definition, config }) {
    const objects = [...places(configSchema(definition), config)].filter(
      ({ value, node }) =>
        value !== null &&
        typeof value === 'object' &&
        !Array.isArray(value) &&
        node.properties !== undefined &&
        typeof node.additionalProperties !== 'object',
    );
    const lenient: string[] = [];
    for (const { path } of objects) {
      const result = await validate(definition, withValue(config, [...path, TYPO], 'x'));
      if (!('issues' in result)) lenient.push(placeName(path));
    }
    return lenient.length === 0 ? pass : fail('every unknown name refused', `ignored in ${lenient.join(', ')}`, rejectsTypos.remedy);
  },
};

/** Names that say what they hold. */
const secretive = /(secret|passw(or)?t|passwor|kennwort|passphrase|token|api-?_?key|private-?_?key|credential)/i;
/** Names that speak of a secret and hold none: where it is fetched, how it is sent. */
const harmless = /(url|uri|path|header|name|field|scheme|type|ttl|seconds|ms|endpoint|id|lookup|in)$/i;

const secretsAreMarked: Check = {
  id: 'config.secrets-are-marked',
  level: 'MUST',
  title:
    'Every property that holds a secret carries x-hub: secret, so that the hub redacts it and refuses it in clear text; addresses carry x-hub: endpoint.',
  remedy: "mark it: .meta({ 'x-hub': 'secret' }) or .meta({ 'x-hub': 'endpoint' })",
  async run({ definition, config }) {
    const schema = configSchema(definition);
    const unmarked = [...namedProperties(schema)].filter(
      ({ name, node }) =>
        secretive.test(name) && !harmless.test(name) && node['x-hub'] === undefined && isText(node) && !hasMarkedBelow(node),
    );
    const addresses = [...places(schema, config)].filter(
      ({ value, node, path }) =>
        typeof value === 'string' &&
        /(url|endpoint|server|host)$/i.test(String(path.at(-1) ?? '')) &&
        /^[a-z][a-z0-9+.-]*:\/\//.test(value) &&
        node['x-hub'] === undefined,
    );
    const wrong = [
      ...unmarked.map(({ name }) => `${name} looks like a secret and is not marked`),
      ...addresses.map(({ path }) => `${placeName(path)} is an address and is not marked`),
    ];
    return wrong.length === 0 ? pass : fail('marks on every secret and address', [...new Set(wrong)].join('; '), secretsAreMarked.remedy);
  },
};

/** A text that may be anything: a choice of words says how a secret is sent, never what it is. */
const isText = (node: SchemaNode & { readonly type?: unknown }): boolean =>
  (node.type === undefined || node.type === 'string') && !('enum' in node) && !('const' in node);
const hasMarkedBelow = (node: SchemaNode): boolean => JSON.stringify(node).includes('"x-hub"');

function* namedProperties(node: unknown): Generator<{ readonly name: string; readonly node: SchemaNode }> {
  if (node === null || typeof node !== 'object') return;
  for (const [key, part] of Object.entries(node)) {
    if (key === 'properties' && part !== null && typeof part === 'object')
      for (const [name, below] of Object.entries(part as Record<string, SchemaNode>)) yield { name, node: below };
    yield* namedProperties(part);
  }
}

const isDescribed: Check = {
  id: 'config.is-described',
  level: 'SHOULD',
  title: "Every setting that the city's config uses is described, so that a complaint can say what is expected.",
  remedy: 'add .describe(…) to it, in a sentence for the staff of a city',
  async run({ definition, config }) {
    const schema = configSchema(definition);
    const bare = Object.keys((config ?? {}) as object).filter((name) => {
      const value = (config as Record<string, Json>)[name] ?? null;
      return describedAt(schema, config, [name]) === null && (value === null || typeof value !== 'object' || Array.isArray(value));
    });
    return bare.length === 0 ? pass : fail('a description of each setting', `none of ${bare.join(', ')}`, isDescribed.remedy);
  },
};

const oldVersionAccepted: Check = {
  id: 'config.old-version-still-accepted',
  level: 'MUST',
  title: 'A config that an earlier version with the same major number took is still taken.',
  remedy: 'keep old names as optional ones, or raise the major version',
  async run({ definition, samples }) {
    const [major, minor, patch] = definition.version.split('.').map((part) => Number.parseInt(part, 10));
    const old = (samples.oldConfigs ?? []).filter(({ version }) => version.split('.')[0] === String(major));
    if (old.length === 0)
      return minor === 0 && patch === 0
        ? notApplicable(`${definition.version} is the first version of its major number`)
        : unverified('the samples hold no config of an earlier version', 'add oldConfigs: one config per earlier version to samples.yaml');
    const refused: string[] = [];
    for (const { version, config } of old) {
      const result = await validate(definition, config);
      if ('issues' in result) refused.push(`that of ${version}: ${result.issues.join(', ')}`);
    }
    return refused.length === 0 ? pass : fail('old configs taken', refused.join('; '), oldVersionAccepted.remedy);
  },
};

export const configChecks: readonly Check[] = [schemaIsValid, rejectsTypos, secretsAreMarked, isDescribed, oldVersionAccepted];
