import { HubError } from '#contract';
import type { Log } from '../log.ts';
import { migrate } from './migrate.ts';
import type { Store } from './store.ts';

/**
 * Opens the store of a URL and brings its schema up to date: `sqlite:./data/hub.db` (the file and its folder are made)
 * or `postgres://user@host/database`. With a log, lost connections are reported there.
 * @throws HubError CONFIG_INVALID, STORE_UNAVAILABLE, STORE_SCHEMA_UNKNOWN
 */
export async function openStore(url: string, log?: Log): Promise<Store> {
  const store = await open(url, log);
  try {
    await migrate(store);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function open(url: string, log?: Log): Promise<Store> {
  const colon = url.indexOf(':');
  const [scheme, rest] = [url.slice(0, colon), url.slice(colon + 1)] as const;
  const onUnavailable = log && tellOnce(log);
  // Drivers are loaded only where they are used: a hub on SQLite starts without PostgreSQL's.
  if (scheme === 'postgres' || scheme === 'postgresql')
    return (await import('./postgres.ts')).openPostgres(url, {
      onConnectionLost: () => log?.warn('A connection to the store was lost; another takes its place'),
      ...(onUnavailable ? { onUnavailable } : {}),
    });
  const path = rest.replace(/^\/\/(?=\/|\.)/, '');
  if (scheme === 'sqlite' && path !== '' && !path.startsWith(':'))
    return (await import('./sqlite.ts')).openSqlite(path, onUnavailable ? { onUnavailable } : {});
  throw new HubError('CONFIG_INVALID', {
    de: 'STORE_URL muss sqlite:<Pfad einer Datei> oder postgres://<Benutzer>@<Rechner>/<Datenbank> sein.',
    en: 'STORE_URL must be sqlite:<path of a file> or postgres://<user>@<host>/<database>.',
  });
}

/** How long the log is silent about a store that is away, in milliseconds. */
const SILENCE_MS = 60_000;

/** Says once a minute that the store is away: every request and every worker would say so otherwise. */
function tellOnce(log: Log): (reason: string) => void {
  let told = Number.NEGATIVE_INFINITY;
  return (reason) => {
    const at = performance.now();
    if (at - told < SILENCE_MS) return;
    told = at;
    log.error({ reason }, 'the store is not available: nothing can be acknowledged until it is back');
  };
}
