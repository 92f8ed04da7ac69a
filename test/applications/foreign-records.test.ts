import { expect, test } from 'vitest';
import type { CaseChange, ChangePage, ChangesPort, WebhookPort } from '#contract';
import { runChanges } from '../../src/cli/changes.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { haveDelivered, look, openOffice } from './office.ts';

const patience = { timeout: 10_000, interval: 20 };
const ars = '051110000000';
const year9999 = new Date('9999-12-31T23:59:59Z');

const change = (id: string, over: Partial<CaseChange> = {}): CaseChange => ({
  id: `${id} 1`,
  ref: { id },
  nativeStatus: 'done',
  version: '1',
  updatedAt: new Date(),
  ...over,
});

/** A port whose pulls answer what `answer` says to a cursor. */
const pulled = (answer: (from: string | null) => readonly ChangePage[], traits: Partial<ChangesPort['traits']> = {}): ChangesPort => ({
  traits: { ordering: 'none', overlapMs: 0, everyMs: 20, ...traits },
  async *pull(from) {
    yield* answer(from);
  },
  cursorAt: (moment) => `at ${moment.getTime()}`,
});

const cursorOf = async (store: Store) => (await store.db.selectFrom('change_cursor').select('cursor').executeTakeFirst())?.cursor ?? null;
const stateOf = (store: Store, id: string) => store.db.selectFrom('application').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
const recordsOf = (store: Store) => store.db.selectFrom('set_aside_record').select(['record', 'reason']).orderBy('record').execute();

describeOnEachStore('one record of a page that cannot be read', (kit) => {
  test('is set aside by id and reason, and the other ten go on', async () => {
    const store = await kit.openFresh();
    const ids = await Promise.all(Array.from({ length: 10 }, (_, index) => haveDelivered(store, `c${index}`)));
    const page: ChangePage = {
      items: ids.map((_, index) => change(`c${index}`)),
      malformed: [{ id: 'odd', reason: 'a case has no moment at /geaendertAm' }],
      next: '1',
    };
    const applications = openOffice(store, { cases: {}, changes: pulled(() => [page]) });
    applications.start();
    await expect
      .poll(async () => Promise.all(ids.map(async (id) => (await look(store, id)).status)), patience)
      .toEqual(ids.map(() => 'GRANTED'));
    expect(await cursorOf(store)).toBe('1');
    expect(await applications.listSources()).toMatchObject([
      { city: ars, adapter: 'cases', cursor: '1', setAside: [{ record: 'odd', reason: 'a case has no moment at /geaendertAm' }] },
    ]);
  });

  test.each<[what: string, over: Partial<CaseChange> | null, reason: string]>([
    ['a moment that is none', { updatedAt: new Date(Number.NaN) }, 'it has no moment of its last change'],
    ['a text for a moment', { updatedAt: '2026-11-30' as never }, 'it has no moment of its last change'],
    ['a moment in the year 1', { updatedAt: new Date('0001-01-01T00:00:00Z') }, 'the moment of its last change is before 1970'],
    ['a moment in 1900', { updatedAt: new Date('1900-01-01T00:00:00Z') }, 'the moment of its last change is before 1970'],
    ['a NUL in its status', { nativeStatus: 'do\0ne' }, 'its status has a NUL'],
    ['a status in another charset', { nativeStatus: 'zur\uFFFDck' }, 'its status is in another charset than the answer says'],
    ['half a character in its version', { version: '\uD800' }, 'its version is in another charset than the answer says'],
    ['no version', { version: undefined as never }, 'it has no version'],
    ['no case', { ref: undefined as never }, 'it has no case id'],
    ['a number for an id', { ref: { id: 7 as never } }, 'it has no case id'],
  ])('is found by the hub itself where an adapter lets it through: %s', async (_, over, reason) => {
    const store = await kit.openFresh();
    const good = await haveDelivered(store, 'good');
    const page = { items: [change('odd', over ?? {}), change('good')], next: '1' };
    openOffice(store, { cases: {}, changes: pulled(() => [page]) }).start();
    await expect.poll(async () => (await look(store, good)).status, patience).toBe('GRANTED');
    expect((await recordsOf(store)).map((row) => row.reason)).toEqual([reason]);
  });

  test('is found where there is none at all, and the adapter promises nothing of its cursors', async () => {
    const store = await kit.openFresh();
    const good = await haveDelivered(store, 'good');
    openOffice(store, { cases: {}, changes: pulled(() => [{ items: [null as never, change('good')], next: '1' }]) }).start();
    await expect.poll(async () => (await look(store, good)).status, patience).toBe('GRANTED');
  });

  test('is no longer shown when it was read well, whatever its id', async () => {
    const store = await kit.openFresh();
    // Cut at 300, it would end in half a character; and what is kept is not what is read.
    const long = `${'x'.repeat(299)}\u{1F3DB}${'x'.repeat(100)}`;
    await haveDelivered(store, long);
    let mended = false;
    const changes = pulled(() => [
      mended ? { items: [change(long)], next: '2' } : { items: [], malformed: [{ id: long, reason: 'no' }], next: '1' },
    ]);
    openOffice(store, { cases: {}, changes }).start();
    await expect.poll(async () => (await recordsOf(store)).length, patience).toBe(1);
    mended = true;
    await expect.poll(async () => (await recordsOf(store)).length, patience).toBe(0);
  });

  test('is no longer shown when it was read well', async () => {
    const store = await kit.openFresh();
    const id = await haveDelivered(store, 'odd');
    let mended = false;
    const changes = pulled(() => [
      mended ? { items: [change('odd')], next: '2' } : { items: [], malformed: [{ id: 'odd', reason: 'no' }], next: '1' },
    ]);
    openOffice(store, { cases: {}, changes }).start();
    await expect.poll(() => recordsOf(store), patience).toHaveLength(1);
    mended = true;
    await expect.poll(async () => (await look(store, id)).status, patience).toBe('GRANTED');
    expect(await recordsOf(store)).toEqual([]);
  });

  test('is shown where it came in a notification, and the others of it are taken', async () => {
    const store = await kit.openFresh();
    const id = await haveDelivered(store, 'good');
    const webhook: WebhookPort = {
      traits: { auth: 'mtls', replayWindowMs: 0 },
      receive: async () => ({ changes: [change('good')], malformed: [{ id: 'odd', reason: 'a case has no status' }] }),
    };
    const applications = openOffice(store, { cases: {}, webhook });
    const answer = await applications.receiveWebhook(ars, 'cases', { method: 'POST', headers: new Headers(), raw: new Uint8Array() });
    expect(answer.status).toBe(200);
    expect((await look(store, id)).status).toBe('GRANTED');
    expect(await recordsOf(store)).toEqual([{ record: 'odd', reason: 'a case has no status' }]);
  });
});

