import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { runBackup, runRestore, runRestored, type BackupVerb } from '../../src/cli/backup.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import { openStore } from '../../src/infra/store/open-store.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { newPostgresDatabase } from '../kit/databases.ts';
import { sampleEvent } from '../kit/sample-event.ts';
import { describeWithService } from '../kit/services.ts';

/* The verbs around backups on a real server, with PostgreSQL's own tools. What SQLite does is in scenarios/restored-backup.test.ts. */

const folder = mkdtempSync(join(tmpdir(), 'staedtebund-backup-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeWithService('postgres', 'backup, restore and restored on PostgreSQL', (server) => {
  const remove: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const one of remove) await one();
  });

  async function openDatabase() {
    const database = await newPostgresDatabase(server);
    remove.push(() => database.remove());
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    const verb = (storeUrl = database.url): BackupVerb => ({
      storeUrl,
      env: process.env,
      language: 'EN',
      now: () => new Date(),
      out: say,
      note: say,
      projections: [],
      openEventLog: createEventLog,
    });
    const use = async <T>(work: (store: Store) => Promise<T>): Promise<T> => {
      const store = await openStore(database.url);
      try {
        return await work(store);
      } finally {
        await store.close();
      }
    };
    const query = async (text: string): Promise<readonly Record<string, unknown>[]> => {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(text)).rows;
      } finally {
        await client.end();
      }
    };
    return { url: database.url, verb, said, use, query, file: join(folder, `${randomUUID()}.dump`) };
  }

  const append = (store: Store, count: number) =>
    store.transaction((tx) =>
      createEventLog(store).append(
        tx,
        Array.from({ length: count }, () => sampleEvent()),
      ),
    );
  const count = async ({ db }: Store) =>
    (
      await db
        .selectFrom('event_log')
        .select((e) => e.fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow()
    ).n;
  const last = async ({ db }: Store) => {
    const { seq } = await db
      .selectFrom('event_log')
      .select((e) => e.fn.max('seq').as('seq'))
      .executeTakeFirstOrThrow();
    return seq ?? 0;
  };
  const schemas = "select nspname as name from pg_namespace where nspname like 'staedtebund_before_%'";

  test('a backup made while the store is written to is one moment of it', { timeout: 60_000 }, async () => {
    const { verb, use, file, said } = await openDatabase();
    await use(async (store) => {
      let over = false;
      const writing = (async () => {
        // Both or neither: an event, and a row that says how many there are.
        for (let seq = 1; !over; seq += 1)
          await store.transaction(async (tx) => {
            await tx
              .insertInto('reader_cursor')
              .values({ reader: `${seq}`, seq, updated_at: 0 })
              .execute();
            await createEventLog(store).append(tx, [sampleEvent()]);
          });
      })();
      expect(await runBackup(verb(), file)).toBe(0);
      over = true;
      await writing;
    });
    const other = await openDatabase();
    expect(await runRestore(other.verb(), file, {})).toBe(0);
    const { events, readers } = await other.use(async (store) => ({
      events: await count(store),
      readers: (await store.db.selectFrom('reader_cursor').select('seq').where('reader', '<>', 'health').execute()).length,
    }));
    expect(events).toBe(readers);
    expect(said).toEqual([expect.stringMatching(/backed up, \d+ bytes\./)]);
    expect(other.said, 'an empty database has no store before').toEqual([expect.stringMatching(/^Restored: 0 applications, \d+ events/)]);
  });

  test('a restoration keeps the store before in a schema of its own, which is in no later backup', { timeout: 60_000 }, async () => {
    const { verb, use, query, file, said } = await openDatabase();
    await use((store) => append(store, 3));
    await runBackup(verb(), file);
    await use((store) => append(store, 2));
    await query('create view events_by_type as select type, count(*) from event_log group by type');
    expect(await runRestore(verb(), file, {})).toBe(0);
    expect(await use(count)).toBe(3);
    const [{ name } = {}] = await query(schemas);
    expect(said.at(-2)).toBe(`The store before lies in the schema ${String(name)} of the same database.`);
    expect((await query(`select count(*)::int as n from ${String(name)}.event_log`))[0]).toEqual({ n: 5 });

    expect(await query("select to_regclass('public.events_by_type') as view"), 'what the backup lacks is kept aside').toEqual([
      { view: null },
    ]);
    const later = `${file}.later`;
    await runBackup(verb(), later);
    const other = await openDatabase();
    await runRestore(other.verb(), later, {});
    expect(await other.query(schemas)).toEqual([]);
    expect(await other.use(count)).toBe(3);
  });

  test('a backup of an earlier version replaces the store of a later one, whatever tables that has', { timeout: 60_000 }, async () => {
    const { verb, use, query, file } = await openDatabase();
    await use((store) => append(store, 1));
    await runBackup(verb(), file);
    await use((store) => append(store, 1));
    await query("create table from_a_later_version (id text); insert into kysely_migration values ('9999_later', '2027-01-01')");
    expect(await runRestore(verb(), file, {})).toBe(0);
    expect(await use(count)).toBe(1);
    // As the migration of that version does once it is started again.
    await query('create table from_a_later_version (id text)');
  });

  /** With another byte in the content of the largest table. */
  function spoilt(file: string): Buffer {
    const bytes = readFileSync(file);
    const at = Math.floor(bytes.length / 2);
    bytes[at] = bytes[at]! ^ 1;
    return bytes;
  }

  test.each<[what: string, spoil: (file: string) => void]>([
    ['cut off', (file) => truncateSync(file, readFileSync(file).length - 200)],
    ['changed in the middle', (file) => writeFileSync(file, spoilt(file))],
    ['none', (file) => writeFileSync(file, 'no backup')],
  ])('a backup that is %s is refused, and the store is as it was', { timeout: 60_000 }, async (what, spoil) => {
    const { verb, use, query, file, said } = await openDatabase();
    await use((store) => append(store, 500));
    await runBackup(verb(), file);
    spoil(file);
    await use((store) => append(store, 1));
    expect(await runRestore(verb(), file, { verify: true })).toBe(1);
    expect(await runRestore(verb(), file, {})).toBe(1);
    expect(said.at(-1)).toMatch(/is damaged:\n {2}its content is not what was written/);
    if (what !== 'changed in the middle') {
      rmSync(`${file}.sha256`);
      await expect(runRestore(verb(), file, { verify: true })).rejects.toMatchObject({ code: 'BACKUP_REFUSED' });
      await expect(runRestore(verb(), file, {})).rejects.toMatchObject({ code: 'BACKUP_REFUSED' });
      expect(said.at(-1)).toMatch(/\.sha256 is missing/);
    }
    expect(await use(count)).toBe(501);
    expect(await query(schemas)).toEqual([]);
  });

  test('what the server refuses changes nothing, and is said in its words', { timeout: 60_000 }, async () => {
    const { verb, use, query, file } = await openDatabase();
    await use((store) => append(store, 1));
    await query('create view v as select 1 as one');
    await runBackup(verb(), file);
    // Something else has a name of the backup.
    await query('drop view v; create domain v as text');
    await expect(runRestore(verb(), file, {})).rejects.toThrow(/psql failed: .*"v"/s);
    expect(await use(count)).toBe(1);
    expect(await query(schemas)).toEqual([]);
  });

  test('a restoration is refused while a client has the database open', { timeout: 60_000 }, async () => {
    const { verb, use, file, said } = await openDatabase();
    await use(async (store) => {
      await append(store, 1);
      await runBackup(verb(), file);
      expect(await runRestore(verb(), file, {})).toBe(1);
      expect(await count(store)).toBe(1);
    });
    expect(said.at(-1)).toMatch(/^The database is in use \(\d+ connections\): stop every hub, then restore\.$/);
  });

  test('a URL in words that only the driver knows does for the tools too', { timeout: 60_000 }, async () => {
    const { url, verb, use, file } = await openDatabase();
    await use((store) => append(store, 1));
    const wordy = `${url}?statement_timeout=60000&pool=5&application_name=hub`;
    expect(await runBackup(verb(wordy), file)).toBe(0);
    expect(await runRestore(verb(wordy), file, {})).toBe(0);
    expect(await use(count)).toBe(1);
  });

  test('a second backup replaces the first, and one that fails leaves it', { timeout: 60_000 }, async () => {
    const { verb, use, file } = await openDatabase();
    await use((store) => append(store, 1));
    await runBackup(verb(), file);
    const first = readFileSync(file);
    await expect(runBackup({ ...verb(), storeUrl: 'postgres://nobody@127.0.0.1:1/none' }, file)).rejects.toMatchObject({
      code: 'BACKUP_REFUSED',
    });
    expect(readFileSync(file).equals(first)).toBe(true);
    await use((store) => append(store, 50));
    await runBackup(verb(), file);
    expect(readFileSync(file).equals(first)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test.each(['restore', 'restored'])(
    'after %s, what was open may have landed, and no number of an event is given twice',
    async (verbName) => {
      const { verb, use, file, said } = await openDatabase();
      const before = await use(async (store) => {
        await append(store, 4);
        return last(store);
      });
      if (verbName === 'restore') {
        await runBackup(verb(), file);
        await runRestore(verb(), file, {});
      } else {
        expect(await runRestored(verb())).toBe(0);
        expect(said).toEqual([expect.stringMatching(/^Noted: /)]);
      }
      await use(async (store) => {
        expect((await store.db.selectFrom('restoration').selectAll().execute()).length).toBe(1);
        await append(store, 1);
        expect(await last(store)).toBeGreaterThan(before + 999_999);
        await sql`select 1`.execute(store.db);
      });
    },
  );
});
