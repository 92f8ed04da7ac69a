import { createPublicKey, randomUUID, verify } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { AdapterError, type HubEvent } from '#contract';
import { openBus } from '../../src/infra/bus/open-bus.ts';
import type { Bus, SubscribeOptions } from '../../src/infra/bus/bus.ts';
import { createRelay } from '../../src/events/relay.ts';
import { createLog } from '../../src/infra/log.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { readTopic } from '../kit/kafka-reader.ts';
import { describeOnEachStore, describeWithService, describeWithStore } from '../kit/services.ts';
import { createStack } from '../kit/stack.ts';
import { startWebhookReceiver } from '../kit/webhook-receiver.ts';
import { caseEvent, ed25519Pair, hmacKey, startEvents, type EventsStand, type SampleCity } from './kit.ts';

const keep = createStack();
const patience = { timeout: 20_000, interval: 10 };
const [A, B, C] = ['053150000000', '051110000000', '051620024024'] as const;
const log = createLog('silent');

/** Quick: a second attempt comes after some milliseconds. */
const policy = { event: { firstMs: 20, mostMs: 100 }, channel: { firstMs: 20, mostMs: 100 } };

const embedded = async (store: Store): Promise<Bus> => keep(await openBus('embedded:', { store, eventLog: createEventLog(store), log }));

async function stand(store: Store, cities: readonly SampleCity[], options: Parameters<typeof startEvents>[1] = {}): Promise<EventsStand> {
  const bus = await embedded(store);
  return keep(await startEvents({ store, bus, cities }, { policy, ...options }));
}

const states = async ({ events }: EventsStand, city: string) =>
  (await events.deliveries({ city }, { first: 100, after: null })).items.map(({ node }) => node).toReversed();

