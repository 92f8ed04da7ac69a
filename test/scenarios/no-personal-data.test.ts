import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import { restSimulatedSecret, startRestSimulator } from '../../adapters/rest/simulator.ts';
import { ars, duesseldorf, neuss, startTestHub } from '../kit/hub.ts';
import { readTopic } from '../kit/kafka-reader.ts';
import { parkingForm } from '../kit/samples.ts';
import { describeWithService, describeWithStore, serviceUrl } from '../kit/services.ts';
import { createStack } from '../kit/stack.ts';
import { startWebhookReceiver } from '../kit/webhook-receiver.ts';

/*
 * A citizen who is nobody: every part of what she says is a canary. What the hub keeps, tells and counts after her application went
 * through is read whole, and no canary may sing.
 */

const keep = createStack();
const patience = { timeout: 60_000, interval: 50 };

const mark = randomUUID().slice(0, 8);
const canaries = {
  name: `Kanaria-${mark}`,
  email: `kanarie-${mark}@example.org`,
  phone: '+49 211 5550142',
  street: `Kanarienweg-${mark}`,
  plate: 'D-KV 4711',
  zone: `zone-${mark}`,
};

const singing = (where: string, text: string): string[] =>
  Object.entries(canaries).flatMap(([what, canary]) => (text.includes(canary) ? [`${what} in ${where}`] : []));

/** Every row of every table, as text. */
function everyRow(file: string): Map<string, string> {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[];
    return new Map(tables.map(({ name }) => [name, JSON.stringify(database.prepare(`select * from "${name}"`).all())]));
  } finally {
    database.close();
  }
}

async function submitCanary(env: Record<string, string>) {
  const redmine = keep(await startRedmineSimulator());
  const rest = keep(await startRestSimulator({ dialect: 'vorgaenge' }));
  const receiver = keep(await startWebhookReceiver());
  const [one, two] = [`duesseldorf-${mark}`, `neuss-${mark}`];
  const all = [{ types: ['*'] }];
  const hub = keep(
    await startTestHub({
      env,
      events: { timing: { leaseMs: 1000, pollMs: 50 } },
      cities: {
        [one]: { ...duesseldorf({ baseUrl: redmine.url, apiKey: redmineSimulated.apiKey }), grants: [{ to: '*', types: ['*'] }] },
        [two]: {
          ...neuss({ baseUrl: rest.url, secret: restSimulatedSecret }),
          events: { deliver: 'webhook', url: receiver.url, secrets: [`whsec_${randomBytes(32).toString('base64')}`], subscribe: all },
        },
      },
    }),
  );
  const { id, uuid } = await hub.submit(ars.duesseldorf, randomUUID(), {
    applicant: { name: canaries.name, email: canaries.email, phone: canaries.phone },
    formData: {
      ...parkingForm,
      licencePlate: canaries.plate,
      parkingZone: canaries.zone,
      residence: { ...parkingForm.residence, street: canaries.street },
    },
  });
  // One that is refused: what is said about it must not quote it.
  await hub.submit(ars.duesseldorf, randomUUID(), { formData: { ...parkingForm, licencePlate: { odd: canaries.plate } } }).catch(() => {});
  await hub.find(id);
  await expect.poll(async () => (await hub.find(id))?.status, patience).toBe('RECEIVED');
  await expect.poll(() => receiver.taken.filter(({ event }) => event.subject === uuid).length, patience).toBeGreaterThanOrEqual(3);
  return { hub, receiver, redmine, uuid, city: two };
}

