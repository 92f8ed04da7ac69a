import { describe, expect, test } from 'vitest';
import { applicationStatuses, assuranceLevels, channels, type HubEvent, type Json, type RegionalKey } from '#contract';
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

describe('the schemas of published events', () => {
  test('are the agreed ones', () => {
    expect([...eventSchemas.keys()].toSorted()).toEqual([
      'application.delivered',
      'application.parked',
      'application.released',
      'application.status-changed',
      'application.submitted',
      'application.withdrawal-requested',
      'application.withdrawn',
      'catalogue.imported',
    ]);
    for (const [type, schema] of eventSchemas) expect(schema.$id).toBe(`urn:staedtebund:event:${type}:v1`);
  });

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
    const texts = type.startsWith('application.') ? Object.keys(example).filter((name) => typeof example[name] === 'string') : [];
    for (const name of texts) expect(eventProblems(eventOf(type, { ...example, [name]: 'Erika Mustermann' }))).not.toEqual([]);
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
    const properties = [...eventSchemas.values()].flatMap((schema) => schema.properties[name] ?? []);
    expect(properties.length).toBeGreaterThan(0);
    for (const property of properties) expect(property.enum).toEqual(words);
  });
});
