import { AsyncLocalStorage } from 'node:async_hooks';
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import {
  type CompiledQuery,
  Kysely,
  SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from 'kysely';
import { LRUCache } from 'lru-cache';
import { HubError } from '#contract';
import type { Database } from './schema.ts';
import { createStore } from './create-store.ts';
import { translateErrors, type DriverErrors, type StoreFailure } from './driver-errors.ts';
import type { Store } from './store.ts';

/*
 * SQLite has one writer. This dialect keeps two handles on the file: a writer, which one transaction or one lone change
 * holds at a time, and a read-only reader, which answers every other query at once from the last committed state. With
 * Kysely's own single connection, a read outside a transaction would wait for the transaction that waits for it.
 *
 * Another process may hold the write lock for longer than a moment (an import). node:sqlite is synchronous, so waiting
 * inside SQLite would stop this process: it waits in JavaScript instead, between short attempts. And a transaction of many statements
 * gives way to others between them: all that it waits for itself is fulfilled already, so no timer and no socket would have its turn.
 */

/** How long one attempt may block the process, and for how long attempts are repeated, in milliseconds. */
const BUSY_ATTEMPT_MS = 20;
const BUSY_DEADLINE_MS = 30_000;
const SQLITE_BUSY = 5;
/** How long the statements of a transaction follow each other before others have their turn, in milliseconds. */
const GO_MS = 10;
/** What was erased may stand in the write-ahead log for so long, in milliseconds. */
const FORGET_AFTER_MS = 5000;

/**
 * BUSY and LOCKED (another process holds the file for longer than is waited for), NOMEM, READONLY (a disk that the system has made
 * so), IOERR, FULL and CANTOPEN: what the machine may get over. A malformed file is not among them.
 */
const away = new Set([SQLITE_BUSY, 6, 7, 8, 10, 13, 14]);

/** The primary code of an error of SQLite's, else null. */
const codeOf = (error: unknown): number | null =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : null;

const isBusy = (error: unknown): boolean => codeOf(error) === SQLITE_BUSY;

/** No conflicts: whoever writes has the only writer there is from the beginning. */
const failureOf = (error: unknown): StoreFailure => (away.has(codeOf(error) ?? -1) ? 'unavailable' : 'other');

/** Set inside a transaction: a change that waits for the writer there would wait for itself. Not `open` any more for what a transaction has only begun, such as a timer. */
const insideTransaction = new AsyncLocalStorage<{ open: boolean }>();

async function withinTransaction<T>(work: () => Promise<T>): Promise<T> {
  const transaction = { open: true };
  try {
    return await insideTransaction.run(transaction, work);
  } finally {
    transaction.open = false;
  }
}

async function whileBusy<T>(attempt: () => T): Promise<T> {
  const deadline = Date.now() + BUSY_DEADLINE_MS;
  for (let pause = 5; ; pause = Math.min(pause * 2, 100)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || Date.now() > deadline) throw error;
      await sleep(pause);
    }
  }
}

class Handle {
  readonly db: DatabaseSync;
  readonly #statements = new LRUCache<string, { statement: StatementSync; returnsRows: boolean }>({ max: 500 });

  constructor(file: string, options: { readOnly: boolean; timeout: number }) {
    this.db = new DatabaseSync(file, { ...options, enableForeignKeyConstraints: true });
  }

  run<R>({ sql, parameters }: CompiledQuery): QueryResult<R> {
    const values = parameters as readonly SQLInputValue[];
    const { statement, returnsRows } = this.#prepare(sql);
    if (returnsRows) return { rows: statement.all(...values) as R[] };
    const { changes, lastInsertRowid } = statement.run(...values);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  #prepare(sql: string) {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.db.prepare(sql);
    const prepared = { statement, returnsRows: statement.columns().length > 0 };
    // A changed table makes its statements return the columns of before.
    if (/^\s*(create|alter|drop)\b/i.test(sql)) this.#statements.clear();
    else this.#statements.set(sql, prepared);
    return prepared;
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #driver: SqliteFileDriver;
  /** Gives the writer back; set while this connection holds it. */
  release: (() => void) | null = null;
  /** When others last had their turn in its transaction. */
  turnAt = 0;

  constructor(driver: SqliteFileDriver) {
    this.#driver = driver;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { reader, writer } = this.#driver;
    if (this.release) {
      if (performance.now() - this.turnAt > GO_MS) {
        await turn();
        this.turnAt = performance.now();
      }
      return writer.run(query);
    }
    if (SelectQueryNode.is(query.query) || /^\s*select\b/i.test(query.sql)) return reader.run(query);
    const release = await this.#driver.acquireWriter();
    try {
      return await whileBusy(() => writer.run<R>(query));
    } finally {
      this.#driver.forgetSoon();
      release();
    }
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    const { db } = this.release ? this.#driver.writer : this.#driver.reader;
    // Not from the cache: another query would reset a statement that is being stepped through.
    for (const row of db.prepare(query.sql).iterate(...(query.parameters as readonly SQLInputValue[]))) yield { rows: [row as R] };
  }
}

class SqliteFileDriver implements Driver {
  readonly writer: Handle;
  readonly reader: Handle;
  #queue: Promise<void> = Promise.resolve();
  #forgetting: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(file: string) {
    makePrivate(file);
    this.writer = new Handle(file, { readOnly: false, timeout: BUSY_DEADLINE_MS });
    // Erased is erased: what a change frees is overwritten with zeros. Without it, SQLite leaves it in the file until another row needs the place.
    this.writer.db.exec('pragma journal_mode = wal; pragma secure_delete = on');
    // FULL, not NORMAL: NORMAL loses acknowledged commits at a power cut.
    this.writer.db.exec(`pragma synchronous = full; pragma busy_timeout = ${BUSY_ATTEMPT_MS}`);
    this.reader = new Handle(file, { readOnly: true, timeout: BUSY_DEADLINE_MS });
  }

