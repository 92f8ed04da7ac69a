import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult, TransactionSettings } from 'kysely';
import { HubError } from '#contract';

/**
 * What an error of a driver means. `conflict`: the database refused to let two changes pass each other; the same work may succeed
 * when it runs again. `unavailable`: the database is away, full or cannot take work now. `other`: the statement itself is wrong.
 */
export type StoreFailure = 'conflict' | 'unavailable' | 'other';

/** What is known of a database's errors, and who hears of its absence. */
export interface DriverErrors {
  readonly dialect: string;
  readonly failureOf: (error: unknown) => StoreFailure;
  /** Called with the driver's code or message for every call that met an absent database. */
  readonly onUnavailable?: (reason: string) => void;
}

/** The error that the hub raises for a store that cannot do its work now. */
export const storeUnavailable = (dialect: string, cause: unknown): HubError =>
  new HubError(
    'STORE_UNAVAILABLE',
    {
      de: `Der Speicher (${dialect}) antwortet nicht: Prüfen Sie STORE_URL, ob die Datenbank läuft und ob auf ihrem Datenträger Platz ist.`,
      en: `The ${dialect} store does not answer: check STORE_URL, that the database runs and that its disk has room.`,
    },
    {
      retryable: true,
      cause,
    },
  );

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : '';
  return `${code}${error.message}`;
};

/**
 * The dialect, with the errors of its driver translated where they come up: whoever asks the store, within a transaction or
 * without one, sees STORE_UNAVAILABLE while the database is away. A conflict within a transaction stays what it is, since the
 * transaction runs again; outside one nobody does that, so it becomes STORE_UNAVAILABLE too.
 */
export function translateErrors(dialect: Dialect, errors: DriverErrors): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver: () => new TranslatingDriver(dialect.createDriver(), errors),
  };
}

class TranslatingDriver implements Driver {
  readonly #driver: Driver;
  readonly #errors: DriverErrors;

  constructor(driver: Driver, errors: DriverErrors) {
    this.#driver = driver;
    this.#errors = errors;
  }

  async #asked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw translate(error, this.#errors, true);
    }
  }

  init(): Promise<void> {
    return this.#asked(() => this.#driver.init());
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return new TranslatingConnection(await this.#asked(() => this.#driver.acquireConnection()), this.#errors);
  }

  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    mine(connection).inTransaction = true;
    return this.#asked(() => this.#driver.beginTransaction(mine(connection).connection, settings));
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return this.#asked(() => this.#driver.commitTransaction(mine(connection).connection));
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return this.#asked(() => this.#driver.rollbackTransaction(mine(connection).connection));
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return this.#driver.releaseConnection(mine(connection).connection);
  }

  destroy(): Promise<void> {
    return this.#driver.destroy();
  }
}

class TranslatingConnection implements DatabaseConnection {
  readonly connection: DatabaseConnection;
  inTransaction = false;
  readonly #errors: DriverErrors;

  constructor(connection: DatabaseConnection, errors: DriverErrors) {
    this.connection = connection;
    this.#errors = errors;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    try {
      return await this.connection.executeQuery<R>(query);
    } catch (error) {
      throw translate(error, this.#errors, this.inTransaction);
    }
  }

  async *streamQuery<R>(query: CompiledQuery, chunkSize?: number): AsyncIterableIterator<QueryResult<R>> {
    try {
      yield* this.connection.streamQuery<R>(query, chunkSize as number);
    } catch (error) {
      throw translate(error, this.#errors, this.inTransaction);
    }
  }
}

/** Kysely hands back what `acquireConnection` gave it. */
const mine = (connection: DatabaseConnection): TranslatingConnection => connection as TranslatingConnection;

function translate(error: unknown, { dialect, failureOf, onUnavailable }: DriverErrors, runsAgain: boolean): unknown {
  if (error instanceof HubError) return error;
  const failure = failureOf(error);
  if (failure === 'other' || (failure === 'conflict' && runsAgain)) return error;
  if (failure === 'unavailable') onUnavailable?.(reasonOf(error));
  return storeUnavailable(dialect, error);
}
