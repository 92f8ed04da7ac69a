import { sql, type RawBuilder } from 'kysely';

/**
 * An id as lists are in order of it: the same text, as the indexes of lists have it (store/migrations/0011_lists.ts). By the bare
 * column, PostgreSQL would read the primary key past all that is younger and somebody else's.
 */
export const orderly = (column: string): RawBuilder<string> => sql<string>`(${sql.ref(column)} || '')`;
