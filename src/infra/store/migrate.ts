import { sql } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import { HubError } from '#contract';
import { initial } from './migrations/0001_initial.ts';
import { deliveries } from './migrations/0002_deliveries.ts';
import { coordination } from './migrations/0003_coordination.ts';
import { parkedEvents } from './migrations/0004_parked_events.ts';
import { subgraphs } from './migrations/0005_subgraphs.ts';
import { setAsideRecords } from './migrations/0006_set_aside_records.ts';
import { refusals } from './migrations/0007_refusals.ts';
import { growth } from './migrations/0008_growth.ts';
import { takenOnce } from './migrations/0009_taken_once.ts';
import { seenMessages } from './migrations/0010_seen_messages.ts';
import { lists } from './migrations/0011_lists.ts';
import type { Store } from './store.ts';

/** Every migration, by name, in the order of their names. A released migration never changes; a new one gets the next number. */
const migrations: Readonly<Record<string, Migration>> = {
  '0001_initial': initial,
  '0002_deliveries': deliveries,
  '0003_coordination': coordination,
  '0004_parked_events': parkedEvents,
  '0005_subgraphs': subgraphs,
  '0006_set_aside_records': setAsideRecords,
  '0007_refusals': refusals,
  '0008_growth': growth,
  '0009_taken_once': takenOnce,
  '0010_seen_messages': seenMessages,
  '0011_lists': lists,
};

async function unknownMigrations(store: Store): Promise<readonly string[]> {
  const tables = await store.db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === 'kysely_migration')) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(store.db);
  return rows.map((row) => row.name).filter((name) => !(name in migrations));
}

/**
 * Brings the database to this version's schema; several processes may do so at once.
 * @throws HubError STORE_SCHEMA_UNKNOWN if a later version has already changed it, STORE_UNAVAILABLE if it does not answer.
 */
export async function migrate(store: Store): Promise<void> {
  const unknown = await unknownMigrations(store).catch((cause: unknown) => {
    throw new HubError(
      'STORE_UNAVAILABLE',
      {
        de: `Der Speicher (${store.dialect}) lässt sich nicht öffnen: Prüfen Sie STORE_URL und ob die Datenbank läuft.`,
        en: `The ${store.dialect} store cannot be opened: check STORE_URL and that the database runs.`,
      },
      {
        retryable: true,
        cause,
      },
    );
  });
  if (unknown.length > 0)
    throw new HubError('STORE_SCHEMA_UNKNOWN', {
      de: `Eine neuere Version des Hubs hat die Datenbank geändert (${unknown.join(', ')}). Starten Sie diese Version, oder spielen Sie die Sicherung von vor der Änderung zurück.`,
      en: `The database was changed by a newer version of the hub (${unknown.join(', ')}). Start that version, or restore the backup made before its migration.`,
    });
  const { error } = await new Migrator({ db: store.db, provider: { getMigrations: async () => ({ ...migrations }) } }).migrateToLatest();
  if (error !== undefined)
    throw new HubError('STORE_UNAVAILABLE', 'The schema of the database could not be brought up to date; nothing was changed.', {
      cause: error,
    });
}
