import { AdapterError, type Adapter, type Call, type Host, type OfferRecord } from '#contract';
import type { PvogConfig } from './config.ts';
import { createAsk } from './http.ts';
import { ownDescription, pageOf, toOffer, unitsOf, type Description } from './mapping.ts';

/** Offers per page. */
const PAGE = 200;
/** Pages of one key: more would mean that the service ignores `page`. */
const MOST_PAGES = 50;

/*
 * A catalogue source: asks PVOG's search service for every configured key, and for the competent units of what it finds. The
 * first page goes out when the last answer is in: one key that could not be asked for would look like a deleted offer.
 */
export function createPvog(config: PvogConfig, host: Host): Adapter {
  const ask = createAsk(config, host);
  const { pageSize } = config;

  async function descriptionsUnder(key: string, call: Call): Promise<readonly Description[]> {
    const found = new Map<string, Description>();
    for (let page = 0; page < MOST_PAGES; page++) {
      const query = { ars: host.ars, leikaIds: key, page: String(page), size: String(pageSize) };
      const { content, total, last } = pageOf(await ask('/v2/servicedescriptions/leikahierarchy', query, call));
      const before = found.size;
      for (const one of content) found.set(one.id, one);
      // A service that gives fewer per page than it is asked for ends by its own count, not by a short page.
      const done = total === undefined ? (last ?? content.length < pageSize) : found.size >= total;
      if (done) return [...found.values()];
      if (found.size === before)
        throw new AdapterError(
          'malformed',
          'none',
          `PVOG has ${total ?? 'more'} descriptions for ${key} and gives ${found.size}: the listing is not complete`,
        );
    }
    throw new AdapterError('malformed', 'none', `PVOG has no end of descriptions for ${key}`);
  }

  async function listAll(call: Call): Promise<readonly OfferRecord[]> {
    const asked = new Set(config.services);
    const descriptions = new Map<string, Description>();
    let without = 0;
    for (const key of asked) {
      const own = ownDescription(await descriptionsUnder(key, call), key, host.ars);
      if (own) descriptions.set(own.id, own);
      else without++;
    }
    const offers: OfferRecord[] = [];
    for (const [id, one] of descriptions)
      offers.push(toOffer(one, unitsOf(await ask('/v2/organisationunits/titles', { ars: host.ars, lbId: id }, call)), asked, host.ars));
    host.log('info', 'PVOG listed', { offers: offers.length, keysWithoutText: without });
    if (offers.length === 0)
      throw new AdapterError(
        'misconfigured',
        'none',
        `PVOG has no text under any of the ${asked.size} keys for ${host.ars}: check services`,
      );
    return offers;
  }

  return {
    start: async () => {},
    stop: async () => {},
    async check(call) {
      const since = performance.now();
      const tried = config.services.slice(0, 5);
      let found = false;
      for (const key of tried) {
        const query = { ars: host.ars, leikaIds: key, page: '0', size: String(pageSize) };
        found = ownDescription(pageOf(await ask('/v2/servicedescriptions/leikahierarchy', query, call)).content, key, host.ars) !== null;
        if (found) break;
      }
      const hint = found ? {} : { hint: `config.services: PVOG has no text under ${tried.join(', ')} for ${host.ars}` };
      const probe = { name: 'search by key', ok: found, ms: Math.round(performance.now() - since), ...hint };
      return { ok: found, system: 'PVOG Suchdienst', probes: [probe] };
    },
    catalogue: {
      async *listOffers(call) {
        const offers = await listAll(call);
        for (let at = 0; at < offers.length; at += PAGE)
          yield { items: offers.slice(at, at + PAGE), next: String(Math.min(at + PAGE, offers.length)) };
      },
    },
  };
}
