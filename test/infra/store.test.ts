import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fork } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import { acquireLease } from '../../src/infra/store/lease.ts';
import { openStore } from '../../src/infra/store/open-store.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { sampleEvent } from '../kit/sample-event.ts';

const setCursor = (store: Pick<Store, 'db'>, reader: string, seq: number) =>
  store.db
    .insertInto('reader_cursor')
    .values({ reader, seq, updated_at: 0 })
    .onConflict((c) => c.column('reader').doUpdateSet({ seq }))
    .execute();

const cursor = async (store: Pick<Store, 'db'>, reader: string) =>
  (await store.db.selectFrom('reader_cursor').select('seq').where('reader', '=', reader).executeTakeFirst())?.seq;

describeOnEachStore('the store', (kit, dialect) => {
  test('a transaction that throws leaves nothing behind', async () => {
    const store = await kit.openFresh();
    const failed = store.transaction(async (tx) => {
      await setCursor({ db: tx }, 'r', 1);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await cursor(store, 'r')).toBeUndefined();
  });

  test('a read outside the running transaction answers at once, from the state before it', async () => {
    const store = await kit.openFresh();
    await setCursor(store, 'r', 1);
    await store.transaction(async (tx) => {
      await setCursor({ db: tx }, 'r', 2);
      expect(await cursor(store, 'r')).toBe(1);
      expect(await cursor({ db: tx }, 'r')).toBe(2);
    });
    expect(await cursor(store, 'r')).toBe(2);
  });

  test('others have their turn between the statements of a long transaction', async () => {
    const store = await kit.openFresh();
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    const seen = await store.transaction(async (tx) => {
      const before = turns;
      for (const since = performance.now(); performance.now() - since < 200;) await sql`select 1`.execute(tx);
      return turns - before;
    });
    clearInterval(timer);
    expect(seen).toBeGreaterThan(0);
  });

  test('numbers beyond 32 bits, counts and sums come back as numbers', async () => {
    const store = await kit.openFresh();
    await setCursor(store, 'a', 9_007_199_254_740_991);
    await setCursor(store, 'b', 1_800_000_000_000);
    const row = await store.db
      .selectFrom('reader_cursor')
      .select((e) => [e.fn.countAll<number>().as('n'), e.fn.min('seq').as('least'), e.fn.max('seq').as('most')])
      .executeTakeFirstOrThrow();
    expect(row).toEqual({ n: 2, least: 1_800_000_000_000, most: 9_007_199_254_740_991 });
    const sum = await store.db
      .selectFrom('reader_cursor')
      .select((e) => e.fn.sum<number>('seq').as('sum'))
      .where('reader', '=', 'b')
      .executeTakeFirstOrThrow();
    expect(sum.sum).toBe(1_800_000_000_000);
  });

  test('a hundred transactions at once, in two processes’ stores, all count', async () => {
    const url = await kit.freshUrl();
    const stores = [await kit.open(url), await kit.open(url)];
    await setCursor(stores[0]!, 'counter', 0);
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        stores[i % 2]!.transaction(async (tx) => {
          const row = tx.selectFrom('reader_cursor').select('seq').where('reader', '=', 'counter');
          const { seq } = await (dialect === 'postgres' ? row.forUpdate() : row).executeTakeFirstOrThrow();
          await setCursor({ db: tx }, 'counter', seq + 1);
        }),
      ),
    );
    expect(await cursor(stores[0]!, 'counter')).toBe(100);
  });

  test('transactions that deadlock or collide run again', async () => {
    const store = await kit.openFresh();
    await setCursor(store, 'a', 0);
    await setCursor(store, 'b', 0);
    let runs = 0;
    const addBoth = (first: string, second: string) =>
      store.transaction(async (tx) => {
        runs += 1;
        for (const reader of [first, second]) {
          await tx
            .updateTable('reader_cursor')
            .set((e) => ({ seq: e('seq', '+', 1) }))
            .where('reader', '=', reader)
            .execute();
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      });
    await Promise.all([addBoth('a', 'b'), addBoth('b', 'a')]);
    expect([await cursor(store, 'a'), await cursor(store, 'b')]).toEqual([2, 2]);
    // PostgreSQL finds the deadlock and one of the two runs again; SQLite lets one writer in at a time.
    expect(runs).toBe(dialect === 'postgres' ? 3 : 2);
  });

  if (dialect === 'postgres')
    test('a connection that is cut in the middle of a transaction is an error of that transaction, and of nothing else', async () => {
      const store = await kit.openFresh();
      const cut = store.transaction(async (tx) => {
        const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
        await sql`select pg_terminate_backend(${rows[0]!.pid})`.execute(store.db);
        // Between two statements, when nobody asks anything of the connection.
        await new Promise((resolve) => setTimeout(resolve, 200));
        await setCursor({ db: tx }, 'cut', 1);
      });
      await expect(cut).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      await store.transaction((tx) => setCursor({ db: tx }, 'next', 2));
      expect([await cursor(store, 'cut'), await cursor(store, 'next')]).toEqual([undefined, 2]);
    });

  test('listeners hear commits with events, not rollbacks and not other commits', async () => {
    const store = await kit.openFresh();
    const log = createEventLog(store);
    let heard = 0;
    const stop = store.onCommit(() => (heard += 1));
    await store.transaction((tx) => log.append(tx, [sampleEvent()]));
    await store.transaction((tx) => setCursor({ db: tx }, 'x', 1));
    await store
      .transaction(async (tx) => {
        await log.append(tx, [sampleEvent()]);
        throw new Error('rolled back');
      })
      .catch(() => {});
    expect(heard).toBe(1);
    stop();
    await store.transaction((tx) => log.append(tx, [sampleEvent()]));
    expect(heard).toBe(1);
  });

  test('two processes may bring a new database up to date at once, and opening it again changes nothing', async () => {
    const url = await kit.freshUrl();
    const stores = await Promise.all([kit.open(url), kit.open(url), kit.open(url)]);
    await Promise.all(stores.map((store) => store.check()));
    const migrations = await stores[0].db
      .selectFrom('kysely_migration' as never)
      .selectAll()
      .execute();
    const files = readdirSync(new URL('../../src/infra/store/migrations', import.meta.url)).filter((name) => /^\d{4}_/.test(name));
    expect(migrations).toHaveLength(files.length);
  });

  test('a database of a newer version is refused, with the remedy', async () => {
    const url = await kit.freshUrl();
    const store = await kit.open(url);
    await store.db
      .insertInto('kysely_migration' as never)
      .values({ name: '9999_from_the_future', timestamp: new Date().toISOString() })
      .execute();
    await expect(openStore(url)).rejects.toMatchObject({
      code: 'STORE_SCHEMA_UNKNOWN',
      message: expect.stringMatching(/9999_from_the_future.*Start that version, or restore the backup/),
    });
  });

  test('a row whose application does not exist is refused at commit', async () => {
    const store = await kit.openFresh();
    const orphan = store.transaction((tx) =>
      tx
        .insertInto('submission_key')
        .values({ owner: 'o', key: 'k', request_hash: 'h', application_id: 'missing', created_at: 0 })
        .execute(),
    );
    await expect(orphan).rejects.toThrow(/foreign key/i);
    await setCursor(store, 'afterwards', 1);
    expect(await cursor(store, 'afterwards')).toBe(1);
  });

  test('a lease has one holder; who lost it learns so from its fence', async () => {
    const store = await kit.openFresh();
    const request = (holder: string) => ({ name: 'relay', holder, ttlMs: 1000 });
    const first = await acquireLease(store, request('first'), 0);
    expect(await acquireLease(store, request('second'), 999)).toBeNull();
    expect(await first?.renew(500)).toBe(true);
    expect(await acquireLease(store, request('second'), 1499)).toBeNull();
    const second = await acquireLease(store, request('second'), 1500);
    expect(second?.fence).toBe(first!.fence + 1);
    expect(await first?.renew(1501)).toBe(false);
    await first?.release();
    expect(await acquireLease(store, request('third'), 1502)).toBeNull();
    await second?.release();
    expect((await acquireLease(store, request('third'), 1503))?.fence).toBe(first!.fence + 2);
  });

  test('a lease that a clock wrote which was a day ahead is free when the clock is right again; an ordinary one is not', async () => {
    const store = await kit.openFresh();
    const request = (holder: string, ttlMs = 1000) => ({ name: 'relay', holder, ttlMs });
    await acquireLease(store, request('ahead'), 86_400_000);
    expect((await acquireLease(store, request('right'), 0))?.fence).toBe(2);
    expect(await acquireLease(store, request('other'), 1)).toBeNull();
    const long = await acquireLease(store, { ...request('long', 7_200_000), name: 'long' }, 0);
    expect(long).not.toBeNull();
    expect(await acquireLease(store, { ...request('other', 7_200_000), name: 'long' }, 1)).toBeNull();
  });

  test('of many that ask for a lease at once, one gets it', async () => {
    const store = await kit.openFresh();
    const asked = await Promise.all(
      Array.from({ length: 20 }, () => acquireLease(store, { name: 'n', holder: randomUUID(), ttlMs: 1000 }, 5000)),
    );
    expect(asked.filter(Boolean)).toHaveLength(1);
  });

  test('what was acknowledged before kill -9 is there afterwards', async () => {
    const url = await kit.freshUrl();
    await (await openStore(url)).close();
    const acknowledged: string[] = [];
    for (let kill = 0; kill < 3; kill += 1) {
      const writer = fork(join(import.meta.dirname, '../kit/event-writer.ts'), [url]);
      writer.on('message', (id: string) => acknowledged.push(id));
      while (acknowledged.length < (kill + 1) * 40) await once(writer, 'message');
      writer.kill('SIGKILL');
      await once(writer, 'exit');
    }
    const store = await kit.open(url);
    const logged = new Set((await createEventLog(store).read(0, 100_000)).map((event) => event.id));
    expect(acknowledged.filter((id) => !logged.has(id))).toEqual([]);
  });
});

describe('opening a store', () => {
  test.each(['sqlite:', 'sqlite::memory:', 'mysql://x', 'hub.db', ''])('the URL %j is refused with what is expected', async (url) => {
    await expect(openStore(url)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('sqlite:<path of a file>'),
    });
  });

  test('a database that is away is said to be away', async () => {
    await expect(openStore('postgres://postgres@127.0.0.1:9/none')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
  });

  test('on SQLite, a change beside the running transaction is refused instead of waiting for itself', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'staedtebund-'));
    const store = await openStore(`sqlite:${folder}/new/folder/hub.db`);
    await store.transaction(async () => {
      await expect(setCursor(store, 'r', 1)).rejects.toThrow('use its tx');
    });
    await store.close();
    rmSync(folder, { recursive: true });
  });
});
