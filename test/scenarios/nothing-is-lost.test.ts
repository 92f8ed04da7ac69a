import { describe, expect, test } from 'vitest';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import { restSimulatedSecret, startRestSimulator } from '../../adapters/rest/simulator.ts';
import { runParked } from '../../src/cli/parked.ts';
import { createEventLog } from '../../src/infra/store/eventlog.ts';
import { openStore } from '../../src/infra/store/open-store.ts';
import { eventProblems } from '../kit/event-schemas.ts';
import { ars, duesseldorf, neuss, startTestHub, type TestHub, type TestHubOptions } from '../kit/hub.ts';
import { applicant, parkingForm } from '../kit/samples.ts';
import { createStack } from '../kit/stack.ts';

const keep = createStack();

const redmine = async (options: Parameters<typeof startRedmineSimulator>[0] = {}) => keep(await startRedmineSimulator(options));
const rest = async (options: Parameters<typeof startRestSimulator>[0] = {}) =>
  keep(await startRestSimulator({ dialect: 'vorgaenge', ...options }));
const start = async (options: TestHubOptions): Promise<TestHub> => keep(await startTestHub(options));
const patience = { timeout: 20_000, interval: 50 };
const statusOf = (hub: TestHub, id: string) => async () => (await hub.find(id))?.status;

