import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { HubEvent, Json } from '#contract';
import { toRecord } from '../../src/infra/bus/cloudevents.ts';

const folder = join(import.meta.dirname, '../../schema/events');

/** A published event's schema, as far as tests look into it. */
export interface EventSchema {
  readonly $id: string;
  readonly properties: Readonly<Record<string, { readonly enum?: readonly string[] }>>;
  readonly required: readonly string[];
  readonly examples: readonly { readonly [name: string]: Json }[];
}

/** Every published event's schema, by event type. */
export const eventSchemas: ReadonlyMap<string, EventSchema> = new Map(
  readdirSync(folder)
    .filter((name) => name.endsWith('.v1.json'))
    .map((name) => [name.replace('.v1.json', ''), JSON.parse(readFileSync(join(folder, name), 'utf8')) as EventSchema]),
);

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
const validators = new Map([...eventSchemas].map(([type, schema]) => [type, ajv.compile(schema)]));

/** What the published value of an event has against its schema; empty where it fits. */
export function eventProblems(event: HubEvent): readonly string[] {
  const validate = validators.get(event.type);
  if (!validate) return [`${event.type} has no schema: add schema/events/${event.type}.v1.json`];
  if (validate(JSON.parse(toRecord({ ...event, seq: 1 }).value))) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${event.type}${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
