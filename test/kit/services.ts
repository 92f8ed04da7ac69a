import { afterAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/infra/store/open-store.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { newPostgresDatabase, newSqliteDatabase, type OwnDatabase } from './databases.ts';

/*
 * Real services that suites may use, by their URLs in the environment. A suite whose service is not there is skipped
 * under its own name, with the variable that would run it.
 */

/** Services and the variables that name them. */
export const serviceVariables = {
  postgres: 'TEST_POSTGRES_URL',
  redis: 'TEST_REDIS_URL',
  kafka: 'TEST_KAFKA_URL',
  kafkaCluster: 'TEST_KAFKA_CLUSTER',
  redmine: 'TEST_REDMINE_URL',
  mariadb: 'TEST_MARIADB_URL',
  sftp: 'TEST_SFTP_URL',
} as const;

/** A service that a suite may need. */
export type ServiceName = keyof typeof serviceVariables;

/** URL of the service, or null if this run has none. */
export const serviceUrl = (name: ServiceName): string | null => process.env[serviceVariables[name]] || null;

/** A suite that needs a real service; skipped by name where the service is not there. */
export function describeWithService(name: ServiceName, title: string, suite: (url: string) => void): void {
  const url = serviceUrl(name);
  const missing = `${serviceVariables[name]} is not set: set it to run this suite`;
  // Where everything must run, a missing service is a failure.
  const required = Boolean(process.env['REQUIRE_SERVICES']);
  // oxlint-disable-next-line vitest/valid-title -- the suites give their titles
  describe.runIf(url || required)(title, () => {
    if (url) suite(url);
    // oxlint-disable-next-line vitest/valid-title -- as above
    else test(missing, () => expect.unreachable(missing));
  });
}

/** What a suite gets to work on a store of its own. */
export interface StoreKit {
  /** URL of a new, empty database, removed after the suite. */
  freshUrl(): Promise<string>;
  /** A new, migrated store, closed after the suite. */
  openFresh(): Promise<Store>;
  /** Another store on the same database, as a second process would have it; closed after the suite. */
  open(url: string): Promise<Store>;
}

function storeKit(create: () => Promise<OwnDatabase>): StoreKit {
  const cleanUps: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });
  const kit: StoreKit = {
    async freshUrl() {
      const database = await create();
      cleanUps.push(() => database.remove());
      return database.url;
    },
    async open(url) {
      const store = await openStore(url);
      cleanUps.push(() => store.close());
      return store;
    },
    openFresh: async () => kit.open(await kit.freshUrl()),
  };
  return kit;
}

/** A suite that needs a store, whichever. */
export function describeWithStore(title: string, suite: (kit: StoreKit) => void): void {
  // oxlint-disable-next-line vitest/valid-title -- the suites give their titles
  describe(title, () => {
    suite(storeKit(async () => newSqliteDatabase()));
  });
}

/** One suite, run on SQLite and, where there is one, on PostgreSQL. */
export function describeOnEachStore(title: string, suite: (kit: StoreKit, dialect: Store['dialect']) => void): void {
  describeWithStore(`${title} on SQLite`, (kit) => suite(kit, 'sqlite'));
  describeWithService('postgres', `${title} on PostgreSQL`, (server) =>
    suite(
      storeKit(() => newPostgresDatabase(server)),
      'postgres',
    ),
  );
}
