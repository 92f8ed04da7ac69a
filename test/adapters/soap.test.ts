import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import type { Attachment, CaseChange, Json } from '#contract';
import { soap } from '../../adapters/soap/index.ts';
import { soapSimulated, startSoapSimulator, type SoapSimulatorOptions } from '../../adapters/soap/simulator.ts';
import type { Simulator } from '../../adapters/simulation/server.ts';
import { CityCallError, type Cities } from '../../src/cities/cities.ts';
import { connectCity, submission, writeWith } from './connect.ts';

type Config = Record<string, Json> & { operations: Record<string, Record<string, Json>> };

/** The config of the file that shows how it is done, for a service at this address. */
const configOf = (url: string, over: Record<string, Json> = {}): Config => {
  const file = parseYaml(readFileSync('adapters/soap/conformance/city.yaml', 'utf8')) as { adapters: { cases: { config: Config } } };
  const auth = { scheme: 'usernameToken', password: 'digest', user: soapSimulated.user, secret: soapSimulated.secret };
  return { ...file.adapters.cases.config, url, auth, ...over };
};

const connect = (url: string, over: Record<string, Json> = {}) =>
  connectCity(soap, configOf(url, over), { endpoint: url, secret: soapSimulated.secret }).cities;

const submit = (cities: Cities, key: string, application = submission()) =>
  cities.write('stadt', 'cases', (adapter, call) => adapter.cases!.submit(application, call), writeWith(key));

const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => expect.unreachable('the call should fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CityCallError);
  return { ...(error as CityCallError).failure, message: (error as CityCallError).message };
};

const pullAll = (cities: Cities, from: string | null) =>
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

const hintsOf = async (cities: Cities): Promise<string> => {
  const health = await cities.check('stadt', 'cases');
  return health.probes.flatMap(({ hint }) => hint ?? []).join('\n');
};

const basicAuth = { scheme: 'basic', user: soapSimulated.user, secret: soapSimulated.secret };
const textAuth = { scheme: 'usernameToken', password: 'text', user: soapSimulated.user, secret: soapSimulated.secret };

