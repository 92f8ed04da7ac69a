import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { importReference } from '../../src/catalogue/import/reference.ts';
import { losesTooMuch } from '../../src/catalogue/import/diff.ts';
import { eventProblems } from '../kit/event-schemas.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { ars, catalogueOn, folders, key } from './kit.ts';

const folder = mkdtempSync(join(tmpdir(), 'staedtebund-import-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const count = async (store: Store, table: 'municipality' | 'postal_code' | 'service' | 'offer') =>
  Number(
    (
      await store.db
        .selectFrom(table)
        .select((eb) => eb.fn.countAll().as('n'))
        .executeTakeFirstOrThrow()
    ).n,
  );
const events = async (store: Store) => createEventLog(store).read(0, 100);
const seestadt = (services: string) => ({ id: 'seestadt', ars: ars('040120000000'), catalogue: { format: 'dldb', files: { services } } });
const listing = (name: string, ids: readonly number[], more: object = {}) => {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(ids.map((id) => ({ id, name: `Leistung ${id}`, leika: id % 2 ? '99115005104000' : null, ...more }))));
  return path;
};

describeOnEachStore('the import of reference records', (kit) => {
  test('brings every municipality, postal code and service, and a second run changes nothing', async () => {
    const store = await kit.openFresh();
    const steps: string[] = [];
    const catalogue = await catalogueOn(store);
    const first = await catalogue.importReference(({ part, done, total }) => steps.push(`${part} ${done}/${total}`));
    expect(Object.fromEntries(first.parts.map(({ part, rows, withoutKey }) => [part, [rows, withoutKey]]))).toMatchObject({
      municipalities: [10_982, 0],
      'postal-codes': [12_916, 0],
      services: [4813, 436],
    });
    expect([await count(store, 'municipality'), await count(store, 'postal_code'), await count(store, 'service')]).toEqual([
      10_982, 12_916, 4813,
    ]);
    expect(steps).toContain('services 4813/4813');
    expect(catalogue.listMunicipalities({ page: { first: 1, after: null } }).totalCount).toBe(10_981);

    expect(await catalogue.importReference(() => expect.unreachable('nothing is written'))).toMatchObject({ changed: false });
  });

  test('by another process reaches those that run, whichever way they look', async () => {
    const store = await kit.openFresh();
    const [told, looking, importing, other] = await Promise.all([0, 1, 2, 3].map(() => catalogueOn(store, { refresh: { lookMs: 20 } })));
    await other!.importReference();
    await other!.importCities([seestadt(listing('told.json', [1, 2]))]);
    const bremerhaven = { ars: '040120000000' };
    await told!.refresh('seestadt');
    expect(told!.findMunicipality(bremerhaven)?.name).toBe('Bremerhaven');
    expect(await importing!.importReference()).toMatchObject({ changed: false });
    expect(importing!.findMunicipality(bremerhaven)?.name).toBe('Bremerhaven');
    const fresh = looking!.keepFresh(Promise.resolve());
    await expect.poll(() => looking!.findMunicipality(bremerhaven)?.name, { timeout: 10_000 }).toBe('Bremerhaven');
    await fresh.stop();
  });

  test('goes on where it was killed', async () => {
    const store = await kit.openFresh();
    const now = () => new Date();
    const killed = importReference(store, folders.reference, {
      now,
      progress: ({ part, done }) => {
        if (part === 'postal-codes' && done >= 4000) throw new Error('killed');
      },
    });
    await expect(killed).rejects.toThrow('killed');
    expect(await count(store, 'postal_code')).toBe(4000);
    const steps: string[] = [];
    await importReference(store, folders.reference, { now, progress: ({ part, done }) => steps.push(`${part} ${done}`) });
    expect(steps.slice(0, 2)).toEqual(['postal-codes 6000', 'postal-codes 8000']);
    expect(await count(store, 'postal_code')).toBe(12_916);
  });

  test('a changed list brings what is new and takes away what is gone', async () => {
    const store = await kit.openFresh();
    const small = join(folder, `reference-${Math.random()}`);
    cpSync(folders.reference, small, { recursive: true });
    const codes = join(small, 'postal-codes/postal-codes.csv');
    const lines = readFileSync(codes, 'utf8').split('\n');
    writeFileSync(codes, lines.slice(0, 101).join('\n'));
    const now = () => new Date();
    await importReference(store, small, { now });
    expect(await count(store, 'postal_code')).toBe(100);
    writeFileSync(codes, [lines[0], ...lines.slice(50, 201)].join('\n'));
    const report = await importReference(store, small, { now });
    expect(report.parts.filter(({ changed }) => changed).map(({ part }) => part)).toEqual(['postal-codes']);
    expect(await count(store, 'postal_code')).toBe(151);
  });
});

describeOnEachStore("the import of a city's offers", (kit) => {
  test('is complete, counted, told once, and does nothing the second time', async () => {
    const store = await kit.openFresh();
    const catalogue = await catalogueOn(store);
    const city = seestadt(listing('six.json', [1, 2, 3, 4, 5, 6]));
    const [first] = await catalogue.importCities([city]);
    expect(first).toMatchObject({ ok: true, report: { offers: 6, mapped: 3, unmapped: 3, added: 6, unchanged: 0 } });
    expect(first?.ok && first.report.unmappedList.map(({ localKey }) => localKey)).toEqual(['2', '4', '6']);
    expect(catalogue.findService('L040120000000.2')?.name.de).toBe('Leistung 2');
    expect(await catalogue.importCities([city])).toMatchObject([{ ok: true, report: { added: 0, changed: 0, removed: 0, unchanged: 6 } }]);
    const told = await events(store);
    expect(told.flatMap(eventProblems)).toEqual([]);
    expect(told).toMatchObject([
      {
        type: 'catalogue.imported',
        aggregate: { type: 'catalogue', id: 'seestadt' },
        municipality: '040120000000',
        facts: { offers: 6, added: 6 },
      },
    ]);
  });

  test('changes only what differs', async () => {
    const store = await kit.openFresh();
    const catalogue = await catalogueOn(store);
    await catalogue.importCities([seestadt(listing('a.json', [1, 2, 3, 4]))]);
    const path = listing('b.json', [2, 3, 4, 5]);
    writeFileSync(path, readFileSync(path, 'utf8').replace('Leistung 3', 'Neuer Name'));
    expect(await catalogue.importCities([seestadt(path)])).toMatchObject([{ report: { added: 1, changed: 1, removed: 1, unchanged: 2 } }]);
    expect(catalogue.findOffer('seestadt:1')).toBeNull();
    expect(catalogue.findOffer('seestadt:3')?.record.name.de).toBe('Neuer Name');
  });

  test('a dry run says what would change and changes nothing', async () => {
    const store = await kit.openFresh();
    const catalogue = await catalogueOn(store);
    const outcome = await catalogue.importCities([seestadt(listing('dry.json', [1, 2]))], { dryRun: true });
    expect(outcome).toMatchObject([{ ok: true, report: { added: 2 } }]);
    expect([await count(store, 'offer'), (await events(store)).length, catalogue.freshness(ars('040120000000')).source]).toEqual([
      0,
      0,
      'none',
    ]);
  });

  test('what is refused leaves the offers, makes them stale and says why; the next good listing heals it', async () => {
    const store = await kit.openFresh();
    const catalogue = await catalogueOn(store);
    const good = seestadt(listing('good.json', [1, 2, 3]));
    await catalogue.importCities([good]);
    const broken = join(folder, 'broken.json');
    writeFileSync(broken, readFileSync(join(folder, 'good.json'), 'utf8').slice(0, -10));
    expect(await catalogue.importCities([seestadt(broken), { ...good, id: 'other', ars: ars('040110000000') }])).toMatchObject([
      { city: 'seestadt', ok: false, problem: expect.stringContaining('is not complete JSON') },
      { city: 'other', ok: true },
    ]);
    expect(catalogue.findOffer('seestadt:1')?.stale).toBe(true);
    expect(catalogue.freshness(ars('040120000000'))).toMatchObject({ source: 'seestadt', stale: true });
    await catalogue.importCities([good]);
    expect([catalogue.findOffer('seestadt:1')?.stale, catalogue.freshness(ars('040120000000')).stale]).toEqual([false, false]);
  });

  test('a listing that lost more than half is refused unless forced', async () => {
    const store = await kit.openFresh();
    const catalogue = await catalogueOn(store);
    await catalogue.importCities([seestadt(listing('many.json', [1, 2, 3, 4, 5, 6]))]);
    const few = seestadt(listing('few.json', [1, 2]));
    expect(await catalogue.importCities([few])).toMatchObject([{ ok: false, problem: expect.stringContaining('would remove 4 of 6') }]);
    expect(await count(store, 'offer')).toBe(6);
    expect(await catalogue.importCities([few], { force: true })).toMatchObject([{ ok: true, report: { removed: 4 } }]);
  });

  test('offers nobody has confirmed for too long are stale', async () => {
    const store = await kit.openFresh();
    let at = new Date('2026-11-01T00:00:00Z');
    const catalogue = await catalogueOn(store, { now: () => at, staleAfterHours: 24 });
    const city = seestadt(listing('aging.json', [1]));
    await catalogue.importCities([city]);
    const stale = () => [catalogue.findOffer('seestadt:1')?.stale, catalogue.freshness(city.ars).stale];
    expect(stale()).toEqual([false, false]);
    at = new Date('2026-11-03T00:00:00Z');
    expect(stale()).toEqual([true, true]);
    await catalogue.importCities([city]);
    expect(stale()).toEqual([false, false]);
  });

  test.each([
    [{ format: 'dlbd', files: {} }, 'catalogue format "dlbd" is unknown'],
    [{ format: 'dldb', files: {} }, 'catalogue.files lacks "services"'],
    [{ format: 'dldb', files: { services: 'x', places: 'y' } }, 'catalogue.files has "places"'],
    [{ format: 'dldb', files: { services: 'https://stadt.example/services.json' } }, 'is an address; only files are read'],
    [null, 'has no catalogue'],
  ])('a city described as %j is refused in words', async (catalogue, expected) => {
    const store = await kit.openFresh();
    const [outcome] = await (await catalogueOn(store)).importCities([{ id: 'stadt', ars: ars('040120000000'), catalogue }]);
    expect(outcome).toMatchObject({ ok: false, problem: expect.stringContaining(expected) });
  });

  test('another process sees the import after a reload', async () => {
    const store = await kit.openFresh();
    const [here, there] = [await catalogueOn(store), await catalogueOn(store)];
    await here.importCities([seestadt(listing('shared.json', [1]))]);
    expect(there.findOffer('seestadt:1')).toBeNull();
    await there.reload();
    expect(there.findOfferFor(ars('040120000000'), key('99115005104000'))?.id).toBe('seestadt:1');
  });
});

describe('how much a listing may lose at once', () => {
  test.each([
    [3, 3, false],
    [4, 2, false],
    [4, 3, true],
    [19, 9, false],
    [20, 4, false],
    [20, 5, true],
    [560, 112, false],
    [560, 160, true],
  ])('of %i offers, %i: too much is %s', (stored, removed, expected) => expect(losesTooMuch(stored, removed)).toBe(expected));
});