describe('an acknowledged application', () => {
  test('becomes one case that carries its key, and what is not needed any more is erased', async () => {
    const backoffice = await redmine();
    const hub = await start({ cities: { duesseldorf: duesseldorf({ baseUrl: backoffice.url, apiKey: redmineSimulated.apiKey }) } });
    const { id, uuid, key: ownKey } = await hub.submit(ars.duesseldorf, 'k1');
    await expect.poll(statusOf(hub, id), patience).toMatch(/DELIVERED|RECEIVED/);
    expect(backoffice.cases.list().map(({ key }) => key)).toEqual([ownKey]);
    expect((await hub.find(id))?.caseNumber).toBeTruthy();
    const store = keep(await openStore(hub.env['STORE_URL']!));
    const rows = await store.db.selectFrom('application').select(['id', 'payload']).execute();
    expect(rows).toEqual([{ id: uuid, payload: null }]);
  });

  test('is filed once however often a client repeats it, and only its own content is taken for the same', async () => {
    const backoffice = await redmine();
    const hub = await start({ cities: { duesseldorf: duesseldorf({ baseUrl: backoffice.url, apiKey: redmineSimulated.apiKey }) } });
    const first = await Promise.all(Array.from({ length: 20 }, () => hub.submit(ars.duesseldorf, 'same')));
    expect(new Set(first.map(({ id }) => id)).size).toBe(1);
    expect(first.filter(({ replayed }) => !replayed)).toHaveLength(1);
    await expect(hub.submit(ars.duesseldorf, 'same', { formData: { ...parkingForm, validityMonths: 24 } })).rejects.toThrow(
      'IDEMPOTENCY_CONFLICT',
    );
    await expect.poll(statusOf(hub, first[0]!.id), patience).not.toBe('SUBMITTED');
    expect(backoffice.cases.list()).toHaveLength(1);
  });

  test('is looked up before it is sent again when the reply was lost', async () => {
    const backoffice = await rest({ faults: { dropReplies: 1 } });
    const hub = await start({ cities: { neuss: neuss({ baseUrl: backoffice.url, secret: restSimulatedSecret }) } });
    const ids = await Promise.all(['a', 'b', 'c'].map((key) => hub.submit(ars.neuss, key)));
    for (const { id } of ids) await expect.poll(statusOf(hub, id), patience).toMatch(/DELIVERED|RECEIVED/);
    expect(backoffice.cases.list()).toHaveLength(3);
    expect(new Set(backoffice.cases.list().map(({ key }) => key))).toEqual(new Set(ids.map(({ key }) => key)));
  });

  test('waits for a person where nobody can tell whether it landed, and goes on as the person says', async () => {
    const backoffice = await rest({ faults: { dropReplies: 1 } });
    const hub = await start({ cities: { neuss: neuss({ baseUrl: backoffice.url, secret: restSimulatedSecret, idempotency: 'none' }) } });
    const [found, lost, given] = await Promise.all(['found', 'lost', 'given'].map((key) => hub.submit(ars.neuss, key)));
    for (const one of [found!, lost!, given!]) await expect.poll(statusOf(hub, one.id), patience).toBe('PARKED');
    expect((await hub.find(found!.id))?.parkedReason).toBe('UNKNOWN_EFFECT');
    expect(backoffice.cases.list()).toHaveLength(3);

    const release = async (id: string, decision: object, persona = 'clerk-neuss') => {
      const answer = await hub.ask<{ releaseApplication: { __typename: string; application?: { status: string } } }>(
        `mutation ($input: ReleaseApplicationInput!) { releaseApplication(input: $input) { __typename ... on ReleaseApplicationSuccess { application { status } } } }`,
        { input: { id, decision } },
        persona,
      );
      return answer.data?.releaseApplication ?? answer.errors?.[0]?.extensions?.code;
    };
    expect(await release(found!.id, { retry: true }, 'citizen')).toBe('FORBIDDEN');
    const caseRef = String(backoffice.cases.list().find(({ key }) => key === found!.key)!.id);
    expect(await release(found!.id, { delivered: { caseRef } })).toMatchObject({ application: { status: 'DELIVERED' } });
    await expect.poll(statusOf(hub, found!.id), { ...patience, message: 'its changes arrive as for every other case' }).toBe('RECEIVED');

    backoffice.setFaults({ dropReplies: 0 });
    expect(await release(lost!.id, { retry: true })).toMatchObject({ application: { status: 'SUBMITTED' } });
    await expect.poll(statusOf(hub, lost!.id), patience).toMatch(/DELIVERED|RECEIVED/);
    expect(await release(given!.id, { discard: true })).toMatchObject({ application: { status: 'DISCARDED' } });
    const read = (language: string) =>
      hub.ask<{ application: { statusText: string } }>(
        `query ($id: ID!) { application(id: $id) { statusText(language: ${language}) } }`,
        { id: given!.id },
        'citizen',
      );
    expect((await read('DE')).data?.application.statusText).toContain('konnte den Antrag nicht annehmen');
    expect((await read('EN')).data?.application.statusText).toContain('could not take the application');
    expect(await withdraw(hub, given!.id), 'nothing is left to withdraw').toMatchObject({ __typename: 'NotWithdrawable' });
    expect(await release(given!.id, { discard: true })).toMatchObject({ __typename: 'NotParked' });
  });

  test('that the back office refuses is parked at once with its reason, and delivered when the mistake is mended', async () => {
    const backoffice = await redmine();
    const settings = { baseUrl: backoffice.url, apiKey: redmineSimulated.apiKey };
    const hub = await start({ cities: { duesseldorf: duesseldorf({ ...settings, project: 'nowhere' }) } });
    const { id } = await hub.submit(ars.duesseldorf, 'refused');
    await expect.poll(statusOf(hub, id), patience).toBe('PARKED');
    expect(await hub.find(id)).toMatchObject({ parkedReason: 'REJECTED' });
    const listed = await hub.ask<{ viewer: { applications: { nodes: { id: string }[] } } }>(
      '{ viewer { applications(status: PARKED) { nodes { id } } } }',
      {},
      'clerk-duesseldorf',
    );
    expect(listed.data?.viewer.applications.nodes).toEqual([{ id }]);
    const said = async (persona: string) =>
      (
        await hub.ask<{ application: { refusal: { message: string; fields: unknown[] } | null } }>(
          'query ($id: ID!) { application(id: $id) { refusal { message fields { pointer message } } } }',
          { id },
          persona,
        )
      ).data?.application.refusal;
    const words = (await said('clerk-duesseldorf'))?.message ?? '';
    expect(words, 'what Redmine said').toMatch(/404|422|refus|project/i);
    expect(await said('citizen'), 'is for the city alone').toBeNull();
    const printed: string[] = [];
    await runParked(hub.hub.applications, { language: 'EN' }, (line) => printed.push(line));
    expect(printed.join('\n')).toContain(words);
    const store = keep(await openStore(hub.env['STORE_URL']!));
    expect(JSON.stringify(await createEventLog(store).read(0, 1000))).not.toContain(words);
    expect(hub.logged()).not.toContain(words);
    await hub.hub.close();

    const mended = await startTestHub({ cities: { duesseldorf: duesseldorf(settings) }, like: hub });
    await mended.ask(
      'mutation ($id: ID!) { releaseApplication(input: { id: $id, decision: { retry: true } }) { __typename } }',
      { id },
      'clerk-duesseldorf',
    );
    await expect.poll(statusOf(mended, id), patience).toMatch(/DELIVERED|RECEIVED/);
    await mended.close();
    expect(backoffice.cases.list()).toHaveLength(1);
  });
});

