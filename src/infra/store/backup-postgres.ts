import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import pg from 'pg';
import { HubError } from '#contract';
import { writeWhole } from './backup.ts';
import { readPostgresUrl } from './postgres.ts';

/* Backup and restoration of a store in PostgreSQL: by PostgreSQL's own tools, which know its versions. */

/** Of the process: where the tools are found, and how they reach the database. */
type Environment = Readonly<Record<string, string | undefined>>;

const refused = (message: string, cause?: unknown) => new HubError('BACKUP_REFUSED', message, cause === undefined ? {} : { cause });

/** The URL without what other users of the machine must not read in the list of processes, and that in the tools' environment. */
function forTools(storeUrl: string, env: Environment): { readonly url: string; readonly env: Environment } {
  const url = new URL(readPostgresUrl(storeUrl).url);
  const password = decodeURIComponent(url.password);
  url.password = '';
  return { url: url.href, env: { ...env, ...(password === '' ? {} : { PGPASSWORD: password }) } };
}

async function run(tool: string, args: readonly string[], env: Environment): Promise<void> {
  const child = spawn(tool, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'ENOENT'
          ? refused(`${tool} is not installed: install PostgreSQL's client tools, of the server's version or newer.`, cause)
          : cause,
      ),
    );
    child.once('close', resolve);
  });
  if (code !== 0) throw refused(`${tool} failed: ${said.trim()}`);
}

/** Writes the database into a file in pg_dump's own format. @returns its size in bytes @throws HubError BACKUP_REFUSED */
export async function backupPostgres(storeUrl: string, target: string, environment: Environment): Promise<number> {
  const { url, env } = forTools(storeUrl, environment);
  await writeWhole(target, (draft) => run('pg_dump', ['--format=custom', '--no-owner', '--no-privileges', `--file=${draft}`, url], env));
  return statSync(target).size;
}

/** Reads a file of pg_dump's to its end, into nothing. @throws HubError BACKUP_REFUSED */
export const verifyPostgresBackup = (backup: string, environment: Environment): Promise<void> =>
  run('pg_restore', ['--file=/dev/null', '--no-owner', backup], environment);

/** Connections of others to the database. */
export async function countOthers(storeUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: readPostgresUrl(storeUrl).url });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: number }>(
      'select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    return rows[0]?.n ?? 0;
  } finally {
    await client.end();
  }
}

/** Replaces what is in the database by the backup, in one transaction. @throws HubError BACKUP_REFUSED */
export async function restorePostgres(storeUrl: string, backup: string, environment: Environment): Promise<void> {
  const { url, env } = forTools(storeUrl, environment);
  await run(
    'pg_restore',
    ['--clean', '--if-exists', '--no-owner', '--no-privileges', '--single-transaction', `--dbname=${url}`, backup],
    env,
  );
}
