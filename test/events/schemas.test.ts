import { readdirSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { applicationStatuses, assuranceLevels, channels, type HubEvent, type Json, type RegionalKey } from '#contract';
import { schemaFolder, type FactSchema } from '../../src/events/catalogue.ts';
import { dataSchemaOf } from '../../src/infra/bus/cloudevents.ts';
import { eventProblems, eventSchemas } from '../kit/event-schemas.ts';

const eventOf = (type: string, { municipality, ...facts }: { readonly [name: string]: Json }): HubEvent => ({
  id: '019ab000-0000-7000-8000-000000000000',
  type,
  aggregate: { type: type.split('.')[0]!, id: 'x' },
  occurredAt: new Date(0),
  municipality: (municipality ?? null) as RegionalKey | null,
  facts,
});

const examples = [...eventSchemas].flatMap(([type, schema]) => schema.examples.map((example) => ({ type, schema, example })));
const properties = [...eventSchemas].flatMap(([type, schema]) =>
  Object.entries(schema.properties).map(([name, property]) => ({ type, name, property })),
);

describe('the schemas of published events', () => {
  test('are one per type of the table, and no other', () => {
    const files = readdirSync(schemaFolder).filter((name) => name.endsWith('.v1.json'));
    expect(files.toSorted()).toEqual([...eventSchemas.keys()].map((type) => `${type}.v1.json`).toSorted());
    for (const [type, schema] of eventSchemas) expect(schema.$id).toBe(dataSchemaOf(type));
  });

  test.each([...eventSchemas])(
    '%s is JSON Schema 2020-12 for strict validators as it is, closed, and says what each fact is',
    (_, schema) => {
      const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
      expect(() => ajv.compile(schema)).not.toThrow();
      expect(schema.additionalProperties).toBe(false);
      expect(schema.examples.length).toBeGreaterThan(0);
      for (const property of Object.values(schema.properties)) expect(property.description).toMatch(/^[A-Z0-9].*\.$/);
    },
  );

  test.each(examples)('the example of $type fits its own schema as it is published', ({ type, example }) => {
    expect(eventProblems(eventOf(type, example))).toEqual([]);
  });

  test.each(examples)('nothing unknown gets out with $type, and nothing needed is left out', ({ type, schema, example }) => {
    for (const unknown of ['applicant', 'email', 'caseRef', 'note'])
      expect(eventProblems(eventOf(type, { ...example, [unknown]: 'Erika Mustermann' }))).toEqual([expect.stringContaining(unknown)]);
    for (const needed of schema.required.filter((name) => name !== 'municipality')) {
      const { [needed]: _, ...rest } = example;
      expect(eventProblems(eventOf(type, rest))).not.toEqual([]);
    }
  });

  test.each(examples.filter(({ type }) => type !== 'catalogue.imported'))(
    'no fact of $type takes a name or a text',
    ({ type, example }) => {
      const takers = Object.entries(example).filter(([name, value]) => {
        const text = Array.isArray(value) ? ['Erika Mustermann'] : 'Erika Mustermann';
        return eventProblems(eventOf(type, { ...example, [name]: text })).length === 0;
      });
      expect(takers).toEqual([]);
    },
  );

  test('every fact of a schema is in one of its examples', () => {
    expect(properties.filter(({ type, name }) => !examples.some((one) => one.type === type && name in one.example))).toEqual([]);
  });

  test('an event nobody agreed on is named', () => {
    expect(eventProblems(eventOf('application.lost', {}))).toEqual([expect.stringContaining('add schema/events/application.lost.v1.json')]);
  });

  test.each([
    ['status', applicationStatuses],
    ['previousStatus', applicationStatuses],
    ['channel', channels],
    ['assuranceLevel', assuranceLevels],
  ])('the words of %s are those of the contract', (name, words) => {
    const named = properties.filter((one) => one.name === name);
    expect(named.length).toBeGreaterThan(0);
    for (const { property } of named) expect(property.enum).toEqual(words);
  });

  test('a fact that several events have is the same everywhere', () => {
    const shape = (schema: FactSchema) => JSON.stringify({ ...schema, description: '' });
    // Closed lists of their own: why a delivery is parked, why a permit ended. Whose it is may be nobody's for a catalogue.
    const own = new Set(['reason', 'by', 'municipality']);
    const shapes = Map.groupBy(
      properties.filter(({ name }) => !own.has(name)),
      ({ name }) => name,
    );
    const differing = [...shapes].filter(([, ones]) => new Set(ones.map(({ property }) => shape(property))).size > 1);
    expect(differing.map(([name]) => name)).toEqual([]);
  });
});
