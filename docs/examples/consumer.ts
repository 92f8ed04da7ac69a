/*
 * A reader of events: which moves wait for an answer of a city? Prints one line per change.
 *
 *   npx staedtebund events --follow | node consumer.ts <ARS>
 *   BROKERS=kafka1:9092,kafka2:9092 node consumer.ts <ARS>       (needs kafkajs; accounts: docs/how-to/kafka-accounts.md)
 *
 * The types are generated from the JSON Schemas: copy schema/events/events.ts beside your own.
 */
import { createInterface } from 'node:readline';
import type { StaedtebundEvent } from '../../schema/events/events.ts';

/** Takes events in the order in which they come; each counts once. Says what waits from now on, or no longer. */
export function createReader(city: string, say: (line: string) => void): (event: StaedtebundEvent) => void {
  // A real reader keeps both in its database, in one transaction with what it does.
  const seen = new Set<string>();
  const waiting = new Map<string, string>();
  return (event) => {
    if (seen.has(event.id)) return;
    seen.add(event.id);
    // Whatever else there is, now or in a later version, is none of this reader's business.
    if (event.type === 'de.staedtebund.move.registered.v1' && event.data.departure === city) {
      waiting.set(event.subject, event.data.dueAt);
      say(`waits ${event.subject} until ${event.data.dueAt}`);
    } else if (event.type === 'de.staedtebund.move.evaluated.v1' || event.type === 'de.staedtebund.case.closed.v1') {
      if (waiting.delete(event.subject)) say(`answered ${event.subject}`);
    }
  };
}

/** CloudEvents in JSON, one per line. */
export const fromLine = (line: string): StaedtebundEvent => JSON.parse(line) as StaedtebundEvent;

/** CloudEvents in Kafka's binary mode: attributes are headers, the value is the data. */
export function fromRecord(headers: Readonly<Record<string, unknown>>, value: Uint8Array | null): StaedtebundEvent {
  const attributes = Object.entries(headers).flatMap(([name, text]) => (name.startsWith('ce_') ? [[name.slice(3), String(text)]] : []));
  const data: unknown = JSON.parse(Buffer.from(value ?? []).toString());
  return { ...Object.fromEntries(attributes), data } as StaedtebundEvent;
}

async function followKafka(brokers: readonly string[], take: (event: StaedtebundEvent) => void): Promise<void> {
  const { Kafka, logLevel } = await import('kafkajs');
  const consumer = new Kafka({ clientId: 'moves', brokers: [...brokers], logLevel: logLevel.ERROR }).consumer({
    groupId: process.env['GROUP'] ?? 'moves',
  });
  await consumer.connect();
  await consumer.subscribe({ topics: ['staedtebund.case.v1'], fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => take(fromRecord(message.headers ?? {}, message.value)) });
}

if (import.meta.main) {
  const [city = ''] = process.argv.slice(2);
  const take = createReader(city, (line) => process.stdout.write(`${line}\n`));
  const brokers = process.env['BROKERS'];
  if (brokers) await followKafka(brokers.split(','), take);
  else for await (const line of createInterface({ input: process.stdin })) take(fromLine(line));
}
