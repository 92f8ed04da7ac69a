import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HubError } from '#contract';
import { openStore } from '../../src/infra/store/open-store.ts';
import { readPostgresUrl } from '../../src/infra/store/postgres.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { openCuttable } from '../kit/cuttable.ts';
import { newPostgresDatabase } from '../kit/databases.ts';
import { describeWithService, describeWithStore } from '../kit/services.ts';

const away = { name: 'HubError', code: 'STORE_UNAVAILABLE', retryable: true };

const read = (store: Store) => store.db.selectFrom('event_log').select('seq').limit(1).execute();
const write = (store: Store, reader: string, size = 1) =>
  store.db
    .insertInto('reader_cursor')
    .values({ reader: `${reader}${'x'.repeat(size)}`, seq: 1, updated_at: 0 })
    .execute();

describeWithService('postgres', 'a PostgreSQL that is away', (server) => {
  async function openThrough(pool = '') {
    const database = await newPostgresDatabase(server);
    const way = await openCuttable(database.url);
    const store = await openStore(`${way.url}${pool}`);
    onTestFinished(async () => {
      await store.close();
      await way.close();
      await database.remove();
    });
    return { way, store };
  }

  test('is said to be away by reads, changes and transactions alike, and serves on when it is back', async () => {
    const { way, store } = await openThrough();
    way.cut();
    for (const work of [
      () => read(store),
      () => write(store, 'a'),
      () => store.transaction((tx) => tx.selectFrom('event_log').select('seq').execute()),
      () => sql`select 1`.execute(store.db),
      () => store.check(),
    ])
      await expect(work()).rejects.toMatchObject(away);
    way.restore();
    await expect.poll(() => read(store).catch(() => null)).toEqual([]);
  });

  test('is said to be away where the statement was under way when it went', async () => {
    const { way, store } = await openThrough();
    const slow = sql`select pg_sleep(30)`.execute(store.db);
    setTimeout(() => way.cut(), 200);
    await expect(slow).rejects.toMatchObject(away);
  });

  test('is said to be away where every connection of the pool is in use for too long', async () => {
    const { store } = await openThrough('?pool=2');
    const held = Promise.withResolvers<void>();
    const holding = [1, 2].map(() => store.transaction(() => held.promise));
    await expect(read(store)).rejects.toMatchObject(away);
    held.resolve();
    await Promise.all(holding);
    expect(await read(store)).toEqual([]);
  }, 15_000);

  test('whose disk is full or that only reads is told apart from a wrong statement', async () => {
    const { store } = await openThrough();
    const raise = (state: string) => sql`do $$ begin raise exception using errcode = ${sql.lit(state)}; end $$`.execute(store.db);
    for (const state of ['53100', '53200', '25006', '58030', '40001']) await expect(raise(state)).rejects.toMatchObject(away);
    await expect(raise('22012')).rejects.toSatisfy((error) => !(error instanceof HubError));
  });
});

describeWithStore('a SQLite file without room on its disk', (kit) => {
  test('is said to be away by changes and transactions, and still read', async () => {
    const store = await kit.openFresh();
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(store.db);
    // What the disk has left, in pages: SQLite raises the same error, SQLITE_FULL.
    await sql`pragma max_page_count = ${sql.lit(rows[0]!.page_count)}`.execute(store.db);
    await expect(write(store, 'a', 100_000)).rejects.toMatchObject(away);
    await expect(store.transaction((tx) => write({ ...store, db: tx }, 'b', 100_000))).rejects.toMatchObject(away);
    expect(await read(store)).toEqual([]);
    await sql`pragma max_page_count = 1000000`.execute(store.db);
    await store.check();
    await write(store, 'c', 100_000);
  });

  test('is not ready, although it answers every question', async () => {
    const store = await kit.openFresh();
    await store.check();
    await new Promise((resolve) => setTimeout(resolve, 1100));
    // What a disk that the system has made read-only, or a full one, answers to every change.
    await sql`create trigger full before update on reader_cursor begin select raise(abort, 'x'); end`.execute(store.db);
    await expect(store.check()).rejects.toMatchObject(away);
    expect(await read(store)).toEqual([]);
    await sql`drop trigger full`.execute(store.db);
    await store.check();
  });

  test('that cannot be opened names the file and the reason', async () => {
    const url = await kit.freshUrl();
    const path = url.slice('sqlite:'.length);
    const other = new DatabaseSync(path);
    other.exec('create table t (x)');
    other.close();
    const { writeFileSync } = await import('node:fs');
    writeFileSync(path, 'this is no database, and long enough to be read as the header of one. '.repeat(10));
    await expect(openStore(url)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: false,
      message: expect.stringMatching(/hub\.db.*not a database/),
    });
  });
});

describe('the URL of a PostgreSQL', () => {
  test.each([
    ['postgres://h/d', 'postgres://h/d', 20],
    ['postgres://h/d?pool=5', 'postgres://h/d', 5],
    ['postgres://h/d?pool=5&sslmode=require', 'postgres://h/d?sslmode=require', 5],
    ['postgres://h/d?sslmode=require&pool=40', 'postgres://h/d?sslmode=require', 40],
  ])('%s says how many connections a process has', (given, url, connections) => {
    expect(readPostgresUrl(given)).toEqual({ url, connections });
  });

  test.each(['0', '1', 'many', '1e9'])('pool=%s is refused', (pool) => {
    expect(() => readPostgresUrl(`postgres://h/d?pool=${pool}`)).toThrow(/whole number from 2/);
  });
});
