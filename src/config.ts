import { z } from 'zod';
import { HubError, type Said } from '#contract';

/*
 * Everything the hub reads from its environment, in one table. A variable that is empty counts as not set. All complaints
 * come at once, so that a new installation is not repaired one start at a time.
 */

/** German for what is expected, by the English text that a schema states. */
const german = new Map<string, string>();
const expected = (de: string, en: string): string => {
  german.set(en, de);
  return en;
};

const url = (expected: string, ...schemes: readonly string[]) =>
  z.string().refine((text) => schemes.some((scheme) => text.startsWith(scheme)), { error: expected });

const webUrl = z.url({ protocol: /^https?$/, error: expected('eine Adresse mit http oder https', 'an http or https URL') });

const integer = (least: number, most: number) => {
  const error = expected(`eine ganze Zahl von ${least} bis ${most}`, `a whole number from ${least} to ${most}`);
  return z.string().regex(/^\d+$/, { error }).transform(Number).pipe(z.number({ error }).min(least, { error }).max(most, { error }));
};

const flag = (otherwise: 'true' | 'false') =>
  z
    .enum(['true', 'false'], { error: expected('true oder false', 'true or false') })
    .default(otherwise)
    .transform((value) => value === 'true');

const table = z.object({
  /** Where everything that must last is kept. @default sqlite:./data/hub.db */
  STORE_URL: url(
    expected(
      'sqlite:<Pfad einer Datei> oder postgres://<Benutzer>@<Rechner>/<Datenbank>',
      'sqlite:<path of a file> or postgres://<user>@<host>/<database>',
    ),
    'sqlite:',
    'postgres://',
    'postgresql://',
  ).default('sqlite:./data/hub.db'),
  /** How events reach their readers: straight from the store, or through Apache Kafka. @default embedded: */
  BUS_URL: url(
    expected('embedded: oder kafka://<Rechner>:<Port>,<Rechner>:<Port>', 'embedded: or kafka://<host>:<port>,<host>:<port>'),
    'embedded:',
    'kafka://',
  ).default('embedded:'),
  /** Where answers are remembered for a while. @default memory: */
  CACHE_URL: url(
    expected('memory: oder redis://<Rechner>:<Port>', 'memory: or redis://<host>:<port>'),
    'memory:',
    'redis://',
    'rediss://',
  ).default('memory:'),
  /** Port to listen on; 0 takes a free one. @default 4000 */
  PORT: integer(0, 65_535).default(4000),
  /** Address to listen on. `0.0.0.0` if the hub runs in a container. @default 127.0.0.1 */
  HOST: z.string().default('127.0.0.1'),
  /** Folder with one file per connected city. @default ./cities */
  CITIES_DIR: z.string().default('./cities'),
  /** Folder with one file per subgraph that is plugged in at the start; may be absent. @default ./subgraphs */
  SUBGRAPHS_DIR: z.string().default('./subgraphs'),
  /** Issuer of the access tokens the hub accepts (OpenID Connect), exactly as it stands in them. */
  OIDC_ISSUER: webUrl,
  /** The hub's name in the tokens' `aud`. */
  OIDC_AUDIENCE: z.string(),
  /** Where the issuer's keys are. Without it, the issuer's discovery document says so. */
  OIDC_JWKS_URL: webUrl.optional(),
  /** Least level that is logged. @default info */
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'], {
      error: expected('debug, info, warn, error oder silent', 'debug, info, warn, error or silent'),
    })
    .default('info'),
  /** Largest request body, in bytes. @default 262144 */
  BODY_LIMIT_BYTES: integer(1024, 64 * 2 ** 20).default(262_144),
  /** Where clients reach the hub, for links in answers and for `source` of events. Without it no links, and `source` is urn:staedtebund:hub. */
  PUBLIC_URL: webUrl.optional(),
  /** true: a proxy in front adds the caller's address to X-Forwarded-For, and anonymous callers are told apart by it. @default false */
  BEHIND_PROXY: flag('false'),
  /** File of documents that may be asked by their hash (JSON: hash → document; `staedtebund documents` writes it). */
  PERSISTED_DOCUMENTS: z.string().optional(),
  /** true: callers without an access token may ask registered documents only. @default false */
  PERSISTED_ONLY: flag('false'),
  /** false: no GraphiQL. @default true */
  GRAPHIQL: flag('true'),
  /** Bearer token for /metrics and the parts of /health/ready. Without it, only from this machine and not through a proxy. */
  OPERATIONS_TOKEN: z
    .string()
    .min(16, { error: expected('mindestens 16 Zeichen', 'at least 16 characters') })
    .optional(),
  /** Private key (JWK, or a JWK Set whose first key signs) of what the hub tells cities of a caller. Several processes need the same one. */
  CLAIMS_KEY: z
    .string()
    .startsWith('{', { error: expected('ein privater Schlüssel als JWK (JSON)', 'a private key as a JWK (JSON)') })
    .optional(),
  /** Keys that seal what partner cities must know of a person: 32 bytes in base64, the newest first, separated by commas. */
  FACTS_KEY: z.string().optional(),
  /** How long requests in hand may take once the process is told to stop, in milliseconds. @default 10000 */
  SHUTDOWN_GRACE_MS: integer(0, 600_000).default(10_000),
});

