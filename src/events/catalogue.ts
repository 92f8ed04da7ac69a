import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { HubEvent, Json } from '#contract';

/*
 * What the hub publishes: a closed list of types, each with a JSON Schema in schema/events. The schemas say exactly what this
 * version writes, so that nothing else gets out. A reader must bear more (`toReaderSchema`): facts and, where a list is open
 * (its `$comment` says so), values that later versions add.
 */

/** Every type of event, and the kind of aggregate that it is about: its topic. */
export const eventTypes = {
  'application.submitted': 'application',
  'application.delivered': 'application',
  'application.status-changed': 'application',
  'application.parked': 'application',
  'application.released': 'application',
  'application.withdrawal-requested': 'application',
  'application.withdrawn': 'application',
  'case.opened': 'case',
  'case.step-taken': 'case',
  'case.overdue': 'case',
  'case.closed': 'case',
  'move.registered': 'case',
  'move.evaluated': 'case',
  'move.deregistered': 'case',
  'permit.end-requested': 'case',
  'permit.ended': 'case',
  'permit.recognised': 'case',
  'permit.revoked': 'case',
  'offer.suggested': 'case',
  'certificate.handed-over': 'case',
  'kita.place-accepted': 'case',
  'kita.wish-released': 'case',
  'kita.double-place-found': 'case',
  'catalogue.imported': 'catalogue',
  'delivery.tested': 'delivery',
  'subgraph.accepted': 'subgraph',
  'subgraph.removed': 'subgraph',
} as const satisfies Readonly<Record<string, string>>;

/** Type of an event that the hub publishes. */
export type EventType = keyof typeof eventTypes;

export const isEventType = (type: string): type is EventType => Object.hasOwn(eventTypes, type);

/** Schema of one fact: the part of JSON Schema 2020-12 that events get along with. */
export interface FactSchema {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  /** `openList` where later versions may add values to `enum`. */
  readonly $comment?: string;
  /** The same, as release 0.1.0 wrote it: no keyword of JSON Schema, which strict validators refuse. */
  readonly 'x-open'?: boolean;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly minLength?: number;
  readonly items?: FactSchema;
  readonly minItems?: number;
  readonly uniqueItems?: boolean;
}

/** Schema of an event's value: its facts, and the municipality beside them. */
export interface EventSchema {
  readonly $schema: string;
  readonly $id: string;
  readonly title: string;
  readonly description: string;
  readonly type: 'object';
  readonly properties: Readonly<Record<string, FactSchema>>;
  readonly required: readonly string[];
  readonly additionalProperties?: boolean;
  readonly examples: readonly { readonly [name: string]: Json }[];
}

/** What stands in `$comment` of a list to which later versions may add values. */
export const openList = 'Open list: later versions may add values.';

/** True if later versions may add values to a fact's list. */
export const isOpenList = (fact: FactSchema): boolean => fact.$comment === openList || fact['x-open'] === true;

/** Folder of the published schemas. */
export const schemaFolder = new URL('../../schema/events/', import.meta.url);

/** The schema of a type as it is published. */
export const readEventSchema = (type: EventType): EventSchema =>
  JSON.parse(readFileSync(new URL(`${type}.v1.json`, schemaFolder), 'utf8')) as EventSchema;

/** The schemas of all types, in the order of the table. */
export const readEventSchemas = (): ReadonlyMap<EventType, EventSchema> =>
  new Map(Object.keys(eventTypes).flatMap((type) => (isEventType(type) ? [[type, readEventSchema(type)]] : [])));

/** What a reader may rely on, whichever later version wrote the event: no fact is forbidden, open lists are suggestions. */
export function toReaderSchema(schema: EventSchema): EventSchema {
  const bear = ({ items, ...fact }: FactSchema): FactSchema => {
    const { enum: values, ...rest } = fact;
    const opened = isOpenList(fact) && values ? { ...rest, type: 'string', examples: values } : fact;
    return items ? { ...opened, items: bear(items) } : opened;
  };
  const { additionalProperties: _closed, properties, ...rest } = schema;
  return { ...rest, properties: Object.fromEntries(Object.entries(properties).map(([name, fact]) => [name, bear(fact)])) };
}

/** What an event has against being published; empty if nothing. Names facts and types, never their values. */
export type EventCheck = (event: Pick<HubEvent, 'type' | 'municipality' | 'facts'>) => readonly string[];

/** Holds events against the published schemas. Each is compiled when its type first comes: a few milliseconds once, then microseconds. */
export function createEventCheck(): EventCheck {
  // Schemas are validated by the tests, which spares the process the meta schema.
  const ajv = new Ajv2020({ allErrors: true, strict: false, validateSchema: false, allowUnionTypes: true });
  const compiled = new Map<EventType, ValidateFunction>();
  return ({ type, municipality, facts }) => {
    if (!isEventType(type)) return [`${type} has no schema: add schema/events/${type}.v1.json, and the type to src/events/catalogue.ts`];
    let validate = compiled.get(type);
    if (!validate) compiled.set(type, (validate = ajv.compile(readEventSchema(type))));
    if (validate({ ...facts, municipality })) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${type}${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
}
