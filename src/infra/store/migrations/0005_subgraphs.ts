import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Database } from '../schema.ts';
import { createTable } from './tables.ts';

/** Subgraphs that were accepted, each with the SDL that it was accepted with. */
async function up(db: Kysely<Database>): Promise<void> {
  await createTable(
    db,
    'subgraph',
    { name: 'text', url: 'text', sdl: 'text', hash: 'text', origin: 'text', settings: 'text', accepted_at: 'bigint' },
    { key: ['name'] },
  );
}

/** 0005: subgraphs. */
export const subgraphs: Migration = { up };
