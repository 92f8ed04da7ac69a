import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBackoffices } from '../../sandbox/backoffices.ts';
import { startIssuer } from '../../sandbox/issuer.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import { openStore } from '../../src/infra/store/open-store.ts';
import { newPostgresDatabase, newSqliteDatabase } from '../kit/databases.ts';
import type { KafkaCluster } from '../kit/kafka-cluster.ts';
import { verdict, type Verdict } from '../kit/kafka-verdict.ts';
import { applicant, ask, parkingFormIn, parkingPermit, submitMutation } from '../kit/samples.ts';
import { percentile } from './kafka-stalls.ts';

/*
 * Every broker is gone while citizens go on submitting to a real hub, at a steady rate: each submission is answered from the
 * store. Once the brokers are back the relay catches up; then the topic must hold every event of the log, in order.
 */

export interface OutageOutcome extends Verdict {
  readonly submitted: number;
  /** Submissions without a receipt, by why. */
  readonly rejected: ReadonlyMap<string, number>;
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly events: number;
  /** From the last broker's return until the relay had nothing left, in milliseconds. */
  readonly drainedMs: number;
}

export async function brokersGone(cluster: KafkaCluster, seconds: number, perSecond: number): Promise<OutageOutcome> {
  await using begun = new AsyncDisposableStack();
  const server = process.env['TEST_POSTGRES_URL'];
  const database = server ? await newPostgresDatabase(server) : newSqliteDatabase();
  begun.defer(() => database.remove());
  const backoffices = await startBackoffices({ processAfterMs: 24 * 3_600_000 });
  begun.defer(() => backoffices.close());
  const issuer = await startIssuer();
  begun.defer(() => issuer.stop());
  const token = await issuer.token('citizen');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    ...process.env,
    ...backoffices.env,
    // Submissions are what is measured: deliveries wait.
    NEUSS_URL: 'http://127.0.0.1:9',
    NODE_ENV: 'production',
    OIDC_ISSUER: issuer.url,
    OIDC_AUDIENCE: 'staedtebund',
    STORE_URL: database.url,
    BUS_URL: `kafka://${cluster.brokers}`,
    PORT: String(port),
    LOG_LEVEL: 'silent',
  };
  const hub = spawn(process.execPath, ['test/experiments/hub.ts'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  begun.defer(async () => {
    const gone = new Promise((resolve) => hub.once('exit', resolve));
    if (hub.exitCode === null && hub.kill('SIGTERM')) await gone;
  });
  const live = () => fetch(`${url}/health/live`).then(({ ok }) => ok, () => false); // prettier-ignore
  for (let tries = 0; !(await live()); tries += 1) {
    if (tries > 600 || hub.exitCode !== null) throw new Error('the hub did not start');
    await sleep(50);
  }
  const ars = '051620024024';
  const found = await ask<{ municipality: { offer: { form: { revision: string } } } }>(
    url,
    `query ($ars: RegionalKey!, $service: ServiceKey!) { municipality(ars: $ars) { offer(service: $service) { form { revision } } } }`,
    { ars, service: parkingPermit },
  );
  const formRevision = found.data!.municipality.offer.form.revision;
  const latencies: number[] = [];
  const rejected = new Map<string, number>();
  async function submit(): Promise<void> {
    const input = {
      service: parkingPermit,
      place: { ars },
      formRevision,
      applicant,
      formData: parkingFormIn(ars),
      idempotencyKey: randomUUID(),
    };
    const at = performance.now();
    type Result = { readonly submitApplication: { readonly __typename: string; readonly application?: unknown } | null };
    const answer = await ask<Result>(url, submitMutation, { input }, token).catch(() => null);
    const result = answer?.data?.submitApplication;
    if (result?.application) latencies.push(performance.now() - at);
    else {
      const why = result?.__typename ?? answer?.errors?.[0]?.extensions?.code ?? 'no answer';
      rejected.set(why, (rejected.get(why) ?? 0) + 1);
    }
  }
  const warm = async (count: number) => {
    for (let i = 0; i < count; i += 1) await submit();
  };
  // Some before, so that the topic is there and the hub is warm.
  await warm(50);
  latencies.length = 0;
  rejected.clear();

  await Promise.all(cluster.ids.map((id) => cluster.kill(id)));
  const under: Promise<void>[] = [];
  const began = performance.now();
  for (let count = 0; count < seconds * perSecond; count += 1) {
    await sleep(Math.max(0, began + (count * 1000) / perSecond - performance.now()));
    under.push(submit());
  }
  await Promise.all(under);
  const took = (performance.now() - began) / 1000;
  await cluster.revive(...cluster.ids);
  const back = performance.now();

  const store = await openStore(database.url);
  begun.defer(() => store.close());
  const eventLog = createEventLog(store);
  const isBehind = async () => ((await eventLog.getCursor('relay')) ?? 0) < (await eventLog.head());
  while ((await isBehind()) && performance.now() - back < 120_000) await sleep(100);
  const drainedMs = performance.now() - back;
  const logged = (await eventLog.read(0, 1_000_000)).filter(({ aggregate }) => aggregate.type === 'application');
  return {
    submitted: under.length,
    rejected,
    perSecond: under.length / took,
    p99Ms: percentile(latencies, 0.99),
    events: logged.length,
    drainedMs,
    ...verdict(logged, await cluster.readBack('staedtebund.application.v1')),
  };
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
