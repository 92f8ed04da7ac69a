import { Kafka, logLevel, type KafkaConfig, type LogEntry } from 'kafkajs';
import type { Log } from '../log.ts';
import type { KafkaSettings } from './kafka-url.ts';

/** A connection to the brokers that can be shut for good. */
export interface KafkaClient {
  readonly kafka: Kafka;
  /**
   * Ends what kafkajs still tries. A send or a join that waits for brokers goes on trying after `disconnect`, for ever with
   * unlimited retries: it asks for the list of brokers at each attempt, and an empty one is the error it does not retry.
   */
  shut(): void;
}

/** One client for one use (a producer, a consumer, an admin), for each must be shut by itself. */
export function createKafkaClient(settings: KafkaSettings, log: Log, retries: number): KafkaClient {
  let open = true;
  const { credentials } = settings;
  const kafka = new Kafka({
    clientId: 'staedtebund',
    brokers: async () => (open ? [...settings.brokers] : []),
    ssl: settings.ssl,
    ...(credentials && { sasl: { mechanism: settings.mechanism, ...credentials } as NonNullable<KafkaConfig['sasl']> }),
    connectionTimeout: 3000,
    requestTimeout: settings.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: { initialRetryTime: 100, maxRetryTime: 5000, multiplier: 2, retries, restartOnFailure: async () => false },
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => write(log, entry),
  });
  return {
    kafka,
    shut: () => {
      open = false;
    },
  };
}

/** What kafkajs calls an error is one attempt that it repeats: a warning here. Only its sentence is taken over, not the stacks and requests beside it. */
function write(log: Log, { level, namespace, log: { message } }: LogEntry): void {
  const facts = { part: `kafkajs ${namespace}` };
  if (level === logLevel.ERROR || level === logLevel.WARN) log.warn(facts, message);
  else log.debug(facts, message);
}
