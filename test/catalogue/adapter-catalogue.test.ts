import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AdapterError, type Adapter, type AdapterDefinition, type OfferPage, type OfferRecord } from '#contract';
import { createCities, type Cities } from '../../src/cities/cities.ts';
import { checkRecords } from '../../src/catalogue/import/check-records.ts';
import { isDue, refreshDefaults } from '../../src/catalogue/refresh.ts';
import { findSource } from '../../src/catalogue/records.ts';
import { createMemoryCache } from '../../src/infra/cache/memory.ts';
import { createLog } from '../../src/infra/log.ts';
import { createMetrics } from '../../src/infra/metrics.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { ars, catalogueOn, record } from './kit.ts';

type Listing = NonNullable<Adapter['catalogue']>['listOffers'];

const seestadt = ars('040120000000');
const offers = (...keys: string[]) => keys.map((localKey) => record({ localKey, serviceKey: null }));
const page = (...items: OfferRecord[]) => ({ items, next: '' });

/** A city whose one adapter lists what the test says; the calls to it are the guarded ones. */
function cityListing(listOffers: Listing, { timeoutMs = 200, retries = 0 } = {}): Cities {
  const definition: AdapterDefinition = {
    id: 'editorial',
    version: '1.0.0',
    contract: ['1.0'],
    config: z.strictObject({}),
    create: () => ({
      start: async () => {},
      stop: async () => {},
      check: async () => ({ ok: true, probes: [] }),
      catalogue: { listOffers },
    }),
  };
  const limits = { concurrency: 2, timeoutMs, retries, breaker: { failures: 5, halfOpenMs: 1000 } };
  const city = {
    id: 'seestadt',
    ars: seestadt,
    name: 'Seestadt',
    since: '2026-11-01',
    paused: false,
    catalogue: { adapter: 'services', everyHours: 24 },
    adapters: [{ id: 'services', product: 'editorial', services: [], statusMap: new Map<string, never>(), limits }],
  };
  return createCities({
    connected: [{ city, adapters: [{ id: 'services', definition, config: {}, endpoints: [], secrets: [] }] }],
    cache: createMemoryCache(),
    log: createLog('silent'),
    metrics: createMetrics(),
    now: () => new Date(),
  });
}

const importOnce = async (store: Store, listOffers: Listing, over: { timeoutMs?: number; retries?: number; listingMs?: number } = {}) => {
  const cities = cityListing(listOffers, over);
  const catalogue = await catalogueOn(store, { cities, refresh: { listingMs: over.listingMs ?? 5000 } });
  const [outcome] = await catalogue.importCities(cities.list());
  return { catalogue, outcome };
};

