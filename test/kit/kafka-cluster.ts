import { execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import type { Arrived } from './kafka-verdict.ts';

const script = join(import.meta.dirname, 'kafka/cluster.sh');
const run = promisify(execFile);

/** A cluster of a test, through kafka/cluster.sh. */
export interface KafkaCluster {
  /** `host:port,host:port` */
  readonly brokers: string;
  readonly ids: readonly string[];
  kill(id: string): Promise<void>;
  /** Several together where all were killed: one alone has no quorum. */
  revive(...ids: string[]): Promise<void>;
  freeze(id: string): Promise<void>;
  thaw(id: string): Promise<void>;
  /** A tool of Kafka's, with its output. */
  tool(name: string, ...args: string[]): Promise<string>;
  /** Every event of a topic as Kafka's own consumer reads it, apart from kafkajs. */
  readBack(topic: string): Promise<Arrived[]>;
}

/** A cluster that is running, by the folder that cluster.sh was given. */
export async function clusterIn(folder: string): Promise<KafkaCluster> {
  const cluster = async (...args: string[]) => (await run(script, [folder, ...args], { maxBuffer: 1 << 28 })).stdout.trim();
  const brokers = await cluster('addresses');
  const plain =
    (verb: string) =>
    async (...ids: string[]) =>
      void (await cluster(verb, ...ids));
  return {
    brokers,
    ids: brokers.split(',').map((_, i) => String(i + 1)),
    kill: plain('kill'),
    revive: plain('revive'),
    freeze: plain('freeze'),
    thaw: plain('thaw'),
    tool: (name, ...args) => cluster('tool', name, ...args),
    readBack: (topic) => readBack(folder, topic),
  };
}

/** How a cluster is started. */
export interface StartOptions {
  readonly brokers: number;
  /** Lines for every broker. */
  readonly properties?: readonly string[];
  /** Users as `name:password` that sign in by SCRAM; the first is the administrator. Without them nobody signs in. */
  readonly users?: readonly string[];
}

/** A new cluster in a folder of its own, and how to be rid of it. */
export async function startCluster(options: StartOptions): Promise<{ readonly cluster: KafkaCluster; readonly stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'staedtebund-kafka-'));
  const cache = process.env['KAFKA_JARS'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'staedtebund/kafka-jars');
  const stop = async () => {
    await run(script, [folder, 'stop']);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await run(script, [folder, 'start', String(options.brokers)], {
      env: {
        ...process.env,
        KAFKA_JARS: cache,
        KAFKA_PORT: String(await freePorts()),
        KAFKA_PROPERTIES: (options.properties ?? []).join('\n'),
        KAFKA_USERS: (options.users ?? []).join(' '),
      },
    });
    return { cluster: await clusterIn(folder), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** The first of the nine ports that three brokers take, all free, below those that systems give to whoever asks for any. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = randomInt(12_000, 30_000);
    const free = await Promise.all(Array.from({ length: 9 }, (_, i) => isFree(first + i)));
    if (free.every(Boolean)) return first;
  }
}

/** Kafka's console consumer prints headers and key of each record; it ends where nothing came for a while. */
async function readBack(folder: string, topic: string): Promise<Arrived[]> {
  const tool = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
  const prints = ['print.headers=true', 'print.key=true', 'print.value=false'].flatMap((one) => ['--property', one]);
  const args = [folder, 'tool', tool, '--topic', topic, '--from-beginning', '--timeout-ms', '15000', ...prints];
  const child = spawn(script, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const read: Arrived[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [headers, key] = line.split('\t');
    const found = /ce_id:([^,]+).*ce_sequence:(\d+)/.exec(headers ?? '');
    if (found && key) read.push({ id: found[1]!, seq: Number(found[2]), aggregate: { id: key } });
  }
  return read;
}

/** Waits until every partition has all its copies in step again. @throws after two minutes */
export async function inStep(cluster: KafkaCluster): Promise<void> {
  const admin = new Kafka({ brokers: cluster.brokers.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    for (let tries = 0; tries < 240; tries += 1) {
      const { topics } = await admin.fetchTopicMetadata();
      if (topics.every(({ partitions }) => partitions.every(({ isr, replicas }) => isr.length === replicas.length))) return;
      await sleep(500);
    }
  } finally {
    await admin.disconnect();
  }
  throw new Error('The copies of the cluster are not in step after two minutes');
}
