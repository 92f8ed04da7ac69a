import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { eventTypes, isOpenList, schemaFolder, type EventType } from '../../src/events/catalogue.ts';
import { inboxTopicOf, topicOf, toRecord } from '../../src/infra/bus/cloudevents.ts';
import type { RegionalKey } from '#contract';
import { eventSchemas } from '../kit/event-schemas.ts';
import { sampleEvent } from '../kit/sample-event.ts';

interface Reference {
  readonly $ref: string;
}
interface Document {
  readonly channels: Readonly<Record<string, { readonly address: string; readonly messages: Readonly<Record<string, Reference>> }>>;
  readonly operations: Readonly<Record<string, { readonly channel: Reference }>>;
  readonly components: {
    readonly schemas: { readonly headers: object };
    readonly messages: Readonly<Record<string, { readonly name: string; readonly headers: object; readonly payload: object }>>;
  };
}

const document = parse(readFileSync(new URL('asyncapi.yaml', schemaFolder), 'utf8')) as Document;
// The dialect of AsyncAPI's schemas is draft 7; formats that it names are checked too.
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats.default(ajv);

const resolve = (reference: Reference): unknown =>
  reference.$ref
    .slice(2)
    .split('/')
    .reduce<unknown>((tree, key) => (tree as Record<string, unknown>)[key], document);

describe('asyncapi.yaml', () => {
  test('is AsyncAPI 3.0 by its own JSON Schema', () => {
    const require = createRequire(import.meta.url);
    const validate = ajv.compile(require('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object);
    expect(validate(document) ? [] : validate.errors).toEqual([]);
    // What cannot be refused is not checked: the schema does see a channel without what it must have.
    const broken = structuredClone(document) as unknown as { channels: { case: { messages: unknown } } };
    broken.channels.case.messages = 'all of them';
    expect(validate(broken)).toBe(false);
  });

  test('every reference leads somewhere', () => {
    const references = [...JSON.stringify(document).matchAll(/\{"\$ref":"([^"]+)"\}/g)].map(([, $ref]) => ({ $ref: $ref! }));
    expect(references.length).toBeGreaterThan(50);
    expect(references.filter((reference) => resolve(reference) === undefined)).toEqual([]);
  });

  test('every event is a message of the topic that it is published in', () => {
    const { inbox, ...topics } = document.channels;
    const found = Object.values(topics).flatMap(({ address, messages }) => Object.keys(messages).map((type) => [type, address]));
    const expected = Object.entries(eventTypes).map(([type, aggregate]) => [type, topicOf(aggregate)]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
    expect(inbox?.address).toBe(inboxTopicOf('{ars}' as RegionalKey));
    const addressed = [...eventSchemas].filter(([, schema]) => 'to' in schema.properties).map(([type]) => type);
    expect(Object.keys(inbox?.messages ?? {})).toEqual(expect.arrayContaining(addressed));
  });

  test('the headers described are those of a record', () => {
    const { headers } = toRecord({ ...sampleEvent({ type: 'application.submitted' }), seq: 12 });
    const message = document.components.messages['application.submitted']!;
    const validate = ajv.compile({ ...message.headers, components: document.components });
    expect(validate(headers) ? [] : validate.errors).toEqual([]);
    for (const name of Object.keys(headers).filter((one) => one !== 'ce_traceparent'))
      expect(validate({ ...headers, [name]: undefined }) || validate({ ...headers, [name]: 7 })).toBe(false);
    const described = (document.components.schemas.headers as { properties: object }).properties;
    expect([...Object.keys(described), 'ce_type'].toSorted()).toEqual(Object.keys(headers).toSorted());
  });

  test.each([...eventSchemas])('the payload of %s takes what is published, and what later versions add', (type: EventType, schema) => {
    const message = document.components.messages[type]!;
    const validate = ajv.compile(message.payload);
    expect(message.name).toBe(`de.staedtebund.${type}.v1`);
    for (const example of schema.examples) {
      expect(validate({ ...example, addedLater: 1 })).toBe(true);
      const lists = Object.entries(schema.properties).filter(([name, fact]) => name in example && fact.enum);
      for (const [name, fact] of lists) expect(validate({ ...example, [name]: 'ADDED_LATER' })).toBe(isOpenList(fact));
      const { municipality: _, ...rest } = example;
      expect(validate(rest)).toBe(false);
    }
  });
});
