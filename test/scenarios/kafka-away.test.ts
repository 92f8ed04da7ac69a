import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import { ars, duesseldorf, startTestHub, type TestHub } from '../kit/hub.ts';
import { startCluster, type KafkaCluster } from '../kit/kafka-cluster.ts';
import { readTopic } from '../kit/kafka-reader.ts';
import { describeWithService } from '../kit/services.ts';

/*
 * What readiness and metrics say while brokers are away, one after the other: events wait in the log, nobody else waits, and whoever
 * runs the hub sees why.
 */

const patience = { timeout: 90_000, interval: 500 };

// The folder is not used, but where it is named there is a Java to start other brokers with.
describeWithService('kafkaCluster', 'a hub whose brokers go away', () => {
  let cluster: KafkaCluster;
  const closing: (() => Promise<unknown>)[] = [];
  const keep = <T extends { close(): Promise<unknown> }>(one: T): T => {
    closing.push(() => one.close());
    return one;
  };
  let hub: TestHub;
  const submitted: string[] = [];

  beforeAll(async () => {
    const started = await startCluster({ brokers: 3 });
    ({ cluster } = started);
    closing.push(started.stop);
    const redmine = keep(await startRedmineSimulator());
    hub = keep(
      await startTestHub({
        env: { BUS_URL: `kafka://${cluster.brokers}` },
        cities: { duesseldorf: duesseldorf({ baseUrl: redmine.url, apiKey: redmineSimulated.apiKey }) },
      }),
    );
  }, 240_000);
  afterAll(async () => {
    for (const close of closing.toReversed()) await close();
  }, 60_000);

  const ready = async () => {
    const answer = await fetch(`${hub.url}/health/ready`);
    return { code: answer.status, ...((await answer.json()) as { status: string; bus: string; busTrouble?: string }) };
  };
  const submit = async (count: number) => {
    for (let made = 0; made < count; made += 1) submitted.push((await hub.submit(ars.duesseldorf, randomUUID())).uuid);
  };
  const waiting = async () => {
    const text = await (await fetch(`${hub.url}/metrics`)).text();
    return Number(/^staedtebund_relay_lag_events(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1]);
  };

  test('is UP on all of them, and nothing waits', { timeout: 120_000 }, async () => {
    await submit(3);
    await expect.poll(async () => (await ready()).bus, patience).toBe('UP');
    await expect.poll(waiting, patience).toBe(0);
  });

  test(
    'is DEGRADED with the reason where too few are left to keep an event, and still takes applications',
    { timeout: 240_000 },
    async () => {
      await cluster.kill('2');
      await cluster.kill('3');
      await submit(3);
      await expect.poll(async () => (await ready()).bus, patience).toBe('DEGRADED');
      expect(await ready()).toMatchObject({
        code: 200,
        status: 'UP',
        busTrouble: expect.stringMatching(/events wait in the log/) as string,
      });
      expect(await waiting()).toBeGreaterThan(0);
    },
  );

  test('is DOWN without any, and still takes applications', { timeout: 240_000 }, async () => {
    await cluster.kill('1');
    await submit(3);
    await expect.poll(async () => (await ready()).bus, patience).toBe('DOWN');
    expect(await ready()).toMatchObject({ code: 200, status: 'UP' });
  });

  test('is UP once they are back, and every event arrives', { timeout: 360_000 }, async () => {
    await Promise.all(cluster.ids.map((id) => cluster.revive(id)));
    await expect.poll(async () => (await ready()).bus, patience).toBe('UP');
    await expect.poll(waiting, patience).toBe(0);
    const topic = keep(await readTopic(`kafka://${cluster.brokers}`, 'staedtebund.application.v1'));
    const arrived = () => new Set(topic.messages.map(({ key }) => String(key)));
    await expect.poll(() => submitted.filter((id) => !arrived().has(id)), patience).toEqual([]);
  });
});
