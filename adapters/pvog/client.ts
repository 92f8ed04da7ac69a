import { AdapterError, isAdapterError, type Adapter, type Call, type Host, type MalformedRecord, type OfferRecord } from '#contract';
import type { PvogConfig } from './config.ts';
import { createAsk } from './http.ts';
import { ownDescription, toOffer } from './mapping.ts';
import { pageOf, unitListOf, unitsOf, type Description } from './reader.ts';

/** Offers per page. */
const PAGE = 200;
/** Pages of one key: more would mean that the service ignores `page`. */
const MOST_PAGES = 50;

/** Descriptions that cannot be read, by id. */
type Odd = Map<string, MalformedRecord>;

/*
 * A catalogue source: asks PVOG's search service for every configured key, and for the competent units of what it finds. The
 * first page goes out when the last answer is in: one key that could not be asked for would look like a deleted offer.
 */
export function createPvog(config: PvogConfig, host: Host): Adapter {
  const ask = createAsk(config, host);
  const { pageSize } = config;

  async function descriptionsUnder(key: string, call: Call, odd: Odd): Promise<readonly Description[]> {
    const found = new Map<string, Description>();
    const unread = new Set<string>();
    for (let page = 0; page < MOST_PAGES; page++) {
      const query = { ars: host.ars, leikaIds: key, page: String(page), size: String(pageSize) };
      const { content, malformed, total, last } = pageOf(await ask('/v2/servicedescriptions/leikahierarchy', query, call));
      const before = found.size + unread.size;
      for (const one of content) found.set(one.id, one);
      for (const [index, one] of malformed.entries()) {
        const name = one.id ?? `${key} ${page} ${index}`;
        unread.add(name);
        odd.set(name, one);
      }
      const read = found.size + unread.size;
      // A service that gives fewer per page than it is asked for ends by its own count, not by a short page.
      const done = total === undefined ? (last ?? content.length + malformed.length < pageSize) : read >= total;
      if (done) return [...found.values()];
      if (read === before)
        throw new AdapterError(
          'malformed',
          'none',
          `PVOG has ${total ?? 'more'} descriptions for ${key} and gives ${read}: the listing is not complete`,
        );
    }
    throw new AdapterError('malformed', 'none', `PVOG has no end of descriptions for ${key}`);
  }

  async function listAll(call: Call): Promise<{ offers: readonly OfferRecord[]; malformed: readonly MalformedRecord[] }> {
    const odd: Odd = new Map();
    const asked = new Set(config.services);
    const descriptions = new Map<string, Description>();
    let without = 0;
    for (const key of asked) {
      const own = ownDescription(await descriptionsUnder(key, call, odd), key, host.ars);
      if (own) descriptions.set(own.id, own);
      else without++;
    }
    const offers: OfferRecord[] = [];
    for (const [id, one] of descriptions) {
      const units = unitListOf(await ask('/v2/organisationunits/titles', { ars: host.ars, lbId: id }, call));
      try {
        offers.push(toOffer(one, unitsOf(units), asked, host.ars));
      } catch (error) {
        if (!isAdapterError(error) || error.kind !== 'malformed') throw error;
        odd.set(id, { id, reason: error.message });
      }
    }
    host.log('info', 'PVOG listed', { offers: offers.length, keysWithoutText: without, setAside: odd.size });
    if (offers.length === 0 && odd.size > 0)
      throw new AdapterError('malformed', 'none', [...odd.values()][0]?.reason ?? 'no description can be read');
    if (offers.length === 0)
      throw new AdapterError(
        'misconfigured',
        'none',
        `PVOG has no text under any of the ${asked.size} keys for ${host.ars}: check services`,
      );
    return { offers, malformed: [...odd.values()] };
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
        const { offers, malformed } = await listAll(call);
        for (let at = 0; at < offers.length; at += PAGE)
          yield {
            items: offers.slice(at, at + PAGE),
            ...(at === 0 ? { malformed } : {}),
            next: String(Math.min(at + PAGE, offers.length)),
          };
      },
    },
  };
}