describeWithStore('a citizen’s words', () => {
  test('stand in the back office, and in no event, row, log line, metric or webhook', async () => {
    const { hub, receiver, redmine } = await submitCanary({});
    const office = JSON.stringify(redmine.cases.list());
    expect(singing('the back office', office), 'the canaries did fly').toEqual(
      expect.arrayContaining(['name in the back office', 'plate in the back office']),
    );
    const rows = everyRow(hub.env['STORE_URL']!.slice('sqlite:'.length));
    expect(rows.get('event_log')).toContain('application.submitted');
    expect(rows.get('event_attempt')).toContain('DELIVERED');
    for (const [table, text] of rows) expect(singing(`table ${table}`, text)).toEqual([]);
    for (const { body, headers } of receiver.received) expect(singing('a webhook', body + JSON.stringify(headers))).toEqual([]);
    expect(hub.logged().length).toBeGreaterThan(100);
    expect(singing('the log', hub.logged())).toEqual([]);
    const metrics = await (await fetch(`${hub.url}/metrics`)).text();
    expect(metrics).toContain('staedtebund_event_delivery_seconds');
    expect(singing('the metrics', metrics)).toEqual([]);
  });
});

describeWithStore('what was delivered', () => {
  test('is in no byte of the store’s files soon after, nor after a stop, and the files are the hub’s alone', async () => {
    const rest = keep(await startRestSimulator({ dialect: 'vorgaenge' }));
    const hub = await startTestHub({ cities: { neuss: neuss({ baseUrl: rest.url, secret: restSimulatedSecret }) } });
    const file = hub.env['STORE_URL']!.slice('sqlite:'.length);
    const files = () => [file, `${file}-wal`, `${file}-shm`].filter((one) => existsSync(one));
    const names = Array.from({ length: 40 }, (_, i) => `Zaunkönig-${mark}-${i}`);
    const found = () => names.filter((name) => files().some((one) => readFileSync(one).includes(name)));
    try {
      const first = await hub.submit(ars.neuss, randomUUID(), { applicant: { name: names[0] } });
      expect(found(), 'as long as it waits it is there').toEqual([names[0]]);
      const ids = [
        first,
        ...(await Promise.all(names.slice(1).map((name) => hub.submit(ars.neuss, randomUUID(), { applicant: { name } })))),
      ];
      for (const { id } of ids) await expect.poll(async () => (await hub.find(id))?.caseNumber, patience).toEqual(expect.any(String));
      await expect.poll(found, patience).toEqual([]);
      for (const one of files()) expect(statSync(one).mode & 0o777, one).toBe(0o600);
      await hub.hub.close();
      expect(found()).toEqual([]);
    } finally {
      await hub.close();
    }
  }, 120_000);
});

describeWithService('kafka', 'a citizen’s words, by Kafka', (url) => {
  test('stand in no topic', async () => {
    const { uuid } = await submitCanary({ BUS_URL: url });
    const topics = await Promise.all(['application', 'delivery'].map(async (type) => keep(await readTopic(url, `staedtebund.${type}.v1`))));
    const texts = () =>
      topics.flatMap(({ messages }) =>
        messages.map((message) => `${String(message.key)} ${String(message.value)} ${JSON.stringify(message.headers)}`),
      );
    await expect.poll(() => texts().filter((text) => text.startsWith(uuid)).length, patience).toBeGreaterThanOrEqual(3);
    for (const text of texts()) expect(singing('a topic', text)).toEqual([]);
    for (const { messages } of topics)
      for (const { headers } of messages)
        for (const value of Object.values(headers ?? {})) expect(singing('a header', String(value))).toEqual([]);
  }, 150_000);
});

describeWithService('redis', 'a citizen’s words, with Redis', (url) => {
  test('stand in no key and no value of the cache', async () => {
    await submitCanary({ CACHE_URL: url });
    const redis = new Redis(url);
    try {
      const keys = await redis.keys('*');
      expect(keys.length).toBeGreaterThan(0);
      for (const key of keys) {
        const value = (await redis.type(key)) === 'string' ? await redis.getBuffer(key) : null;
        expect(singing(`key ${key}`, `${key} ${String(value)}`)).toEqual([]);
      }
    } finally {
      redis.disconnect();
    }
    expect(serviceUrl('redis')).toBe(url);
  });
});
