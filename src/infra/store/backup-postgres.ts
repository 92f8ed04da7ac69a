import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import pg from 'pg';
import { refused, writeBackup } from './backup.ts';
import { readPostgresUrl } from './postgres.ts';

/* Backup and restoration of a store in PostgreSQL: by PostgreSQL's own tools, which know its versions. */

/** Of the process: where the tools are found, and how they reach the database. */
type Environment = Readonly<Record<string, string | undefined>>;

/** Why a tool ended without success. */
interface Failed {
  readonly tool: string;
  /** In its own words. */
  readonly said: string;
}

const failedAt = ({ tool, said }: Failed) => refused(`${tool} ist fehlgeschlagen: ${said}`, `${tool} failed: ${said}`);

/** What the tools take in a URL; they refuse what is the driver's alone, such as `statement_timeout`. */
const toolParameters: ReadonlySet<string> = new Set(
  (
    'host hostaddr port dbname user passfile service options application_name client_encoding connect_timeout target_session_attrs ' +
    'keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout channel_binding krbsrvname ' +
    'sslmode sslcert sslkey sslrootcert sslcrl'
  ).split(' '),
);

/**
 * The URL in the words of the tools, without what other users of the machine must not read in the list of processes, and that in
 * the tools' environment.
 */
function forTools(storeUrl: string, env: Environment): { readonly url: string; readonly env: Environment } {
  const url = new URL(readPostgresUrl(storeUrl).url);
  const given = new URLSearchParams(url.search);
  const password = given.get('password') ?? decodeURIComponent(url.password);
  url.password = '';
  url.search = '';
  for (const [name, value] of given) if (toolParameters.has(name)) url.searchParams.set(name, value);
  // The driver's words for encryption without a look at the certificate, and for encryption at all.
  if (given.get('sslmode') === 'no-verify') url.searchParams.set('sslmode', 'require');
  else if (!given.has('sslmode') && ['true', '1'].includes(given.get('ssl') ?? '')) url.searchParams.set('sslmode', 'require');
  return { url: url.href, env: { ...env, ...(password === '' ? {} : { PGPASSWORD: password }) } };
}

/** A tool that runs; `ended` says what it says against the work, null where it did it. */
function start(tool: string, args: readonly string[], env: Environment) {
  const child = spawn(tool, args, { env });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  const ended = new Promise<Failed | null>((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'ENOENT'
          ? refused(
              `${tool} ist nicht installiert: Installieren Sie die Client-Werkzeuge von PostgreSQL, in der Version des Servers oder neuer.`,
              `${tool} is not installed: install PostgreSQL's client tools, of the server's version or newer.`,
              cause,
            )
          : cause,
      ),
    );
    child.once('close', (code) => resolve(code === 0 ? null : { tool, said: said.trim() }));
  });
  // Whoever waits for one tool hears of another later.
  ended.catch(() => {});
  return { child, ended };
}

async function run(tool: string, args: readonly string[], env: Environment): Promise<void> {
  const { child, ended } = start(tool, args, env);
  child.stdin.end();
  child.stdout.resume();
  const problem = await ended;
  if (problem !== null) throw failedAt(problem);
}

/** Writes the database into a file in pg_dump's own format. @returns its size in bytes @throws HubError BACKUP_REFUSED */
export async function backupPostgres(storeUrl: string, target: string, environment: Environment): Promise<number> {
  const { url, env } = forTools(storeUrl, environment);
  await writeBackup(target, (draft) =>
    run('pg_dump', ['--format=custom', '--no-owner', '--no-privileges', `--exclude-schema=${BEFORE}*`, `--file=${draft}`, url], env),
  );
  return statSync(target).size;
}

/** Reads a file of pg_dump's to its end, into nothing. @throws HubError BACKUP_REFUSED */
export const verifyPostgresBackup = (backup: string, environment: Environment): Promise<void> =>
  run('pg_restore', ['--file=/dev/null', '--no-owner', backup], environment);

/** Clients of the database beside this one. What the server runs there for itself, such as autovacuum, is none. */
export async function countOthers(storeUrl: string): Promise<number> {
  const rows = await ask(
    storeUrl,
    `select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
  );
  return rows.length;
}

/** One question to the database, on a connection of its own. */
async function ask(storeUrl: string, question: string, values: readonly string[] = []): Promise<readonly object[]> {
  const client = new pg.Client({ connectionString: readPostgresUrl(storeUrl).url });
  await client.connect();
  try {
    return (await client.query<object>(question, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** Name of the schema that keeps the store before, followed by the moment. */
const BEFORE = 'staedtebund_before_';

/**
 * Takes the tables there are out of the way, whichever version of the hub has made them: one that the backup lacks would be in the way of
 * its migration. Views go along: one that stayed would show the tables of before, and no later backup could be restored.
 */
const moveAway = (schema: string): string => `
create schema ${schema};
do $move$
declare one record;
begin
  for one in select oid::regclass::text as name from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f') loop
    execute format('alter table %s set schema ${schema}', one.name);
  end loop;
  if not exists (select from pg_class where relnamespace = '${schema}'::regnamespace) then
    drop schema ${schema};
  end if;
end
$move$;
`;

/**
 * Puts the backup in the place of the tables there are, in one transaction; those stay in a schema of their own.
 * @param stamp of the moment: digits and letters
 * @returns the schema that keeps the store before, null if there was none
 * @throws HubError BACKUP_REFUSED; then nothing has changed
 */
export async function restorePostgres(storeUrl: string, backup: string, stamp: string, environment: Environment): Promise<string | null> {
  const { url, env } = forTools(storeUrl, environment);
  const schema = `${BEFORE}${stamp.toLowerCase()}`;
  const server = start('psql', ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', `--dbname=${url}`], env);
  server.child.stdout.resume();
  // Where it ends early, it says why itself.
  server.child.stdin.on('error', () => {});
  server.child.stdin.write(`begin;\n${moveAway(schema)}`);
  const reader = start('pg_restore', ['--clean', '--if-exists', '--no-owner', '--no-privileges', '--file=-', backup], env);
  reader.child.stdin.end();
  reader.child.stdout.pipe(server.child.stdin, { end: false });
  // A server that has refused takes no more: what is read for it must not wait for ever.
  const refusal = server.ended.then((problem) => {
    reader.child.stdout.unpipe();
    reader.child.stdout.resume();
    return problem;
  });
  refusal.catch(() => reader.child.kill());
  const unread = await reader.ended;
  // Without a commit, the end of what is sent takes everything back.
  server.child.stdin.end(unread === null ? '\ncommit;\n' : '');
  const problem = unread ?? (await refusal);
  if (problem !== null) {
    await refusal;
    throw failedAt(problem);
  }
  const kept = await ask(storeUrl, 'select 1 from pg_namespace where nspname = $1', [schema]);
  return kept.length > 0 ? schema : null;
}
