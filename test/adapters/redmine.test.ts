import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CaseChange, Json } from '#contract';
import { redmine } from '../../adapters/redmine/index.ts';
import { redmineSimulated, startRedmineSimulator } from '../../adapters/redmine/simulator.ts';
import type { Simulator } from '../../adapters/simulation/server.ts';
import { CityCallError, type Cities } from '../../src/cities/cities.ts';
import { describeWithService } from '../kit/services.ts';
import { connectCity, submission, writeWith } from './connect.ts';

/** What the suite needs of a Redmine, simulated or real. */
interface Target {
  url: string;
  key: string;
  ids: { project: string; tracker: number; keyField: number };
  statuses: Record<string, number>;
}

const configOf = (target: Target, over: Record<string, Json> = {}): Json => ({
  baseUrl: target.url,
  apiKey: target.key,
  ...target.ids,
  withdrawnStatus: 'Withdrawn',
  labels: { plateNumber: 'Kennzeichen' },
  ...over,
});

const connect = (target: Target, over: Record<string, Json> = {}) =>
  connectCity(redmine, configOf(target, over), {
    endpoint: target.url,
    secret: (configOf(target, over) as { apiKey: string }).apiKey,
  });

const submit = (cities: Cities, key: string, application = submission()) =>
  cities.write('stadt', 'cases', (adapter, call) => adapter.cases!.submit(application, call), writeWith(key));

const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => expect.unreachable('the call should fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CityCallError);
  return (error as CityCallError).failure;
};

async function pullAll(cities: Cities, from: string | null): Promise<{ changes: CaseChange[]; next: string | null }> {
  return cities.read(
    'stadt',
    'cases',
    async (adapter, call) => {
      const changes: CaseChange[] = [];
      let next = from;
      for await (const page of adapter.changes!.pull(from, call)) {
        changes.push(...page.items);
        next = page.next;
      }
      return { changes, next };
    },
    { traceparent: '' },
  );
}