describe.each<[string, SoapSimulatorOptions, Record<string, Json>]>([
  ['SOAP 1.1, qualified, digest', {}, {}],
  [
    'SOAP 1.2, unqualified, Basic',
    { version: '1.2', elements: 'unqualified', auth: 'basic' },
    { version: '1.2', elements: 'unqualified', auth: basicAuth },
  ],
  ['SOAP 1.1, unqualified, password as text', { elements: 'unqualified', auth: 'text' }, { elements: 'unqualified', auth: textAuth }],
])('a service that speaks %s', (_, options, over) => {
  let simulator: Simulator;
  let cities: Cities;
  beforeAll(async () => {
    simulator = await startSoapSimulator(options);
    cities = connect(simulator.url, over);
  });
  afterAll(() => simulator.close());

  test('is checked against its WSDL and found right', async () => {
    const health = await cities.check('stadt', 'cases');
    expect(health.probes.map(({ name, ok, hint }) => [name, ok, hint])).toEqual([
      ['WSDL', true, undefined],
      ['credentials and look-up by key', true, undefined],
    ]);
    expect(simulator.cases.list(), 'a check writes nothing').toHaveLength(0);
  });

  test('takes an application once, with all that was submitted', async () => {
    const key = randomUUID();
    const application = submission({
      formData: {
        kennzeichen: 'D-ÄÖ <1> & "2"\u0000',
        adresse: { note: ']]></wert>\r\n' },
        elektrisch: true,
        leer: null,
        orte: ['a', 'b'],
      },
    });
    const receipt = await submit(cities, key, application);
    expect(receipt).toMatchObject({ taken: 'now', replayed: false, ref: { id: '1', publicNumber: 'AZ 1/2026' } });
    expect(simulator.cases.list()[0]?.content).toEqual({
      referenz: key,
      leistung: '99108001001000',
      bezeichnung: 'Bewohnerparkausweis (online)',
      antragsteller: { name: 'Jürgen Groß-Öztürk', email: 'juergen@example.org' },
      angaben: {
        feld: [
          { name: 'kennzeichen', wert: 'D-ÄÖ <1> & "2"\uFFFD' },
          { name: 'adresse.note', wert: ']]></wert>' },
          { name: 'elektrisch', wert: 'true' },
          { name: 'leer' },
          { name: 'orte', wert: '["a","b"]' },
        ],
      },
    });
    expect(await submit(cities, key, application)).toEqual({ ...receipt, replayed: true });
    expect(simulator.cases.list()).toHaveLength(1);
  });

  test('makes one case of one key after a lost reply', async () => {
    const key = randomUUID();
    simulator.setFaults({ dropReplies: 1 });
    // The look-up is a POST too, so its reply is lost first; that is no write.
    expect(await failureOf(submit(cities, key))).toMatchObject({ kind: 'unavailable' });
    simulator.setFaults({ dropReplies: 0 });
    await submit(cities, key);
    await submit(cities, key);
    expect(simulator.cases.list().filter((one) => one.key === key)).toHaveLength(1);
  });

  test('names the fields to correct under the form’s own names', async () => {
    const applicant = { name: '   ' };
    expect(await failureOf(submit(cities, randomUUID(), submission({ applicant })))).toMatchObject({
      kind: 'rejected',
      effect: 'none',
      fields: { '/applicant/name': 'Bitte geben Sie einen Namen an.' },
    });
  });

  test('loads cases in order, null if there is none', async () => {
    const { ref } = await submit(cities, randomUUID());
    expect(await cities.loadCases('stadt', 'cases', [{ id: '9999' }, ref], { traceparent: '' })).toEqual([
      null,
      expect.objectContaining({ ref, nativeStatus: 'eingegangen' }),
    ]);
  });

  test('tells of every change, from a cursor too and over many pages', async () => {
    for (let made = 0; made < 230; made++) simulator.cases.create(`bulk-${randomUUID()}`, 'eingegangen', {});
    const first = await pullAll(cities, null);
    expect(new Set(first.changes.map(({ ref }) => ref.id)).size).toBe(simulator.cases.list().length);
    simulator.cases.setStatus(3, 'bewilligt');
    const second = await pullAll(cities, first.next);
    expect(second.changes.filter(({ ref, nativeStatus }) => ref.id === '3' && nativeStatus === 'bewilligt')).toHaveLength(1);
  });

  test('withdraws, twice as once, and says what is not there', async () => {
    const { ref } = await submit(cities, randomUUID());
    const withdraw = (id: string) =>
      cities.write('stadt', 'cases', (adapter, call) => adapter.cases!.withdraw!({ id }, 'Umzug', call), writeWith());
    await withdraw(ref.id);
    await withdraw(ref.id);
    expect(simulator.cases.find(Number(ref.id))?.status).toBe('zurückgezogen');
    expect(await failureOf(withdraw('9999'))).toMatchObject({ kind: 'rejected', effect: 'none' });
  });

  test('fails as unknown where the answer to a write is cut, and as misconfigured before a login page', async () => {
    const native = connect(simulator.url, { ...over, idempotency: 'native' });
    simulator.setFaults({ cutBodies: true });
    expect(await failureOf(submit(native, randomUUID()))).toMatchObject({ kind: 'malformed', effect: 'unknown' });
    simulator.setFaults({ cutBodies: false, loginPage: true });
    expect(await failureOf(submit(native, randomUUID()))).toMatchObject({ kind: 'misconfigured', effect: 'unknown' });
    simulator.setFaults({ loginPage: false, unavailable: 1 });
    expect(await failureOf(submit(native, randomUUID()))).toMatchObject({ kind: 'retryable', effect: 'none' });
    simulator.setFaults({ unavailable: 0 });
  });
});

