import { randomUUID } from 'node:crypto';
import { request as rawRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Attachment, CaseRef, Json, WebhookPort } from '#contract';
import { fitConnect } from '../../adapters/fit-connect/index.ts';
import { parseRef, toRef } from '../../adapters/fit-connect/mapping.ts';
import { toClaims } from '../../adapters/fit-connect/sets.ts';
import { signByHand } from '../../adapters/fit-connect/simulated-jose.ts';
import { fitConnectSimulated, startFitConnectSimulator, type FitConnectSimulator } from '../../adapters/fit-connect/simulator.ts';
import { NEW_SUBMISSIONS, signCallback } from '../../adapters/fit-connect/webhook.ts';
import type { WriteOptions } from '../../src/cities/call-options.ts';
import { CityCallError, type Cities } from '../../src/cities/cities.ts';
import { connectCity, submission, writeWith } from './connect.ts';

const { sender, destination, issuer, callbackSecret } = fitConnectSimulated;

const configOf = (url: string, over: Record<string, Json> = {}): Json => ({
  tokenUrl: `${url}/token`,
  submissionUrl: `${url}/submission-api`,
  issuer,
  ...sender,
  destination,
  ...over,
});

const connect = (simulator: FitConnectSimulator, over: Record<string, Json> = {}) =>
  connectCity(fitConnect, configOf(simulator.url, over), { endpoint: simulator.url, secret: sender.clientSecret });

const routed = (url: string, over: Record<string, Json> = {}): Record<string, Json> => ({
  destination: undefined as never,
  routing: {
    baseUrl: `${url}/routing/v1`,
    keysUrl: `${url}/routing/jwks.json`,
    submissionHost: fitConnectSimulated.submissionHost,
    ...over,
  },
});

const document = (text: string): Attachment => {
  const content = new TextEncoder().encode(text);
  return {
    id: randomUUID(),
    name: 'Nachweis – Groß.pdf',
    mediaType: 'application/pdf',
    bytes: content.length,
    sha256: '',
    open: () => new Blob([content]).stream(),
  };
};

type Write = Omit<WriteOptions, 'signal'>;

const submit = (cities: Cities, write: Write = writeWith(), application = submission()) =>
  cities.write('stadt', 'cases', (adapter, call) => adapter.cases!.submit(application, call), write);

const statusOf = async (cities: Cities, ref: CaseRef) => {
  const [loaded] = await cities.loadCases('stadt', 'cases', [ref], { traceparent: '' });
  if (loaded instanceof Error) throw loaded;
  return loaded?.nativeStatus ?? null;
};

const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => expect.unreachable('the call should fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CityCallError);
  return { ...(error as CityCallError).failure, message: (error as Error).message };
};

const simulators: FitConnectSimulator[] = [];
const start = async (options: Parameters<typeof startFitConnectSimulator>[0] = {}) => {
  const simulator = await startFitConnectSimulator(options);
  simulators.push(simulator);
  return simulator;
};
afterAll(async () => void (await Promise.all(simulators.map((one) => one.close()))));

/** What the city received under this key, each complete and decrypted. */
const received = async (simulator: FitConnectSimulator, key: string) => {
  await expect.poll(() => simulator.cases.list().length - simulator.city.inbox.size, { message: 'the city fetches what was sent' }).toBe(0);
  return [...simulator.city.inbox.values()].filter(({ senderReference }) => senderReference === key);
};

let fit: FitConnectSimulator;
beforeAll(async () => {
  fit = await start();
});

