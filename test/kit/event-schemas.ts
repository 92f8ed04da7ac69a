import type { HubEvent } from '#contract';
import { createEventCheck, readEventSchemas } from '../../src/events/catalogue.ts';
import { toRecord } from '../../src/infra/bus/cloudevents.ts';

/** Every published event's schema, by event type. */
export const eventSchemas = readEventSchemas();

const check = createEventCheck();

/** What the published value of an event has against its schema; empty if it fits. */
export function eventProblems(event: HubEvent): readonly string[] {
  const { municipality, ...facts } = JSON.parse(toRecord({ ...event, seq: 1 }).value) as HubEvent['facts'];
  return check({ type: event.type, municipality: municipality as HubEvent['municipality'], facts });
}