describeOnEachStore('a catalogue that an adapter lists', (kit) => {
  test('is taken over page by page to its end, and told once', async () => {
    const store = await kit.openFresh();
    const { catalogue, outcome } = await importOnce(store, async function* () {
      yield page(...offers('L100002.LB.1', 'b'));
      yield page();
      yield page(...offers('c'));
    });
    expect(outcome).toMatchObject({ ok: true, report: { offers: 3, unmapped: 3, added: 3 } });
    expect(catalogue.findOffer('seestadt:L100002.LB.1')?.stale).toBe(false);
    expect(await createEventLog(store).read(0, 10)).toMatchObject([
      { type: 'catalogue.imported', facts: { format: 'adapter', offers: 3 } },
    ]);
  });

  test('with an entry that cannot be read keeps what it had of it, shows it, and takes the others', async () => {
    const store = await kit.openFresh();
    const setAside = () => store.db.selectFrom('set_aside_record').select(['city', 'adapter', 'record', 'reason']).execute();
    const listed = async (page: OfferPage) => {
      const { catalogue, outcome } = await importOnce(store, async function* () {
        yield page;
      });
      const there = ['a', 'b', 'c', 'd'].filter((key) => catalogue.findOffer(`seestadt:${key}`));
      return { there: there.join(' '), report: outcome?.ok ? outcome.report : null };
    };
    await listed(page(...offers('a', 'b', 'c')));
    const odd = { id: 'b', reason: 'a description: /name: it has none' };
    const first = await listed({ ...page(...offers('a', 'd')), malformed: [odd] });
    expect(first).toMatchObject({ there: 'a b d', report: { added: 1, removed: 1, setAside: [odd] } });
    expect(await setAside()).toEqual([{ city: 'seestadt', adapter: 'services', record: 'offer b', reason: odd.reason }]);

    // Without an id it may be any of them.
    const nameless = await listed({ ...page(...offers('a')), malformed: [{ reason: 'no id' }] });
    expect(nameless).toMatchObject({ there: 'a b d', report: { removed: 0 } });
    expect(await setAside()).toMatchObject([{ record: 'offer ?', reason: 'no id' }]);

    expect(await listed(page(...offers('a', 'd')))).toMatchObject({ there: 'a d', report: { removed: 1, setAside: [] } });
    expect(await setAside()).toEqual([]);

    // Cut at 300, two ids that differ in half a character are one; and a case of the same adapter may be called nearly so.
    const ids = ['\u{1F3DB}', '\u{1F4D8}'].map((letter) => `${'x'.repeat(299)}${letter}`);
    const ofCase = { city: 'seestadt', adapter: 'services', record: 'Offer 7', reason: 'no moment' };
    await store.db
      .insertInto('set_aside_record')
      .values({ ...ofCase, first_at: 1, last_at: 1 })
      .execute();
    await listed({ ...page(...offers('a', 'd')), malformed: ids.map((id) => ({ id, reason: 'odd' })) });
    expect(await setAside()).toHaveLength(2);
    expect(await setAside()).toContainEqual(ofCase);
  });

  test('of which nothing can be read is refused', async () => {
    const store = await kit.openFresh();
    const { outcome } = await importOnce(store, async function* () {
      yield { ...page(), malformed: [{ id: 'a', reason: 'no name' }] };
    });
    expect(outcome).toMatchObject({ ok: false, problem: expect.stringContaining('none of its 1 entries can be read') as string });
  });

  test.each<[string, Listing, string]>([
    [
      'that breaks off',
      async function* () {
        yield page(...offers('a', 'b', 'c', 'new'));
        throw new AdapterError('unavailable', 'none', 'connection reset at page 2');
      },
      'seestadt/services: the listing failed and nothing was changed (unavailable): connection reset at page 2',
    ],
    [
      'that fails by itself, without what it stumbled over',
      async function* () {
        yield page(...offers('a'));
        throw new TypeError('cannot read Erika Mustermann');
      },
      'the adapter failed by itself: TypeError',
    ],
    [
      'with an offer that is none',
      async function* () {
        yield page(...offers('a', 'b'), { ...record({ localKey: 'c', serviceKey: null }), channels: ['FAX'] } as never);
      },
      'seestadt: offer 3 (c): channels.0:',
    ],
    [
      'whose page is no page',
      async function* () {
        yield { next: '' } as never;
      },
      'page 1 has no list of items',
    ],
  ])('%s changes nothing, makes the offers stale and says why', async (_, listOffers, expected) => {
    const store = await kit.openFresh();
    await importOnce(store, async function* () {
      yield page(...offers('a', 'b', 'c'));
    });
    const { catalogue, outcome } = await importOnce(store, listOffers);
    expect(outcome).toMatchObject({ ok: false, problem: expect.stringContaining(expected) });
    expect(outcome?.ok === false && outcome.problem).not.toContain('Mustermann');
    expect(['a', 'b', 'c', 'new'].map((key) => catalogue.findOffer(`seestadt:${key}`)?.stale)).toEqual([true, true, true, undefined]);
    expect((await findSource(store.db, 'seestadt'))?.problem).toContain(expected);
  });

  test('may take longer than a call, up to a deadline of its own', async () => {
    const slow: Listing = async function* () {
      yield page(...offers('a'));
      await sleep(300);
      yield page(...offers('b'));
    };
    expect((await importOnce(await kit.openFresh(), slow, { timeoutMs: 100 })).outcome).toMatchObject({ ok: true, report: { offers: 2 } });
    const { outcome } = await importOnce(await kit.openFresh(), slow, { timeoutMs: 100, listingMs: 150 });
    expect(outcome).toMatchObject({ ok: false, problem: expect.stringContaining('no answer within 150 ms') });
  });

  test('that broke off is asked for again from its beginning, as the city allows', async () => {
    let asked = 0;
    const { outcome } = await importOnce(
      await kit.openFresh(),
      async function* () {
        yield page(...offers('a'));
        if ((asked += 1) === 1) throw new AdapterError('retryable', 'none', 'busy');
        yield page(...offers('b'));
      },
      { retries: 1 },
    );
    expect([asked, outcome]).toMatchObject([2, { ok: true, report: { offers: 2 } }]);
  });

  test('that never ends is given up', async () => {
    const { outcome } = await importOnce(await kit.openFresh(), async function* () {
      for (;;) yield page();
    });
    expect(outcome).toMatchObject({ ok: false, problem: expect.stringContaining('does not end') });
  });
});

