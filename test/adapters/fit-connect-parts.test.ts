import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import type { CryptoKey, JWK } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { AdapterError, type Json } from '#contract';
import { createDataCheck } from '../../adapters/fit-connect/data-check.ts';
import { fitConnectConfig } from '../../adapters/fit-connect/config.ts';
import {
  eventNames,
  evolve,
  fingerprint,
  sameTags,
  signedByDestination,
  standingOf,
  states,
  type EventName,
  type SubmissionEvent,
} from '../../adapters/fit-connect/events.ts';
import { parseRef, toData, toRef, toSnapshot } from '../../adapters/fit-connect/mapping.ts';
import { assertMetadata, toMetadata } from '../../adapters/fit-connect/metadata.ts';
import { problemName, problemText, problemType } from '../../adapters/fit-connect/problems.ts';
import { importEncryptionKey, importVerificationKey, open, seal, tagOf } from '../../adapters/fit-connect/seal.ts';
import { toClaims, verifySet, type FindKey } from '../../adapters/fit-connect/sets.ts';
import { openByHand, signByHand } from '../../adapters/fit-connect/simulated-jose.ts';
import { simulatedKeys, type SimulatedKeys } from '../../adapters/fit-connect/simulated-keys.ts';
import { parseCallback, verifyCallback } from '../../adapters/fit-connect/webhook.ts';
import { submission } from './connect.ts';

const failure = async (work: () => unknown): Promise<AdapterError> => {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(AdapterError);
    return error as AdapterError;
  }
  return expect.unreachable('it should be refused');
};

let keys: SimulatedKeys;
beforeAll(async () => {
  keys = await simulatedKeys();
});

const tags = { metadata: 'a'.repeat(22), data: 'b'.repeat(22), attachments: {} };
const event = (name: EventName, more: Partial<SubmissionEvent> = {}): SubmissionEvent => ({
  id: randomUUID(),
  name,
  at: new Date('2026-11-20T10:00:00Z'),
  problems: [],
  ...more,
});

describe('callbacks', () => {
  // From FIT-Connect's documentation of callbacks; secret, timestamp, body and HMAC belong together.
  const secret = 'insecure_unsafe_qHScgrg_kP-R31jHUwp3GkVkGJolvBchz65b74Lzue0';
  const raw = Buffer.from(
    '{"type":"https://schema.fitko.de/fit-connect/submission-api/callbacks/new-submissions","submissionIds":["f39ab143-d91a-474a-b69f-b00f1a1873c2"]}',
  );
  const genuine = {
    'callback-timestamp': '1672527599',
    'callback-authentication':
      '798cd0edb70c08e5b32aa8a18cbbc8ff6b3078c51af6d011ff4e32e470c746234fc4314821fe5185264b029e962bd37de33f3b9fc5f1a93c40ce6672845e90df',
  };
  const at = (seconds: number) => new Date((1_672_527_599 + seconds) * 1000);
  const verify = (over: Record<string, string>, body: Uint8Array = raw, seconds = 0) =>
    verifyCallback(secret, new Headers({ ...genuine, ...over }), body, at(seconds));

  test('the documented one verifies, up to five minutes later and no longer', () => {
    verify({});
    verify({}, raw, 300);
    expect(() => verify({}, raw, 301)).toThrow('too old or from the future');
    expect(() => verify({}, raw, -301)).toThrow('too old or from the future');
    expect(parseCallback(raw), 'its list of ids is the deprecated one, without cases').toEqual([]);
  });

  test.each([
    ['another timestamp', { 'callback-timestamp': '1672527600' }],
    ['no timestamp', { 'callback-timestamp': '' }],
    ['a timestamp that is no number', { 'callback-timestamp': '1e9' }],
    ['no signature', { 'callback-authentication': '' }],
    ['a shorter signature', { 'callback-authentication': genuine['callback-authentication'].slice(0, -2) }],
    ['another signature', { 'callback-authentication': genuine['callback-authentication'].replace('7', '8') }],
  ])('%s is refused', async (_, over) => {
    expect((await failure(() => verify(over))).kind).toBe('rejected');
  });

  test('any other body is refused', () => {
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.integer({ min: 1, max: 255 }), (place, by) => {
        const changed = Buffer.from(raw);
        changed[place] = ((changed[place] ?? 0) + by) % 256;
        expect(() => verify({}, changed)).toThrow('does not verify');
      }),
    );
  });

  test('what is verified but no callback is malformed, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
        expect((await failure(() => parseCallback(Buffer.from(text)))).kind).toBe('malformed');
      }),
    );
  });
});

