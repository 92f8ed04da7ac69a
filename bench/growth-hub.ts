import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { startHub } from '../src/main.ts';
import { serveParent } from './parent.ts';

/*
 * The hub as in production, but nobody is counted, and deadlines are looked for so often that looking is no part of what is measured.
 * With BENCH_STATEMENTS it can say what its statements took.
 */

/** How often a statement ran, and how long in all. */
export type StatementTimes = readonly (readonly [text: string, spent: { readonly calls: number; readonly ms: number }])[];

const times = new Map<string, { calls: number; ms: number }>();
const spent = (text: string, since: number) => {
  const known = times.get(text) ?? { calls: 0, ms: 0 };
  times.set(text, { calls: known.calls + 1, ms: known.ms + performance.now() - since });
};

function timeSqlite(): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with its own `this` below
  const { prepare, exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function timed(text: string) {
    const since = performance.now();
    exec.call(this, text);
    spent(text, since);
  };
  DatabaseSync.prototype.prepare = function timed(text: string) {
    const statement = prepare.call(this, text);
    for (const name of ['all', 'run'] as const) {
      const own = statement[name].bind(statement) as (...values: unknown[]) => never;
      statement[name] = (...values: unknown[]) => {
        const since = performance.now();
        try {
          return own(...values);
        } finally {
          spent(text, since);
        }
      };
    }
    return statement;
  };
}

function timePostgres(): void {
  // oxlint-disable-next-line typescript/unbound-method -- as above
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function timed(this: pg.Client, ...args: unknown[]) {
    const since = performance.now();
    const [config] = args as [string | { text?: string }];
    const result = (query as (...all: unknown[]) => unknown).apply(this, args);
    const text = typeof config === 'string' ? config : (config.text ?? '');
    if (result instanceof Promise) result.then(() => spent(text, since)).catch(() => {});
    return result;
  } as typeof query;
}

if (process.env['BENCH_STATEMENTS']) {
  timeSqlite();
  timePostgres();
}

const hub = await startHub(process.env, { gateway: { rateLimit: null }, coordination: { timing: { pollMs: 20 } } });
serveParent(
  hub.url,
  {
    statements: (): StatementTimes => {
      const all = [...times];
      times.clear();
      return all;
    },
  },
  () => hub.close(),
);
