import {
  AdapterError,
  type Adapter,
  type Attachment,
  type Batch,
  type Call,
  type CasePort,
  type CaseRef,
  type CaseSnapshot,
  type Host,
  type WriteCall,
} from '#contract';
import { createChanges } from './changes.ts';
import { check } from './check.ts';
import type { SqlConfig } from './config.ts';
import type { ColumnKind } from './connection.ts';
import { createDatabase } from './database.ts';
import { createStatements } from './dialect.ts';
import { assign, toRef, toSnapshot, toSource, withAttachment, type CaseRow } from './mapping.ts';
import { mariadb, mariadbDriver } from './mariadb.ts';
import type { Clock } from './moments.ts';
import { postgres, postgresDriver } from './postgres.ts';
import { writeError, type Trouble } from './trouble.ts';

/*
 * A back office that is reached through its database: a view shows its cases, one INSERT or one call of a routine takes an
 * application. The same key twice:
 *
 *   unique   a unique key refuses the second row: the case is there already, whoever asks, however often, however parallel
 *   lookup   the view is asked first; the hub makes one call per key at a time
 *
 * Documents follow, one INSERT each, remembered one by one: after a lost connection the same application goes out again, is
 * recognised, and only what is missing is sent. A document that the database refuses for good is told as undone.
 *
 * Where the view shows a case only later, its key must be its id: then it can be named before it is there (`queued`).
 */

/** Types of the view's columns that matter for comparing. */
export interface Shape {
  readonly id: ColumnKind;
  readonly key: ColumnKind;
  readonly clock: Clock;
}

