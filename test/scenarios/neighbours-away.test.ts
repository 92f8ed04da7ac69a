import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import { restSimulatedSecret, startRestSimulator } from '../../adapters/rest/simulator.ts';
import { ars, duesseldorf, neuss, startTestHub, type TestHub } from '../kit/hub.ts';
import { startCluster } from '../kit/kafka-cluster.ts';
import { readTopic } from '../kit/kafka-reader.ts';
import { describeWithService } from '../kit/services.ts';
import { createStack } from '../kit/stack.ts';

const keep = createStack();

const patience = { timeout: 30_000, interval: 100 };

async function start(env: Record<string, string> = {}) {
  const redmine = keep(await startRedmineSimulator());
  const rest = keep(await startRestSimulator({ dialect: 'vorgaenge' }));
  const hub = keep(
    await startTestHub({
      env,
      cities: {
        duesseldorf: duesseldorf({ baseUrl: redmine.url, apiKey: redmineSimulated.apiKey }),
        neuss: neuss({ baseUrl: rest.url, secret: restSimulatedSecret }),
      },
    }),
  );
  return { redmine, rest, hub };
}

const submitMany = (hub: TestHub, place: string, count: number) =>
  Promise.all(Array.from({ length: count }, () => hub.submit(place, randomUUID())));

describe('one city that hangs', () => {
  test('keeps no other waiting, turns nothing red, and gets what waited once it is back', async () => {
    const { redmine, rest, hub } = await start();
    rest.setFaults({ hang: true });
    const [waiting] = await Promise.all([submitMany(hub, ars.neuss, 25), submitMany(hub, ars.duesseldorf, 25)]);
    await expect.poll(() => redmine.cases.list().length, { ...patience, message: 'Düsseldorf does not wait for Neuss' }).toBe(25);
    expect(rest.cases.list()).toHaveLength(0);
    const ready = await fetch(`${hub.url}/health/ready`);
    expect(ready.status).toBe(200);

    const answer = await hub.ask<{ municipality: { connection: { adapters: { state: string }[] }; offers: { totalCount: number } } }>(
      'query ($ars: RegionalKey!) { municipality(ars: $ars) { connection { adapters { state } } offers { totalCount } } }',
      { ars: ars.neuss },
    );
    expect(answer.data?.municipality.connection.adapters[0]?.state).not.toBe('UP');
    expect(answer.data?.municipality.offers.totalCount).toBeGreaterThan(0);

    rest.setFaults({ hang: false });
    await expect.poll(() => new Set(rest.cases.list().map(({ key }) => key)).size, patience).toBe(25);
    expect(rest.cases.list(), 'each once').toHaveLength(25);
    expect(new Set(rest.cases.list().map(({ key }) => key))).toEqual(new Set(waiting.map(({ key }) => key)));
  });
});

describe('Redis that is away', () => {
  test('costs no answer and no application', async () => {
    const { redmine, hub } = await start({ CACHE_URL: 'redis://127.0.0.1:1' });
    await submitMany(hub, ars.duesseldorf, 10);
    await expect.poll(() => redmine.cases.list().length, patience).toBe(10);
    const ready = await fetch(`${hub.url}/health/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({ cache: 'DOWN' });
  });
});

describe('Kafka that was never there', () => {
  test('costs no answer and no application', async () => {
    const { redmine, hub } = await start({ BUS_URL: 'kafka://127.0.0.1:1' });
    await submitMany(hub, ars.duesseldorf, 10);
    await expect.poll(() => redmine.cases.list().length, patience).toBe(10);
    expect((await fetch(`${hub.url}/health/ready`)).status).toBe(200);
  });
});

// A cluster of its own: others use the one that the variable names.
describeWithService('kafkaCluster', 'Kafka that falls silent', () => {
  test('keeps no submission waiting; its events arrive afterwards, all of them, in order', { timeout: 240_000 }, async () => {
    const { cluster, stop } = await startCluster({ brokers: 1 });
    keep({ close: stop });
    const busUrl = `kafka://${cluster.brokers}?replicationFactor=1&minInsyncReplicas=1`;
    const { redmine, hub } = await start({ BUS_URL: busUrl });
    const before = await submitMany(hub, ars.duesseldorf, 5);
    await expect.poll(() => redmine.cases.list().length, patience).toBe(5);
    await cluster.freeze('1');
    let during: Awaited<ReturnType<typeof submitMany>>;
    try {
      during = await submitMany(hub, ars.duesseldorf, 20);
      await expect.poll(() => redmine.cases.list().length, patience).toBe(25);
    } finally {
      await cluster.thaw('1');
    }
    const ours = new Set([...before, ...during].map(({ uuid }) => uuid));
    const topic = keep(await readTopic(busUrl, 'staedtebund.application.v1'));
    const sequences = () => {
      const byKey = new Map<string, number[]>();
      for (const { key, headers } of topic.messages)
        if (ours.has(String(key))) byKey.set(String(key), [...(byKey.get(String(key)) ?? []), Number(headers?.['ce_sequence'])]);
      return byKey;
    };
    const complete = () => [...sequences().values()].filter((list) => new Set(list).size >= 3).length;
    await expect
      .poll(complete, { timeout: 60_000, interval: 200, message: 'submitted, delivered and received of all 25 applications' })
      .toBe(25);
    for (const list of sequences().values()) {
      const firsts = [...new Set(list)];
      expect(firsts, 'first arrivals stand in the order of the log').toEqual(firsts.toSorted((a, b) => a - b));
    }
  });
});