describeOnEachStore('a moment in the future', (kit) => {
  test('in a notification hides no later status of its application', async () => {
    const store = await kit.openFresh();
    const id = await haveDelivered(store, 'c');
    const told = [
      change('c', { nativeStatus: 'new', updatedAt: year9999 }),
      change('c', { id: 'c 2', version: '2', updatedAt: new Date(Date.now() - 3_600_000) }),
    ];
    const webhook: WebhookPort = {
      traits: { auth: 'mtls', replayWindowMs: 0 },
      receive: async () => ({ changes: [told.shift()!] }),
    };
    const applications = openOffice(store, { cases: {}, webhook });
    const notify = () => applications.receiveWebhook(ars, 'cases', { method: 'POST', headers: new Headers(), raw: new Uint8Array() });
    await notify();
    expect(await stateOf(store, id)).toMatchObject({ status: 'RECEIVED', native_updated_at: null });
    expect(await recordsOf(store)).toMatchObject([{ record: 'c', reason: expect.stringContaining('in the future') as string }]);
    await notify();
    expect((await look(store, id)).status).toBe('GRANTED');
    expect(await recordsOf(store)).toEqual([]);
  });

  test('that an earlier version of the hub stored hides none either', async () => {
    const store = await kit.openFresh();
    const id = await haveDelivered(store, 'c');
    await store.db
      .updateTable('application')
      .set({ native_version: '0', native_updated_at: year9999.getTime() })
      .where('id', '=', id)
      .execute();
    openOffice(store, { cases: {}, changes: pulled(() => [{ items: [change('c')], next: '1' }]) }).start();
    await expect.poll(async () => (await look(store, id)).status, patience).toBe('GRANTED');
  });

  test('does not order what was held: the change that came later counts', async () => {
    const store = await kit.openFresh();
    const told = [
      change('c', { nativeStatus: 'done', updatedAt: year9999 }),
      change('c', { id: 'c 2', version: '2', nativeStatus: 'new', updatedAt: new Date() }),
    ];
    const webhook: WebhookPort = { traits: { auth: 'mtls', replayWindowMs: 0 }, receive: async () => ({ changes: [told.shift()!] }) };
    const applications = openOffice(store, { cases: {}, webhook });
    const notify = () => applications.receiveWebhook(ars, 'cases', { method: 'POST', headers: new Headers(), raw: new Uint8Array() });
    await notify();
    await new Promise((resolve) => setTimeout(resolve, 5));
    told[0] = { ...told[0]!, updatedAt: new Date() };
    await notify();
    const id = await haveDelivered(store, 'c');
    applications.start();
    await expect.poll(async () => (await look(store, id)).status, patience).toBe('RECEIVED');
  });

  test('stores no cursor of an adapter that does not promise safe ones', async () => {
    const store = await kit.openFresh();
    const ids = [await haveDelivered(store, 'a'), await haveDelivered(store, 'b')];
    const from: (string | null)[] = [];
    const changes = pulled((cursor) => {
      from.push(cursor);
      return [
        { items: [change('a', { updatedAt: year9999 })], next: '253402300799000' },
        { items: [change('b')], next: '253402300799000' },
      ];
    });
    openOffice(store, { cases: {}, changes }).start();
    await expect.poll(async () => (await look(store, ids[1]!)).status, patience).toBe('GRANTED');
    await expect.poll(() => from.length, patience).toBeGreaterThan(2);
    expect(new Set(from)).toEqual(new Set([null]));
    expect(await cursorOf(store)).toBeNull();
  });

  test('leaves the cursors of one that does as they are', async () => {
    const store = await kit.openFresh();
    const changes = pulled(() => [{ items: [change('a', { updatedAt: year9999 })], next: '7' }], { cursors: 'safe' });
    openOffice(store, { cases: {}, changes }).start();
    await expect.poll(() => cursorOf(store), patience).toBe('7');
  });
});