test('a change that becomes visible after a page of later ones was read is still told', async () => {
  let now = Date.parse('2026-11-20T10:00:00Z');
  const simulator = await startSoapSimulator({ now: () => new Date((now += 20)) });
  for (let made = 0; made < 25; made++) simulator.cases.create(`key-${made}`, 'eingegangen', {});
  const { operations } = configOf(simulator.url);
  const cities = connect(simulator.url, { operations: { ...operations, changes: { ...operations['changes'], limit: 20 } } });
  const { next } = await pullAll(cities, null);
  now -= 5_000;
  simulator.cases.create('late', 'eingegangen', {});
  expect((await pullAll(cities, next)).changes.map(({ ref }) => ref.id)).toContain('26');
  await simulator.close();
});

describe('credentials', () => {
  let simulator: Simulator;
  beforeAll(async () => void (simulator = await startSoapSimulator()));
  afterAll(() => simulator.close());
  const wrong = { ...textAuth, password: 'digest', secret: 'not-the-secret' };

  test('that are wrong are a fault of Server with 500, and known by the city’s words', async () => {
    expect(await failureOf(submit(connect(simulator.url, { auth: wrong }), randomUUID()))).toMatchObject({
      kind: 'misconfigured',
      effect: 'none',
    });
  });

  test('are not guessed where the city’s file has no words for them', async () => {
    const cities = connect(simulator.url, { auth: wrong, faults: {}, idempotency: 'native' });
    expect(await failureOf(submit(cities, randomUUID()))).toMatchObject({ kind: 'unavailable', effect: 'unknown' });
  });
});

test('attachments travel inside the envelope; one that changed on the way is not sent', async () => {
  const simulator = await startSoapSimulator();
  const cities = connect(simulator.url);
  const content = Buffer.from('%PDF-1.7 …');
  const attachment: Attachment = {
    id: randomUUID(),
    name: 'Führerschein.pdf',
    mediaType: 'application/pdf',
    bytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    open: () => new Blob([content]).stream(),
  };
  await submit(cities, randomUUID(), submission({ attachments: [attachment] }));
  expect((simulator.cases.list()[0]!.content as Record<string, Json>)['anlage']).toEqual({
    '@medientyp': 'application/pdf',
    dateiname: 'Führerschein.pdf',
    inhalt: content.toString('base64'),
  });
  const changed = { ...attachment, sha256: '0'.repeat(64) };
  expect(await failureOf(submit(cities, randomUUID(), submission({ attachments: [changed] })))).toMatchObject({
    kind: 'retryable',
    effect: 'none',
  });
  expect(simulator.cases.list()).toHaveLength(1);
  await simulator.close();
});

describe('check names what the file says otherwise than the WSDL', () => {
  let simulator: Simulator;
  beforeAll(async () => void (simulator = await startSoapSimulator()));
  afterAll(() => simulator.close());
  const changed = (change: (config: Config) => void): Cities => {
    const config = structuredClone(configOf(simulator.url));
    change(config);
    return connectCity(soap, config, { endpoint: simulator.url, secret: soapSimulated.secret }).cities;
  };

  test.each<[string, (config: Config) => void, string]>([
    [
      'an operation',
      ({ operations }) => void (operations['submit']!['element'] = 'vorgangAnlegn'),
      'operations.submit.element: the WSDL has no operation that takes vorgangAnlegn; it has vorgangAnlegen, vorgaengeLesen',
    ],
    [
      'the namespace',
      (config) => void (config['namespace'] = 'urn:example:vorgang:v2'),
      'namespace: the WSDL has vorgangAnlegen in urn:example:vorgang:v1',
    ],
    [
      'SOAPAction',
      ({ operations }) => void (operations['load']!['action'] = 'urn:other'),
      'operations.load.action: the WSDL has "urn:example:vorgang:v1/vorgaengeLesen"',
    ],
    ['the version', (config) => void (config['version'] = '1.2'), 'version: the WSDL binds vorgangAnlegen to SOAP 1.1'],
    [
      'elementFormDefault',
      (config) => void (config['elements'] = 'unqualified'),
      'elements: the schema of urn:example:vorgang:v1 says qualified',
    ],
    [
      'the answer',
      ({ operations }) => void (operations['load']!['answer'] = 'antwort'),
      'operations.load.answer: the WSDL has vorgaengeLesenAntwort',
    ],
    [
      'an element',
      ({ operations }) =>
        void (operations['submit']!['fields'] = {
          ...(operations['submit']!['fields'] as object),
          '/antragsteller/mail': '/applicant/email',
        }),
      'operations.submit.fields: the schema has no /antragsteller/mail; below /antragsteller it has name, email',
    ],
    [
      'a required element',
      ({ operations }) =>
        void (operations['submit']!['fields'] = {
          '/referenz': '/key',
          '/antragsteller/name': '/applicant/name',
          '/anlage': { each: '/attachments', fields: { '/dateiname': '/name', '/inhalt': '/content' } },
        }),
      'operations.submit.fields: the schema asks for /leistung as well',
    ],
    [
      'the order',
      ({ operations }) => void (operations['withdraw']!['fields'] = { '/grund': '/reason', '/vorgangsnummer': '/id' }),
      'operations.withdraw.fields: the schema has the elements below it in the order vorgangsnummer, grund',
    ],
    [
      'where a case has its parts',
      (config) => void (config['case'] = { ...(config['case'] as object), status: '/zustand' }),
      'case.status: vorgaengeLesenAntwort has no /vorgang/zustand; there it has vorgangsnummer',
    ],
  ])('%s', async (_, change, words) => {
    expect(await hintsOf(changed(change))).toContain(words);
  });

  test('and says where there is none', async () => {
    expect(await hintsOf(changed((config) => void (config['wsdl'] = '/nowhere')))).toMatch(/there is no WSDL under \/nowhere/);
  });
});

