import type { Json, LoggedEvent, RegionalKey } from '#contract';

/*
 * Events on Kafka: CloudEvents 1.0, Kafka protocol binding in binary mode. Headers carry the attributes, the value the
 * facts as JSON with the municipality beside them. Two extensions: `traceparent` (CloudEvents distributed tracing) and
 * `sequence` (CloudEvents sequence: the event's place in the log, with leading zeros, for it is compared as text).
 */

/** Who speaks, where the hub has no public URL. */
export const defaultSource = 'urn:staedtebund:hub';

const typePattern = /^de\.staedtebund\.(.+)\.v1$/;
const topicPattern = /^staedtebund\.(.+)\.v1$/;

/** Digits of the largest number that is exact in every reader's language (2^53 - 1). */
const SEQUENCE_DIGITS = 16;

/** Name of the JSON Schema of an event's value: `$id` in schema/events. */
export const dataSchemaOf = (type: string): string => `urn:staedtebund:event:${type}:v1`;

/** Topic of all events about one type of aggregate. */
export const topicOf = (aggregateType: string): string => `staedtebund.${aggregateType}.v1`;

/** Topic of the events for one city, by its ARS. */
export const inboxTopicOf = (city: RegionalKey): string => `staedtebund.inbox.${city}.v1`;

/** A record of a topic. The key keeps events of one aggregate in one partition, and so in order. */
export interface EventRecord {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The event as a record of `topicOf(event.aggregate.type)`. */
export const toRecord = (event: LoggedEvent, source: string = defaultSource): EventRecord => ({
  key: event.aggregate.id,
  // The event's own municipality last: facts do not name another (schema/events).
  value: JSON.stringify({ ...event.facts, municipality: event.municipality }),
  headers: {
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_type: `de.staedtebund.${event.type}.v1`,
    ce_dataschema: dataSchemaOf(event.type),
    ce_source: source,
    ce_subject: event.aggregate.id,
    ce_time: event.occurredAt.toISOString(),
    ce_sequence: String(event.seq).padStart(SEQUENCE_DIGITS, '0'),
    'content-type': 'application/json',
    ...(event.traceparent === undefined ? {} : { ce_traceparent: event.traceparent }),
  },
});

/** A record as a client library hands it over. */
export interface ReceivedRecord {
  readonly value: Uint8Array | string | null;
  readonly headers?: Readonly<Record<string, Uint8Array | string | readonly (Uint8Array | string)[] | undefined>>;
}

/** The event of a record, or null if it is none of the hub's: another type, a missing or malformed attribute, a value that is no JSON object. */
export function fromRecord(topic: string, record: ReceivedRecord): LoggedEvent | null {
  const header = (name: string): string | null => {
    const value = record.headers?.[name];
    return typeof value === 'string' ? value : value instanceof Uint8Array ? Buffer.from(value).toString() : null;
  };
  const [id, subject, time, traceparent] = [header('ce_id'), header('ce_subject'), header('ce_time'), header('ce_traceparent')];
  const type = typePattern.exec(header('ce_type') ?? '')?.[1];
  const aggregateType = topicPattern.exec(topic)?.[1];
  const occurredAt = new Date(time ?? Number.NaN);
  const seq = Number(header('ce_sequence') ?? Number.NaN);
  const content = parseObject(record.value);
  if (header('ce_specversion') !== '1.0' || !id || !subject || !type || !aggregateType || !content) return null;
  if (Number.isNaN(occurredAt.getTime()) || !Number.isSafeInteger(seq)) return null;
  const { municipality = null, ...facts } = content;
  if (municipality !== null && typeof municipality !== 'string') return null;
  return {
    seq,
    id,
    type,
    aggregate: { type: aggregateType, id: subject },
    occurredAt,
    municipality: municipality as RegionalKey | null,
    facts,
    ...(traceparent === null ? {} : { traceparent }),
  };
}

function parseObject(value: ReceivedRecord['value']): { readonly [name: string]: Json } | null {
  if (value === null) return null;
  try {
    const content: unknown = JSON.parse(typeof value === 'string' ? value : Buffer.from(value).toString());
    return typeof content === 'object' && content !== null && !Array.isArray(content)
      ? (content as { readonly [name: string]: Json })
      : null;
  } catch {
    return null;
  }
}