describe('keys and ciphertext', () => {
  test('what the library seals, other code opens; one bit more or less, nothing does', async () => {
    const key = await importEncryptionKey(keys.encryption.published);
    const content = new TextEncoder().encode('Königsallee „ß“');
    const jwe = await seal({ content, type: 'application/json' }, key);
    expect(openByHand(jwe, keys.encryption)).toBe('Königsallee „ß“');
    expect(tagOf(jwe)).toBe(jwe.split('.')[4]);
    const priv = keys.encryption.privateKey.toCryptoKey({ name: 'RSA-OAEP', hash: 'SHA-256' }, false, ['decrypt']) as CryptoKey;
    expect(await open(jwe, priv)).toEqual({ content, type: 'application/json' });
    const other = await seal({ content, type: 'application/json' }, key);
    const mixed = [...jwe.split('.').slice(0, 4), tagOf(other)].join('.');
    expect((await failure(() => open(mixed, priv))).kind).toBe('malformed');
    expect(openByHand(mixed, keys.encryption)).toBeNull();
  });

  test.each([
    ['2048 bits', () => keys.weak.published, '4096'],
    ['a signing key', () => keys.signing.published, 'RSA-OAEP-256'],
    ['another use', (): JWK => ({ ...keys.encryption.published, key_ops: ['verify'] }), 'wrapKey'],
    ['no id', (): JWK => ({ ...keys.encryption.published, kid: '' }), 'kid'],
    ['a private key', (): JWK => ({ ...keys.encryption.published, d: 'AQAB' }), 'private'],
    ['no key at all', (): JWK => ({ kty: 'EC', kid: 'x' }), 'RSA'],
  ])('a destination’s key is refused: %s', async (_, jwk, why) => {
    const error = await failure(() => importEncryptionKey(jwk()));
    expect(error).toMatchObject({ kind: 'misconfigured', effect: 'none' });
    expect(error.message).toContain(why);
  });

  test('tags are the last segment of a JWE and of nothing else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(tagOf(text)).toBe('');
      }),
    );
  });
});