describeOnEachStore('an operator who sets a pull back', (kit) => {
  const run = async (store: Store, options: Partial<Parameters<typeof runChanges>[1]>, changes: ChangesPort) => {
    const lines: string[] = [];
    const code = await runChanges(
      openOffice(store, { cases: {}, changes }),
      { city: ars, adapter: 'cases', language: 'EN', ...options },
      {
        out: (line) => lines.push(line),
        note: (line) => lines.push(line),
      },
    );
    return { code, lines };
  };
  const poison = (store: Store) =>
    store.db.insertInto('change_cursor').values({ city: ars, adapter: 'cases', cursor: 'lost', updated_at: Date.now() }).execute();

  test('to a moment: the next pull begins there', async () => {
    const store = await kit.openFresh();
    await poison(store);
    expect(
      await run(
        store,
        { since: new Date(5) },
        pulled(() => []),
      ),
    ).toEqual({ code: 0, lines: ['The next pull begins there.'] });
    expect(await cursorOf(store)).toBe('at 5');
  });

  test('to the beginning', async () => {
    const store = await kit.openFresh();
    await poison(store);
    expect(
      (
        await run(
          store,
          { fromBeginning: true },
          pulled(() => []),
        )
      ).code,
    ).toBe(0);
    expect(await cursorOf(store)).toBeNull();
  });

  test('to a moment where the back office keeps the place: is told what is possible', async () => {
    const store = await kit.openFresh();
    await poison(store);
    const own = pulled(() => []);
    const kept: ChangesPort = { traits: own.traits, pull: (from, call) => own.pull(from, call) };
    expect(await run(store, { since: new Date(5) }, kept)).toEqual({
      code: 1,
      lines: [`${ars}/cases keeps the place itself; it can only be set back to the beginning: --from-beginning`],
    });
    expect(await cursorOf(store)).toBe('lost');
  });

  test('of an adapter that is not there: is told so', async () => {
    const store = await kit.openFresh();
    expect(
      (
        await run(
          store,
          { adapter: 'none', fromBeginning: true },
          pulled(() => []),
        )
      ).code,
    ).toBe(1);
  });

  test('is not overruled by a pull that runs meanwhile', async () => {
    const store = await kit.openFresh();
    await poison(store);
    const from: (string | null)[] = [];
    const changes = pulled((cursor) => {
      from.push(cursor);
      return [];
    });
    let pulls = 0;
    const slow: ChangesPort = {
      ...changes,
      async *pull(cursor) {
        from.push(cursor);
        if (++pulls === 1) await store.db.deleteFrom('change_cursor').execute();
        yield { items: [], next: `${cursor ?? 'beginning'} on` };
        yield { items: [], next: `${cursor ?? 'beginning'} on and on` };
      },
    };
    openOffice(store, { cases: {}, changes: slow }).start();
    await expect.poll(() => from.length, patience).toBeGreaterThan(2);
    expect(from.slice(0, 3)).toEqual(['lost', null, 'beginning on and on']);
  });

  test('sees where each pull stands and what was set aside', async () => {
    const store = await kit.openFresh();
    await poison(store);
    await store.db
      .insertInto('set_aside_record')
      .values({ city: ars, adapter: 'cases', record: '4711', reason: 'a case has no status', first_at: 0, last_at: 0 })
      .execute();
    expect(
      (
        await run(
          store,
          {},
          pulled(() => []),
        )
      ).lines,
    ).toEqual([expect.stringContaining(`${ars}/cases  lost, stored 2`), '  4711  1970-01-01T00:00:00.000Z  a case has no status']);
  });
});
