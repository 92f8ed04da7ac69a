import { AdapterError, type Call, type Health } from '#contract';
import type { Shape } from './client.ts';
import type { SqlConfig, Write } from './config.ts';
import type { Database } from './database.ts';
import type { Dialect, Statement, Statements } from './dialect.ts';

interface Questions {
  readonly database: Database;
  readonly statements: Statements;
  readonly dialect: Dialect;
  readonly shape: (call: Call) => Promise<Shape>;
}

/** Reads and plans, writes nothing: who the server is, the view, the rights to write, the key that must be unique. */
export async function check(config: SqlConfig, { database, statements, dialect, shape }: Questions, call: Call): Promise<Health> {
  const probes: { name: string; ok: boolean; ms: number; hint?: string }[] = [];
  const probe = async (name: string, question: () => Promise<string | null>) => {
    const since = performance.now();
    const hint = await question().catch((error: unknown) => {
      // What the database says about a table is a hint; that it is away ends the check.
      if (error instanceof AdapterError && error.kind === 'misconfigured' && probes.length > 0) return `${name}: ${error.message}`;
      throw error;
    });
    probes.push({ name, ok: hint === null, ms: Math.round(performance.now() - since), ...(hint === null ? {} : { hint }) });
    return hint === null;
  };
  const some = async (statement: Statement) => (await database.read(statement, call)).rows[0]?.[0] ?? null;

  let system = '';
  await probe('credentials', async () => {
    system = await database.system(call);
    return null;
  });
  const readable = await probe('view', async () => {
    await shape(call);
    return null;
  });
  if (readable)
    await probe('rows of the view', async () => {
      const incomplete = await some(statements.withoutMoment());
      return incomplete === null
        ? null
        : `config.columns: case ${incomplete} has no status or no moment; its changes are not told until it has`;
    });
  await probe('submit', () => writable(config.submit, { some, database, statements, dialect }, call));
  if (config.attachments) await probe('attachments', () => writable(config.attachments!, { some, database, statements, dialect }, call));
  if (config.withdraw) await probe('withdraw', () => writable(config.withdraw!, { some, database, statements, dialect }, call));
  if (config.idempotency === 'unique' && 'insert' in config.submit) {
    const { insert, values } = config.submit;
    const column = Object.keys(values).find((name) => values[name] === '/key') ?? '';
    await probe('unique key', async () =>
      (await some(uniqueKey(dialect, insert, column))) === 'none'
        ? `config.idempotency: ${insert}.${column} is not unique: a lost reply would file an application twice`
        : null,
    );
  }
  return { ok: probes.every(({ ok }) => ok), system, probes };
}

async function writable(
  target: Write,
  { some, database, statements, dialect }: Omit<Questions, 'shape'> & { some: (statement: Statement) => Promise<string | null> },
  call: Call,
): Promise<string | null> {
  if ('insert' in target) {
    await database.read(statements.explainInsert(target.insert, Object.keys(target.values)), call);
    return null;
  }
  const name = 'procedure' in target ? target.procedure : target.function;
  return (await some(routine(dialect, name))) === null
    ? `${name}: there is no such routine, or the hub’s account may not execute it`
    : null;
}

const parts = (name: string): readonly [schema: string | null, name: string] => {
  const [first = '', second] = name.split('.');
  return second === undefined ? [null, first] : [first, second];
};

function routine(dialect: Dialect, name: string): Statement {
  const values = parts(name);
  if (dialect.name === 'postgres')
    return {
      sql: `SELECT p.oid::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = COALESCE($1, n.nspname) AND p.proname = $2 AND has_function_privilege(p.oid, 'EXECUTE') LIMIT 1`,
      values,
    };
  // MariaDB shows an account only the routines that it may use.
  return {
    sql: 'SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = COALESCE(?, DATABASE()) AND ROUTINE_NAME = ? LIMIT 1',
    values,
  };
}

/** `none` where no unique index is on the column alone; anything else where there is one, or where it cannot be seen. */
function uniqueKey(dialect: Dialect, table: string, column: string): Statement {
  const [schema, name] = parts(table);
  if (dialect.name === 'postgres')
    return {
      sql: `SELECT CASE WHEN c.relkind NOT IN ('r', 'p') THEN 'unseen' WHEN EXISTS (
          SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
          WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL AND a.attname = $3
        ) THEN 'unique' ELSE 'none' END
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = $2 AND CASE WHEN $1::text IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = $1 END LIMIT 1`,
      values: [schema, name, column],
    };
  return {
    sql: `SELECT CASE WHEN t.TABLE_TYPE <> 'BASE TABLE' THEN 'unseen' WHEN EXISTS (
        SELECT 1 FROM information_schema.STATISTICS s WHERE s.TABLE_SCHEMA = t.TABLE_SCHEMA AND s.TABLE_NAME = t.TABLE_NAME AND s.NON_UNIQUE = 0
        GROUP BY s.INDEX_NAME HAVING COUNT(*) = 1 AND MAX(s.COLUMN_NAME) = ?
      ) THEN 'unique' ELSE 'none' END
      FROM information_schema.TABLES t WHERE t.TABLE_SCHEMA = COALESCE(?, DATABASE()) AND t.TABLE_NAME = ? LIMIT 1`,
    values: [column, schema, name],
  };
}