describe('signed events', () => {
  const [caseId, submissionId, destinationId] = [randomUUID(), randomUUID(), randomUUID()];
  const service = 'https://zustelldienst.example/submission-api';
  const expected = { caseId, submissionId, destinationId, service };
  const claims = (name: EventName, over: Record<string, unknown> = {}) => ({
    ...toClaims({
      id: randomUUID(),
      issuer: signedByDestination.has(name) ? destinationId : service,
      at: new Date('2026-11-20T10:00:00Z'),
      caseId,
      submissionId,
      event: name,
      ...(name === 'submit' || name === 'accept' ? { tags } : {}),
    }),
    ...over,
  });
  const keyOf = (name: EventName) => (signedByDestination.has(name) ? keys.signing : keys.service);
  const findKey: FindKey = async (signer) =>
    (await importVerificationKey((signer === 'service' ? keys.service : keys.signing).published)).key;
  const verify = (set: string) => verifySet(set, expected, findKey);

  test.each(eventNames)('%s is believed from its signer and from nobody else', async (name) => {
    expect(await verify(signByHand(claims(name), keyOf(name)))).toMatchObject({ name, at: new Date('2026-11-20T10:00:00Z') });
    const wrongKey = keyOf(name) === keys.service ? keys.signing : keys.service;
    expect((await failure(() => verify(signByHand(claims(name), wrongKey)))).message).toContain('signature');
    const iss = signedByDestination.has(name) ? service : destinationId;
    expect((await failure(() => verify(signByHand(claims(name, { iss }), wrongKey)))).message).toContain('wrong side');
  });

  test.each([
    ['of a stranger', { iss: 'https://elsewhere.example' }, 'issuer'],
    ['of another case', { txn: `case:${randomUUID()}` }, 'another case'],
    ['without id', { jti: undefined }, 'jti'],
    ['of before FIT-Connect', { iat: 1 }, 'iat'],
    ['about nothing', { sub: 'submission:1' }, 'sub'],
    ['with two events', { events: { a: {}, b: {} } }, 'events'],
  ])('one %s is not believed', async (_, over, why) => {
    const error = await failure(() => verify(signByHand(claims('notify', over), keys.service)));
    expect(error.kind).toBe('malformed');
    expect(error.message).toContain(why);
  });

  test('one of another submission of the case, of a reply or of a later version is passed over', async () => {
    const over = [
      { sub: `submission:${randomUUID()}` },
      { sub: `reply:${submissionId}` },
      { events: { 'https://schema.fitko.de/fit-connect/events/archive-submission': {} } },
    ];
    for (const one of over) expect(await verify(signByHand(claims('notify', one), keys.service))).toBeNull();
  });

  test('another type or algorithm is not believed', async () => {
    expect((await failure(() => verify(signByHand(claims('notify'), keys.service, 'jwt')))).message).toContain('secevent+jwt');
    const [, payload] = signByHand(claims('notify'), keys.service).split('.');
    const none = Buffer.from('{"alg":"none","typ":"secevent+jwt","kid":"simulated-service"}').toString('base64url');
    expect((await failure(() => verify(`${none}.${payload}.`))).message).toContain('PS512');
  });

  test('whatever text is refused as malformed, without a stack of a parser', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.array(fc.base64String(), { minLength: 3, maxLength: 3 }).map((parts) => parts.join('.')),
        ),
        async (text) => {
          expect((await failure(() => verify(text))).kind).toBe('malformed');
        },
      ),
    );
  });
});

