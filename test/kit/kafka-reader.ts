import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, type KafkaMessage } from 'kafkajs';
import { parseKafkaUrl } from '../../src/infra/bus/kafka-url.ts';

/** Reads a topic from its beginning, apart from the hub's own driver; `close` when done. */
export async function readTopic(url: string, topic: string): Promise<{ messages: KafkaMessage[]; close(): Promise<void> }> {
  const kafka = new Kafka({ clientId: 'test-reader', brokers: [...parseKafkaUrl(url).brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `test-${randomUUID()}` });
  const messages: KafkaMessage[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) });
  return { messages, close: () => consumer.disconnect() };
}
