import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LoggedEvent } from '#contract';
import { createEventLog, type EventLog } from '../../src/infra/store/eventlog.ts';
import { createPulse } from '../../src/infra/store/pulse.ts';
import { openStore } from '../../src/infra/store/open-store.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { sampleEvent } from '../kit/sample-event.ts';

/** The next events of a tail until `enough` says so. */
async function readTail(log: EventLog, after: number, enough: (events: readonly LoggedEvent[]) => boolean): Promise<LoggedEvent[]> {
  const stop = new AbortController();
  const events: LoggedEvent[] = [];
  for await (const batch of log.tail(after, stop.signal)) {
    events.push(...batch);
    if (enough(events)) stop.abort();
  }
  return events;
}

const isIncreasing = (events: readonly LoggedEvent[]) => events.every((event, i) => i === 0 || event.seq > events[i - 1]!.seq);

describeOnEachStore('the event log', (kit, dialect) => {
  test('events come back as they were appended, whatever their facts', async () => {
    const store = await kit.openFresh();
    const log = createEventLog(store);
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (given) => {
        const facts = JSON.parse(JSON.stringify(given));
        const event = sampleEvent({ facts });
        const before = await log.head();
        await store.transaction((tx) => log.append(tx, [event]));
        const [read, ...more] = await log.read(before, 10);
        expect(more).toEqual([]);
        expect({ ...read, seq: 0 }).toEqual({ ...event, seq: 0 });
      }),
      { numRuns: 50 },
    );
  });

  test('a thousand events in one transaction keep their order', async () => {
    const store = await kit.openFresh();
    const log = createEventLog(store);
    const events = Array.from({ length: 1201 }, () => sampleEvent());
    await store.transaction((tx) => log.append(tx, events));
    expect((await log.read(0, 2000)).map((event) => event.id)).toEqual(events.map((event) => event.id));
  });

  test('one aggregate’s events are read without the others’', async () => {
    const store = await kit.openFresh();
    const log = createEventLog(store);
    const [a, b, c] = [sampleEvent({ aggregate: 'x' }), sampleEvent({ aggregate: 'y' }), sampleEvent({ aggregate: 'x' })] as const;
    await store.transaction((tx) => log.append(tx, [a, b, c]));
    const first = await log.readAggregate('application', 'x', 0, 1);
    expect(first.map((event) => event.id)).toEqual([a.id]);
    expect((await log.readAggregate('application', 'x', first[0]!.seq, 10)).map((event) => event.id)).toEqual([c.id]);
    expect(await log.readAggregate('other', 'x', 0, 10)).toEqual([]);
  });

  test('a reader’s place is kept', async () => {
    const log = createEventLog(await kit.openFresh());
    expect(await log.getCursor('relay')).toBeNull();
    await log.setCursor('relay', 7);
    await log.setCursor('relay', 9);
    expect(await log.getCursor('relay')).toBe(9);
    expect(await log.getCursor('other')).toBeNull();
  });

  test('many writers in two processes’ stores, one tail: every event once, in order of commit', async () => {
    const url = await kit.freshUrl();
    const stores = [await kit.open(url), await kit.open(url)];
    const logs = stores.map((store) => createEventLog(store));
    const reading = readTail(logs[0]!, 0, (events) => events.length >= 300);
    const ids: string[] = [];
    await Promise.all(
      Array.from({ length: 20 }, async (_, writer) => {
        for (let i = 0; i < 15; i += 1) {
          const event = sampleEvent();
          ids.push(event.id);
          await stores[writer % 2]!.transaction((tx) => logs[writer % 2]!.append(tx, [event]));
        }
      }),
    );
    const events = await reading;
    expect(isIncreasing(events)).toBe(true);
    expect(new Set(events.map((event) => event.id))).toEqual(new Set(ids));
    expect(events).toHaveLength(300);
  });

  test('a writer that is killed again and again never makes a reader miss or repeat an event', async () => {
    const url = await kit.freshUrl();
    const store = await kit.open(url);
    const log = createEventLog(store);
    const acknowledged: string[] = [];
    let finished = false;
    const reading = readTail(log, 0, (events) => finished && acknowledged.every((id) => events.some((event) => event.id === id)));
    for (let kill = 0; kill < 3; kill += 1) {
      const writer = fork(join(import.meta.dirname, '../kit/event-writer.ts'), [url]);
      writer.on('message', (id: string) => acknowledged.push(id));
      while (acknowledged.length < (kill + 1) * 30) await once(writer, 'message');
      writer.kill('SIGKILL');
      await once(writer, 'exit');
    }
    finished = true;
    await store.transaction((tx) => log.append(tx, [sampleEvent()]));
    const events = await reading;
    expect(isIncreasing(events)).toBe(true);
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
  });

  test('an event that may not be published is refused, and with it the change that it tells of', async () => {
    const store = await kit.openFresh();
    const log = createEventLog(store, (event) => ('name' in event.facts ? ['application.submitted has a name'] : []));
    const change = store.transaction(async (tx) => {
      await tx.insertInto('reader_cursor').values({ reader: 'change', seq: 1, updated_at: 1 }).execute();
      await log.append(tx, [sampleEvent(), sampleEvent({ facts: { name: 'Erika Mustermann' } })]);
    });
    await expect(change).rejects.toThrow(
      expect.objectContaining({ code: 'EVENT_REFUSED', message: expect.stringContaining('has a name') }),
    );
    await expect(change).rejects.not.toThrow('Mustermann');
    expect(await log.head()).toBe(0);
    expect(await log.getCursor('change')).toBeNull();
  });

  test('a tail ends when it is told to, also while it waits', async () => {
    const log = createEventLog(await kit.openFresh());
    const stop = new AbortController();
    const reading = (async () => {
      for await (const batch of log.tail(0, stop.signal)) expect(batch).toEqual([]);
    })();
    setTimeout(() => stop.abort(), 20);
    await reading;
  });

  if (dialect === 'postgres')
    test('an event with a lower number never appears behind a reader: the later transaction waits for the earlier', async () => {
      const url = await kit.freshUrl();
      const stores = [await kit.open(url), await kit.open(url)] as const;
      const log = createEventLog(stores[0]);
      const [slow, fast] = [sampleEvent(), sampleEvent()];
      const appended = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      const first = stores[0].transaction(async (tx) => {
        await log.append(tx, [slow]);
        appended.resolve();
        await goOn.promise;
      });
      await appended.promise;
      const second = stores[1].transaction((tx) => createEventLog(stores[1]).append(tx, [fast]));
      const early = await Promise.race([second.then(() => 'committed'), new Promise((resolve) => setTimeout(() => resolve('waits'), 200))]);
      expect(early).toBe('waits');
      expect(await log.read(0, 10)).toEqual([]);
      goOn.resolve();
      await Promise.all([first, second]);
      expect((await log.read(0, 10)).map((event) => event.id)).toEqual([slow.id, fast.id]);
    });

  if (dialect === 'postgres')
    test('without the lock the gap is real: a reader would step over an event', async () => {
      const url = await kit.freshUrl();
      const stores = [await kit.open(url), await kit.open(url)] as const;
      const log = createEventLog(stores[0]);
      const insert = (event: ReturnType<typeof sampleEvent>, tx: Parameters<Parameters<(typeof stores)[0]['transaction']>[0]>[0]) =>
        tx
          .insertInto('event_log')
          .values({
            id: event.id,
            aggregatetype: 'a',
            aggregateid: 'b',
            type: 'c',
            municipality: null,
            payload: '{}',
            occurred_at: 0,
            traceparent: null,
          })
          .execute();
      const [slow, fast] = [sampleEvent(), sampleEvent()];
      const inserted = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      const first = stores[0].transaction(async (tx) => {
        await insert(slow, tx);
        inserted.resolve();
        await goOn.promise;
      });
      await inserted.promise;
      await stores[1].transaction((tx) => insert(fast, tx));
      const seen = await log.read(0, 10);
      goOn.resolve();
      await first;
      expect(seen.map((event) => event.id)).toEqual([fast.id]);
      expect(await log.read(seen[0]!.seq, 10)).toEqual([]);
    });

  test('an append that collides with a known id is refused and leaves nothing', async () => {
    const store = await kit.openFresh();
    const log = createEventLog(store);
    const event = sampleEvent();
    await store.transaction((tx) => log.append(tx, [event]));
    await expect(store.transaction((tx) => log.append(tx, [sampleEvent(), event]))).rejects.toThrow(/unique/i);
    expect(await log.read(0, 10)).toHaveLength(1);
  });
});

describe('waiting for events', () => {
  test('a commit between reading and waiting is not missed', async () => {
    let commit = () => {};
    const pulse = createPulse(
      async () => 0,
      (listener) => (commit = listener),
    );
    const seen = pulse.beat();
    commit();
    await pulse.wait(0, seen, new AbortController().signal);
    expect(pulse.beat()).toBe(seen + 1);
  });

  test('however many wait, one question at a time goes to the store', async () => {
    let running = 0;
    let most = 0;
    let asked = 0;
    const pulse = createPulse(
      async () => {
        asked += 1;
        most = Math.max(most, (running += 1));
        await new Promise((resolve) => setTimeout(resolve, 10));
        running -= 1;
        return asked >= 2 ? 5 : 0;
      },
      () => {},
    );
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 100 }, () => pulse.wait(0, 0, signal)));
    expect({ most, asked }).toEqual({ most: 1, asked: 2 });
  });

  test('a store that goes away is the reader’s to meet, at its next read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'staedtebund-'));
    const store = await openStore(`sqlite:${folder}/hub.db`);
    const log = createEventLog(store);
    await store.close();
    rmSync(folder, { recursive: true });
    await expect(readTail(log, 0, () => true)).rejects.toThrow(/destroyed/);
  });
});