describe('where a submission stands', () => {
  test('the ordinary way, and what a deletion means', () => {
    const after = (...names: EventName[]) => standingOf(names.map((name) => event(name))).state;
    expect(eventNames.map((_, count) => after(...eventNames.slice(0, count + 1)))).toEqual([
      'incomplete',
      'submitted',
      'notified',
      'forwarded',
      'accepted',
      'accepted',
      'accepted',
    ]);
    expect(after('create', 'submit', 'reject', 'delete')).toBe('rejected');
    expect(after('create', 'delete')).toBe('deleted');
    expect(after('create', 'submit', 'notify', 'delete')).toBe('deleted');
    expect(after('create', 'submit', 'forward', 'notify'), 'a late callback does not take a step back').toBe('forwarded');
  });

  test('it never goes back, and a decision stays, in whatever order events come', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...eventNames), { minLength: 1 }), (names) => {
        const seen = names
          .map((name) => event(name))
          .reduce<ReturnType<typeof standingOf>[]>((all, one) => [...all, evolve(all.at(-1) ?? standingOf([]), one)], []);
        const order = seen.map(({ state }) => states.indexOf(state === 'rejected' ? 'accepted' : state));
        expect(order).toEqual(order.toSorted((a, b) => a - b));
        const decided = seen.findIndex(({ state }) => state === 'accepted' || state === 'rejected');
        const afterwards = decided < 0 ? [] : seen.slice(decided).map(({ state }) => state);
        expect(new Set(afterwards).size).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('events about other content than what was sent are an error, not a status', async () => {
    const announced = { submissionId: randomUUID(), caseId: randomUUID(), destinationId: randomUUID() };
    const ref = toRef(announced, tags);
    const sent = parseRef(ref)!;
    const accepted = event('accept', { tags });
    expect(toSnapshot(ref, sent, [event('create'), event('submit', { tags }), accepted])).toMatchObject({
      nativeStatus: 'accepted',
      version: accepted.id,
    });
    const other = { ...tags, data: 'c'.repeat(22) };
    for (const events of [[event('submit', { tags: other })], [event('accept', { tags: other })], [event('accept')]])
      expect((await failure(() => toSnapshot(ref, sent, events))).kind).toBe('malformed');
    expect(toSnapshot(ref, sent, [])).toBeNull();
  });

  test('the fingerprint does not depend on the order of attachments, and on everything else', () => {
    const tag = fc.stringMatching(/^[\w-]{22}$/);
    const some = fc.record({ metadata: tag, data: tag, attachments: fc.dictionary(fc.uuid(), tag) });
    fc.assert(
      fc.property(some, some, (one, other) => {
        const turned = { ...one, attachments: Object.fromEntries(Object.entries(one.attachments).toReversed()) };
        expect(fingerprint(turned)).toBe(fingerprint(one));
        expect(sameTags(one, other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });

  test('a case reference of somebody else is nobody’s', () => {
    fc.assert(
      fc.property(fc.string(), (id) => {
        expect(parseRef({ id })).toBeNull();
      }),
    );
  });
});

describe('what is sent', () => {
  test('the whole application, or the fields the city names', () => {
    const application = submission();
    expect(toData(application, 'key-1', undefined)).toMatchObject({
      key: 'key-1',
      applicant: application.applicant,
      formData: application.formData,
    });
    const fields = {
      '/antragsteller/name': '/applicant/name',
      '/kfz/kennzeichen': '/formData/plateNumber',
      '/telefon': '/applicant/phone',
    };
    expect(toData(application, 'key-1', fields)).toEqual({
      antragsteller: { name: 'Jürgen Groß-Öztürk' },
      kfz: { kennzeichen: 'D-ÄÖ 123' },
    });
  });

  test('fields called like parts of an object stay fields', () => {
    const made = toData(submission(), 'k', { '/__proto__/name': '/applicant/name', '/constructor': '/key' }) as Record<string, Json>;
    expect(JSON.stringify(made)).toBe('{"__proto__":{"name":"Jürgen Groß-Öztürk"},"constructor":"k"}');
    expect(({} as Record<string, unknown>)['name']).toBeUndefined();
  });

  const metadataOf = (over: { email?: string; name?: string; schemaUri?: string } = {}) =>
    toMetadata({
      schemaUri: over.schemaUri ?? 'https://schema.example/a.json',
      data: { sha512: 'a'.repeat(128) },
      attachments: [{ id: randomUUID(), name: over.name ?? 'Nachweis.pdf', mediaType: 'application/pdf', sha512: 'b'.repeat(128) }],
      senderReference: 'key-1',
      applicationDate: '2026-11-20',
      ...(over.email === undefined ? {} : { email: over.email }),
    });

  test('metadata are checked before they are sent, and the place is named', async () => {
    assertMetadata(metadataOf({ email: 'juergen@example.org' }));
    const error = await failure(() => assertMetadata(metadataOf({ schemaUri: 'no uri' })));
    expect(error).toMatchObject({ kind: 'misconfigured', effect: 'none' });
    expect(error.message).toContain('/contentStructure/data/submissionSchema/schemaUri');
  });

  test('an e-mail address that is none is left out: the answer comes by letter', () => {
    expect(metadataOf({ email: 'nobody' })).not.toHaveProperty('replyChannel');
    expect(metadataOf({ email: 'juergen@example.org' })).toMatchObject({ replyChannel: { eMail: { address: 'juergen@example.org' } } });
  });

  const official = new URL('../../../shared/data/fitconnect/metadata-2.1.0.schema.json', import.meta.url);
  describe.runIf(existsSync(official))('FITKO’s metadata schema 2.1.0 (../shared/data/fitconnect)', () => {
    test('takes whatever passes here', () => {
      const ajv = new Ajv2020({ strict: false });
      addFormats.default(ajv);
      const validate = ajv.compile(JSON.parse(readFileSync(official, 'utf8')) as object);
      fc.assert(
        fc.property(
          fc.option(fc.oneof(fc.emailAddress(), fc.string()), { nil: undefined }),
          fc.string(),
          fc.webUrl(),
          (email, name, schemaUri) => {
            const metadata = metadataOf({ name, schemaUri, ...(email === undefined ? {} : { email }) });
            assertMetadata(metadata);
            const taken = validate(metadata);
            expect({ taken, errors: validate.errors }).toEqual({ taken: true, errors: null });
          },
        ),
      );
    });
  });
});

describe('data that do not fit the city’s schema', () => {
  const schema = {
    type: 'object',
    required: ['kennzeichen'],
    properties: { kennzeichen: { type: 'string', pattern: '^D-' }, person: { type: 'object', required: ['telefon'] } },
  };
  const fields = { '/kennzeichen': '/formData/plateNumber', '/person': '/applicant', '/person/telefon': '/applicant/phone' };

  test('are told under the names of the form', async () => {
    const check = createDataCheck({ schema, data: fields });
    check({ kennzeichen: 'D-AB 1', person: { telefon: '1' } });
    const error = await failure(() => check({ kennzeichen: 'K-AB 1', person: {} }));
    expect(error).toMatchObject({ kind: 'rejected', effect: 'none' });
    expect(error.fields).toEqual({
      '/formData/plateNumber': 'Diese Angabe entspricht nicht dem, was die Behörde erwartet.',
      '/applicant/phone': 'Diese Angabe fehlt.',
    });
    expect(
      Object.keys((await failure(() => createDataCheck({ schema, data: undefined })({ person: { telefon: 1 } }))).fields ?? {}),
    ).toEqual(['/kennzeichen']);
  });

  test('a schema that is none is a matter of the config', async () => {
    expect(await failure(() => createDataCheck({ schema: { type: 'nonsense' }, data: undefined })({}))).toMatchObject({
      kind: 'misconfigured',
    });
  });
});

describe('problems of a rejection', () => {
  test('are told in words of ours, never in the city’s', () => {
    const known = { type: problemType('hash-mismatch'), title: 'Jürgen', detail: 'Groß' };
    expect([problemName(known), problemText(known)]).toEqual([
      'hash-mismatch',
      { de: 'Eine Prüfsumme stimmt nicht.', en: 'A checksum does not match.' },
    ]);
    for (const type of ['https://stadt.example/p', problemType('toString'), problemType('new'), ''])
      expect(problemName({ type })).toBe('other');
  });
});

describe('the config', () => {
  const valid = {
    tokenUrl: 'https://a.example/token',
    submissionUrl: 'https://b.example',
    clientId: 'c',
    clientSecret: 'secret-of-client',
    destination: randomUUID(),
  };
  const routing = { baseUrl: 'https://r.example/v1', keysUrl: 'https://p.example/jwks.json' };

  test.each([
    ['a destination and routing', { ...valid, routing }, 'either destination or routing'],
    ['neither', { ...valid, destination: undefined }, 'either destination or routing'],
    ['a typo', { ...valid, destinaton: 'x' }, 'destinaton'],
    ['a pointer that is none', { ...valid, data: { name: '/applicant/name' } }, 'JSON pointer'],
  ])('refuses %s and says so', (_, config, words) => {
    const result = fitConnectConfig.safeParse(config);
    expect(JSON.stringify(result.error?.issues)).toContain(words);
  });

  test('marks secrets and endpoints', () => {
    const text = JSON.stringify(fitConnectConfig['~standard'].jsonSchema.input({ target: 'draft-2020-12' }));
    expect(text.match(/"x-hub":"secret"/g)).toHaveLength(2);
    expect(text.match(/"x-hub":"endpoint"/g)).toHaveLength(4);
  });
});

test('keys of 2048 bits verify nothing either', async () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'weak', alg: 'PS512' } as JWK;
  expect((await failure(() => importVerificationKey(jwk))).message).toContain('4096');
});
