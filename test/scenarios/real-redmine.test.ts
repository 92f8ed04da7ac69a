import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import type { Simulator } from '../../adapters/simulation/server.ts';
import { ars, duesseldorf, startTestHub, type TestHub } from '../kit/hub.ts';
import { readTopic } from '../kit/kafka-reader.ts';
import { describeWithService, serviceUrl } from '../kit/services.ts';
import { followStatus } from '../kit/sse.ts';

/*
 * The vertical slice: from a GraphQL mutation to a case in a system that nobody here wrote, and back to the query, the
 * subscription and the Kafka topic. Runs on the simulator always, on Debian's Redmine with Apache Kafka where they are.
 */

interface Target {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly project: string;
  readonly tracker: number;
  readonly keyField: number;
  readonly statuses: Readonly<Record<string, number>>;
}

const patience = { timeout: 25_000, interval: 100 };

function slice(getTarget: () => Target, busUrl: string | null): void {
  let hub: TestHub;
  beforeAll(async () => {
    const { statuses: _, ...config } = getTarget();
    hub = await startTestHub({ cities: { duesseldorf: duesseldorf(config) }, env: busUrl === null ? {} : { BUS_URL: busUrl } });
  });
  afterAll(() => hub.close());

  const redmine = async (method: string, path: string, body?: unknown) => {
    const { baseUrl, apiKey } = getTarget();
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: { 'x-redmine-api-key': apiKey, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json().catch(() => null)) as { issues: { id: number; custom_fields: { id: number; value: string }[] }[] } | null;
  };

  test('an application exists there exactly once, carries its key, and its status comes back by query and subscription', async () => {
    const { id, uuid, key: ownKey } = await hub.submit(ars.duesseldorf, randomUUID());
    const abort = new AbortController();
    const followed = followStatus(hub.url, await hub.issuer.token('citizen'), id, abort.signal);
    await expect.poll(async () => (await hub.find(id))?.status, patience).toBe('RECEIVED');

    const { keyField, statuses } = getTarget();
    const found = await redmine('GET', `/issues.json?cf_${keyField}=${ownKey}&status_id=*`);
    expect(found?.issues).toHaveLength(1);
    const issue = found!.issues[0]!;
    expect(issue.custom_fields.find((field) => field.id === keyField)?.value).toBe(ownKey);
    expect((await hub.find(id))?.caseNumber).toContain(String(issue.id));

    await redmine('PUT', `/issues/${issue.id}.json`, { issue: { status_id: statuses['Resolved'] } });
    await expect.poll(async () => (await hub.find(id))?.status, patience).toBe('GRANTED');
    await expect.poll(() => followed.at(-1), patience).toBe('GRANTED');
    abort.abort();
    expect((await hub.find(id))?.history.nodes.map(({ status }) => status)).toEqual(['SUBMITTED', 'DELIVERED', 'RECEIVED', 'GRANTED']);

    if (busUrl === null) return;
    const topic = await readTopic(busUrl, 'staedtebund.application.v1');
    const told = () =>
      topic.messages
        .filter(({ key }) => String(key) === uuid)
        .map(({ headers, value }) => `${String(headers?.['ce_type'])} ${(JSON.parse(String(value)) as { status: string }).status}`);
    await expect
      .poll(told, patience)
      .toEqual([
        'de.staedtebund.application.submitted.v1 SUBMITTED',
        'de.staedtebund.application.delivered.v1 DELIVERED',
        'de.staedtebund.application.status-changed.v1 RECEIVED',
        'de.staedtebund.application.status-changed.v1 GRANTED',
      ]);
    await topic.close();
  });

  test('a withdrawal closes the issue there', async () => {
    const { id, key } = await hub.submit(ars.duesseldorf, randomUUID());
    await expect.poll(async () => (await hub.find(id))?.status, patience).toBe('RECEIVED');
    await hub.ask('mutation ($id: ID!) { withdrawApplication(input: { id: $id, reason: "Umzug" }) { __typename } }', { id }, 'citizen');
    await expect.poll(async () => (await hub.find(id))?.status, patience).toBe('WITHDRAWN');
    const { keyField, statuses } = getTarget();
    const found = await redmine('GET', `/issues.json?cf_${keyField}=${key}&status_id=${statuses['Withdrawn']}`);
    expect(found?.issues).toHaveLength(1);
  });
}

describe('an application for a city on simulated Redmine', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startRedmineSimulator();
  });
  afterAll(() => simulator.close());
  slice(() => ({ baseUrl: simulator.url, ...redmineSimulated, statuses: { Resolved: 3, Withdrawn: 7 } }), null);
});

describeWithService('redmine', 'an application for a city on real Redmine', (baseUrl) => {
  const seeded = JSON.parse(process.env['TEST_REDMINE_IDS'] ?? '{}') as Omit<Target, 'baseUrl' | 'apiKey'>;
  const { project, tracker, keyField, statuses } = seeded;
  slice(() => ({ baseUrl, apiKey: process.env['TEST_REDMINE_KEY'] ?? '', project, tracker, keyField, statuses }), serviceUrl('kafka'));
});