export function createSql(config: SqlConfig, host: Host): Adapter {
  const dialect = config.url.startsWith('postgres') ? postgres : mariadb;
  const driver = dialect === postgres ? postgresDriver(config) : mariadbDriver(config);
  const database = createDatabase({ driver, explain: dialect.explain, size: config.connections, now: () => host.now() });
  const statements = createStatements(dialect, config);
  const rowsOf = async (statement: Parameters<typeof database.read>[0], call: Call): Promise<CaseRow[]> =>
    (await database.read(statement, call)).rows.map((cells) => statements.toRow(cells));

  let known: Shape | undefined;
  async function shape(call: Call): Promise<Shape> {
    if (known) return known;
    const { columns } = await database.read(statements.shape(), call);
    const [id, updatedAt, key] = columns.map(({ kind }) => kind);
    known = { id: id ?? 'other', key: key ?? 'other', clock: { zoned: updatedAt !== 'wall', timeZone: config.timeZone } };
    return known;
  }

  async function findRows(keys: readonly string[], call: Call): Promise<(CaseRow | null)[]> {
    const { key: kind } = await shape(call);
    const asked = keys.filter((key) => fits(key, kind));
    const rows = asked.length === 0 ? [] : await rowsOf(statements.byKeys(asked), call);
    // A collation may find `A` under `a`: only what is the same counts.
    return keys.map((key) => rows.find((row) => row.key === key) ?? null);
  }

  const findByKey = async (keys: readonly string[], call: Call): Promise<Batch<CaseRef>> =>
    (await findRows(keys, call)).map((row) => (row === null ? null : toRef(row)));

  async function submit(application: Parameters<CasePort['submit']>[0], call: WriteCall): ReturnType<CasePort['submit']> {
    if (config.idempotency === 'lookup') {
      const [before] = await findByKey([call.key], call);
      if (before && !(before instanceof Error)) return { ref: before, taken: 'now', replayed: true };
    }
    const source = toSource(application, call.key, config.timeZone, dialect.utc);
    const trouble = await database.write(
      statements.write(config.submit, (assignments) => assign(assignments, source)),
      call,
    );
    const replayed = trouble?.reason === 'duplicate' && (trouble.quotes?.(call.key) || (await findRows([call.key], call))[0] !== null);
    if (trouble && !replayed) throw writeError(await withColumn(trouble, source, call), config.submit, config.constraints);

    const undone: string[] = [];
    for (const attachment of application.attachments ?? [])
      if ((await call.step(`attachment ${attachment.id}`, () => attach(source, attachment, call))) === 'refused')
        undone.push(attachment.id);

    const [row] = await findRows([call.key], call).catch((error: unknown) => {
      throw error instanceof AdapterError ? new AdapterError(error.kind, 'unknown', error.message, { cause: error }) : error;
    });
    const queued = row === null && config.columns.id === config.columns.key && config.idempotency === 'unique';
    if (!row && !queued)
      throw new AdapterError(
        'misconfigured',
        'done',
        'the view does not show the case that was just made: it must show it at once, or columns.id must be columns.key',
      );
    const ref = row ? toRef(row) : { id: call.key };
    return { ref, taken: row ? 'now' : 'queued', replayed: replayed, ...(undone.length > 0 ? { undone } : {}) };
  }

  /** PostgreSQL says that a text is too long and not which; its catalogue tells. */
  async function withColumn(trouble: Trouble, source: unknown, call: Call): Promise<Trouble> {
    if (trouble.reason !== 'too-long' || trouble.column !== undefined || !('insert' in config.submit)) return trouble;
    const { rows } = await database.read(statements.lengths(config.submit.insert), call).catch(() => ({ rows: [] }));
    const longest = new Map(rows.map(([name, length]) => [name, Number(length)]));
    const [column] =
      assign(config.submit.values, source).find(
        ([name, value]) => typeof value === 'string' && Array.from(value).length > (longest.get(name) ?? Number.POSITIVE_INFINITY),
      ) ?? [];
    return column === undefined ? trouble : { ...trouble, column };
  }

  async function attach(source: unknown, attachment: Attachment, call: WriteCall): Promise<'landed' | 'refused'> {
    const { attachments } = config;
    if (!attachments) throw new AdapterError('unsupported', 'unknown', 'the city’s file does not say where attachments go');
    const document = withAttachment(source, attachment, await contentOf(attachment, attachments.maxBytes));
    const trouble = await database.write(
      statements.write(attachments, (assignments) => assign(assignments, document)),
      call,
    );
    if (trouble === null || trouble.reason === 'duplicate') return 'landed';
    if (trouble.kind === 'rejected') return 'refused';
    // The case is there: whatever became of the document, the whole is not without effect.
    const { kind, message } = writeError(trouble, attachments, {});
    throw new AdapterError(kind, 'unknown', message);
  }

  async function loadCases(refs: readonly CaseRef[], call: Call): Promise<Batch<CaseSnapshot>> {
    const { id: kind, clock } = await shape(call);
    const asked = refs.flatMap(({ id }) => (fits(id, kind) ? [id] : []));
    const rows = asked.length === 0 ? [] : await rowsOf(statements.byIds(asked), call);
    return refs.map(({ id }) => {
      const row = rows.find((candidate) => candidate.id === id);
      try {
        return row ? toSnapshot(row, clock, host.now()) : null;
      } catch (error) {
        if (error instanceof AdapterError) return error;
        throw error;
      }
    });
  }

  const withdraw =
    (target: NonNullable<SqlConfig['withdraw']>): NonNullable<CasePort['withdraw']> =>
    async ({ id }, reason, call) => {
      const [there] = await loadCases([{ id }], call);
      if (there === null) throw new AdapterError('rejected', 'none', 'the back office does not have this case any more');
      const source = { id, reason, key: call.key };
      const trouble = await database.write(
        statements.write(target, (assignments) => assign(assignments, source)),
        call,
      );
      if (trouble && trouble.reason !== 'duplicate') throw writeError(trouble, target, {});
    };

  return {
    start: async () => {},
    stop: () => database.close(),
    check: (call) => check(config, { database, statements, dialect, shape }, call),
    cases: {
      traits: {
        maxBatch: config.maxBatch,
        idempotency: config.idempotency === 'unique' ? 'native' : 'lookup',
        ...(config.attachments
          ? { attachments: { maxBytes: config.attachments.maxBytes, mediaTypes: config.attachments.mediaTypes } }
          : {}),
      },
      submit,
      findByKey,
      loadCases,
      ...(config.withdraw ? { withdraw: withdraw(config.withdraw) } : {}),
    },
    changes: createChanges(config, { statements, rowsOf, shape, now: () => host.now() }),
  };
}

/** Whether a text can be compared with a column of this kind: asking PostgreSQL for case `x` of a number is an error, asking MariaDB finds 0. */
function fits(text: string, kind: ColumnKind): boolean {
  if (kind === 'integer') return /^-?(0|[1-9]\d{0,8})$|^-?[1-9]\d{9,17}$/.test(text);
  if (kind === 'uuid') return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
  return !text.includes('\0');
}

async function contentOf(attachment: Attachment, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of attachment.open()) {
    size += chunk.length;
    if (size > maxBytes) throw new AdapterError('rejected', 'unknown', `a document is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