const timing = { lookMs: 20, retryMs: 50, leaseMs: 1000 };
const until = async (holds: () => unknown) => {
  for (const end = Date.now() + 10_000; !holds(); await sleep(10))
    if (Date.now() > end) throw new Error('it did not come about in ten seconds');
};

describeOnEachStore('keeping it fresh', (kit) => {
  const keep = async (store: Store, listOffers: Listing, now: () => Date) => {
    const cities = cityListing(listOffers);
    const catalogue = await catalogueOn(store, { cities, now, refresh: timing });
    return { catalogue, refresh: catalogue.keepFresh(cities.start()) };
  };

  test('reads it at the start, again after its hours, and of several hubs one does it for all', async () => {
    const store = await kit.openFresh();
    let at = new Date('2026-11-24T10:00:00Z');
    let listings = 0;
    const listOffers: Listing = async function* () {
      listings += 1;
      await sleep(100);
      yield page(...offers('a', ...(listings > 1 ? ['b'] : [])));
    };
    const hubs = await Promise.all([1, 2, 3].map(() => keep(store, listOffers, () => at)));
    const everyHubHas = (key: string) => hubs.every(({ catalogue }) => catalogue.findOffer(`seestadt:${key}`)?.stale === false);
    await until(() => everyHubHas('a'));
    await sleep(5 * timing.lookMs);
    expect(listings).toBe(1);
    at = new Date('2026-11-25T10:00:01Z');
    await until(() => everyHubHas('b'));
    await Promise.all(hubs.map(({ refresh }) => refresh.stop()));
    expect(listings).toBe(2);

    const restarted = await keep(store, listOffers, () => at);
    await sleep(5 * timing.lookMs);
    await restarted.refresh.stop();
    expect(listings, 'who has just been asked is not asked again because of a restart').toBe(2);
  });

  test('a source that failed is tried again after a while, and heals', async () => {
    const store = await kit.openFresh();
    const started = Date.now();
    let sick = true;
    const { catalogue, refresh } = await keep(
      store,
      async function* () {
        if (sick) throw new AdapterError('unavailable', 'none', 'away');
        yield page(...offers('a'));
      },
      () => new Date(started + (Date.now() - started)),
    );
    await until(() => catalogue.freshness(seestadt).stale);
    sick = false;
    await until(() => catalogue.findOffer('seestadt:a'));
    expect(catalogue.freshness(seestadt).stale).toBe(false);
    await refresh.stop();
  });

  test('stopping gives up a listing under way, which then is no failure', async () => {
    const store = await kit.openFresh();
    let asked = false;
    const { refresh } = await keep(
      store,
      async function* (call) {
        asked = true;
        yield page(...offers('a'));
        await sleep(60_000, undefined, { signal: call.signal });
      },
      () => new Date(),
    );
    await until(() => asked);
    await refresh.stop();
    expect(await findSource(store.db, 'seestadt')).toBeNull();
  });
});

