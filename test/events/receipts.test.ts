import { expect, test } from 'vitest';
import { createLog } from '../../src/infra/log.ts';
import { openBus } from '../../src/infra/bus/open-bus.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import { openStore } from '../../src/infra/store/open-store.ts';
import { openCuttable } from '../kit/cuttable.ts';
import { newPostgresDatabase } from '../kit/databases.ts';
import { describeWithService } from '../kit/services.ts';
import { createStack } from '../kit/stack.ts';
import { startWebhookReceiver } from '../kit/webhook-receiver.ts';
import { caseEvent, startEvents, type SampleCity } from './kit.ts';

const keep = createStack();
const [A, B] = ['053150000000', '051110000000'] as const;
const patience = { timeout: 30_000, interval: 50 };

describeWithService('postgres', 'what a city answered while PostgreSQL was away', (server) => {
  /** One event for one city; `away` is cut by whoever takes it, and restored after more than a lease. */
  async function send(to: (cut: () => void) => SampleCity['to'], takenBy: () => number) {
    const database = await newPostgresDatabase(server);
    keep({ close: () => database.remove() });
    const away = keep(await openCuttable(database.url));
    const store = keep(await openStore(away.url));
    const bus = keep(await openBus('embedded:', { store, eventLog: createEventLog(store), log: createLog('silent') }));
    let isCut = false;
    const cutOnce = () => {
      if (!isCut) away.cut();
      isCut = true;
    };
    const hub = keep(
      await startEvents(
        {
          store,
          bus,
          cities: [
            { id: 'a', ars: A },
            { id: 'b', ars: B, to: to(cutOnce)! },
          ],
        },
        { timing: { leaseMs: 300, pollMs: 20 }, policy: { event: { firstMs: 20, mostMs: 100 }, channel: { firstMs: 20, mostMs: 100 } } },
      ),
    );
    await hub.append(caseEvent(A, { facts: { to: [B] } }));
    await expect.poll(takenBy, patience).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    away.restore();
    const seen = async () => (await hub.events.deliveries({ city: 'b' }, { first: 1, after: null })).items[0]?.node;
    await expect.poll(async () => (await seen().catch(() => null))?.state, patience).toBe('delivered');
    return seen();
  }

  test('that it took the event is written when the store is back: nothing is sent twice', async () => {
    const city = keep(await startWebhookReceiver());
    const delivery = await send(
      (cut) => {
        city.answer(() => {
          cut();
          return { status: 204 };
        });
        return { url: city.url };
      },
      () => city.received.length,
    );
    expect(delivery?.attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([[1, 'DELIVERED']]);
    expect(city.received).toHaveLength(1);
  });

  test('that it refused the event is written alike, and the next attempt counts from there', async () => {
    const city = keep(await startWebhookReceiver());
    const delivery = await send(
      (cut) => {
        city.answer(() => {
          cut();
          return { status: city.received.length === 1 ? 422 : 204 };
        });
        return { url: city.url };
      },
      () => city.received.length,
    );
    expect(delivery?.attempts.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 422],
      [2, 204],
    ]);
  });

  test('the step that its back office has taken is remembered: it is not taken again', async () => {
    let taken = 0;
    await send(
      (cut) => ({
        types: ['case.step-taken'],
        receive: async (_, call) => {
          await call.step('filed', async () => {
            taken += 1;
            cut();
            return taken;
          });
        },
      }),
      () => taken,
    );
    expect(taken).toBe(1);
  });
});