  /** Waits for the writer, first come first served; resolves to how to give it back. */
  async acquireWriter(): Promise<() => void> {
    if (insideTransaction.getStore()?.open)
      throw new HubError(
        'STORE_UNAVAILABLE',
        'A change outside the running transaction would wait for itself: use its tx instead of store.db.',
      );
    const before = this.#queue;
    const turn = Promise.withResolvers<void>();
    this.#queue = turn.promise;
    await before;
    return turn.resolve;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<SqliteConnection> {
    return new SqliteConnection(this);
  }

  async beginTransaction(connection: SqliteConnection): Promise<void> {
    const release = await this.acquireWriter();
    try {
      // Immediate: a transaction that reads first and then writes can otherwise fail as busy without a remedy.
      await whileBusy(() => this.writer.db.exec('begin immediate'));
    } catch (error) {
      release();
      throw error;
    }
    connection.release = release;
    connection.turnAt = performance.now();
  }

  async commitTransaction(connection: SqliteConnection): Promise<void> {
    this.writer.db.exec('commit');
    this.forgetSoon();
    this.#giveBack(connection);
  }

  async rollbackTransaction(connection: SqliteConnection): Promise<void> {
    try {
      // A full disk or a failed write has already rolled it back.
      if (this.writer.db.isTransaction) this.writer.db.exec('rollback');
    } finally {
      this.#giveBack(connection);
    }
  }

  async releaseConnection(connection: SqliteConnection): Promise<void> {
    if (connection.release) await this.rollbackTransaction(connection);
  }

  async destroy(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#forgetting);
    this.reader.db.close();
    this.#emptyLog();
    this.writer.db.close();
  }

  /** After a change: the write-ahead log still holds pages as they were before, until it is copied into the file and cut. */
  forgetSoon(): void {
    if (this.#closed) return;
    this.#forgetting ??= setTimeout(() => {
      this.#forgetting = undefined;
      void this.#forget();
    }, FORGET_AFTER_MS).unref();
  }

  async #forget(): Promise<void> {
    const release = await this.acquireWriter();
    try {
      if (this.#closed) return;
      // Another process reads or writes at this moment: again in a while.
      if (!this.#emptyLog()) this.forgetSoon();
    } finally {
      release();
    }
  }

  /** False if the log could not be emptied now. */
  #emptyLog(): boolean {
    try {
      const [result] = this.writer.db.prepare('pragma wal_checkpoint(truncate)').all() as { busy: number }[];
      return result?.busy === 0;
    } catch {
      return false; // a full disk; the next change tries again
    }
  }

  #giveBack(connection: SqliteConnection): void {
    const { release } = connection;
    connection.release = null;
    release?.();
  }
}

/** Migrations run in a transaction, as SQLite allows, so a crash leaves none half done and two processes take turns. */
class SqliteFileAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** Nobody but the hub's own account reads the file; the log and the shared memory beside it get the same mode. */
function makePrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600));
  for (const one of [file, `${file}-wal`, `${file}-shm`])
    try {
      chmodSync(one, 0o600);
    } catch {
      // Not there, or somebody else's: then it is theirs to say.
    }
}

function openDriver(path: string): SqliteFileDriver {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return new SqliteFileDriver(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HubError('STORE_UNAVAILABLE', `${path} cannot be opened as the store (${reason}).`, {
      retryable: failureOf(cause) === 'unavailable',
      cause,
    });
  }
}

/** Opens the SQLite file at `path`, making it and its folder where they are missing. */
export async function openSqlite(path: string, { onUnavailable }: Pick<DriverErrors, 'onUnavailable'> = {}): Promise<Store> {
  const driver = openDriver(path);
  const dialect: Dialect = {
    createAdapter: () => new SqliteFileAdapter(),
    createDriver: () => driver,
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
  return createStore({
    dialect: 'sqlite',
    db: new Kysely<Database>({
      dialect: translateErrors(dialect, { dialect: 'sqlite', failureOf, ...(onUnavailable ? { onUnavailable } : {}) }),
    }),
    within: withinTransaction,
    failureOf,
  });
}