describe('when a source is due', () => {
  const at = Date.parse('2026-11-24T10:00:00Z');
  const source = (hoursAgo: number, over: object = {}) => ({
    source: 'seestadt',
    ars: seestadt,
    format: 'adapter',
    content_hash: '',
    offers: 0,
    mapped: 0,
    unmapped: 0,
    as_of: at,
    checked_at: at - hoursAgo * 3_600_000,
    problem: null,
    ...over,
  });
  test.each([
    ['never read', null, true],
    ['read an hour ago', source(1), false],
    ['read a day ago', source(24), true],
    ['read from files until now', source(1, { format: 'offers' }), true],
    ['refused a minute ago', source(1 / 60, { problem: 'away' }), false],
    ['refused a quarter of an hour ago', source(0.25, { problem: 'away' }), true],
  ])('%s: %s', (_, row, expected) => expect(isDue(row as never, 24, refreshDefaults.retryMs, at)).toBe(expected));
});

describe('offers as an adapter lists them', () => {
  const city = { id: 'seestadt', ars: seestadt };
  const good = record({ localKey: 'a', serviceKey: '99108001001000' });
  const complaint = async (...listed: unknown[]): Promise<string> => {
    try {
      await checkRecords(listed, city);
      return 'no complaint';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const form = (schema: object, revision = '1') => ({ revision, schema });

  test('are taken as they are, absent fields absent', async () => {
    expect(await checkRecords([{ ...good, summary: undefined, area: '04' }], city)).toEqual([{ ...good, area: '04' }]);
  });

  test.each<[string, unknown[], string]>([
    ['nothing', [null], 'seestadt: offer 1: the offer:'],
    ['a key that is none', [{ ...good, serviceKey: '123' }], 'offer 1 (a): serviceKey: expected a LeiKa key'],
    ['an own key with a slash', [{ ...good, localKey: 'a/b' }], 'offer 1 (a/b): localKey: expected 1 to 60'],
    ['an own key twice', [good, good], 'offer 2 (a): localKey: offer 1 has it too'],
    ['own keys that look alike', offers('a.b', 'a_b'), 'offer 2 (a_b): localKey: cannot be told from "a.b"'],
    ['a field that is not known', [{ ...good, fee: 3 }], 'offer 1 (a): the offer: Unrecognized key: "fee"'],
    ['no German name', [{ ...good, name: { en: 'Permit' } }], 'offer 1 (a): name.de:'],
    ['somebody else’s area', [{ ...good, area: '09162' }], 'offer 1 (a): area: 09162 does not contain 040120000000'],
    [
      'a form that is none',
      [{ ...good, form: form({ type: 'object', propertees: {} }) }],
      'offer 1 (a): form: strict mode: unknown keyword: "propertees"',
    ],
    [
      'two forms under one revision',
      [
        { ...good, form: form({ type: 'object' }) },
        { ...good, localKey: 'b', form: form({ type: 'object', title: 'x' }) },
      ],
      'offer 2 (b): form: revision 1 is also that of a different form',
    ],
    [
      'an endless form',
      [{ ...good, form: form({ type: 'object', description: 'x'.repeat(2_000_000) }) }],
      'offer 1 (a): form: is longer than',
    ],
    ['an address that harms', [{ ...good, onlineUrl: 'javascript:alert(1)' }], 'offer 1 (a): onlineUrl: expected a web address'],
  ])('are refused by name for %s', async (_, listed, expected) => expect(await complaint(...listed)).toContain(expected));

  test('leave others a turn where there are many', async () => {
    let turns = 0;
    const count = () => {
      turns += 1;
      turn = setImmediate(count);
    };
    let turn = setImmediate(count);
    await checkRecords(
      Array.from({ length: 500 }, (_, index) => record({ localKey: `a${index}`, serviceKey: null })),
      city,
    );
    clearImmediate(turn);
    expect(turns).toBeGreaterThan(5);
  });

  test('with everything at once', async () => {
    expect((await complaint({ ...good, serviceKey: '1' }, { ...good, localKey: '' })).split('\n')).toHaveLength(2);
  });
});
