import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, KafkaJSProtocolError, logLevel, type Consumer, type KafkaMessage } from 'kafkajs';
import { parseKafkaUrl } from '../../src/infra/bus/kafka-url.ts';

/** Reads a topic from its beginning, apart from the hub's own driver; `close` when done. */
export async function readTopic(url: string, topic: string): Promise<{ messages: KafkaMessage[]; close(): Promise<void> }> {
  const kafka = new Kafka({ clientId: 'test-reader', brokers: [...parseKafkaUrl(url).brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `test-${randomUUID()}` });
  const messages: KafkaMessage[] = [];
  await consumer.connect();
  await subscribeOnceThere(consumer, topic);
  await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) });
  return { messages, close: () => consumer.disconnect() };
}

/** A topic that was made a moment ago is not known to every broker yet. */
async function subscribeOnceThere(consumer: Consumer, topic: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      return;
    } catch (error) {
      if (!(error instanceof KafkaJSProtocolError) || error.type !== 'UNKNOWN_TOPIC_OR_PARTITION' || attempt === 50) throw error;
      await sleep(200);
    }
  }
}
