import { z } from 'zod';
import { HubError } from '#contract';

const count = (least: number, most: number) => z.coerce.number().int().min(least).max(most);

const settings = z.strictObject({
  /** Copies of each partition, where the hub makes the topic. @default 3 */
  replicationFactor: count(1, 9).default(3),
  /** Copies that must have an event before it counts as published. @default 2 */
  minInsyncReplicas: count(1, 9).default(2),
  /** Partitions of a topic, where the hub makes it. More later would change the order of what is on its way. @default 6 */
  partitions: count(1, 1000).default(6),
  /** For how many days a topic keeps events, where the hub makes it; who reads later than that lacks some. @default 365 */
  retentionDays: count(1, 36_500).default(365),
  /** How long a reader may be silent before its group goes on without it. @default 10000 */
  sessionTimeoutMs: count(1000, 300_000).default(10_000),
  /** How long a broker may take to answer. The send rule (kafka-publisher.ts) makes a short one safe. @default 3000 */
  requestTimeoutMs: count(500, 300_000).default(3000),
  /** Stands before the names of all groups: hubs with stores of their own on one cluster each need another. @default none */
  groupPrefix: z
    .string()
    .regex(/^[\w.-]{0,60}$/)
    .default(''),
  /** TLS to the brokers. @default false */
  ssl: z.stringbool().default(false),
  /** How user and password of the URL sign in. @default scram-sha-512 */
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).default('scram-sha-512'),
});

/** Settings of the Kafka bus, from its URL. */
export interface KafkaSettings extends z.infer<typeof settings> {
  readonly brokers: readonly string[];
  readonly credentials: { readonly username: string; readonly password: string } | null;
}

/**
 * `kafka://[user:password@]host:port,host:port[?setting=value&…]`, user and password percent-encoded.
 * @throws HubError CONFIG_INVALID; the message never repeats the URL, which may hold a password
 */
export function parseKafkaUrl(url: string): KafkaSettings {
  const match = /^kafka:\/\/(?:([^:@/]+):([^@/]*)@)?([^/?@]+)\/?(?:\?(.*))?$/.exec(url);
  const brokers = match?.[3]?.split(',') ?? [];
  if (!match || !brokers.every((broker) => /^[^:\s]+:\d{1,5}$/.test(broker)))
    throw new HubError('CONFIG_INVALID', {
      de: 'BUS_URL muss kafka://<Rechner>:<Port>,<Rechner>:<Port>?<Einstellung>=<Wert> sein, mit dem Port jedes Brokers.',
      en: 'BUS_URL must be kafka://<host>:<port>,<host>:<port>?<setting>=<value>, with the port of every broker.',
    });
  const parsed = settings.safeParse(Object.fromEntries(new URLSearchParams(match[4] ?? '')));
  if (!parsed.success)
    throw new HubError('CONFIG_INVALID', {
      de: `Diese Einstellungen in BUS_URL passen nicht: ${parsed.error.issues.map(({ path }) => path.join('.') || 'Name einer Einstellung').join(', ')}. Es gibt: ${Object.keys(settings.shape).join(', ')}; Werte: docs/reference/kafka.md.`,
      en: `The settings in BUS_URL do not fit: ${parsed.error.issues.map((issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`).join('; ')}. Known are ${Object.keys(settings.shape).join(', ')}.`,
    });
  if (parsed.data.minInsyncReplicas > parsed.data.replicationFactor)
    throw new HubError('CONFIG_INVALID', {
      de: 'BUS_URL verlangt mehr minInsyncReplicas als replicationFactor: Nichts könnte je veröffentlicht werden.',
      en: 'BUS_URL asks for more minInsyncReplicas than replicationFactor: nothing could ever be published.',
    });
  const [, username, password] = match;
  try {
    const credentials =
      username === undefined ? null : { username: decodeURIComponent(username), password: decodeURIComponent(password ?? '') };
    return { ...parsed.data, brokers, credentials };
  } catch {
    throw new HubError('CONFIG_INVALID', {
      de: 'Benutzer und Passwort in BUS_URL müssen prozentkodiert sein.',
      en: 'User and password in BUS_URL must be percent-encoded.',
    });
  }
}
