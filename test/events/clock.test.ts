import { expect, test } from 'vitest';
import { createLog } from '../../src/infra/log.ts';
import { openBus } from '../../src/infra/bus/open-bus.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { createStack } from '../kit/stack.ts';
import { startWebhookReceiver } from '../kit/webhook-receiver.ts';
import { caseEvent, startEvents } from './kit.ts';

const keep = createStack();
const [A, B] = ['053150000000', '051110000000'] as const;
const day = 86_400_000;

describeOnEachStore('a clock that was a day ahead and is right again', (kit) => {
  test('keeps no event from its city: neither one to be tried again, nor one that a killed hub had leased, nor the whole channel', async () => {
    const store = await kit.openFresh();
    const city = keep(await startWebhookReceiver());
    city.answer(() => ({ status: 503 }));
    const bus = keep(await openBus('embedded:', { store, eventLog: createEventLog(store), log: createLog('silent') }));
    const cities = [
      { id: 'a', ars: A },
      { id: 'b', ars: B, to: { url: city.url } },
    ];
    const before = await startEvents({ store, bus, cities });
    const events = [caseEvent(A, { facts: { to: [B] } }), caseEvent(A, { facts: { to: [B] } })];
    await before.append(...events);
    await expect.poll(() => city.received.length, { timeout: 20_000, interval: 20 }).toBeGreaterThan(0);
    await before.close();

    const ahead = Date.now() + day;
    await store.db.updateTable('event_receiver').set({ not_before: ahead }).execute();
    await store.db
      .updateTable('event_delivery')
      .set({ state: 'waiting', not_before: ahead })
      .where('event_id', '=', events[0]!.id)
      .execute();
    await store.db
      .updateTable('event_delivery')
      .set({ state: 'leased', fence: 9, lease_until: ahead })
      .where('event_id', '=', events[1]!.id)
      .execute();
    city.answer(() => ({ status: 204 }));
    keep(await startEvents({ store, bus, cities }));
    await expect
      .poll(() => new Set(city.taken.map(({ event }) => event.id)), { timeout: 20_000, interval: 50 })
      .toEqual(new Set(events.map(({ id }) => id)));
  });
});