describe('a withdrawal', () => {
  test('before delivery reaches nobody', async () => {
    const backoffice = await redmine({ faults: { unavailable: 1 } });
    const hub = await start({ cities: { duesseldorf: duesseldorf({ baseUrl: backoffice.url, apiKey: redmineSimulated.apiKey }) } });
    const { id } = await hub.submit(ars.duesseldorf, 'w1');
    await expect.poll(async () => (await withdraw(hub, id)).application?.status, patience).toBe('WITHDRAWN');
    backoffice.setFaults({ unavailable: 0 });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(backoffice.cases.list()).toHaveLength(0);
    expect((await hub.find(id))?.history.nodes.map(({ type }) => type).slice(-2)).toEqual([
      'application.withdrawal-requested',
      'application.withdrawn',
    ]);
  });

  test('after delivery is carried to the back office, once, even where its reply is lost', async () => {
    const backoffice = await rest();
    const hub = await start({ cities: { neuss: neuss({ baseUrl: backoffice.url, secret: restSimulatedSecret }) } });
    const { id, key: ownKey } = await hub.submit(ars.neuss, 'w2');
    await expect.poll(statusOf(hub, id), patience).toBe('RECEIVED');
    backoffice.setFaults({ dropReplies: 1 });
    expect(await withdraw(hub, id)).toMatchObject({ application: { status: 'RECEIVED' } });
    await expect.poll(() => backoffice.cases.list().find(({ key }) => key === ownKey)?.status, patience).toBe('zurückgezogen');
    backoffice.setFaults({ dropReplies: 0 });
    await expect.poll(statusOf(hub, id), patience).toBe('WITHDRAWN');
    expect(await withdraw(hub, id)).toMatchObject({ __typename: 'NotWithdrawable' });
  });
});

describe('a status that the city has not mapped', () => {
  test('is held, not dropped, and counts as soon as the map knows it', async () => {
    const backoffice = await rest();
    const settings = { baseUrl: backoffice.url, secret: restSimulatedSecret };
    const cities = { neuss: neuss(settings, { statusMap: { neu: 'received' } }) };
    const hub = await start({ cities });
    const { id, key: ownKey } = await hub.submit(ars.neuss, 'm1');
    await expect.poll(statusOf(hub, id), patience).toBe('RECEIVED');
    backoffice.cases.setStatus(backoffice.cases.list().find(({ key }) => key === ownKey)!.id, 'genehmigt');
    await expect.poll(() => hub.logged(), patience).toContain('a status has no mapping');
    expect((await hub.find(id))?.status).toBe('RECEIVED');
    await hub.hub.close();

    const wiser = await startTestHub({ cities: { neuss: neuss(settings) }, like: hub });
    await expect.poll(statusOf(wiser, id), patience).toBe('GRANTED');
    await wiser.close();
  });
});

describe('what is personal', () => {
  test('is in no log line, event, metric or error, whatever goes wrong', async () => {
    const backoffice = await redmine({ faults: { dropReplies: 0.5, cutBodies: true } });
    const hub = await start({ cities: { duesseldorf: duesseldorf({ baseUrl: backoffice.url, apiKey: redmineSimulated.apiKey }) } });
    const { id } = await hub.submit(ars.duesseldorf, 'canary');
    await hub.submit(ars.duesseldorf, 'canary', { formData: { ...parkingForm, licencePlate: 'kanarie' } }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 1000));
    backoffice.setFaults({ dropReplies: 0, cutBodies: false });
    await expect.poll(statusOf(hub, id), patience).toMatch(/DELIVERED|RECEIVED/);
    const metrics = await (await fetch(`${hub.url}/metrics`)).text();
    const store = keep(await openStore(hub.env['STORE_URL']!));
    const events = await store.db.selectFrom('event_log').selectAll().execute();
    const published = await createEventLog(store).read(0, 1000);
    expect(published.flatMap(eventProblems), 'every event fits its published schema').toEqual([]);
    const applications = await store.db.selectFrom('application').selectAll().execute();
    const jobs = await store.db.selectFrom('delivery_job').selectAll().execute();
    const everything = JSON.stringify({ logged: hub.logged(), metrics, events, applications, jobs });
    for (const canary of [
      'Kanarienvogel',
      'kanarie@',
      'kanarie',
      parkingForm.licencePlate,
      parkingForm.residence.street,
      redmineSimulated.apiKey,
    ])
      expect(everything, `${canary} must be nowhere after delivery`).not.toContain(canary);
    expect(backoffice.cases.list().some(({ content }) => JSON.stringify(content).includes(applicant.name))).toBe(true);
  });
});

async function withdraw(hub: TestHub, id: string) {
  const answer = await hub.ask<{ withdrawApplication: { __typename: string; application?: { status: string } } }>(
    `mutation ($input: WithdrawApplicationInput!) { withdrawApplication(input: $input) { __typename ... on WithdrawApplicationSuccess { application { status } } } }`,
    { input: { id, reason: 'Ich ziehe um' } },
    'citizen',
  );
  return answer.data?.withdrawApplication ?? { __typename: JSON.stringify(answer.errors) };
}
