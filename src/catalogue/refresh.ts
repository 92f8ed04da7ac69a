import { setTimeout as pause } from 'node:timers/promises';
import { HubError } from '#contract';
import type { CatalogueAdapter } from '../cities/cities.ts';
import { reasonOf } from '../cities/failure.ts';
import type { Log } from '../infra/log.ts';
import { acquireLease, type Lease } from '../infra/store/lease.ts';
import type { Store } from '../infra/store/store.ts';
import { adapterFormat, type CityWithCatalogue } from './import/cities.ts';
import { findSource, type Row } from './records.ts';

/*
 * Catalogues that adapters list are read again from time to time. Of several hubs one does it, by lease:
 *
 *   not due ──its hours pass──▶ due ──lease──▶ listing ──taken over──▶ not due
 *                                ▲                 │
 *                                └──a while passes─┴─refused: the offers stay, and are stale
 *
 * What is due is read from the store, so that a restart asks nobody again who has just been asked.
 */

export interface RefreshTiming {
  /** How often to look whether something is due. @default 60000 */
  readonly lookMs: number;
  /** How long a refused source is left alone. @default 900000 */
  readonly retryMs: number;
  /** For how long one hub has the say, unless it says that it goes on. @default 60000 */
  readonly leaseMs: number;
}

export const refreshDefaults: RefreshTiming = { lookMs: 60_000, retryMs: 15 * 60_000, leaseMs: 60_000 };

export interface RefreshDeps {
  readonly store: Store;
  readonly cities: { list(): readonly CityWithCatalogue[] };
  /** Reads one city's catalogue and takes it over. */
  readonly importOne: (city: CityWithCatalogue, signal: AbortSignal) => Promise<unknown>;
  /** Takes over what other hubs have found out about the sources. */
  readonly noteSources: () => Promise<void>;
  readonly log: Log;
  readonly now: () => Date;
  /** Names this process to the others. */
  readonly holder: string;
  readonly timing: RefreshTiming;
}

/** Something that goes on until it is stopped. */
export interface Refresh {
  /** Gives up what is under way, which changes nothing; resolves when all has ended. */
  stop(): Promise<void>;
}

type Source = Row<'catalogue_source'>;
type AdapterCity = CityWithCatalogue & { readonly catalogue: CatalogueAdapter };

const listsByAdapter = (city: CityWithCatalogue): city is AdapterCity => city.catalogue !== null && 'adapter' in city.catalogue;

/** Whether a source is to be read again at a moment (epoch milliseconds). */
export function isDue(source: Source | null, everyHours: number, retryMs: number, at: number): boolean {
  if (!source || source.format !== adapterFormat) return true;
  const everyMs = everyHours * 3_600_000;
  return at >= source.checked_at + (source.problem === null ? everyMs : Math.min(retryMs, everyMs));
}

/** Keeps the catalogues of adapters fresh, from the moment that the adapters are ready. */
export function startRefresh(deps: RefreshDeps, ready: Promise<unknown>): Refresh {
  const { store, cities, log, now, timing } = deps;
  const stopping = new AbortController();
  const running = new Map<string, Promise<void>>();

  const due = async ({ id, catalogue }: AdapterCity) =>
    isDue(await findSource(store.db, id), catalogue.everyHours, timing.retryMs, now().getTime());

  async function refresh(city: AdapterCity): Promise<void> {
    const lease = await acquireLease(store, { name: `catalogue ${city.id}`, holder: deps.holder, ttlMs: timing.leaseMs }, now().getTime());
    if (!lease) return;
    const lost = new AbortController();
    const renewal = setInterval(() => void keep(lease, lost), timing.leaseMs / 3);
    try {
      // Another hub may have done it while this one was on its way to the lease.
      if (await due(city)) await deps.importOne(city, AbortSignal.any([stopping.signal, lost.signal]));
    } finally {
      clearInterval(renewal);
      await lease.release();
    }
  }

  async function keep(lease: Lease, lost: AbortController): Promise<void> {
    const kept = await lease.renew(now().getTime()).catch(() => false);
    if (!kept) lost.abort();
  }

  async function look(): Promise<void> {
    await deps.noteSources();
    for (const city of cities.list().filter(listsByAdapter)) {
      if (running.has(city.id) || !(await due(city))) continue;
      // Not awaited: a city whose listing takes long must not keep the others waiting.
      const work = refresh(city)
        .catch((error: unknown) => {
          if (error instanceof HubError && error.code === 'CLOSED') return;
          log.warn({ city: city.id, reason: reasonOf(error) }, 'a catalogue could not be refreshed');
        })
        .finally(() => running.delete(city.id));
      running.set(city.id, work);
    }
  }

  const loop = (async () => {
    const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([ready, stopped]);
    while (!stopping.signal.aborted) {
      await look().catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'the catalogues of adapters could not be refreshed'));
      await pause(timing.lookMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();

  return {
    async stop() {
      stopping.abort();
      await loop;
      await Promise.all(running.values());
    },
  };
}
