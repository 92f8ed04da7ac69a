import { AdapterError, HubError, type MalformedRecord } from '#contract';
import { CityCallError, type Cities } from '../../cities/cities.ts';
import type { Known } from '../../cities/load/known.ts';
import { refuseImport } from './complaints.ts';

/** How long a listing may take, in milliseconds. */
const listingMs = 10 * 60_000;
/** Most offers, and most pages, of one listing. */
const mostOffers = 20_000;
const mostPages = 20_000;

/** What it takes to ask a city's adapter. */
export interface ListingTools {
  /** The guarded calls; absent if no adapter is connected. */
  readonly cities?: Pick<Cities, 'read'> | undefined;
  /** Municipalities and services that there are, for files to be held against. */
  readonly known?: Known | undefined;
  /** Gives the listing up. */
  readonly signal?: AbortSignal | undefined;
  /** @default ten minutes */
  readonly listingMs?: number | undefined;
}

/** What an adapter listed. */
export interface Listed {
  readonly offers: readonly unknown[];
  /** Entries that it could not read. */
  readonly malformed: readonly MalformedRecord[];
}

/**
 * All offers that an adapter lists, page by page to the last one, through the guarded calls: a listing that breaks off is
 * asked for again from its beginning, as the city's limits allow, and refused if it never came to its end. Nothing of
 * it is believed yet.
 * @throws HubError IMPORT_REFUSED if the city did not list everything; CLOSED where the hub gave up
 */
export async function listOffers(tools: ListingTools, city: string, adapter: string): Promise<Listed> {
  const { cities, signal } = tools;
  if (!cities) throw refuseImport(city, `its adapter ${adapter} is not connected here`);
  try {
    return await cities.read(
      city,
      adapter,
      async ({ catalogue }, call) => {
        if (!catalogue) throw new AdapterError('unsupported', 'none', 'it lists no offers');
        const offers: unknown[] = [];
        const malformed: MalformedRecord[] = [];
        let pages = 0;
        for await (const page of catalogue.listOffers(call)) {
          call.signal.throwIfAborted();
          pages += 1;
          if (!Array.isArray(page?.items)) throw new AdapterError('malformed', 'none', `page ${pages} has no list of items`);
          for (const one of page.items) offers.push(one);
          malformed.push(...(page.malformed ?? []));
          if (offers.length + malformed.length > mostOffers)
            throw new AdapterError('malformed', 'none', `it lists more than ${mostOffers} offers`);
          if (pages > mostPages) throw new AdapterError('malformed', 'none', `it has more than ${mostPages} pages and does not end`);
        }
        return { offers, malformed };
      },
      { traceparent: '', timeoutMs: tools.listingMs ?? listingMs, ...(signal ? { signal } : {}) },
    );
  } catch (error) {
    if (!(error instanceof CityCallError)) throw error;
    if (signal?.aborted) throw new HubError('CLOSED', `the listing of ${city} was given up`, { cause: error });
    throw refuseImport(`${city}/${adapter}`, `the listing failed and nothing was changed (${error.failure.kind}): ${error.message}`, error);
  }
}