/** One suite for both: what holds for the simulator must hold for the real one. */
function suite(getTarget: () => Target): void {
  const direct = async (method: string, path: string, body?: Json) => {
    const target = getTarget();
    const response = await fetch(`${target.url}${path}`, {
      method,
      headers: { 'x-redmine-api-key': target.key, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json().catch(() => null)) as Record<string, never> | null };
  };
  const countByKey = async (key: string): Promise<number> => {
    const { body } = await direct('GET', `/issues.json?cf_${getTarget().ids.keyField}=${key}&status_id=*`);
    return (body as unknown as { total_count: number }).total_count;
  };

  test('a submitted application is one issue that carries its key and all a clerk must read', async () => {
    const { cities } = connect(getTarget());
    const key = randomUUID();
    const receipt = await submit(cities, key);
    expect(receipt).toMatchObject({ taken: 'now', replayed: false, ref: { publicNumber: `#${receipt.ref.id}` } });
    expect(await countByKey(key)).toBe(1);
    const { body } = await direct('GET', `/issues/${receipt.ref.id}.json`);
    const issue = (body as unknown as { issue: { subject: string; description: string } }).issue;
    expect(issue.subject).toBe('Bewohnerparkausweis');
    for (const text of ['Jürgen Groß-Öztürk', 'Kennzeichen: D-ÄÖ 123', 'Königsallee', 'electric: ja', key])
      expect(issue.description).toContain(text);
    expect(issue.description.match(/<\/pre/g), 'an applicant must not end the block that keeps markup from working').toHaveLength(1);
  });

  test('the same key again is the same issue', async () => {
    const { cities } = connect(getTarget());
    const key = randomUUID();
    const first = await submit(cities, key);
    expect(await submit(cities, key)).toEqual({ ...first, replayed: true });
    expect(await countByKey(key)).toBe(1);
  });

  test('Redmine makes two issues of two creates with one key at once; through the hub there is one', async () => {
    const { project, tracker, keyField } = getTarget().ids;
    const twice = randomUUID();
    const issue = { project_id: project, tracker_id: tracker, subject: 'x', custom_fields: [{ id: keyField, value: twice }] };
    await Promise.all([direct('POST', '/issues.json', { issue }), direct('POST', '/issues.json', { issue })]);
    expect(await countByKey(twice), 'if Redmine refuses this by now, the lookup is not needed any more').toBe(2);

    const { cities } = connect(getTarget());
    const key = randomUUID();
    const receipts = await Promise.all(Array.from({ length: 5 }, () => submit(cities, key)));
    expect(new Set(receipts.map(({ ref }) => ref.id)).size).toBe(1);
    expect(await countByKey(key)).toBe(1);
  });

  test('keys are found in one question, in order, null if there is none', async () => {
    const { cities } = connect(getTarget());
    const keys = [randomUUID(), randomUUID(), randomUUID()] as const;
    const first = await submit(cities, keys[0]);
    const third = await submit(cities, keys[2]);
    const found = await cities.read('stadt', 'cases', (adapter, call) => adapter.cases!.findByKey!(keys, call), { traceparent: '' });
    expect(found).toEqual([first.ref, null, third.ref]);
  });

  test('cases are loaded in one question, in order, null if there is none', async () => {
    const { cities } = connect(getTarget());
    const { ref } = await submit(cities, randomUUID());
    const loaded = await cities.loadCases('stadt', 'cases', [{ id: '99999999' }, { id: '../issues' }, ref], { traceparent: '' });
    expect(loaded, 'an id that is no number does not spoil the question').toEqual([
      null,
      null,
      expect.objectContaining({ ref, nativeStatus: 'New' }),
    ]);
  });

  test('a change of status is pulled, and again from the cursor before it', async () => {
    const { cities } = connect(getTarget());
    const { ref } = await submit(cities, randomUUID());
    const before = await pullAll(cities, null);
    expect(before.changes.find((change) => change.ref.id === ref.id)?.nativeStatus).toBe('New');
    await direct('PUT', `/issues/${ref.id}.json`, { issue: { status_id: getTarget().statuses['In Progress'] ?? 0 } });
    const after = await pullAll(cities, before.next);
    const change = after.changes.findLast(({ ref: { id } }) => id === ref.id);
    expect(change?.nativeStatus).toBe('In Progress');
    const again = await pullAll(cities, before.next);
    expect(
      again.changes.find(({ id }) => id === change?.id),
      'redelivery keeps the id',
    ).toEqual(change);
  });

  test('withdrawing sets the status once, and again is still once', async () => {
    const { cities } = connect(getTarget());
    const { ref } = await submit(cities, randomUUID());
    const withdraw = () =>
      cities.write('stadt', 'cases', (adapter, call) => adapter.cases!.withdraw!(ref, 'Umzug nach Köln', call), writeWith());
    await withdraw();
    await withdraw();
    const [loaded] = await cities.loadCases('stadt', 'cases', [ref], { traceparent: '' });
    expect(loaded).toMatchObject({ nativeStatus: 'Withdrawn' });
  });

  test('a key of nobody is not taken for an empty Redmine', async () => {
    const { cities } = connect(getTarget(), { apiKey: 'not-the-key-of-anyone' });
    const look = cities.read('stadt', 'cases', (adapter, call) => adapter.cases!.findByKey!([randomUUID()], call), { traceparent: '' });
    expect((await failureOf(look)).kind).toBe('misconfigured');
    expect(await failureOf(submit(cities, randomUUID()))).toMatchObject({ kind: 'misconfigured', effect: 'none' });
  });

  test('a custom field that is no filter is noticed before it hides a case', async () => {
    const { cities } = connect(getTarget(), { keyField: 4711 });
    await direct('POST', '/issues.json', {
      issue: { project_id: getTarget().ids.project, tracker_id: getTarget().ids.tracker, subject: 'somebody else’s' },
    });
    expect((await failureOf(submit(cities, randomUUID()))).kind).toBe('misconfigured');
  });

  describe('the check', () => {
    const hints = async (over: Record<string, Json>) => {
      const { probes, ok } = await connect(getTarget(), over).cities.check('stadt', 'cases');
      expect(ok).toBe(false);
      return probes.map(({ hint }) => hint ?? '').join(' ');
    };

    test('passes where all is right', async () => {
      expect(await connect(getTarget()).cities.check('stadt', 'cases')).toMatchObject({ ok: true, system: 'Redmine' });
    });

    test('names the setting that is wrong', async () => {
      await direct('POST', '/issues.json', {
        issue: { project_id: getTarget().ids.project, tracker_id: getTarget().ids.tracker, subject: 'any' },
      });
      expect(await hints({ apiKey: 'not-the-key-of-anyone' })).toContain('credentials');
      expect(await hints({ project: 'nowhere' })).toContain('config.project');
      expect(await hints({ tracker: 4711 })).toContain('config.tracker');
      expect(await hints({ keyField: 4711 })).toContain('config.keyField');
      expect(await hints({ withdrawnStatus: 'Weg' })).toContain('config.withdrawnStatus');
    });

    test('writes nothing', async () => {
      const count = async () =>
        ((await direct('GET', '/issues.json?status_id=*&limit=1')).body as unknown as { total_count: number }).total_count;
      const before = await count();
      await connect(getTarget()).cities.check('stadt', 'cases');
      expect(await count()).toBe(before);
    });
  });
}

describe('Redmine, simulated', () => {
  let simulator: Simulator;
  const target: Target = {
    url: '',
    key: redmineSimulated.apiKey,
    ids: { project: redmineSimulated.project, tracker: redmineSimulated.tracker, keyField: redmineSimulated.keyField },
    statuses: { 'In Progress': 2 },
  };
  beforeAll(async () => {
    simulator = await startRedmineSimulator();
    target.url = simulator.url;
  });
  afterAll(() => simulator.close());

  suite(() => target);

  test.each([
    ['the reply to a write is lost', { dropReplies: 1 }, { kind: 'unavailable', effect: 'unknown' }, 1],
    ['the reply to a write is cut', { cutBodies: true }, { kind: 'malformed', effect: 'unknown' }, 1],
    ['it is under maintenance', { unavailable: 1 }, { kind: 'retryable', effect: 'none', retryAfterMs: 0 }, 0],
    ['a login page stands in front', { loginPage: true }, { kind: 'misconfigured', effect: 'none' }, 0],
  ] as const)('says honestly whether something landed when %s', async (_, faults, failure, landed) => {
    const sick = await startRedmineSimulator({ faults });
    const { cities } = connect({ ...target, url: sick.url });
    expect(await failureOf(submit(cities, 'k'))).toEqual(failure);
    expect(sick.cases.list()).toHaveLength(landed);
    await sick.close();
    expect(await failureOf(submit(cities, 'k')), 'refused before anything was sent').toMatchObject({ kind: 'unavailable', effect: 'none' });
  });

  test('no change is skipped while issues change during a pull of several pages', async () => {
    let at = Date.parse('2026-11-20T10:00:00Z');
    const busy = await startRedmineSimulator({ now: () => new Date(at) });
    for (let count = 0; count < 250; count++) {
      if (count % 2 === 0) at += 1000;
      busy.cases.create(`key-${count}`, 'New', { issue: { subject: 'x' } });
    }
    const { cities } = connect({ ...target, url: busy.url });
    const seen = new Set<string>();
    await cities.read(
      'stadt',
      'cases',
      async (adapter, call) => {
        for await (const page of adapter.changes!.pull(null, call)) {
          for (const { ref } of page.items) seen.add(ref.id);
          at += 1000;
          busy.cases.setStatus(page.items[10] ? Number(page.items[10].ref.id) : 1, 'In Progress');
        }
      },
      { traceparent: '' },
    );
    expect(seen.size).toBe(250);
    await busy.close();
  });

  test.each([1, 150])('an issue that becomes visible after %d later ones were read is still told', async (count) => {
    let at = Date.parse('2026-11-20T10:00:00Z');
    const late = await startRedmineSimulator({ now: () => new Date((at += 20)) });
    for (let made = 0; made < count; made++) late.cases.create(`key-${made}`, 'New', { issue: { subject: 'x' } });
    const { cities } = connect({ ...target, url: late.url });
    const { next } = await pullAll(cities, null);
    at -= 5_000;
    late.cases.create('late', 'New', { issue: { subject: 'x' } });
    expect((await pullAll(cities, next)).changes.map(({ ref }) => ref.id)).toContain(String(count + 1));
    await late.close();
  });

  test('more issues of one second than a page holds do not stop a pull', async () => {
    const bulk = await startRedmineSimulator({ now: () => new Date('2026-11-20T10:00:00Z') });
    for (let count = 0; count < 230; count++) bulk.cases.create(`key-${count}`, 'New', { issue: { subject: 'x' } });
    const { cities } = connect({ ...target, url: bulk.url });
    const { changes } = await pullAll(cities, null);
    expect(new Set(changes.map(({ id }) => id)).size).toBe(230);
    await bulk.close();
  });

  test('the API key and the applicant are in no log line and no error', async () => {
    const hostile = await startRedmineSimulator({ faults: { cutBodies: true } });
    const { cities, logged } = connect({ ...target, url: hostile.url });
    const error = (await submit(cities, 'k').catch((reason: unknown) => reason)) as Error;
    await cities.check('stadt', 'cases');
    const shown = `${logged()} ${error.stack} ${String(error.cause)} ${JSON.stringify(error)}`;
    expect(shown).not.toMatch(/redmine-simulator-key|Groß|juergen|Königsallee/);
    await hostile.close();
  });

  test('cases outlive the process where a file keeps them', async () => {
    const { mkdtempSync, rmSync } = await import('node:fs');
    const folder = mkdtempSync(`${(await import('node:os')).tmpdir()}/simulator-`);
    const options = { file: `${folder}/cases.jsonl` };
    const first = await startRedmineSimulator(options);
    first.cases.create('k', 'New', { issue: { subject: 'x' } });
    first.cases.setStatus(1, 'Resolved');
    await first.close();
    const second = await startRedmineSimulator({ ...options, processAfterMs: 10 });
    expect(second.cases.list()).toMatchObject([{ key: 'k', status: 'Resolved' }]);
    second.cases.create('l', 'New', { issue: { subject: 'x' } });
    await expect.poll(() => second.cases.find(2)?.status, { message: 'it handles cases by itself' }).toBe('Resolved');
    await second.close();
    rmSync(folder, { recursive: true });
    await sleep(0);
  });
});

describeWithService('redmine', 'Redmine, real', (url) => {
  const ids = JSON.parse(process.env['TEST_REDMINE_IDS'] ?? '{}') as Target['ids'] & { statuses: Record<string, number> };
  const target: Target = {
    url,
    key: process.env['TEST_REDMINE_KEY'] ?? '',
    ids: { project: ids.project, tracker: ids.tracker, keyField: ids.keyField },
    statuses: ids.statuses,
  };
  suite(() => target);
});