describe('answers of a service that means harm or is another', () => {
  let body = '';
  let status = 200;
  let asked = '';
  const server = createServer((request, response) => {
    asked = '';
    request.on('data', (part: Buffer) => (asked += part.toString()));
    request.on('end', () => response.writeHead(status, { 'content-type': 'text/xml' }).end(body));
  });
  let cities: Cities;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cities = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { idempotency: 'native' });
  });
  afterAll(() => void server.close());
  const envelope = (content: string, namespace = 'http://schemas.xmlsoap.org/soap/envelope/') =>
    `<e:Envelope xmlns:e="${namespace}"><e:Body>${content}</e:Body></e:Envelope>`;
  const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';

  test.each([
    [
      'an external entity',
      `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>${envelope('<a>&x;</a>')}`,
      200,
      { kind: 'malformed', effect: 'unknown' },
    ],
    [
      'entities that multiply',
      `<!DOCTYPE a [<!ENTITY x "${'y'.repeat(99)}"><!ENTITY z "&x;&x;">]>${envelope('&z;')}`,
      200,
      { kind: 'malformed', effect: 'unknown' },
    ],
    ['an undeclared entity', envelope('<a>&x;</a>'), 200, { kind: 'malformed', effect: 'unknown' }],
    ['depth without end', '<a>'.repeat(100_000), 200, { kind: 'malformed', effect: 'unknown' }],
    ['other XML', '<rss/>', 200, { kind: 'misconfigured', effect: 'unknown' }],
    [
      'another version of SOAP',
      envelope('<a/>', 'http://www.w3.org/2003/05/soap-envelope'),
      200,
      { kind: 'misconfigured', effect: 'unknown' },
    ],
    ['an element of another namespace', envelope('<vorgangAnlegenAntwort xmlns="urn:x"/>'), 200, { kind: 'malformed', effect: 'unknown' }],
    ['an empty body', envelope(''), 200, { kind: 'malformed', effect: 'unknown' }],
    ['no case', envelope('<a xmlns="urn:example:vorgang:v1"/>'), 200, { kind: 'malformed', effect: 'unknown' }],
    [
      'a fault of WS-Security',
      envelope(`<e:Fault xmlns:w="${wsse}"><faultcode>w:FailedAuthentication</faultcode></e:Fault>`),
      500,
      { kind: 'misconfigured', effect: 'none' },
    ],
    [
      'a fault of Server',
      envelope('<e:Fault><faultcode>e:Server.Database</faultcode></e:Fault>'),
      500,
      { kind: 'unavailable', effect: 'unknown' },
    ],
    [
      'a fault of Client',
      envelope('<e:Fault><faultcode>e:Client</faultcode><faultstring>Herr Groß fehlt</faultstring></e:Fault>'),
      500,
      { kind: 'rejected', effect: 'none' },
    ],
    [
      'a fault with 200',
      envelope('<e:Fault><faultcode>e:VersionMismatch</faultcode></e:Fault>'),
      200,
      { kind: 'misconfigured', effect: 'none' },
    ],
    ['a proxy’s own 502', '<html/>', 502, { kind: 'unavailable', effect: 'unknown' }],
    ['a refusal of rights', '', 403, { kind: 'misconfigured', effect: 'none' }],
  ])('%s', async (_, answer, code, expected) => {
    [body, status] = [answer, code];
    const failure = await failureOf(submit(cities, randomUUID()));
    expect(failure).toMatchObject(expected);
    expect(failure.message, 'what a service says may hold personal data').not.toMatch(/Groß|passwd/);
  });

  test('in the hour that comes twice, a change of its second pass is later than one of its first', async () => {
    let now = new Date('2026-10-25T00:46:00Z');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const own = connectCity(soap, configOf(url), { endpoint: url, secret: soapSimulated.secret, now: () => now }).cities;
    const tell = (state: string, text: string) => {
      const parts = `<vorgangsnummer>7</vorgangsnummer><status>${state}</status><geaendertAm>${text}</geaendertAm>`;
      [body, status] = [
        envelope(`<aenderungenLesenAntwort xmlns="urn:example:vorgang:v1"><vorgang>${parts}</vorgang></aenderungenLesenAntwort>`),
        200,
      ];
    };
    tell('eingegangen', '2026-10-25T02:45:00');
    const first = await pullAll(own, null);
    expect(first.changes).toMatchObject([{ updatedAt: new Date('2026-10-25T00:45:00Z') }]);
    // A clock that is some seconds ahead has come to what ours has not.
    now = new Date('2026-10-25T01:09:58Z');
    expect((await pullAll(own, first.next)).changes, 'the same state, the same change').toMatchObject([{ id: first.changes[0]?.id }]);
    tell('bewilligt', '2026-10-25T02:10:00');
    const second = await pullAll(own, first.next);
    expect(second.changes).toMatchObject([{ nativeStatus: 'bewilligt', updatedAt: new Date('2026-10-25T01:10:00Z') }]);
    expect(asked, 'from an hour before the last place').toContain('2026-10-24T23:44:50.000Z');
    expect(second.next).toBe(first.next);
  });
});

