import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fitConnectSimulated, startFitConnectSimulator, type FitConnectSimulator } from '../../adapters/fit-connect/simulator.ts';
import { startTestHub, type TestHub } from '../kit/hub.ts';
import { parkingForm } from '../kit/samples.ts';

const ars = '051110000000';
const { sender, destination, issuer } = fitConnectSimulated;

let fit: FitConnectSimulator;
let hub: TestHub;

const city = (url: string) => ({
  ars,
  name: 'Düsseldorf',
  since: '2026-11-01',
  catalogue: { format: 'offers', files: { offers: resolve('cities/offers/duesseldorf.yaml') } },
  adapters: {
    cases: {
      product: 'fit-connect',
      services: ['*'],
      config: {
        tokenUrl: `${url}/token`,
        submissionUrl: `${url}/submission-api`,
        issuer,
        clientId: sender.clientId,
        clientSecret: { $env: 'FIT_SECRET' },
        destination,
        pollEveryMs: 200,
      },
      statusMap: {
        submitted: 'received',
        notified: 'received',
        forwarded: 'in_review',
        accepted: 'granted',
        rejected: 'refused',
        deleted: 'closed',
      },
      limits: { concurrency: 4, timeoutMs: 5000, retries: 0, breaker: { failures: 1000, halfOpenMs: 200 } },
    },
  },
});

beforeAll(async () => {
  fit = await startFitConnectSimulator();
  hub = await startTestHub({ cities: { duesseldorf: city(fit.url) }, env: { FIT_SECRET: sender.clientSecret } });
});
afterAll(async () => {
  await hub.close();
  await fit.close();
});

const statusOf = async (id: string) => (await hub.find(id))?.status;
const arrived = (key: string) => [...fit.city.inbox.values()].filter(({ senderReference }) => senderReference === key);

test('what a citizen submits is decrypted by the city, and its decision is what the citizen sees', async () => {
  const { id, key } = await hub.submit(ars, 'permit-1');
  await expect.poll(() => arrived(key).length, { message: 'the city has it', timeout: 10_000 }).toBe(1);
  const [received] = arrived(key);
  expect(received?.data).toMatchObject({ formData: parkingForm });
  await expect.poll(() => statusOf(id), { message: 'notified is received', timeout: 10_000 }).toBe('RECEIVED');
  expect((await hub.find(id))?.caseNumber).toBe(received?.submission.caseId);
  await fit.city.decide(received!.submission.caseId, 'forwarded');
  await expect.poll(() => statusOf(id), { timeout: 10_000 }).toBe('IN_REVIEW');
  await fit.city.decide(received!.submission.caseId, 'accepted');
  await expect.poll(() => statusOf(id), { timeout: 10_000 }).toBe('GRANTED');
});

test('more open cases than one look takes are all looked after, and replies that are lost make no second submission', async () => {
  fit.setFaults({ dropReplies: 0.3 });
  const submitted = await Promise.all(Array.from({ length: 25 }, (_, index) => hub.submit(ars, `many-${index}`)));
  await expect
    .poll(async () => (await Promise.all(submitted.map(({ id }) => statusOf(id)))).filter((status) => status === 'SUBMITTED').length, {
      timeout: 60_000,
      interval: 500,
    })
    .toBe(0);
  fit.setFaults({ dropReplies: 0 });
  await expect.poll(() => submitted.filter(({ key }) => arrived(key).length === 1).length, { timeout: 30_000 }).toBe(25);
  const perKey = Map.groupBy(fit.cases.list(), (kept) => kept.key);
  expect(submitted.map(({ key }) => perKey.get(key)?.length)).toEqual(submitted.map(() => 1));
  for (const { key } of submitted) await fit.city.decide(arrived(key)[0]!.submission.caseId, 'rejected');
  await expect
    .poll(async () => new Set(await Promise.all(submitted.map(({ id }) => statusOf(id)))), { timeout: 30_000, interval: 500 })
    .toEqual(new Set(['REFUSED']));
});

test('neither the applicant nor a secret is in the log', () => {
  expect(hub.logged()).toContain('delivery');
  expect(hub.logged()).not.toMatch(/fit-connect-sender-secret|Kanarienvogel|kanarie@|Königsallee/);
});
