import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, LoggedEvent, RegionalKey } from '#contract';
import { fromRecord, toRecord, topicOf } from '../../src/infra/bus/cloudevents.ts';
import { sampleEvent } from '../kit/sample-event.ts';

const facts = fc
  .dictionary(fc.string(), fc.jsonValue())
  .filter((given) => !('municipality' in given))
  .map((given) => JSON.parse(JSON.stringify(given)) as { readonly [name: string]: Json });

const events: fc.Arbitrary<LoggedEvent> = fc.record({
  seq: fc.nat(),
  id: fc.uuid(),
  type: fc.stringMatching(/^[a-z]+\.[a-z]+(-[a-z]+)*$/),
  aggregate: fc.record({ type: fc.stringMatching(/^[a-z]{1,20}$/), id: fc.string({ minLength: 1 }) }),
  occurredAt: fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
  municipality: fc.option(fc.stringMatching(/^\d{12}$/) as fc.Arbitrary<RegionalKey>),
  facts,
  traceparent: fc.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
});

const asBytes = ({ headers, value }: ReturnType<typeof toRecord>) => ({
  value: Buffer.from(value),
  headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
});

describe('events as CloudEvents', () => {
  test('the headers are those of the Kafka binding in binary mode', () => {
    const event: LoggedEvent = { ...sampleEvent({ aggregate: 'a-1' }), id: 'e-1', seq: 42 };
    expect(toRecord(event, 'https://hub.example.de')).toEqual({
      key: 'a-1',
      value: '{"channel":"ONLINE","municipality":"051110000000"}',
      headers: {
        ce_specversion: '1.0',
        ce_id: 'e-1',
        ce_type: 'de.staedtebund.application.submitted.v1',
        ce_source: 'https://hub.example.de',
        ce_subject: 'a-1',
        ce_time: '2026-09-21T14:13:20.123Z',
        ce_dataschema: 'urn:staedtebund:event:application.submitted:v1',
        ce_sequence: '0000000000000042',
        ce_traceparent: event.traceparent,
        'content-type': 'application/json',
      },
    });
  });

  test('the sequence is ordered as text too', () => {
    fc.assert(
      fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.nat({ max: Number.MAX_SAFE_INTEGER }), (one, other) => {
        const of = (seq: number) => toRecord({ ...sampleEvent(), seq }).headers['ce_sequence']!;
        expect(of(one) < of(other)).toBe(one < other);
      }),
    );
  });

  test('what goes out comes back', () => {
    fc.assert(
      fc.property(events, (event) => {
        expect(fromRecord(topicOf(event.aggregate.type), asBytes(toRecord(event)))).toEqual(event);
      }),
    );
  });

  test('any record gives an event or null, never an error', () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.constantFrom('1.0', 'de.staedtebund.a.b.v1', '2026-01-01T00:00:00Z', '7'));
    const names = ['ce_specversion', 'ce_id', 'ce_type', 'ce_subject', 'ce_time', 'ce_sequence', 'ce_traceparent', 'other'];
    const headers = fc.dictionary(fc.constantFrom(...names), fc.oneof(text, fc.uint8Array(), fc.constant(undefined), fc.array(text)));
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.constant('staedtebund.a.v1')),
        fc.option(fc.oneof(text, fc.uint8Array())),
        headers,
        (topic, value, given) => {
          const event = fromRecord(topic, { value, headers: given });
          expect(event === null || (Number.isSafeInteger(event.seq) && !Number.isNaN(event.occurredAt.getTime()))).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each(['ce_specversion', 'ce_id', 'ce_type', 'ce_subject', 'ce_time', 'ce_sequence'])('without %s it is no event', (name) => {
    const { [name]: _, ...headers } = toRecord({ ...sampleEvent(), seq: 1 }).headers;
    expect(fromRecord('staedtebund.application.v1', { value: '{}', headers })).toBeNull();
  });
});
