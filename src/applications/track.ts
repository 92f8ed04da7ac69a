import { isAdapterError, isInFuture, type Adapter, type Call, type CaseRef, type MalformedRecord } from '#contract';
import { reasonOf } from '../cities/failure.ts';
import { acquireLease, type Lease } from '../infra/store/lease.ts';
import type { ApplicationsDeps } from './applications.ts';
import type { Changes } from './changes.ts';
import { readCursor } from './sources.ts';
import { lateMs, listLateCases, listOpenCases } from './records.ts';

/*
 * Tracking by pull: every adapter with a `changes` port is asked in its own rhythm, by one hub process at a time (a lease
 * per adapter). Each page is applied in one transaction with its cursor, so a pull that breaks off goes on where it was. A
 * city that fails is asked less and less often, up to a limit; the others keep their rhythm.
 *
 * A back office that cannot list its changes (`cases.traits.pollMs`) is asked for the hub's open cases instead, one batch each
 * time, in turn: it is never asked faster than that, however many are open.
 *
 * A cursor is the adapter's own text. One whose adapter promises that no record can move it past now (`cursors: 'safe'`) is
 * stored with each page; of others, no cursor of a pull that told a moment in the future.
 *
 * What is told of a case before its receipt is written is held, but not for ever. A case whose application was delivered later
 * than that, after a person had released it, is asked for once.
 */

const longestPauseMs = 60_000;
/** Rhythm for an adapter that only notifies: nothing is pulled, but what had to be held is looked at again. */
const webhookOnlyMs = 5000;
/** A lease outlives its round by this: a process that died is followed soon, a slow round is not doubled. */
const leaseMarginMs = 30_000;
/** Change ids and changes of unknown cases are remembered this long: longer than any overlap window of a pull. */
const rememberMs = lateMs;
/** How often is looked for cases that were delivered later than that. */
const lateEveryMs = 60_000;

export interface Tracking {
  start(): void;
  stop(): Promise<void>;
}