test.each<[string, (config: Config) => void, string]>([
  ['look-up without find', ({ operations }) => void delete operations['find'], 'idempotency by lookup needs operations.find'],
  [
    'a key that does not travel',
    ({ operations }) => void (operations['submit']!['fields'] = { '/a': '/service', '/anlage': { each: '/attachments', fields: {} } }),
    'the key must travel',
  ],
  [
    'a prefix nobody declared',
    ({ operations }) => void (operations['withdraw']!['fields'] = { '/x:id': '/id' }),
    'prefix that is not declared',
  ],
  ['attachments that go nowhere', ({ operations }) => void (operations['submit']!['fields'] = { '/a': '/key' }), 'belong together'],
  ['a time zone that is none', (config) => void (config['timeZone'] = 'Mitteleuropa'), 'a time zone such as Europe/Berlin'],
  ['a pattern that is none', (config) => void (config['faults'] = { busy: '(' }), 'a regular expression'],
  ['a pattern that looks ahead', (config) => void (config['faults'] = { busy: '(?=x)y' }), 'looks neither ahead'],
])('a config with %s is refused', async (_, change, words) => {
  const config = structuredClone(configOf('http://127.0.0.1:9'));
  change(config);
  const { issues = [] } = await soap.config['~standard'].validate(config);
  expect(issues.map(({ message }) => message).join('\n')).toContain(words);
});
