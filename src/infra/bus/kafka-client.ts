import { connect, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Kafka, logLevel, type ISocketFactoryArgs, type KafkaConfig, type LogEntry } from 'kafkajs';
import type { Log } from '../log.ts';
import { letConnectionsRest } from './kafka-idle.ts';
import type { KafkaSettings } from './kafka-url.ts';

/** Between attempts, at most: where a leader has died, the next is there after a second or two, and nothing is gained by sleeping past that. */
const MOST_RETRY_MS = 500;

/** A connection to the brokers that can be shut for good. */
export interface KafkaClient {
  readonly kafka: Kafka;
  /**
   * Ends what kafkajs still tries. A send or a join that waits for brokers goes on trying after `disconnect`, for ever with
   * unlimited retries: it asks for the list of brokers at each attempt, and an empty one is the error it does not retry.
   */
  shut(): void;
}

const KEEP_ALIVE_MS = 60_000;

/**
 * As kafkajs opens connections. While a broker does not answer, it gives up the same connection again and again, and each time leaves
 * a listener on it: Node would take that for a leak and warn. They go with the connection.
 */
function openSocket({ host, port, ssl, onConnect }: ISocketFactoryArgs) {
  const server = isIP(host) ? {} : { servername: host };
  const socket = ssl ? connectTls({ host, port, ...server, ...ssl }, onConnect) : connect({ host, port }, onConnect);
  return socket.setKeepAlive(true, KEEP_ALIVE_MS).setMaxListeners(0);
}

/** One client for one use (a producer, a consumer, an admin), for each must be shut by itself. */
export function createKafkaClient(settings: KafkaSettings, log: Log, retries: number): KafkaClient {
  letConnectionsRest();
  let open = true;
  const { credentials } = settings;
  const kafka = new Kafka({
    clientId: 'staedtebund',
    brokers: async () => (open ? [...settings.brokers] : []),
    ssl: settings.ssl,
    socketFactory: openSocket,
    ...(credentials && { sasl: { mechanism: settings.mechanism, ...credentials } as NonNullable<KafkaConfig['sasl']> }),
    connectionTimeout: Math.min(3000, settings.requestTimeoutMs),
    requestTimeout: settings.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: { initialRetryTime: 100, maxRetryTime: MOST_RETRY_MS, multiplier: 2, retries, restartOnFailure: async () => false },
    logLevel: logLevel.INFO,
    logCreator: () => createWriter(log),
  });
  return {
    kafka,
    shut: () => {
      open = false;
    },
  };
}

/** How often the same sentence is written, in milliseconds: attempts come twice a second for each connection and partition. */
const REPEAT_MS = 10_000;

/**
 * What kafkajs calls an error is one attempt that it repeats: a warning here. Only its sentence is taken over, not the stacks and
 * requests beside it, and a sentence that comes again and again only now and then, with how often it came.
 */
function createWriter(log: Log): (entry: LogEntry) => void {
  const written = new Map<string, { at: number; left: number }>();
  return ({ level, namespace, log: { message } }) => {
    const facts = { part: `kafkajs ${namespace}` };
    if (level !== logLevel.ERROR && level !== logLevel.WARN) {
      log.debug(facts, message);
      return;
    }
    const name = `${namespace}: ${message}`;
    const before = written.get(name);
    const now = Date.now();
    if (before && now - before.at < REPEAT_MS) {
      before.left += 1;
      return;
    }
    log.warn(before?.left ? { ...facts, notWritten: before.left } : facts, message);
    // Few sentences, but some name a number.
    if (written.size > 200) written.clear();
    written.set(name, { at: now, left: 0 });
  };
}