describeOnEachStore('events on their way to cities', (kit) => {
  test('an event reaches the cities it is addressed to, signed, and nobody else', async () => {
    const [b, c] = [keep(await startWebhookReceiver()), keep(await startWebhookReceiver())];
    const [secret, pair] = [hmacKey(), ed25519Pair()];
    const hub = await stand(await kit.openFresh(), [
      { id: 'a', ars: A },
      { id: 'b', ars: B, to: { url: b.url, secrets: [secret, pair.secret] } },
      { id: 'c', ars: C, to: { url: c.url } },
    ]);
    const [first, other] = [caseEvent(A, { facts: { to: [B], step: 'evaluate' } }), caseEvent(A, { facts: { to: [C] } })];
    await hub.append(first, other, caseEvent(A));
    await expect.poll(() => [b.taken.length, c.taken.length], patience).toEqual([1, 1]);
    const [got] = b.taken;
    expect(got?.headers).toMatchObject({ 'webhook-id': first.id, 'content-type': 'application/cloudevents+json; charset=utf-8' });
    expect(got?.event).toMatchObject({
      specversion: '1.0',
      id: first.id,
      type: 'de.staedtebund.case.step-taken.v1',
      subject: first.aggregate.id,
      data: { municipality: A, step: 'evaluate', to: [B] },
    });
    // By the library that receivers use.
    const headers = got!.headers as Record<string, string>;
    expect(
      new Webhook(secret.slice('whsec_'.length)).verify(got!.body, { ...headers, 'webhook-timestamp': headers['webhook-timestamp']! }),
    ).toBeTruthy();
    const asymmetric = headers['webhook-signature']!.split(' ')
      .find((one) => one.startsWith('v1a,'))!
      .slice(4);
    const content = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${got!.body}`);
    const publicKey = createPublicKey({ key: pair.publicKey, format: 'der', type: 'spki' });
    expect(verify(null, content, publicKey, Buffer.from(asymmetric, 'base64'))).toBe(true);
    expect(c.taken[0]?.event.id).toBe(other.id);
  });

  test('what a record on the bus says is not what decides', async () => {
    const b = keep(await startWebhookReceiver());
    const store = await kit.openFresh();
    const bus = await embedded(store);
    const requests: SubscribeOptions[] = [];
    const listening: Bus = { ...bus, subscribe: (request) => (requests.push(request), bus.subscribe(request)) };
    const cities = [
      { id: 'a', ars: A },
      { id: 'b', ars: B, to: { url: b.url } },
    ];
    const hub = keep(await startEvents({ store, bus: listening, cities }, { policy }));
    const secret = caseEvent(A, { facts: { to: [C], step: 'evaluate' } });
    await hub.append(secret);
    for (const request of requests) await request.handle({ ...secret, seq: 1, facts: { ...secret.facts, to: [B] } });
    const own = caseEvent(A, { facts: { to: [B], step: 'evaluate' } });
    await hub.append(own);
    await expect.poll(() => b.taken.map(({ event }) => event.id), patience).toEqual([own.id]);
    expect(requests).toHaveLength(1);
  });

  test('a city sees what it subscribed to and another city granted, and its own; without a grant nothing', async () => {
    const b = keep(await startWebhookReceiver());
    const parking = '99108001001000';
    const hub = await stand(await kit.openFresh(), [
      { id: 'a', ars: A, grants: [{ to: B, types: ['application.status-changed'], services: [parking] }] },
      { id: 'c', ars: C },
      { id: 'b', ars: B, to: { url: b.url }, subscribe: [{ types: ['application.*'], services: ['*'] }] },
    ]);
    const about = (of: string, type: string, service: string) => caseEvent(of, { kind: 'application', type, facts: { service } });
    const granted = about(A, 'application.status-changed', parking);
    const own = about(B, 'application.submitted', '99115005104000');
    await hub.append(
      about(A, 'application.submitted', parking),
      about(A, 'application.status-changed', '99115005104000'),
      about(C, 'application.status-changed', parking),
      granted,
      caseEvent(B),
      own,
    );
    await expect.poll(() => b.taken.length, patience).toBe(2);
    expect(new Set(b.taken.map(({ event }) => event.id))).toEqual(new Set([granted.id, own.id]));
    const more = await hub.events.subscribe(hub.city('b'), { types: ['case.step-taken'], services: ['*'] }, 'clerk');
    expect(more).toEqual({ ok: true, count: 1 });
    const later = caseEvent(B);
    await hub.append(later, caseEvent(A));
    await expect.poll(() => b.taken.map(({ event }) => event.id), patience).toContain(later.id);
    expect(b.received).toHaveLength(3);
    const [subscription] = (await hub.events.channel('b'))!.subscriptions;
    expect(await hub.events.unsubscribe(hub.city('a'), subscription!.id)).toMatchObject({ ok: false, problem: { code: 'NOT_FOUND' } });
    expect(await hub.events.unsubscribe(hub.city('b'), subscription!.id)).toEqual({ ok: true, count: 1 });
  });

  test('events of one case arrive in order, each with the same id at every attempt', async () => {
    const b = keep(await startWebhookReceiver());
    const failing = new Set<string>();
    b.answer(({ event }) => {
      if (Math.random() < 0.4 && !failing.has(event.id)) {
        failing.add(event.id);
        return { status: 500 };
      }
      return { status: 200 };
    });
    const hub = await stand(await kit.openFresh(), [{ id: 'b', ars: B, to: { url: b.url } }]);
    const cases = Array.from({ length: 5 }, () => randomUUID());
    const events = Array.from({ length: 40 }, (_, n) => caseEvent(A, { aggregate: cases[n % 5]!, facts: { to: [B] } }));
    for (let at = 0; at < events.length; at += 8) await hub.append(...events.slice(at, at + 8));
    await expect.poll(() => b.taken.length, patience).toBe(40);
    for (const id of cases) {
      const sent = events.filter(({ aggregate }) => aggregate.id === id).map((event) => event.id);
      expect(b.taken.filter(({ event }) => event.subject === id).map(({ event }) => event.id)).toEqual(sent);
    }
    expect(b.received.length, 'some attempts failed').toBeGreaterThan(40);
  });

  test('an event that the city refuses is parked, its case waits behind it, all others go on; a person releases or discards it', async () => {
    const b = keep(await startWebhookReceiver());
    const [sick, well] = [randomUUID(), randomUUID()];
    const to = { facts: { to: [B] } };
    const poison = caseEvent(A, { aggregate: sick, ...to });
    const behind = caseEvent(A, { aggregate: sick, ...to });
    b.answer(({ event }) => ({ status: event.id === poison.id ? 422 : 200 }));
    const hub = await stand(await kit.openFresh(), [{ id: 'b', ars: B, to: { url: b.url } }]);
    await hub.append(poison, behind, ...Array.from({ length: 5 }, () => caseEvent(A, { aggregate: well, ...to })));
    await expect.poll(() => b.taken.length, patience).toBe(5);
    await expect.poll(async () => (await hub.events.channel('b'))?.parked, patience).toBe(1);
    const [parked, waiting] = await states(hub, 'b');
    expect(parked).toMatchObject({ eventId: poison.id, state: 'parked', reason: 'REFUSED' });
    expect(parked?.attempts.map(({ outcome, status }) => `${outcome} ${status}`)).toEqual(['REFUSED 422', 'REFUSED 422', 'REFUSED 422']);
    expect(waiting).toMatchObject({ eventId: behind.id, state: 'waiting', attempts: [] });
    await expect.poll(() => hub.events.channel('b'), patience).toMatchObject({ state: 'RUNNING', waiting: 1, lagSeconds: 0 });

    expect(await hub.events.discard('b', poison.id, '  ', 'clerk')).toMatchObject({ ok: false, problem: { code: 'INVALID_INPUT' } });
    expect(await hub.events.release('b', behind.id, 'clerk')).toMatchObject({ ok: false, problem: { code: 'NOT_FOUND' } });
    expect(await hub.events.release('c', poison.id, 'clerk')).toMatchObject({ ok: false, problem: { code: 'NOT_FOUND' } });
    expect(await hub.events.release('b', poison.id, 'clerk')).toEqual({ ok: true, count: 1 });
    await expect.poll(() => b.received.filter(({ event }) => event.id === poison.id).length, patience).toBe(6);
    await expect.poll(async () => (await hub.events.channel('b'))?.parked, patience).toBe(1);
    expect(await hub.events.discard('b', poison.id, 'not wanted there', 'clerk')).toEqual({ ok: true, count: 1 });
    await expect.poll(() => b.taken.map(({ event }) => event.id), patience).toContain(behind.id);
    const trail = await hub.events.trail(poison.id);
    expect(trail?.entries.filter(({ kind }) => kind === 'decision').map(({ what, by }) => `${what} ${by}`)).toEqual([
      'release clerk',
      'discard clerk',
    ]);
  });

  test('an event on which the city alone fails is parked once others have got through again and again', async () => {
    const b = keep(await startWebhookReceiver());
    const poison = caseEvent(A, { facts: { to: [B] } });
    b.answer(({ event }) => ({ status: event.id === poison.id ? 500 : 200 }));
    const hub = await stand(await kit.openFresh(), [{ id: 'b', ars: B, to: { url: b.url } }]);
    await hub.append(poison);
    await expect.poll(() => b.received.length, patience).toBeGreaterThan(1);
    await hub.append(caseEvent(A, { facts: { to: [B] } }));
    await expect.poll(async () => (await states(hub, 'b'))[0], patience).toMatchObject({ state: 'parked', reason: 'POISONED' });
    expect(b.taken).toHaveLength(1);
  });

  test('a channel that fails for a day is paused, visibly; resumed, everything arrives, in order', async () => {
    const b = keep(await startWebhookReceiver());
    b.answer(() => ({ status: 503 }));
    const hub = await stand(await kit.openFresh(), [{ id: 'b', ars: B, to: { url: b.url } }]);
    const id = randomUUID();
    const events = Array.from({ length: 6 }, () => caseEvent(A, { aggregate: id, facts: { to: [B] } }));
    await hub.append(...events);
    await expect.poll(async () => (await hub.events.channel('b'))?.state, patience).toBe('FAILING');
    hub.clock.ms += 25 * 3_600_000;
    await expect
      .poll(async () => hub.events.channel('b'), patience)
      .toMatchObject({ state: 'PAUSED', pauseReason: 'FAILING', lastError: 'BUSY', waiting: 6 });
    expect((await hub.metrics.render()).text).toContain('staedtebund_events_paused{city="b"} 1');
    const attempts = b.received.length;
    hub.clock.ms += 3_600_000;
    await sleep(100);
    expect(b.received).toHaveLength(attempts);
    b.answer(() => ({ status: 200 }));
    expect(await hub.events.resume('b', 'clerk')).toEqual({ ok: true, count: 1 });
    await expect.poll(() => b.taken.map(({ event }) => event.id), patience).toEqual(events.map((event) => event.id));
    await expect.poll(() => hub.events.channel('b'), patience).toMatchObject({ state: 'RUNNING', waiting: 0, parked: 0 });
  });

  test('410 pauses at once; a pause by hand holds what comes', async () => {
    const b = keep(await startWebhookReceiver());
    b.answer(() => ({ status: 410 }));
    const hub = await stand(await kit.openFresh(), [{ id: 'b', ars: B, to: { url: b.url } }]);
    await hub.append(caseEvent(A, { facts: { to: [B] } }));
    await expect.poll(async () => (await hub.events.channel('b'))?.pauseReason, patience).toBe('GONE');
    b.answer(() => ({ status: 200 }));
    await hub.events.resume('b', 'clerk');
    await expect.poll(() => b.taken.length, patience).toBe(1);
    await hub.events.pause('b', 'clerk');
    await hub.append(caseEvent(A, { facts: { to: [B] } }));
    await expect.poll(async () => (await hub.events.channel('b'))?.waiting, patience).toBe(1);
    expect(await hub.events.channel('b')).toMatchObject({ state: 'PAUSED', pauseReason: 'BY_HAND' });
    await hub.events.resume('b', 'clerk');
    await expect.poll(() => b.taken.length, patience).toBe(2);
  });

  test('a city whose server hangs keeps no other waiting', async () => {
    const [b, c] = [keep(await startWebhookReceiver()), keep(await startWebhookReceiver())];
    b.answer(() => 'hang');
    const hub = await stand(await kit.openFresh(), [
      { id: 'b', ars: B, to: { url: b.url, timeoutMs: 60_000 } },
      { id: 'c', ars: C, to: { url: c.url } },
    ]);
    await hub.append(...Array.from({ length: 50 }, () => caseEvent(A, { facts: { to: [B, C] } })));
    await expect.poll(() => c.taken.length, patience).toBe(50);
    expect(b.received.length).toBeLessThanOrEqual(4);
    expect(b.taken).toHaveLength(0);
  });

  test('a redirect is not followed', async () => {
    const [b, elsewhere] = [keep(await startWebhookReceiver()), keep(await startWebhookReceiver())];
    b.answer(() => ({ status: 307, headers: { location: elsewhere.url } }));
    const hub = await stand(await kit.openFresh(), [{ id: 'b', ars: B, to: { url: b.url } }]);
    await hub.append(caseEvent(A, { facts: { to: [B] } }));
    await expect.poll(async () => (await hub.events.channel('b'))?.lastError, patience).toBe('REDIRECT');
    expect(elsewhere.received).toHaveLength(0);
  });

  test('outside development nothing on this machine is reached', async () => {
    const b = keep(await startWebhookReceiver());
    for (const url of [b.url.replace('http:', 'https:'), b.url.replace('http:', 'https:').replace('127.0.0.1', 'localhost')]) {
      const hub = await stand(await kit.openFresh(), [{ id: 'b', ars: B, to: { url } }], { development: false });
      await hub.append(caseEvent(A, { facts: { to: [B] } }));
      await expect.poll(async () => (await hub.events.channel('b'))?.lastError, patience).toBe('ADDRESS_REFUSED');
    }
    expect(b.received).toHaveLength(0);
  });

  test('a process that died leaves its deliveries to the next: nothing is lost, ids stay', async () => {
    const store = await kit.openFresh();
    const b = keep(await startWebhookReceiver());
    b.answer(() => 'hang');
    const cities: SampleCity[] = [{ id: 'b', ars: B, to: { url: b.url, timeoutMs: 60_000 } }];
    const bus = await embedded(store);
    const first = await startEvents({ store, bus, cities }, { policy });
    const events = Array.from({ length: 8 }, () => caseEvent(A, { facts: { to: [B] } }));
    await first.append(...events);
    await expect.poll(() => b.received.length, patience).toBe(4);
    await first.close();
    b.answer(() => ({ status: 200 }));
    keep(await startEvents({ store, bus, cities }, { policy }));
    await expect.poll(() => new Set(b.taken.map(({ event }) => event.id)), patience).toEqual(new Set(events.map((event) => event.id)));
    expect(b.taken).toHaveLength(8);
  });

  test('an adapter gets the event itself, once in effect, in order; types it does not take are written down', async () => {
    const effects: string[] = [];
    const calls: string[] = [];
    const seen = new Set<string>();
    const hub = await stand(await kit.openFresh(), [
      {
        id: 'b',
        ars: B,
        to: {
          types: ['move.registered'],
          async receive(event: HubEvent, call) {
            calls.push(`${event.id} ${call.key}`);
            if (!seen.has(event.id)) {
              seen.add(event.id);
              await call.step('note', async () => {
                effects.push(event.id);
                return true;
              });
              throw new AdapterError('unavailable', 'unknown', 'the answer was lost');
            }
            await call.step('note', async () => {
              effects.push(`again ${event.id}`);
              return true;
            });
          },
        },
      },
    ]);
    const id = randomUUID();
    const events = Array.from({ length: 3 }, () => caseEvent(A, { aggregate: id, type: 'move.registered', facts: { to: [B] } }));
    const untaken = caseEvent(A, { facts: { to: [B] } });
    await hub.append(...events, untaken);
    await expect
      .poll(async () => (await states(hub, 'b')).map(({ state }) => state), patience)
      .toEqual(['delivered', 'delivered', 'delivered', 'skipped']);
    expect(effects).toEqual(events.map((event) => event.id));
    expect(calls).toHaveLength(6);
    for (const call of calls) expect(call.split(' ')[0]).toBe(call.split(' ')[1]);
    expect((await states(hub, 'b')).at(-1)).toMatchObject({ eventId: untaken.id, reason: 'TYPE_NOT_TAKEN' });
  });

  test('a replay sends again under the same ids, in order, what was lost and what is granted since', async () => {
    const store = await kit.openFresh();
    const b = keep(await startWebhookReceiver());
    const before = await stand(store, [
      { id: 'a', ars: A },
      { id: 'b', ars: B, to: { url: b.url } },
    ]);
    const [one, two] = [randomUUID(), randomUUID()];
    const addressed = Array.from({ length: 4 }, (_, n) => caseEvent(A, { aggregate: n % 2 ? one : two, facts: { to: [B] } }));
    const silent = caseEvent(A, { aggregate: one });
    await before.append(...addressed, silent);
    await expect.poll(() => b.taken.length, patience).toBe(4);
    await expect.poll(async () => (await before.events.channel('b'))?.waiting, patience).toBe(0);
    await before.close();
    const hub = await stand(store, [
      { id: 'a', ars: A, grants: [{ to: '*', types: ['case.*'], services: ['*'] }] },
      { id: 'b', ars: B, to: { url: b.url }, subscribe: [{ types: ['case.*'], services: ['*'] }] },
    ]);
    b.taken.length = 0;
    expect(await hub.events.replay(hub.city('b'), { about: one }, 'clerk')).toEqual({ ok: true, count: 3 });
    await expect.poll(() => b.taken.map(({ event }) => event.id), patience).toEqual([addressed[1]!.id, addressed[3]!.id, silent.id]);
    await expect.poll(async () => (await hub.events.channel('b'))?.waiting, patience).toBe(0);
    b.taken.length = 0;
    const all = { from: new Date(Date.now() - 3_600_000), until: new Date(Date.now() + 3_600_000) };
    expect(await hub.events.replay(hub.city('b'), all, 'clerk')).toEqual({ ok: true, count: 5 });
    await expect
      .poll(() => new Set(b.taken.map(({ event }) => event.id)), patience)
      .toEqual(new Set([...addressed, silent].map((event) => event.id)));
    expect((await states(hub, 'b')).map(({ replays }) => replays)).toEqual([1, 2, 1, 2, 1]);
    expect(await hub.events.replay(hub.city('a'), all, 'clerk')).toMatchObject({ ok: false, problem: { code: 'NOT_FOUND' } });
  });

  test('events from before the city had a channel are not sent; a test event takes the whole way', async () => {
    const store = await kit.openFresh();
    const b = keep(await startWebhookReceiver());
    await store.transaction((tx) => createEventLog(store).append(tx, [caseEvent(A, { facts: { to: [B] } })]));
    const hub = await stand(store, [{ id: 'b', ars: B, to: { url: b.url } }]);
    const result = await hub.events.test(hub.city('b'), 'clerk', '');
    expect(result).toMatchObject({ ok: true, count: 1 });
    await expect.poll(() => b.taken.map(({ event }) => event.type), patience).toEqual(['de.staedtebund.delivery.tested.v1']);
    expect(b.received).toHaveLength(1);
  });
});

describeWithStore('an event whose lease cannot be renewed', (kit) => {
  test('is broken off once the lease has run out: another worker may send it, and what follows it', async () => {
    const cut = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const slow = createServer((request) => {
      request.resume().on('end', () => begun.resolve());
      request.socket.on('close', () => cut.resolve());
    });
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    keep({
      async close() {
        slow.closeAllConnections();
        slow.close();
      },
    });
    const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/events`;
    const at = await kit.freshUrl();
    const store = await kit.open(at);
    const hub = await stand(store, [{ id: 'b', ars: B, to: { url, timeoutMs: 300_000 } }], { timing: { leaseMs: 600, pollMs: 20 } });
    await hub.append(caseEvent(A, { facts: { to: [B] } }));
    await begun.promise;
    // Another process holds the only writer there is: no renewal comes through.
    const other = new DatabaseSync(at.slice('sqlite:'.length));
    other.exec('begin immediate');
    await expect(cut.promise).resolves.toBeUndefined();
    other.exec('rollback');
    other.close();
  });
});