export function createTracking(deps: ApplicationsDeps, changes: Changes): Tracking {
  const { store, cities, now, log } = deps;
  let abort = new AbortController();
  let loops: Promise<void>[] = [];

  async function pullOnce(city: string, adapter: string, signal: AbortSignal): Promise<void> {
    await cities.read(
      city,
      adapter,
      async (running: Adapter, call: Call) => {
        let from = await readCursor(store.db, city, adapter);
        const port = running.changes!;
        // An adapter that does not promise it may have put a moment in the future into its cursors: what is stored stays.
        let isSafe = true;
        for await (const { items, malformed, next } of port.pull(from, call)) {
          isSafe &&= port.traits.cursors === 'safe' || !items.some((one) => isInFuture(Number(one?.updatedAt), now()));
          if (!(await changes.apply(city, adapter, { items, malformed, ...(isSafe ? { cursor: { from, next } } : {}) }))) return;
          if (isSafe) from = next;
        }
      },
      { traceparent: '', signal },
    );
  }

  /** Takes the cases as they are now for changes. A change is known by case and version. */
  async function loadAndApply(city: string, adapter: string, refs: readonly CaseRef[], signal: AbortSignal) {
    const loaded = await cities.loadCases(city, adapter, refs, { traceparent: '', signal });
    const found = loaded.flatMap((one) => (one === null || one instanceof Error ? [] : [{ ...one, id: `${one.ref.id} ${one.version}` }]));
    const malformed = loaded.flatMap((one, index): MalformedRecord[] =>
      isAdapterError(one) && one.kind === 'malformed' ? [{ id: refs[index]?.id ?? '', reason: one.message }] : [],
    );
    await changes.apply(city, adapter, { items: found, malformed });
    return loaded;
  }

  /** Asks for cases that were delivered so late that what was told of them before is forgotten; `asked` holds those that are done. */
  async function askForLate(city: string, adapter: string, asked: Set<string>, signal: AbortSignal): Promise<void> {
    const late = (await listLateCases(store.db, { city, adapter })).filter(({ id }) => !asked.has(id));
    if (late.length === 0) return;
    const loaded = await loadAndApply(city, adapter, late, signal);
    for (const [index, { id }] of late.entries()) if (!(loaded[index] instanceof Error)) asked.add(id);
  }

  /**
   * One batch of open cases, after the one where the last look ended.
   * @returns where the next look goes on, and why nothing of this one could be read: one bad batch must not hold up the others
   */
  async function lookOnce(
    city: string,
    adapter: string,
    after: string,
    maxBatch: number,
    signal: AbortSignal,
  ): Promise<{ readonly next: string; readonly failed?: Error }> {
    const refs = await listOpenCases(store.db, { city, adapter, after, limit: maxBatch });
    if (refs.length === 0) return { next: '' };
    const loaded = await loadAndApply(city, adapter, refs, signal);
    const found = loaded.filter((one) => one !== null && !(one instanceof Error));
    const failed = loaded.find((one) => one instanceof Error);
    const next = refs.length < maxBatch ? '' : (refs.at(-1)?.id ?? '');
    return failed && found.length === 0 ? { next, failed } : { next };
  }

  async function follow(city: string, adapter: string, everyMs: number, signal: AbortSignal): Promise<void> {
    let pause = everyMs;
    const request = { name: `pull:${city}:${adapter}`, holder: deps.processId, ttlMs: everyMs + leaseMarginMs };
    let lease: Lease | null = null;
    let lastForgotten = 0;
    let lastAsked = 0;
    const asked = new Set<string>();
    let looked = '';
    while (!signal.aborted) {
      try {
        const at = now().getTime();
        if (!(lease && (await lease.renew(at)))) lease = await acquireLease(store, request, at);
        if (lease) {
          const { changes: pulled, cases } = cities.adapter(city, adapter);
          if (pulled) await pullOnce(city, adapter, signal);
          else if (cases?.traits.pollMs !== undefined) {
            const { next, failed } = await lookOnce(city, adapter, looked, cases.traits.maxBatch, signal);
            looked = next;
            if (failed) throw failed;
          }
          await changes.releaseFound(city, adapter);
          if (cases && (pulled || cases.traits.pollMs === undefined) && now().getTime() - lastAsked > lateEveryMs) {
            lastAsked = now().getTime();
            await askForLate(city, adapter, asked, signal);
          }
          if (now().getTime() - lastForgotten > 3_600_000) {
            await changes.forget(now().getTime() - rememberMs);
            lastForgotten = now().getTime();
          }
        }
        pause = everyMs;
      } catch (error) {
        pause = Math.min(longestPauseMs, pause * 2);
        if (!signal.aborted) log.warn({ city, adapter, pauseMs: pause, reason: reasonOf(error) }, 'changes could not be pulled');
      }
      await sleep(pause, signal);
    }
    await lease?.release().catch(() => {});
  }

  async function begin(city: string, adapter: string, signal: AbortSignal): Promise<void> {
    // The status map may have learned since: what was held for it can be applied now.
    await changes
      .release(city, adapter)
      .catch((error: unknown) => log.error({ err: error, city, adapter }, 'held changes could not be applied'));
    const { changes: pulled, webhook, cases } = cities.adapter(city, adapter);
    const everyMs = pulled?.traits.everyMs ?? cases?.traits.pollMs ?? (webhook ? webhookOnlyMs : undefined);
    if (everyMs !== undefined) await follow(city, adapter, everyMs, signal);
  }

  return {
    start() {
      abort = new AbortController();
      const { signal } = abort;
      loops = cities.list().flatMap((city) => city.adapters.map((adapter) => begin(city.id, adapter.id, signal)));
    },
    async stop() {
      abort.abort();
      await Promise.all(loops);
    },
  };
}

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
