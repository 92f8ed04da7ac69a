import { readFileSync, readdirSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import type { Json } from '#contract';
import { isOpenList, schemaFolder, toReaderSchema, type EventSchema, type FactSchema } from '../../src/events/catalogue.ts';

/*
 * What a version of the hub may change in events of version 1. Two readers must get along: one that was built for an earlier
 * release and reads new events, and a new one that reads old events, for these stand in the log for ever. So an event may gain
 * optional facts, and values of lists that are open; nothing else.
 */

/** Schemas by type. */
export type EventSchemas = ReadonlyMap<string, EventSchema>;

const released = new URL('released/', schemaFolder);

const read = (folder: URL): EventSchemas =>
  new Map(
    readdirSync(folder)
      .filter((name) => name.endsWith('.v1.json'))
      .map((name) => [name.replace('.v1.json', ''), JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as EventSchema]),
  );

/** The schemas of each released version, by version. */
export const releasedSchemas = (): ReadonlyMap<string, EventSchemas> =>
  new Map(readdirSync(released).map((version) => [version, read(new URL(`${version}/`, released))]));

const list = (values: readonly string[]): string => values.join(', ');
const without = (all: readonly string[], some: readonly string[]): readonly string[] => all.filter((one) => !some.includes(one));

function breakagesOfFact(where: string, before: FactSchema, after: FactSchema): readonly string[] {
  const said: string[] = [];
  const types = [before, after].map(({ type }) => [type ?? []].flat().toSorted().join(' or ') || 'any type');
  if (types[0] !== types[1]) said.push(`${where}: was ${types[0]}, is ${types[1]}`);
  const [values, now] = [before.enum, after.enum];
  if (!values !== !now) said.push(`${where}: ${values ? 'was a list of values, is none' : 'was no list of values, is one'}`);
  if (values && now) {
    const [gone, added] = [without(values, now), without(now, values)];
    if (gone.length > 0) said.push(`${where}: the value ${list(gone)} was removed; events in the log have it`);
    if (added.length > 0 && !isOpenList(before)) said.push(`${where}: the value ${list(added)} was added to a list that is not open`);
    if (isOpenList(before) !== isOpenList(after))
      said.push(`${where}: the list ${isOpenList(before) ? 'was open and is closed' : 'was closed and is open'}`);
  }
  for (const rule of ['pattern', 'minimum', 'minLength', 'minItems', 'uniqueItems'] as const)
    if (before[rule] !== after[rule]) said.push(`${where}: ${rule} was ${before[rule] ?? 'not set'}, is ${after[rule] ?? 'not set'}`);
  if (!before.items !== !after.items)
    said.push(`${where}: what its items are was ${before.items ? 'said, and is not' : 'not said, and is'}`);
  if (before.items && after.items) said.push(...breakagesOfFact(`${where}[]`, before.items, after.items));
  return said;
}

/** What breaks readers between two versions, each with event and fact; empty if nothing does. */
export function breakages(before: EventSchemas, after: EventSchemas): readonly string[] {
  return [...before].flatMap(([type, old]) => {
    const now = after.get(type);
    if (!now) return [`${type}: the event was removed or renamed; events in the log have it`];
    const facts = Object.entries(old.properties).flatMap(([name, fact]) => {
      const same = now.properties[name];
      return same ? breakagesOfFact(`${type} ${name}`, fact, same) : [`${type} ${name}: the fact was removed or renamed`];
    });
    return [
      ...facts,
      ...without(now.required, old.required).map((name) => `${type} ${name}: is required now; events in the log may lack it`),
      ...without(old.required, now.required).map((name) => `${type} ${name}: was required and is optional; readers count on it`),
    ];
  });
}

const readers = new Ajv2020({ allErrors: true, strict: false, allowUnionTypes: true });
const compiled = new WeakMap<EventSchema, ValidateFunction>();
let count = 0;

/** What a reader with this schema has against an event's value, as a sentence; null if nothing. */
export function refusal(schema: EventSchema, value: Json): string | null {
  // The same $id in another version is another schema.
  const validate = compiled.get(schema) ?? readers.compile({ ...toReaderSchema(schema), $id: `${schema.$id}:${++count}` });
  compiled.set(schema, validate);
  return validate(value) ? null : readers.errorsText(validate.errors, { dataVar: schema.$id });
}

function factsOf(schema: FactSchema): fc.Arbitrary<Json> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const one = (type: string): fc.Arbitrary<Json> => {
    switch (type) {
      case 'string':
        return schema.pattern
          ? fc.stringMatching(new RegExp(schema.pattern, 'u'))
          : fc.string({ minLength: schema.minLength ?? 0, maxLength: 20 });
      case 'integer':
        return fc.integer({ min: schema.minimum ?? -100, max: 1_000_000 });
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      case 'array': {
        const bounds = { minLength: schema.minItems ?? 0, maxLength: 4 };
        return schema.items ? fc.uniqueArray(factsOf(schema.items) as fc.Arbitrary<string>, bounds) : fc.constant([]);
      }
      default:
        throw new Error(`Events have no facts of type ${type}: add it to test/kit/event-compat.ts`);
    }
  };
  return fc.oneof(...[schema.type ?? []].flat().map(one));
}

/** Any value that a version with this schema may write. */
export function valuesOf({ properties, required }: EventSchema): fc.Arbitrary<{ readonly [name: string]: Json }> {
  const facts = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, factsOf(schema)]));
  return fc.record(facts, { requiredKeys: [...required] }) as fc.Arbitrary<{ readonly [name: string]: Json }>;
}