describe('an application on its way to the city', () => {
  test('arrives once, decrypted by the city’s key alone, with all it held', async () => {
    const { cities } = connect(fit);
    const write = writeWith();
    const attachments = [document('erste Anlage'), document('zweite Anlage')];
    const receipt = await submit(cities, write, submission({ attachments }));
    expect(receipt).toMatchObject({ taken: 'now', replayed: false, ref: { publicNumber: parseRef(receipt.ref)?.caseId } });
    const [only, ...more] = await received(fit, write.key);
    expect(more).toEqual([]);
    expect(only).toMatchObject({
      schemaUri: fitConnectSimulated.schemaUri,
      data: { key: write.key, applicant: submission().applicant, formData: submission().formData, channel: 'ONLINE' },
    });
    expect(only?.attachments.map(({ id, name, mediaType, content }) => [id, name, mediaType, Buffer.from(content).toString()])).toEqual(
      attachments.map(({ id, name, mediaType }, index) => [id, name, mediaType, index === 0 ? 'erste Anlage' : 'zweite Anlage']),
    );
  });

  test('metadata name key, day in Germany and, where the config says so, the way to answer', async () => {
    const { cities } = connect(fit, { replyChannel: 'email', data: { '/applicant/name': '/applicant/name' } });
    const write = writeWith();
    await submit(cities, write, submission({ submittedAt: new Date('2026-11-20T23:30:00Z') }));
    const sent = fit.cases.list().find(({ key }) => key === write.key);
    const { metadata, data } = (sent?.content ?? {}) as { metadata?: Json; data?: Json };
    expect(metadata).toMatchObject({
      $schema: 'https://schema.fitko.de/fit-connect/metadata/2.1.0/metadata.schema.json',
      replyChannel: { eMail: { address: 'juergen@example.org' } },
      additionalReferenceInfo: { senderReference: write.key, applicationDate: '2026-11-21' },
    });
    expect(data, 'only what the city asked for').toEqual({ applicant: { name: 'Jürgen Groß-Öztürk' } });
  });

  test('the same key again is the same submission', async () => {
    const { cities } = connect(fit);
    const write = writeWith();
    const first = await submit(cities, write);
    expect(await submit(cities, write)).toEqual({ ...first, replayed: true });
    expect(await received(fit, write.key)).toHaveLength(1);
  });

  test('two calls with one key at once, in one adapter, are one submission', async () => {
    const { cities } = connect(fit);
    const write = writeWith();
    const adapter = cities.adapter('stadt', 'cases');
    const memo = new Map<string, Json>();
    const call = {
      key: write.key,
      signal: AbortSignal.timeout(10_000),
      deadline: new Date(),
      traceparent: '',
      attempt: 1,
      step: async <T extends Json>(name: string, run: () => Promise<T>): Promise<T> => {
        if (!memo.has(name)) memo.set(name, await run());
        return memo.get(name) as T;
      },
    };
    const receipts = await Promise.all([1, 2, 3].map(() => adapter.cases!.submit(submission(), call)));
    expect(new Set(receipts.map(({ ref }) => ref.id)).size).toBe(1);
    expect(await received(fit, write.key)).toHaveLength(1);
  });

  test.each([
    ['an offer without LeiKa key', { service: 'L051110000000.hund', localKey: 'hund' }, {}, 'config.services'],
    ['a service the destination does not take', { service: '99115005104000' }, {}, 'does not take 99115005104000'],
    ['a destination that is none', {}, { destination: randomUUID() }, 'config.destination'],
  ])('%s is a matter of the config, and nothing is announced', async (_, over, config, words) => {
    const { cities } = connect(fit, config);
    const before = fit.service.list().length;
    const failure = await failureOf(submit(cities, writeWith(), submission(over)));
    expect(failure).toMatchObject({ kind: 'misconfigured', effect: 'none' });
    expect(failure.message).toContain(words);
    expect(fit.service.list().length).toBe(before);
  });

  test('an offer without LeiKa key goes under the one the config gives it, to a destination however its id is written', async () => {
    const { cities } = connect(fit, { services: { hund: '99115003012000' }, destination: destination.toUpperCase() });
    const write = writeWith();
    await submit(cities, write, submission({ service: 'L051110000000.hund', localKey: 'hund' }));
    expect(await received(fit, write.key)).toHaveLength(1);
  });
});

