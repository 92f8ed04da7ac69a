import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Database } from '../schema.ts';
import { createIndex, createTable } from './tables.ts';

/** Cases between cities. */
async function up(db: Kysely<Database>): Promise<void> {
  await createTable(
    db,
    'case_file',
    {
      id: 'text',
      kind: 'text',
      correlation: 'text',
      state: 'text',
      ars: 'text',
      service_key: 'text',
      application_id: 'text',
      outcome: 'text?',
      opened_at: 'bigint',
      changed_at: 'bigint',
      closed_at: 'bigint?',
      version: 'integer',
    },
    { key: ['id'] },
  );
  await createIndex(db, 'case_file', ['kind', 'correlation'], true);
  await createIndex(db, 'case_file', ['application_id']);
  await createTable(db, 'case_participant', { case_id: 'text', ars: 'text' }, { key: ['case_id', 'ars'] });
  await createIndex(db, 'case_participant', ['ars', 'case_id']);
  await createTable(db, 'case_application', { case_id: 'text', application_id: 'text' }, { key: ['case_id', 'application_id'] });
  await createIndex(db, 'case_application', ['application_id']);
  await createTable(
    db,
    'case_waiting',
    {
      case_id: 'text',
      step: 'text',
      city: 'text',
      by: 'text',
      code: 'text',
      choices: 'text',
      fields: 'text',
      application_id: 'text?',
      due_at: 'bigint?',
    },
    { key: ['case_id', 'step'] },
  );
  await createIndex(db, 'case_waiting', ['due_at']);
  await createIndex(db, 'case_waiting', ['city', 'by']);
  await createTable(
    db,
    'case_answer',
    { case_id: 'text', step: 'text', city: 'text', choice: 'text', fields: 'text', by: 'text', answered_at: 'bigint' },
    { key: ['case_id', 'step'] },
  );
  await createTable(
    db,
    'application_mark',
    { application_id: 'text', applicant: 'text?', marks: 'text' },
    { key: ['application_id'], ofApplication: true },
  );
  await createIndex(db, 'application_mark', ['applicant']);
  await createTable(
    db,
    'case_facts',
    { application_id: 'text', sealed: 'text', sealed_at: 'bigint', erase_at: 'bigint' },
    { key: ['application_id'], ofApplication: true },
  );
  await createIndex(db, 'case_facts', ['erase_at']);
  await createTable(
    db,
    'case_facts_reading',
    { id: 'text', case_id: 'text', city: 'text', by: 'text', read_at: 'bigint' },
    { key: ['id'] },
  );
  await createIndex(db, 'case_facts_reading', ['case_id']);
}

/** Makes the tables of cases between cities. */
export const coordination: Migration = { up };
