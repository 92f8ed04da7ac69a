import type { Trouble } from './trouble.ts';
import type { CaseRow, Value } from './mapping.ts';
import type { SqlConfig, Write } from './config.ts';

/** A statement with its parameters: values never become part of the text. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly Value[];
}

/** Where PostgreSQL and MariaDB differ in words. */
export interface Dialect {
  readonly name: 'postgres' | 'mariadb';
  readonly quote: (name: string) => string;
  /** Placeholder of the n-th parameter, from 1. */
  readonly placeholder: (n: number) => string;
  /** The expression as text. */
  readonly text: (expression: string) => string;
  /** How an argument of a routine is named; MariaDB knows only their order. */
  readonly argument: (name: string, placeholder: string) => string;
  /** Behind a moment in UTC, where the database reads a zone. */
  readonly utc: string;
  /** What the driver's error means. */
  readonly explain: (error: unknown) => Trouble;
}

/** The part of the database's language that the adapter speaks. */
export function createStatements(dialect: Dialect, { view, columns }: Pick<SqlConfig, 'view' | 'columns'>) {
  const quoted = (name: string) => name.split('.').map(dialect.quote).join('.');
  // Always with the view's alias: PostgreSQL takes a bare name in ORDER BY for the output column, and orders numbers as text.
  const column = (name: keyof CaseRow) => (columns[name] === undefined ? null : `c.${dialect.quote(columns[name])}`);
  const names = ['id', 'number', 'status', 'updatedAt', 'version', 'key'] as const satisfies readonly (keyof CaseRow)[];
  const selected = names.map((name) => (column(name) === null ? 'NULL' : dialect.text(column(name) ?? ''))).join(', ');
  const [id, status, updatedAt, key] = [column('id'), column('status'), column('updatedAt'), column('key')];
  const list = (values: readonly Value[]) => values.map((_, index) => dialect.placeholder(index + 1)).join(', ');
  const select = `SELECT ${selected} FROM ${quoted(view)} c`;
  const routine = (name: string, assigned: readonly (readonly [string, Value | undefined])[]) => {
    // By name, what is absent keeps its default; by order it must have its place.
    const given = dialect.name === 'postgres' ? assigned.filter(([, value]) => value !== undefined) : assigned;
    const args = given.map(([argument], index) => dialect.argument(dialect.quote(argument), dialect.placeholder(index + 1)));
    return { call: `${quoted(name)}(${args.join(', ')})`, values: given.map(([, value]) => value ?? null) };
  };

  return {
    /** A row as text, column by column in the order of every SELECT here. */
    toRow: (cells: readonly (string | null)[]): CaseRow =>
      Object.fromEntries(names.map((name, index) => [name, cells[index] ?? null])) as unknown as CaseRow,
    byKeys: (keys: readonly string[]): Statement => ({ sql: `${select} WHERE ${key} IN (${list(keys)})`, values: keys }),
    byIds: (ids: readonly string[]): Statement => ({ sql: `${select} WHERE ${id} IN (${list(ids)})`, values: ids }),
    /** Cases of the hub behind a place in the order of (updatedAt, id); from the beginning without one. */
    changed(limit: number, from: { updatedAt: string; id: string | null } | null): Statement {
      const order = `ORDER BY ${updatedAt}, ${id} LIMIT ${limit}`;
      const ours = `${select} WHERE ${key} IS NOT NULL AND ${updatedAt}`;
      if (from === null) return { sql: `${ours} IS NOT NULL ${order}`, values: [] };
      const [first, second, third] = [1, 2, 3].map(dialect.placeholder);
      if (from.id === null) return { sql: `${ours} >= ${first} ${order}`, values: [from.updatedAt] };
      return {
        sql: `${ours} >= ${first} AND (${updatedAt} > ${second} OR ${id} > ${third}) ${order}`,
        values: [from.updatedAt, from.updatedAt, from.id],
      };
    },
    /** No row, but the columns with their types. */
    shape: (): Statement => ({
      sql: `SELECT ${[id, updatedAt, key, ...names.flatMap((name) => column(name) ?? [])].join(', ')} FROM ${quoted(view)} c WHERE 1 = 0`,
      values: [],
    }),
    withoutMoment: (): Statement => ({
      sql: `SELECT ${dialect.text(id ?? '')} FROM ${quoted(view)} c WHERE ${key} IS NOT NULL AND (${updatedAt} IS NULL OR ${status} IS NULL) LIMIT 1`,
      values: [],
    }),
    write(
      target: Write,
      assign: (assignments: Readonly<Record<string, string>>) => readonly (readonly [string, Value | undefined])[],
    ): Statement {
      if ('procedure' in target) {
        const { call, values } = routine(target.procedure, assign(target.arguments));
        return { sql: `CALL ${call}`, values };
      }
      if ('function' in target) {
        const { call, values } = routine(target.function, assign(target.arguments));
        return { sql: `SELECT ${call}`, values };
      }
      const given = assign(target.values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
      const values = given.map(([, value]) => value);
      return {
        sql: `INSERT INTO ${quoted(target.insert)} (${given.map(([name]) => dialect.quote(name)).join(', ')}) VALUES (${list(values)})`,
        values,
      };
    },
    /** Longest texts of a table's columns, as far as the account may write them. */
    lengths(table: string): Statement {
      const [first = '', second] = table.split('.');
      return {
        sql: `SELECT column_name::text, character_maximum_length::text FROM information_schema.columns
          WHERE table_schema = COALESCE(${dialect.placeholder(1)}, current_schema()) AND table_name = ${dialect.placeholder(2)} AND character_maximum_length IS NOT NULL`,
        values: second === undefined ? [null, first] : [first, second],
      };
    },
    /** Plans an INSERT without doing it: the database refuses where table, columns or rights are missing. */
    explainInsert: (table: string, into: readonly string[]): Statement => ({
      sql: `EXPLAIN INSERT INTO ${quoted(table)} (${into.map(dialect.quote).join(', ')}) VALUES (${into.map(() => 'NULL').join(', ')})`,
      values: [],
    }),
  };
}

export type Statements = ReturnType<typeof createStatements>;