describe('exactly once, whatever is lost', () => {
  // A delivery writes four times: token, announcement, attachment, submission. The simulator asks `random` at every request and
  // once more at every write; one of these draws after the other loses a reply, until all four were lost once.
  test('whichever reply is lost, the next attempt makes it one submission', async () => {
    const lost: string[] = [];
    for (let draw = 1; lost.length < 4 && draw <= 20; draw++) {
      let draws = 0;
      const simulator = await start({ random: () => (++draws === draw ? 0 : 1), faults: { dropReplies: 0.5 } });
      const { cities } = connect(simulator);
      const [write, application] = [writeWith(), submission({ attachments: [document('Anlage')] })];
      const failure = await submit(cities, write, application).then(
        () => null,
        (error: unknown) => (error as CityCallError).failure,
      );
      if (!failure) continue;
      expect(failure.kind).toBe('unavailable');
      lost.push(failure.effect);
      const receipt = await submit(cities, write, application);
      expect(receipt.replayed, 'what had landed is recognised').toBe(lost.length === 4);
      expect(await received(simulator, write.key)).toHaveLength(1);
      expect(simulator.cases.list()).toHaveLength(1);
    }
    expect(lost, 'without a token nothing was sent; afterwards something may be there').toEqual(['none', 'unknown', 'unknown', 'unknown']);
  });

  test.each([1, 2, 3])('the hub dies when it would remember step %i: started again, it makes one submission', async (dies) => {
    const { cities } = connect(fit);
    const [write, application] = [writeWith(), submission({ attachments: [document('Anlage')] })];
    let steps = 0;
    const dying = {
      ...write,
      steps: {
        find: write.steps.find,
        save: async (name: string, result: Json) => {
          if (++steps === dies) throw new Error('killed');
          await write.steps.save(name, result);
        },
      },
    };
    await failureOf(submit(cities, dying, application));
    const again = connect(fit).cities;
    await submit(again, write, application);
    expect(await received(fit, write.key)).toHaveLength(1);
  });

  test('an announcement that lapsed is made again', async () => {
    const simulator = await start();
    const { cities } = connect(simulator);
    const write = writeWith();
    await cities.write(
      'stadt',
      'cases',
      async (adapter, call) => {
        const stopped = {
          ...call,
          step: async <T extends Json>(name: string, run: () => Promise<T>) =>
            name.startsWith('sealed') ? Promise.reject(new Error('killed')) : call.step(name, run),
        };
        await adapter.cases!.submit(submission(), stopped).catch(() => {});
      },
      write,
    );
    const [announced] = simulator.service.list();
    expect(announced && simulator.service.stateOf(announced)).toBe('incomplete');
    simulator.service.expire(announced!);
    await submit(cities, write);
    expect(
      simulator.service
        .list()
        .map(simulator.service.stateOf)
        .filter((state) => state !== 'deleted'),
    ).toHaveLength(1);
    expect(await received(simulator, write.key)).toHaveLength(1);
  });

  test('content of somebody else under our submission stops everything', async () => {
    const simulator = await start();
    const { cities } = connect(simulator);
    const write = writeWith();
    await submit(cities, write);
    await write.steps.save('sealed 1 1', { metadata: 'x'.repeat(22), data: 'y'.repeat(22) });
    const failure = await failureOf(submit(cities, write));
    expect(failure).toMatchObject({ kind: 'malformed', effect: 'unknown' });
    expect(failure.message).toContain('not ours');
    expect(await received(simulator, write.key)).toHaveLength(1);
  });
});

describe('what becomes of it', () => {
  test('the city forwards, accepts: each step is told, and the deletion after it changes nothing', async () => {
    const { cities } = connect(fit);
    const { ref } = await submit(cities);
    const { caseId } = parseRef(ref)!;
    await expect.poll(() => statusOf(cities, ref)).toBe('notified');
    await fit.city.decide(caseId, 'forwarded');
    expect(await statusOf(cities, ref)).toBe('forwarded');
    await fit.city.decide(caseId, 'accepted');
    expect(fit.service.find(caseId)?.events.at(-1)?.name).toBe('delete');
    expect(await statusOf(cities, ref)).toBe('accepted');
  });

  test('a rejection is told once with its problem, in our words', async () => {
    const { cities, logged } = connect(fit);
    const { ref } = await submit(cities);
    await fit.city.decide(parseRef(ref)!.caseId, 'rejected');
    expect(await statusOf(cities, ref)).toBe('rejected');
    await statusOf(cities, ref);
    expect(logged().match(/the city rejected a submission/g)).toHaveLength(1);
    expect(logged()).toContain('schema-violation');
    expect(logged()).not.toContain('Angaben fehlen');
  });

  test('the city refuses by itself what does not fit its schema', async () => {
    const strict = await start({ schema: { type: 'object', required: ['kfz'] } });
    const { cities } = connect(strict);
    const { ref } = await submit(cities);
    await expect.poll(() => statusOf(cities, ref)).toBe('rejected');
    expect(strict.service.find(parseRef(ref)!.caseId)?.events.find(({ name }) => name === 'reject')?.problems).toMatchObject([
      { instance: 'data' },
    ]);
  });

  test('cases come in order, null if there is none, and one bad log spoils only itself', async () => {
    const simulator = await start();
    const { cities } = connect(simulator);
    const [first, second] = [await submit(cities), await submit(cities)];
    const log = simulator.service.find(parseRef(second.ref)!.caseId)!.log;
    log.push(log[0]!.replace(/.{10}$/, 'AAAAAAAAAA'));
    const third = await submit(cities);
    const { submissionId, caseId } = parseRef(third.ref)!;
    const forward = { id: randomUUID(), issuer: destination, at: new Date(), submissionId, caseId, event: 'forward' as const };
    simulator.service.find(caseId)!.log.push(signByHand(toClaims(forward), { ...simulator.keys.signing, kid: 'taken-away' }));
    const nobody = toRef(
      { submissionId: randomUUID(), caseId: randomUUID(), destinationId: destination },
      { metadata: '', data: '', attachments: {} },
    );
    const loaded = await cities.loadCases('stadt', 'cases', [nobody, { id: '4711' }, first.ref, second.ref, third.ref], {
      traceparent: '',
    });
    expect(loaded).toMatchObject([null, null, { ref: first.ref }, { kind: 'malformed' }, { kind: 'misconfigured' }]);
  });

  test('a destination’s events are believed from that destination only', async () => {
    const simulator = await start();
    const { cities } = connect(simulator);
    const { ref } = await submit(cities);
    const { submissionId, caseId } = parseRef(ref)!;
    const foreign = { id: [submissionId, caseId, randomUUID(), parseRef(ref)!.fingerprint].join('.') };
    await simulator.city.decide(caseId, 'accepted');
    expect((await failureOf(statusOf(cities, foreign))).kind).toBe('malformed');
  });

  test('a callback that the city passes on is a change, with the reference of the receipt', async () => {
    const { cities } = connect(fit, { callbackSecret });
    const { ref } = await submit(cities);
    const { submissionId, caseId } = parseRef(ref)!;
    await expect.poll(() => statusOf(cities, ref)).toBe('notified');
    const body = JSON.stringify({ type: NEW_SUBMISSIONS, submissions: [{ destinationId: destination, submissionId, caseId }] });
    const receive = (authentication: (timestamp: string) => string): ReturnType<WebhookPort['receive']> => {
      const timestamp = String(Math.floor(Date.now() / 1000));
      const headers = new Headers({ 'callback-timestamp': timestamp, 'callback-authentication': authentication(timestamp) });
      const call = { signal: AbortSignal.timeout(5000), deadline: new Date(), traceparent: '', attempt: 1 };
      return cities.adapter('stadt', 'cases').webhook!.receive({ method: 'POST', headers, raw: Buffer.from(body) }, call);
    };
    const { changes } = await receive((timestamp) => signCallback(callbackSecret, timestamp, body));
    expect(changes).toMatchObject([{ ref, nativeStatus: 'notified' }]);
    await expect(receive((timestamp) => signCallback('another secret', timestamp, body))).rejects.toMatchObject({ kind: 'rejected' });
  });
});

