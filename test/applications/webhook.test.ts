import { expect, test } from 'vitest';
import type { CaseChange, WebhookPort } from '#contract';
import type { Applications } from '../../src/applications/applications.ts';
import type { Store } from '../../src/infra/store/store.ts';
import { describeOnEachStore } from '../kit/services.ts';
import { haveDelivered, look, openOffice } from './office.ts';

const ars = '051110000000';

interface Message {
  /** Id of the message, if the protocol has one. */
  readonly id?: string;
  readonly status?: string;
  readonly body?: string;
}

/** An adapter that tells one change of the case `c` per message, each under a change id of its own: what a system does that has no versions. */
function telling(): { webhook: WebhookPort; told: { next: Message } } {
  const told: { next: Message } = { next: {} };
  let count = 0;
  const webhook: WebhookPort = {
    traits: { auth: 'signature', replayWindowMs: 300_000 },
    receive: async () => {
      count += 1;
      const { id, status = 'done' } = told.next;
      const change: CaseChange = { id: `c ${count}`, ref: { id: 'c' }, nativeStatus: status, version: `${count}`, updatedAt: new Date() };
      return { changes: [change], ...(id === undefined ? {} : { id }) };
    },
  };
  return { webhook, told };
}

async function openTelling(store: Store) {
  const { webhook, told } = telling();
  const applications: Applications = openOffice(store, { cases: {}, webhook });
  const seen = async () => (await store.db.selectFrom('seen_change').select('change_id').execute()).length;
  const send = async (message: Message) => {
    told.next = message;
    const raw = new TextEncoder().encode(message.body ?? 'case c has changed');
    return (await applications.receiveWebhook(ars, 'cases', { method: 'POST', headers: new Headers(), raw })).status;
  };
  return { send, seen };
}

describeOnEachStore('a notification that comes again', (kit) => {
  test('under its id and with its body has one effect, and its cases are not looked at again', async () => {
    const store = await kit.openFresh();
    await haveDelivered(store, 'c');
    const { send, seen } = await openTelling(store);
    expect([await send({ id: 'msg_1' }), await send({ id: 'msg_1' })]).toEqual([200, 200]);
    expect(await seen()).toBe(1);
  });

  test('while the first is still being taken has one effect too', async () => {
    const store = await kit.openFresh();
    await haveDelivered(store, 'c');
    const { send, seen } = await openTelling(store);
    expect(await Promise.all(Array.from({ length: 8 }, () => send({ id: 'msg_1' })))).toEqual(Array.from({ length: 8 }, () => 200));
    expect(await seen()).toBe(1);
  });

  test('after the store failed in the middle of the first is taken', async () => {
    const store = await kit.openFresh();
    const id = await haveDelivered(store, 'c');
    // The event of the change cannot be written: everything of that transaction must go, the memory of the message too.
    const { send, seen } = await openTelling(store);
    await store.db.schema.alterTable('event_log').renameTo('event_log_away').execute();
    await expect(send({ id: 'msg_1' })).rejects.toThrow(/event_log/);
    await store.db.schema.alterTable('event_log_away').renameTo('event_log').execute();
    expect(await seen()).toBe(0);
    expect(await send({ id: 'msg_1' })).toBe(200);
    expect((await look(store, id)).status).toBe('GRANTED');
  });

  test.each<[how: string, first: Message, second: Message]>([
    ['without an id', {}, { status: 'refused' }],
    ['under another id', { id: 'msg_1' }, { id: 'msg_2', status: 'refused' }],
    ['under its id with another body', { id: 'msg_1' }, { id: 'msg_1', body: 'case c has changed again', status: 'refused' }],
  ])('%s may be another event and is taken', async (_, first, second) => {
    const store = await kit.openFresh();
    const id = await haveDelivered(store, 'c');
    const { send, seen } = await openTelling(store);
    await send(first);
    await send(second);
    expect(await seen()).toBe(2);
    expect((await look(store, id)).status).toBe('REFUSED');
  });
});