describeWithService('kafka', 'events to cities by Kafka', (url) => {
  describeWithStore('from the log', (kit) => {
    test('each city has a topic of its own; webhooks hang on the same bus', async () => {
      const store = await kit.openFresh();
      const b = keep(await startWebhookReceiver());
      const eventLog = createEventLog(store);
      const bus = keep(await openBus(url, { store, eventLog, log }));
      const mark = randomUUID().slice(0, 8);
      const ars = () => String(Math.floor(Math.random() * 1e12)).padStart(12, '0');
      const [one, two] = [ars(), ars()];
      const hub = keep(
        await startEvents(
          {
            store,
            bus,
            cities: [
              { id: `one-${mark}`, ars: one, to: 'kafka' },
              { id: `two-${mark}`, ars: two, to: { url: b.url } },
            ],
          },
          { policy },
        ),
      );
      const relay = createRelay({ store, eventLog, bus, log });
      relay.start();
      keep({ close: () => relay.stop() });
      const id = randomUUID();
      const events = Array.from({ length: 6 }, (_, n) => caseEvent(A, { aggregate: id, facts: { to: n % 2 ? [one] : [one, two] } }));
      await hub.append(...events);
      await expect.poll(() => b.taken.length, { timeout: 60_000, interval: 50 }).toBe(3);
      const topic = keep(await readTopic(url, `staedtebund.inbox.${one}.v1`));
      await expect
        .poll(() => topic.messages.map(({ headers }) => String(headers?.['ce_id'])), { timeout: 60_000, interval: 50 })
        .toEqual(events.map((event) => event.id));
    }, 150_000);
  });
});