describe('the delivery service, simulated', () => {
  test('turns away who does not say who asks', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      rawRequest(`${fit.url}/submission-api/v2/destinations/${destination}`, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  test('takes no part without cty', async () => {
    const token = (await (
      await fetch(`${fit.url}/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id: sender.clientId, client_secret: sender.clientSecret }),
      })
    ).json()) as { access_token: string };
    const headers = { authorization: `Bearer ${token.access_token}`, 'content-type': 'application/json' };
    const publicService = { name: 'x', identifier: 'urn:de:fim:leika:leistung:99108001001000' };
    const made = await fetch(`${fit.url}/submission-api/v2/submissions`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ destinationId: destination, announcedAttachments: [], publicService }),
    });
    expect([made.status, made.headers.get('ratelimit-limit')]).toEqual([201, '10000']);
    const { submissionId } = (await made.json()) as { submissionId: string };
    const header = Buffer.from(JSON.stringify({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: fit.keys.encryption.kid })).toString('base64url');
    const part = `${header}.a.b.c.${'d'.repeat(22)}`;
    const put = await fetch(`${fit.url}/submission-api/v2/submissions/${submissionId}`, {
      method: 'PUT',
      headers,
      body: JSON.stringify({ encryptedMetadata: part, encryptedData: part }),
    });
    expect(put.status).toBe(422);
  });

  test('forgets tokens: the adapter gets another one and goes on', async () => {
    const { cities } = connect(fit);
    await submit(cities);
    fit.service.revokeTokens();
    const write = writeWith();
    await submit(cities, write);
    expect(await received(fit, write.key)).toHaveLength(1);
  });

  test('hands out no part to a sender, and tampered parts are refused by the city', async () => {
    const simulator = await start();
    const { cities } = connect(simulator);
    const { ref } = await submit(cities);
    const { caseId, submissionId } = parseRef(ref)!;
    await received(simulator, '');
    const stored = simulator.service.find(caseId)!;
    const other = await submit(cities);
    stored.data = simulator.service.find(parseRef(other.ref)!.caseId)!.data;
    const inspection = await simulator.city.subscriber.inspect(
      { submissionId, caseId, destinationId: destination },
      { signal: AbortSignal.timeout(5000) },
    );
    expect(inspection).toMatchObject({ ok: false, problems: [{ type: expect.stringContaining('incorrect-authentication-tag') }] });
    const listed = await simulator.city.subscriber.list({ signal: AbortSignal.timeout(5000) });
    expect(listed).toHaveLength(2);
  });
});

describe('what goes wrong is named', () => {
  test.each([
    ['the reply to a write is cut', { cutBodies: true }, { kind: 'malformed', effect: 'none' }],
    ['it is under maintenance', { unavailable: 1 }, { kind: 'retryable', effect: 'none', retryAfterMs: 0 }],
    ['a login page stands in front', { loginPage: true }, { kind: 'misconfigured', effect: 'none' }],
  ] as const)('when %s', async (_, faults, failure) => {
    const sick = await start({ faults });
    const { cities } = connect(sick);
    expect(await failureOf(submit(cities))).toMatchObject(failure);
    expect(sick.cases.list()).toHaveLength(0);
  });

  test.each([
    ['clientSecret', { clientSecret: 'not-the-secret-of-it' }, 'clientId and clientSecret'],
    ['clientId', { clientId: 'nobody' }, 'clientId and clientSecret'],
    ['destination', { destination: randomUUID() }, 'config.destination'],
    ['submissionSchema', { submissionSchema: 'https://schema.example/other.json' }, 'config.submissionSchema'],
  ])('the check names %s', async (_, over, words) => {
    const { probes, ok } = await connect(fit, over).cities.check('stadt', 'cases');
    expect(ok).toBe(false);
    expect(probes.map(({ hint }) => hint ?? '').join(' ')).toContain(words);
  });

  test('the check passes where all is right, and announces nothing', async () => {
    const before = fit.service.list().length;
    for (const over of [{}, routed(fit.url)]) expect(await connect(fit, over).cities.check('stadt', 'cases')).toMatchObject({ ok: true });
    expect(fit.service.list().length).toBe(before);
  });

  test('a key of 2048 bits is not encrypted to', async () => {
    const weak = await start({ weakKey: true });
    const { cities } = connect(weak);
    const health = await cities.check('stadt', 'cases');
    expect(health.ok).toBe(false);
    expect(JSON.stringify(health.probes)).toContain('4096');
    expect(await failureOf(submit(cities))).toMatchObject({ kind: 'misconfigured', effect: 'none' });
    expect(weak.cases.list()).toEqual([]);
  });

  test('the rate limit is a pause', async () => {
    const narrow = await start({ perMinute: 1 });
    const { cities } = connect(narrow);
    expect(await failureOf(submit(cities))).toMatchObject({ kind: 'retryable', effect: 'none', retryAfterMs: 1000 });
  });

  test('secrets, tokens and the applicant are in no log line and no error', async () => {
    const hostile = await start({ faults: { cutBodies: true } });
    const { cities, logged } = connect(hostile);
    const error = (await submit(cities).catch((reason: unknown) => reason)) as Error;
    await cities.check('stadt', 'cases');
    const shown = `${logged()} ${error.stack} ${String(error.cause)} ${JSON.stringify(error)}`;
    expect(shown).not.toMatch(/fit-connect-sender-secret|Groß|juergen|Königsallee|Bearer/);
  });
});

describe('routing', () => {
  test('finds the destination in the region above, signed for it', async () => {
    const { cities } = connect(fit, routed(fit.url));
    const write = writeWith();
    const { ref } = await submit(cities, write);
    expect(parseRef(ref)?.destinationId).toBe(destination);
    expect(await received(fit, write.key)).toHaveLength(1);
  });

  test.each([
    ['of another delivery service', { submissionHost: 'elsewhere.example' }, 'another delivery service'],
    ['whose key nobody publishes', { keysUrl: 'SUBMISSION' }, 'does not publish the key'],
  ])('a destination %s is not believed', async (_, over, words) => {
    const config = Object.fromEntries(
      Object.entries(over).map(([name, value]) => [name, value.replace('SUBMISSION', `${fit.url}/submission-api/.well-known/jwks.json`)]),
    );
    const { cities } = connect(fit, routed(fit.url, config));
    const failure = await failureOf(submit(cities));
    expect(failure).toMatchObject({ kind: 'misconfigured', effect: 'none' });
    expect(failure.message).toContain(words);
  });

  test('no destination is said to be none', async () => {
    const { cities } = connect(fit, routed(fit.url));
    const failure = await failureOf(submit(cities, writeWith(), submission({ service: '99115005104000' })));
    expect(failure.message).toContain('knows no destination for 99115005104000 in 051110000000');
  });
});
