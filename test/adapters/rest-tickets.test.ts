import { createHash, randomUUID } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { AdapterDefinition, Attachment, CaseChange, Json } from '#contract';
import { rest } from '../../adapters/rest/index.ts';
import { CityCallError, type Cities } from '../../src/cities/cities.ts';
import { connectCity, submission, writeWith } from './connect.ts';
import { startTickets, ticketsConfig, usualBehaviour } from './tickets.ts';

const definition = rest as AdapterDefinition;
const secret = 'geheim/es:Wort';
let system: Awaited<ReturnType<typeof startTickets>>;
beforeAll(async () => {
  system = await startTickets();
});
afterEach(() => {
  Object.assign(system.behaviour, usualBehaviour);
});

const connect = (over: Record<string, Json> = {}, now?: () => Date) =>
  connectCity(definition, ticketsConfig(system.url, over), { endpoint: system.url, secret, ...(now ? { now } : {}) });

const submit = (cities: Cities, application = submission(), write = writeWith()) =>
  cities.write('stadt', 'cases', (adapter, call) => adapter.cases!.submit(application, call), write);

const pull = (cities: Cities, from: string | null) =>
  cities.read(
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

const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => expect.unreachable('the call should fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CityCallError);
  return (error as CityCallError).failure;
};

const attachment = (name: string, content: string, mediaType = 'application/pdf'): Attachment => ({
  id: randomUUID(),
  name,
  mediaType,
  bytes: Buffer.byteLength(content),
  sha256: createHash('sha256').update(content).digest('hex'),
  open: () => new Blob([content]).stream(),
});

describe('an unknown ticket system, connected by config alone', () => {
  test('takes an application, is found by its key and read with an id no number holds', async () => {
    const { cities } = connect();
    const key = randomUUID();
    const { ref, replayed } = await submit(cities, submission(), writeWith(key));
    expect(replayed).toBe(false);
    const made = system.tickets.find((one) => one.reference === key);
    expect(made).toMatchObject({ id: ref.id, title: 'Bewohnerparkausweis – Jürgen Groß-Öztürk' });
    expect(made?.body).toMatchObject({ data: { type: 'tickets', attributes: { priority: 2, form: submission().formData as object } } });
    expect(await submit(cities, submission(), writeWith(key))).toEqual({ ref, taken: 'now', replayed: true });
    expect(await cities.loadCases('stadt', 'cases', [ref, { id: '1' }], { traceparent: '' })).toEqual([
      { ref, nativeStatus: 'offen', version: '2026-11-20 11:00:00 offen', updatedAt: new Date('2026-11-20T10:00:00Z') },
      null,
    ]);
    expect(system.asked.at(-1)?.headers).toMatchObject({ 'accept-language': 'de', accept: 'application/vnd.api+json' });
    expect((await cities.check('stadt', 'cases')).ok).toBe(true);
  });

  test('makes one case of a key where its search shows a new one late', async () => {
    const { idempotency } = ticketsConfig('') as { idempotency: { [name: string]: Json } };
    system.behaviour.searchLagMs = 150;
    const twice = async (over: Record<string, Json>) => {
      const { cities } = connect(over);
      const key = randomUUID();
      await submit(cities, submission(), writeWith(key));
      await submit(cities, submission(), writeWith(key));
      return system.tickets.filter(({ reference }) => reference === key).length;
    };
    expect(await twice({})).toBe(2);
    expect(await twice({ idempotency: { ...idempotency, lagMs: 300 } })).toBe(1);
  });

  test('may say with 200 that a case is not there', async () => {
    system.behaviour.politelyMissing = true;
    const { errors } = ticketsConfig('') as { errors: { [name: string]: Json } };
    const load = (over: Record<string, Json>) => connect(over).cities.loadCases('stadt', 'cases', [{ id: '1' }], { traceparent: '' });
    expect(await load({})).toEqual([expect.objectContaining({ kind: 'rejected' })]);
    expect(await load({ errors: { ...errors, kinds: { NO_SUCH_TICKET: 'missing' } } })).toEqual([null]);
  });

  test('may refuse to withdraw twice', async () => {
    const withdraw = { path: '/tickets/{id}/cancel' };
    const twice = async (over: Record<string, Json>) => {
      const { cities } = connect(over);
      const { ref } = await submit(cities);
      const once = () => cities.write('stadt', 'cases', (adapter, call) => adapter.cases!.withdraw!(ref, 'Umzug', call), writeWith());
      await once();
      return once();
    };
    expect(await failureOf(twice({ withdraw }))).toMatchObject({ kind: 'rejected', effect: 'none' });
    await twice({ withdraw: { ...withdraw, done: ['storniert'] } });
  });

  test('tells of changes page by page, even if one moment fills several pages', async () => {
    const { cities } = connect();
    for (let made = 0; made < 8; made++) await submit(cities);
    const first = await pull(cities, null);
    expect(new Set(first.changes.map(({ ref }) => ref.id))).toEqual(new Set(system.tickets.map(({ id }) => id)));
    const one = system.tickets[2]!;
    Object.assign(one, { state: 'erledigt', changed: '2026-11-20 12:30:00' });
    const { changes } = await pull(cities, first.next);
    expect(changes.find(({ ref }) => ref.id === one.id)).toMatchObject({
      nativeStatus: 'erledigt',
      updatedAt: new Date('2026-11-20T11:30:00Z'),
    });
  });

  test('never leads the credentials to another host', async () => {
    const { cities } = connect();
    system.behaviour.nextHost = 'http://127.0.0.1:9';
    expect(await failureOf(pull(cities, null))).toMatchObject({ kind: 'misconfigured', effect: 'none' });
  });
});

test('a batch that is refused for one of its ids does not take the others with it', async () => {
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    const ids = new URL(request.url ?? '/', 'http://h').searchParams.get('ids')?.split(',') ?? [];
    const body = ids.includes('bad') ? { error: 'no such id' } : ids.map((id) => ({ id, s: 'neu', t: '2026-11-20T10:00:00Z' }));
    response.writeHead(ids.includes('bad') ? 400 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const { cities } = connectCity(
    definition,
    {
      baseUrl: url,
      auth: 'none',
      idempotency: 'none',
      submit: { path: '/a', body: {} },
      case: { id: '/id', status: '/s', updatedAt: '/t' },
      load: { path: '/a?ids={ids}' },
      health: { path: '/h' },
    },
    { endpoint: url, secret },
  );
  const loaded = await cities.loadCases(
    'stadt',
    'cases',
    ['1', 'bad', '2', '3'].map((id) => ({ id })),
    { traceparent: '' },
  );
  expect(loaded.map((one) => (one === null || one instanceof Error ? one : one.ref.id))).toEqual(['1', null, '2', '3']);
  server.close();
});

describe('a token', () => {
  test('is asked for once by many calls, and again shortly before it ends', async () => {
    let at = Date.parse('2026-11-20T10:00:00Z');
    const { cities } = connect({}, () => new Date(at));
    const before = system.tokenRequests();
    const load = () => cities.loadCases('stadt', 'cases', [{ id: '1' }], { traceparent: '' });
    await Promise.all(Array.from({ length: 12 }, load));
    expect(system.tokenRequests() - before).toBe(1);
    at += 3_530_000;
    await load();
    expect(system.tokenRequests() - before).toBe(1);
    at += 20_000;
    await load();
    expect(system.tokenRequests() - before).toBe(2);
  });

  test('that the back office no longer accepts is replaced once; then the config is wrong', async () => {
    const { cities } = connect();
    await submit(cities);
    system.expireTokens();
    const before = [system.tokenRequests(), system.tickets.length];
    await submit(cities);
    expect([system.tokenRequests(), system.tickets.length]).toEqual([before[0]! + 1, before[1]! + 1]);
  });

  test.each([
    [401, { kind: 'misconfigured', effect: 'none' }],
    [400, { kind: 'misconfigured', effect: 'none' }],
    [429, { kind: 'retryable', effect: 'none' }],
    [503, { kind: 'unavailable', effect: 'none' }],
  ])('refused with %i leaves nothing behind', async (status, failure) => {
    const { cities, logged } = connect();
    system.behaviour.tokenStatus = status;
    expect(await failureOf(submit(cities))).toMatchObject(failure);
    expect(logged()).not.toContain(secret);
  });

  test('may be asked for with the secret in the form', async () => {
    const { cities } = connect({
      auth: { scheme: 'oauth2', tokenUrl: `${system.url}/oauth/token`, clientId: 'städte', secret, clientAuth: 'post', scope: 'a b' },
    });
    expect((await cities.check('stadt', 'cases')).ok).toBe(true);
    expect(
      system.asked.find(({ path, body }) => path === '/oauth/token' && body.includes('scope=a+b'))?.headers.authorization,
    ).toBeUndefined();
  });
});

describe('an answer with 200 that says it failed', () => {
  test('is a refusal with the field to correct', async () => {
    const { cities } = connect();
    system.behaviour.submitAnswer = {
      errors: [{ code: 'INVALID', detail: 'Kennzeichen fehlt', source: { pointer: '/data/attributes/form/plateNumber' } }],
    };
    expect(await failureOf(submit(cities))).toEqual({
      kind: 'rejected',
      effect: 'none',
      fields: { '/formData/plateNumber': 'Kennzeichen fehlt' },
    });
  });

  test('means what its code means; an empty list of errors is none', async () => {
    const { cities } = connect();
    system.behaviour.submitAnswer = { errors: [{ code: 'BUSY' }] };
    expect(await failureOf(submit(cities))).toMatchObject({ kind: 'retryable', effect: 'none' });
    system.behaviour.submitAnswer = { errors: [] };
    expect(await failureOf(submit(cities)), 'a success that names no case').toMatchObject({ kind: 'malformed', effect: 'unknown' });
  });
});

describe('a submission that was answered may have landed', () => {
  const { errors, submit: sent } = ticketsConfig('') as Record<string, Record<string, Json>>;
  const failing = { $: '$number($.errors)' };

  test.each<[string, Record<string, Json>, string]>([
    ['errors.when cannot be evaluated', { errors: { ...errors, when: failing } }, 'malformed'],
    ['errors.code cannot be evaluated', { errors: { ...errors, code: failing } }, 'malformed'],
    ['submit.id cannot be evaluated', { errors: {}, submit: { ...sent, id: failing } }, 'malformed'],
    ['submit.number cannot be evaluated', { errors: {}, submit: { ...sent, id: '/errors/0/code', number: failing } }, 'malformed'],
    ['its code says that it broke', { errors: { ...errors, kinds: { LATE: 'unavailable' } } }, 'unavailable'],
  ])('where %s', async (_, over, kind) => {
    system.behaviour.submitAnswer = { errors: [{ code: 'LATE' }] };
    const own = { ...over, case: { ...(ticketsConfig('') as { case: object }).case, in: '' } };
    expect(await failureOf(submit(connect(own).cities))).toMatchObject({ kind, effect: 'unknown' });
  });
});

describe('attachments', () => {
  const documents = [attachment('../../Führer"schein.pdf', '%PDF ä'), attachment('foto.jpg', 'jpeg', 'image/jpeg')];
  const made = (key: string) => system.tickets.filter((one) => one.reference === key);

  test('follow one by one; what did not arrive is told, and sent alone the next time', async () => {
    const { cities } = connect();
    const write = writeWith();
    system.behaviour.refusedFiles = ['foto.jpg'];
    const receipt = await submit(cities, submission({ attachments: documents }), write);
    expect(receipt.undone).toEqual([documents[1]!.id]);
    system.behaviour.refusedFiles = [];
    const again = await submit(cities, submission({ attachments: documents }), write);
    expect(again).toEqual({ ref: receipt.ref, taken: 'now', replayed: true });
    expect(made(write.key)).toHaveLength(1);
    expect(made(write.key)[0]?.files.map(({ name, type }) => [name, type])).toEqual([
      ['Führer%22schein.pdf', 'application/pdf'],
      ['foto.jpg', 'image/jpeg'],
    ]);
  });

  test('with none of these keys known to it, a second attempt makes no second case', async () => {
    const { cities } = connect({ idempotency: 'none' });
    const write = writeWith();
    system.behaviour.refusedFiles = ['foto.jpg'];
    await submit(cities, submission({ attachments: documents }), write);
    expect(await submit(cities, submission({ attachments: documents }), write)).toMatchObject({ replayed: true });
    expect(made(write.key)).toHaveLength(1);
  });

  test('go inline, or in one form with the application', async () => {
    const inline = connect({
      attachments: { inline: '/data/attributes/files', item: { '/n': '/name', '/c': '/base64' } },
    });
    const first = writeWith();
    await submit(inline.cities, submission({ attachments: documents }), first);
    expect(made(first.key)[0]?.body).toMatchObject({
      data: {
        attributes: {
          reference: first.key,
          files: [{ n: 'Führer"schein.pdf', c: Buffer.from('%PDF ä').toString('base64') }, { n: 'foto.jpg' }],
        },
      },
    });
    const multipart = connect({ attachments: { multipart: { body: 'ticket', file: 'file' } } });
    system.behaviour.submitAnswer = {};
    await failureOf(submit(multipart.cities, submission({ attachments: documents })));
    const sent = system.asked.at(-1)!;
    const form = await new Response(sent.body, { headers: { 'content-type': String(sent.headers['content-type']) } }).formData();
    expect(JSON.parse(form.get('ticket') as string)).toMatchObject({ data: { type: 'tickets' } });
    expect(form.getAll('file').map((file) => (file as File).name)).toEqual(['Führer"schein.pdf', 'foto.jpg']);
  });

  test.each([
    ['that are too large', { ...documents[0]!, bytes: 1001 }, 'rejected'],
    ['whose content is another', { ...documents[0]!, sha256: '0'.repeat(64) }, 'malformed'],
    ['that are shorter than they say', { ...documents[0]!, bytes: 999 }, 'malformed'],
  ])('%s are not sent', async (_, one, kind) => {
    const { cities } = connect({ attachments: { inline: '/data/files', item: { '/c': '/base64' }, maxBytes: 1000 } });
    expect(await failureOf(submit(cities, submission({ attachments: [one] })))).toMatchObject({ kind, effect: 'none' });
  });
});

describe('what is wrong with a config is said where it stands', () => {
  const complaints = (over: Record<string, Json>): string => {
    const result = definition.config['~standard'].validate(ticketsConfig('http://127.0.0.1:9', over));
    if (result instanceof Promise) throw new Error('the schema answers at once');
    return (result.issues ?? []).map(({ path, message }) => `${path?.map(String).join('.')}: ${message}`).join('\n');
  };
  const fields = { in: '/data', id: '/id', updatedAt: '/t' };

  test.each<[string, Record<string, Json>, string]>([
    [
      'an expression that does not parse',
      { case: { ...fields, status: { $: 'a.(\nb' } } },
      'case.status: a JSONata expression; this one does not parse',
    ],
    ['its line', { case: { ...fields, status: { $: 'a.(\nb' } } }, 'line 2'],
    ['an expression with another result each time', { case: { ...fields, status: { $: '$now()' } } }, 'without $now'],
    [
      'a regular expression that looks ahead',
      { case: { ...fields, status: { $: '$match(s, /(?=a)b/)' } } },
      'a simpler regular expression',
    ],
    ['a secret in a path', { health: { path: '/me?api_key=abc' } }, 'a path without a secret'],
    ['a secret in a header', { headers: { 'X-Api-Key': 'abc' } }, 'secretHeaders'],
    ['a time zone that is none', { times: { zone: 'Europe/Klingon' } }, 'times.zone: a time zone such as Europe/Berlin'],
    ['local times of no zone', { times: { since: 'local' } }, 'needs times.zone'],
    ['inline attachments without their content', { attachments: { inline: '/f', item: { '/n': '/name' } } }, 'map one to /base64'],
    ['kinds of errors without a code', { errors: { kinds: { A: 'retryable' } } }, 'errors.code'],
  ])('%s', (_, over, words) => expect(complaints(over)).toContain(words));

  test('and this one is right', () => expect(complaints({})).toBe(''));
});
