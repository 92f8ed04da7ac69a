import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AdapterDefinition, CaseChange, Json } from '#contract';
import { adapters } from '../../adapters/index.ts';
import type { DialectName } from '../../adapters/rest/dialects.ts';
import { rest } from '../../adapters/rest/index.ts';
import { restSimulatedSecret, startRestSimulator, type RestSimulator } from '../../adapters/rest/simulator.ts';
import { sign } from '../../adapters/rest/webhook.ts';
import { CityCallError, createCities, type Cities, type ConnectedCity } from '../../src/cities/cities.ts';
import { loadCities } from '../../src/cities/load.ts';
import { createMemoryCache } from '../../src/infra/cache/memory.ts';
import { createLog } from '../../src/infra/log.ts';
import { createMetrics } from '../../src/infra/metrics.ts';
import { submission, writeWith } from './connect.ts';

const webhookSecret = 'whsec_dGVzdC1zZWNyZXQtb2Yta29lbG4=';

/** The city as its file in this repository describes it, connected to one simulator. */
async function connect(id: string, url: string, over: (city: ConnectedCity) => ConnectedCity = (city) => city): Promise<Cities> {
  const name = id.toUpperCase();
  const others = Object.fromEntries(
    ['DUESSELDORF', 'KOELN', 'NEUSS', 'MUENCHEN'].flatMap((city) => [
      [`${city}_URL`, 'http://127.0.0.1:9'],
      [`${city}_KEY`, restSimulatedSecret],
      [`${city}_PORTAL_URL`, 'http://127.0.0.1:9'],
      [`${city}_PORTAL_TOKEN`, restSimulatedSecret],
    ]),
  );
  const { cities: connected, complaints } = await loadCities({
    folder: 'cities',
    adapters,
    env: { ...others, [`${name}_URL`]: url, KOELN_WEBHOOK_SECRET: webhookSecret },
  });
  expect(complaints).toEqual([]);
  const cities = createCities({
    connected: connected.filter(({ city }) => city.id === id).map(over),
    cache: createMemoryCache(),
    log: createLog('silent'),
    metrics: createMetrics(),
    now: () => new Date(),
  });
  afterAll(() => cities.stop());
  return cities;
}

const submit = (cities: Cities, city: string, key: string, application = submission()) =>
  cities.write(city, 'cases', (adapter, call) => adapter.cases!.submit(application, call), writeWith(key));

const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => expect.unreachable('the call should fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CityCallError);
  return (error as CityCallError).failure;
};