/** The hub's configuration, checked. */
export interface Config {
  readonly storeUrl: string;
  readonly busUrl: string;
  readonly cacheUrl: string;
  readonly port: number;
  readonly host: string;
  readonly citiesDir: string;
  readonly subgraphsDir: string;
  readonly oidc: { readonly issuer: string; readonly audience: string; readonly jwksUrl: string | null };
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly bodyLimitBytes: number;
  readonly publicUrl: string | null;
  readonly behindProxy: boolean;
  readonly persisted: { readonly file: string | null; readonly only: boolean };
  readonly graphiql: boolean;
  /** Null: figures are told on this machine only. */
  readonly operationsToken: string | null;
  /** Null: a key of this process alone. */
  readonly claimsKey: string | null;
  /** Null: one beside the SQLite store; with PostgreSQL, none. */
  readonly factsKey: string | null;
  readonly shutdownGraceMs: number;
}

/** These may hold a password: a complaint never repeats what was found in them. */
const mayHoldSecret = /_(URL|KEY|TOKEN)$/;

/**
 * The configuration of an environment.
 * @throws HubError CONFIG_INVALID naming every variable that is missing or wrong, and what is expected
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.keys(table.shape).flatMap((name) => {
      const value = env[name]?.trim();
      return value ? [[name, value]] : [];
    }),
  );
  const parsed = table.safeParse(given);
  if (!parsed.success) throw new HubError('CONFIG_INVALID', complaints(parsed.error, given));
  const values = parsed.data;
  return {
    storeUrl: values.STORE_URL,
    busUrl: values.BUS_URL,
    cacheUrl: values.CACHE_URL,
    port: values.PORT,
    host: values.HOST,
    citiesDir: values.CITIES_DIR,
    subgraphsDir: values.SUBGRAPHS_DIR,
    oidc: { issuer: values.OIDC_ISSUER, audience: values.OIDC_AUDIENCE, jwksUrl: values.OIDC_JWKS_URL ?? null },
    logLevel: values.LOG_LEVEL,
    bodyLimitBytes: values.BODY_LIMIT_BYTES,
    publicUrl: values.PUBLIC_URL ?? null,
    behindProxy: values.BEHIND_PROXY,
    persisted: { file: values.PERSISTED_DOCUMENTS ?? null, only: values.PERSISTED_ONLY },
    graphiql: values.GRAPHIQL,
    operationsToken: values.OPERATIONS_TOKEN ?? null,
    claimsKey: values.CLAIMS_KEY ?? null,
    factsKey: values.FACTS_KEY ?? null,
    shutdownGraceMs: values.SHUTDOWN_GRACE_MS,
  };
}

function complaints(error: z.ZodError, given: Readonly<Record<string, string>>): Said {
  const lines = new Map<string, Said>();
  for (const issue of error.issues) {
    const name = String(issue.path[0]);
    const value = given[name];
    const wanted = value === undefined ? unset(name) : { de: german.get(issue.message) ?? issue.message, en: issue.message };
    const found =
      value === undefined
        ? { de: 'ist nicht gesetzt', en: 'is not set' }
        : mayHoldSecret.test(name)
          ? { de: 'ist gesetzt, aber nicht wie erwartet', en: 'is set, but not as expected' }
          : { de: `ist ${JSON.stringify(value)}`, en: `is ${JSON.stringify(value)}` };
    lines.set(name, { de: `  ${name} ${found.de}: erwartet wird ${wanted.de}`, en: `  ${name} ${found.en}: expected ${wanted.en}` });
  }
  const all = Object.keys(table.shape).length;
  const said = [...lines.values()];
  return {
    de: [`Die Umgebung passt nicht (${said.length} von ${all} Variablen):`, ...said.map(({ de }) => de)].join('\n'),
    en: [`The environment does not fit (${said.length} of ${all} variables):`, ...said.map(({ en }) => en)].join('\n'),
  };
}

const unset = (name: string): Said =>
  name === 'OIDC_ISSUER'
    ? { de: 'die Adresse des Ausstellers der Zugangstoken', en: 'the URL of the issuer of access tokens' }
    : { de: 'der Name des Hubs, der im aud der Token steht', en: "the hub's name in the tokens' aud" };
