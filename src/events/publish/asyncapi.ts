import { stringify } from 'yaml';
import type { RegionalKey } from '#contract';
import { inboxTopicOf, topicOf } from '../../infra/bus/cloudevents.ts';
import { eventTypes, toReaderSchema, type EventSchema, type EventType } from '../catalogue.ts';

type Tree = { readonly [name: string]: unknown };

/** AsyncAPI names channels and messages by map keys and references; a dot in one is nothing but a letter. */
const ref = (path: string): Tree => ({ $ref: `#/${path}` });
const describe = (description: string, schema: Tree): Tree => ({ description, ...schema });

/** Kafka headers of every event: CloudEvents 1.0, binary mode. */
const headers = {
  type: 'object',
  required: ['ce_specversion', 'ce_id', 'ce_type', 'ce_dataschema', 'ce_source', 'ce_subject', 'ce_time', 'ce_sequence', 'content-type'],
  properties: {
    ce_specversion: { type: 'string', const: '1.0' },
    ce_id: describe('The same at every delivery and replay: deduplicate by it.', { type: 'string', format: 'uuid' }),
    ce_dataschema: describe('Name of the JSON Schema of the value.', { type: 'string', format: 'uri' }),
    ce_source: describe('The hub that published it.', { type: 'string', format: 'uri-reference' }),
    ce_subject: describe('Id of the aggregate; the key of the record.', { type: 'string', minLength: 1 }),
    ce_time: describe('When it happened.', { type: 'string', format: 'date-time' }),
    ce_sequence: describe('Place in the log of its source: what is higher came later. 16 digits, so that it is ordered as text too.', {
      type: 'string',
      pattern: '^\\d{16}$',
    }),
    ce_traceparent: describe('W3C Trace Context of the request that caused it, if there was one.', { type: 'string' }),
    'content-type': { type: 'string', const: 'application/json' },
  },
};

function message(type: EventType, schema: EventSchema): Tree {
  const { $schema: _schema, $id: _id, title, description, examples, ...payload } = toReaderSchema(schema);
  return {
    name: `de.staedtebund.${type}.v1`,
    title,
    summary: description,
    contentType: 'application/json',
    headers: {
      allOf: [ref('components/schemas/headers')],
      properties: { ce_type: { type: 'string', const: `de.staedtebund.${type}.v1` } },
    },
    payload,
    bindings: { kafka: { key: { type: 'string', description: 'Id of the aggregate: its events stay in order.' } } },
    examples: examples.map((example) => ({ payload: example })),
  };
}

const channelOf = (address: string, description: string, types: readonly EventType[], more: Tree = {}): Tree => ({
  address,
  description,
  ...more,
  messages: Object.fromEntries(types.map((type) => [type, ref(`components/messages/${type}`)])),
});

/** All topics and events as AsyncAPI 3.0, in YAML: what a reader may rely on. @param version of the hub */
export function asyncApiDocument(schemas: ReadonlyMap<EventType, EventSchema>, version: string): string {
  const types = [...schemas.keys()];
  const byAggregate = Map.groupBy(types, (type) => eventTypes[type]);
  const channels = {
    ...Object.fromEntries(
      [...byAggregate].map(([aggregate, ones]) => [aggregate, channelOf(topicOf(aggregate), `Every event about one ${aggregate}.`, ones)]),
    ),
    inbox: channelOf(
      inboxTopicOf('{ars}' as RegionalKey),
      "One city's inbox: events addressed to it (`to`), and those that it subscribed to and is granted. Its account may read this topic alone.",
      types,
      { parameters: { ars: { description: 'ARS of the city, 12 digits.', examples: ['051110000000'] } } },
    ),
  };
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Städtebund events',
      version,
      description:
        'Facts about applications, cases between cities and catalogues, at least once, in order per aggregate. Events hold ids, keys, status and times; personal data never. Version 1 only grows: ignore facts that you do not know.',
      license: { name: 'EUPL-1.2' },
    },
    defaultContentType: 'application/json',
    channels,
    operations: Object.fromEntries(
      Object.keys(channels).map((channel) => [
        channel === 'inbox' ? 'deliverToCity' : `publish-${channel}`,
        { action: 'send', channel: ref(`channels/${channel}`) },
      ]),
    ),
    components: {
      schemas: { headers },
      messages: Object.fromEntries([...schemas].map(([type, schema]) => [type, message(type, schema)])),
    },
  };
  return stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
}