const pullAll = (cities: Cities, city: string, from: string | null) =>
  cities.read(
    city,
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

describe.each<[city: string, dialect: DialectName, idempotency: string, received: string, path: string]>([
  ['koeln', 'antraege', 'native', 'EINGEGANGEN', '/applicant/name'],
  ['neuss', 'vorgaenge', 'lookup', 'neu', '/applicant/name'],
  ['muenchen', 'cases', 'native', 'OPEN', '/applicant/name'],
])('%s, a back office that speaks “%s”', (city, dialect, idempotency, received, path) => {
  let simulator: RestSimulator;
  let cities: Cities;
  beforeAll(async () => {
    simulator = await startRestSimulator({ dialect });
    cities = await connect(city, simulator.url);
  });
  afterAll(() => simulator.close());

  test('takes a submitted application once, with what was submitted', async () => {
    const key = randomUUID();
    const receipt = await submit(cities, city, key);
    expect(receipt).toMatchObject({ taken: 'now', replayed: false, ref: { publicNumber: expect.stringMatching(/\d/) as string } });
    const made = simulator.cases.list().find((one) => one.key === key);
    expect(JSON.stringify(made?.content)).toContain('Jürgen Groß-Öztürk');
    expect(JSON.stringify(made?.content)).toContain('D-ÄÖ 123');
    expect(cities.adapter(city, 'cases').cases?.traits.idempotency).toBe(idempotency);
  });

  test('makes one case of one key, also after a lost reply and of five calls at once', async () => {
    const key = randomUUID();
    simulator.setFaults({ dropReplies: 1 });
    expect(await failureOf(submit(cities, city, key))).toMatchObject({ kind: 'unavailable', effect: 'unknown' });
    simulator.setFaults({ dropReplies: 0 });
    const receipts = await Promise.all(Array.from({ length: 5 }, () => submit(cities, city, key)));
    expect(new Set(receipts.map(({ ref }) => ref.id)).size).toBe(1);
    expect(receipts.every(({ replayed }) => replayed)).toBe(true);
    expect(simulator.cases.list().filter((one) => one.key === key)).toHaveLength(1);
  });

  test('loads cases in order, null if there is none', async () => {
    const { ref } = await submit(cities, city, randomUUID());
    const odd = ['..', '', '1,2', 'x'.repeat(5_000)].map((id) => ({ id }));
    const loaded = await cities.loadCases(city, 'cases', [...odd, { id: '99999' }, ref], { traceparent: '' });
    expect(loaded).toEqual([null, null, null, null, null, expect.objectContaining({ ref, nativeStatus: received })]);
  });

  test('tells of every change, also from a cursor and over many pages', async () => {
    for (let made = 0; made < 230; made++) simulator.cases.create(`bulk-${randomUUID()}`, received, {});
    const first = await pullAll(cities, city, null);
    expect(new Set(first.changes.map(({ ref }) => ref.id)).size).toBe(simulator.cases.list().length);
    simulator.cases.setStatus(7, 'X');
    const second = await pullAll(cities, city, first.next);
    const change = second.changes.find(({ ref }) => ref.id === '7');
    expect(change?.nativeStatus).toBe('X');
    const again = await pullAll(cities, city, first.next);
    expect(again.changes.find(({ id }) => id === change?.id)).toEqual(change);
  });

  test('withdraws, and again', async () => {
    const { ref } = await submit(cities, city, randomUUID());
    const withdraw = () => cities.write(city, 'cases', (adapter, call) => adapter.cases!.withdraw!(ref, 'Umzug', call), writeWith());
    await withdraw();
    await withdraw();
    const [loaded] = await cities.loadCases(city, 'cases', [ref], { traceparent: '' });
    expect(cities.find(city)?.adapters[0]?.statusMap.get((loaded as { nativeStatus: string }).nativeStatus)).toBe('withdrawn');
  });

  test('names the field that must be corrected as the applicant knows it', async () => {
    const failure = await failureOf(submit(cities, city, randomUUID(), submission({ applicant: { name: ' ' } })));
    expect(failure).toMatchObject({ kind: 'rejected', effect: 'none', fields: { [path]: 'Bitte machen Sie hier eine Angabe.' } });
  });

  test('passes the check, and fails it with wrong credentials', async () => {
    expect(await cities.check(city, 'cases')).toMatchObject({ ok: true });
    const other = await startRestSimulator({ dialect, secret: 'another-secret' });
    const health = await (await connect(city, other.url)).check(city, 'cases');
    expect(health.ok).toBe(false);
    expect(health.probes[0]?.hint).toContain('credentials');
    await other.close();
  });

  test.each([
    ['the reply to a write is cut', { cutBodies: true }, { kind: 'malformed', effect: 'unknown' }],
    ['it is under maintenance', { unavailable: 1 }, { kind: 'retryable', effect: 'none', retryAfterMs: 0 }],
    ['a login page stands in front', { loginPage: true }, { kind: 'misconfigured' }],
  ] as const)('says honestly whether something landed when %s', async (_, faults, failure) => {
    const sick = await startRestSimulator({ dialect, faults });
    const own = await connect(city, sick.url);
    expect(await failureOf(submit(own, city, 'k'))).toMatchObject(failure);
    await sick.close();
    expect(await failureOf(submit(own, city, 'k'))).toMatchObject({ kind: 'unavailable', effect: 'none' });
  });
});

describe.each<[city: string, dialect: DialectName]>([
  ['koeln', 'antraege'],
  ['neuss', 'vorgaenge'],
  ['muenchen', 'cases'],
])('changes of %s', (city, dialect) => {
  test('are not skipped while cases change during a pull of several pages', async () => {
    let at = Date.parse('2026-11-20T10:00:00Z');
    const busy = await startRestSimulator({ dialect, now: () => new Date(at) });
    for (let made = 0; made < 250; made++) {
      if (made % 2 === 0) at += 1000;
      busy.cases.create(`key-${made}`, 'x', {});
    }
    const cities = await connect(city, busy.url);
    const seen = new Set<string>();
    await cities.read(
      city,
      'cases',
      async (adapter, call) => {
        for await (const page of adapter.changes!.pull(null, call)) {
          for (const { ref } of page.items) seen.add(ref.id);
          at += 1000;
          if (page.items[10]) busy.cases.setStatus(Number(page.items[10].ref.id), 'y');
          if (seen.size === 250) break;
        }
      },
      { traceparent: '' },
    );
    expect(seen.size).toBe(250);
    await busy.close();
  });

  test.each([1, 150])('that become visible after %d later ones were read are still told', async (count) => {
    let at = Date.parse('2026-11-20T10:00:00Z');
    const late = await startRestSimulator({ dialect, now: () => new Date((at += 20)) });
    for (let made = 0; made < count; made++) late.cases.create(`key-${made}`, 'x', {});
    const cities = await connect(city, late.url);
    const { next } = await pullAll(cities, city, null);
    at -= 5_000;
    late.cases.create('late', 'x', {});
    expect((await pullAll(cities, city, next)).changes.map(({ ref }) => ref.id)).toContain(String(count + 1));
    await late.close();
  });

  test('of a back office that hangs end with the deadline', async () => {
    const hanging = await startRestSimulator({ dialect, faults: { hang: true } });
    const cities = await connect(city, hanging.url, (one) => ({
      ...one,
      city: { ...one.city, adapters: one.city.adapters.map((adapter) => ({ ...adapter, limits: { ...adapter.limits, timeoutMs: 200 } })) },
    }));
    expect(await failureOf(pullAll(cities, city, null))).toEqual({ kind: 'deadline', effect: 'none' });
    const written = await failureOf(submit(cities, city, 'k'));
    // Where the key is looked for first, the submission itself was never sent.
    expect(written).toEqual({ kind: 'deadline', effect: city === 'neuss' ? 'none' : 'unknown' });
    await hanging.close();
  });
});

describe('notifications', () => {
  const now = new Date('2026-11-20T10:00:00Z');
  const at = Math.floor(now.getTime() / 1000);
  const body = JSON.stringify({
    vorgangsId: 7,
    aktenzeichen: '32-7/26',
    bearbeitungsstand: 'BEWILLIGT',
    fassung: 3,
    geaendertAm: '2026-11-20T09:59:00Z',
  });

  const receive = async (headers: Record<string, string>, raw: string = body) => {
    const cities = await connect('koeln', 'http://127.0.0.1:9');
    const call = { signal: AbortSignal.timeout(1000), deadline: now, traceparent: '', attempt: 1 };
    // The adapter's clock is the hub's, so the notification is signed for now.
    return cities
      .adapter('koeln', 'cases')
      .webhook!.receive({ method: 'POST', headers: new Headers(headers), raw: new TextEncoder().encode(raw) }, call);
  };
  const signed = (over: { secret?: string; time?: number; raw?: string } = {}) => {
    const time = String(over.time ?? Math.floor(Date.now() / 1000));
    return {
      'webhook-id': 'msg_1',
      'webhook-timestamp': time,
      'webhook-signature': sign(over.secret ?? webhookSecret, 'msg_1', time, over.raw ?? body),
    };
  };

  test('are believed with a signature, also beside one of a former secret', async () => {
    const headers = signed();
    const { id, changes } = await receive({ ...headers, 'webhook-signature': `v1,${'A'.repeat(43)}= ${headers['webhook-signature']}` });
    expect(id).toBe('msg_1');
    expect(changes).toEqual([
      {
        id: '7 3',
        ref: { id: '7', publicNumber: '32-7/26' },
        nativeStatus: 'BEWILLIGT',
        version: '3',
        updatedAt: new Date('2026-11-20T09:59:00Z'),
      },
    ]);
  });

  test.each<[string, Record<string, string>, string?]>([
    ['without a signature', {}],
    ['with another secret', signed({ secret: 'another-secret-altogether' })],
    ['whose body was changed', signed(), body.replace('BEWILLIGT', 'ABGELEHNT')],
    ['that is old', signed({ time: at })],
    ['from the future', signed({ time: Math.floor(Date.now() / 1000) + 3600 })],
    ['whose timestamp is no number', { ...signed(), 'webhook-timestamp': 'soon' }],
  ])('%s are refused', async (_, headers, raw) => {
    await expect(receive(headers, raw)).rejects.toMatchObject({ name: 'AdapterError', kind: 'rejected' });
  });

  test.each(['', '{', '[]x', '"text"', 'null'])('signed nonsense %j is malformed', async (raw) => {
    await expect(receive(signed({ raw }), raw)).rejects.toMatchObject({ name: 'AdapterError', kind: 'malformed' });
  });

  test('about a case that cannot be read name it', async () => {
    const raw = '{"vorgangsId":7}';
    expect(await receive(signed({ raw }), raw)).toEqual({
      id: 'msg_1',
      changes: [],
      malformed: [{ id: '7', reason: 'a case has no status at /bearbeitungsstand' }],
    });
  });

  test('of the simulator arrive signed, and again where the first was not taken', async () => {
    const { createServer } = await import('node:http');
    const got: { headers: Record<string, string>; raw: string }[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        got.push({ headers: request.headers as Record<string, string>, raw: Buffer.concat(chunks).toString() });
        response.writeHead(got.length === 1 ? 503 : 200).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const simulator = await startRestSimulator({
      dialect: 'antraege',
      webhook: { url: `http://127.0.0.1:${port}/hooks/koeln/cases`, secret: webhookSecret },
      processAfterMs: 10,
    });
    simulator.cases.create('k', 'EINGEGANGEN', {});
    await expect.poll(() => got.length, { timeout: 5_000, message: 'the simulator sends again after a 503' }).toBeGreaterThan(1);
    const { headers, raw } = got[1]!;
    expect((await receive(headers, raw)).changes[0]).toMatchObject({ ref: { id: '1' } });
    await simulator.close();
    server.close();
  });
});

describe('a file describes a back office, or says what is wrong with it', () => {
  const minimal = {
    baseUrl: 'http://127.0.0.1:9',
    auth: { header: 'X', secret: 'eight-letters' },
    idempotency: 'none',
    submit: { path: '/a', body: { '/name': '/applicant/name' } },
    case: { id: '/id', status: '/s', updatedAt: '/t' },
    load: { path: '/a/{id}' },
    health: { path: '/h' },
  };
  const validate = (over: Record<string, Json>) => {
    const result = (rest as AdapterDefinition).config['~standard'].validate({ ...minimal, ...over });
    if (result instanceof Promise) throw new Error('the schema answers at once');
    return result.issues?.map(({ message, path }) => `${path?.map(String).join('.')}: ${message}`) ?? [];
  };

  test.each<[string, Record<string, Json>, string]>([
    ['a path that would lead to another host', { health: { path: '//evil.example/h' } }, 'a path beginning with one /'],
    ['a pointer that is none', { case: { id: 'id', status: '/s', updatedAt: '/t' } }, 'JSON pointer'],
    ['a look-up whose key is never sent', { idempotency: { lookup: '/a?k={key}', items: '', key: '/k' } }, 'map one to /key'],
    ['cursors without a place to find them', { changes: { path: '/a?c={cursor}' } }, 'where the answer says how to go on'],
    ['a name that is not known', { submit: { path: '/a', body: {}, form: {} } }, 'form'],
  ])('%s', (_, over, words) => {
    expect(validate(over).join('\n')).toContain(words);
  });

  test('the least there is to say', () => expect(validate({})).toEqual([]));

  test('where a look-up’s filter is ignored, nobody else’s case is taken', async () => {
    const simulator = await startRestSimulator({ dialect: 'vorgaenge' });
    simulator.cases.create('someone else’s', 'neu', {});
    const cities = await connect('neuss', simulator.url, (one) => ({
      ...one,
      adapters: one.adapters.map((adapter) => {
        const config = adapter.config as { idempotency: object };
        return {
          ...adapter,
          config: { ...config, idempotency: { ...config.idempotency, lookup: '/fachverfahren/vorgaenge?unknown={key}' } },
        };
      }),
    }));
    expect(await failureOf(submit(cities, 'neuss', 'mine'))).toMatchObject({ kind: 'misconfigured', effect: 'none' });
    expect((await cities.check('neuss', 'cases')).ok).toBe(false);
    await simulator.close();
  });
});
