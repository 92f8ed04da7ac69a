import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect as connectSocket, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import iconv from 'iconv-lite';
import SftpClient from 'ssh2-sftp-client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Attachment, CaseChange, MalformedRecord, CaseSnapshot, Json } from '#contract';
import { filedrop } from '../../adapters/filedrop/index.ts';
import { sftpSimulated, startSftpSimulator, type SftpSimulator } from '../../adapters/filedrop/simulator.ts';
import { CityCallError, type Cities } from '../../src/cities/cities.ts';
import { describeWithService } from '../kit/services.ts';
import { connectCity, submission, writeWith, type ConnectOptions } from './connect.ts';

/** What the suite needs of a server, simulated or real. */
interface Target {
  readonly url: string;
  readonly user: string;
  readonly auth: { readonly password: string } | { readonly privateKey: string };
  readonly hostKey: string;
}

const secretOf = ({ auth }: Target) => ('password' in auth ? auth.password : auth.privateKey);

const configOf = (
  target: Target,
  base: string,
  over: Record<string, Json> = {},
  parts: Record<string, Record<string, Json>> = {},
): Json => ({
  url: target.url,
  user: target.user,
  auth: target.auth,
  hostKey: target.hostKey,
  outbox: {
    folder: `${base}/eingang`,
    format: 'csv',
    encoding: 'windows-1252',
    fields: {
      Kennung: '/key',
      Leistung: '{/serviceName} ({/service})',
      Name: '/applicant/name',
      Kennzeichen: '/formData/plateNumber',
      Bemerkung: '/formData/note',
      Anlagen: '/files',
    },
    taken: { archive: `${base}/archiv` },
    ...parts['outbox'],
  },
  attachments: {},
  withdraw: { fields: { Kennung: '/id', Grund: '/reason' } },
  status: {
    folder: `${base}/status`,
    format: 'csv',
    encoding: 'windows-1252',
    fields: { key: 'Kennung', number: 'Aktenzeichen', status: 'Stand', updatedAt: ['Datum', 'Uhrzeit'] },
    ready: { settleMs: 0 },
    done: { archive: `${base}/erledigt`, failed: `${base}/fehler` },
    ...parts['status'],
  },
  ...over,
});

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

const pullAll = (
  cities: Cities,
  from: string | null,
): Promise<{ changes: CaseChange[]; malformed: MalformedRecord[]; next: string | null }> =>
  cities.read(
    'stadt',
    'cases',
    async (adapter, call) => {
      const changes: CaseChange[] = [];
      const malformed: MalformedRecord[] = [];
      let next = from;
      for await (const page of adapter.changes!.pull(from, call)) {
        changes.push(...page.items);
        malformed.push(...(page.malformed ?? []));
        next = page.next;
      }
      return { changes, malformed, next };
    },
    { traceparent: '' },
  );

const document = (content: string): Attachment => ({
  id: randomUUID(),
  name: '../../etc/passwd',
  mediaType: 'application/pdf',
  bytes: Buffer.byteLength(content),
  sha256: createHash('sha256').update(content).digest('hex'),
  open: () => new Blob([content]).stream(),
});

const header = 'Kennung;Aktenzeichen;Stand;Datum;Uhrzeit\r\n';
const row = (key: string, status: string, time = '10:05', number = '32-7') => `${key};${number};${status};24.11.2026;${time}\r\n`;

/** One suite for both: what holds for the simulator must hold for the real one. */
function suite(getTarget: () => Target): void {
  const office = new SftpClient();
  let base = '';
  const put = (path: string, text: string) => office.put(iconv.encode(text, 'windows-1252'), `${base}/${path}`);
  const read = async (path: string) => iconv.decode((await office.get(`${base}/${path}`)) as Buffer, 'windows-1252');
  const names = async (folder: string) =>
    (await office.list(`${base}/${folder}`)).map(({ name }) => name).toSorted((a, b) => (a < b ? -1 : 1));
  const connect = (
    over: Record<string, Json> = {},
    parts: Record<string, Record<string, Json>> = {},
    options: Partial<ConnectOptions> = {},
  ) =>
    connectCity(filedrop, configOf(getTarget(), base, over, parts), {
      endpoint: getTarget().url,
      secret: secretOf(getTarget()),
      ...options,
    });

  beforeAll(async () => {
    const { url, user, auth } = getTarget();
    const { hostname, port } = new URL(url);
    await office.connect({ sock: connectSocket({ host: hostname, port: Number(port), noDelay: true }), username: user, ...auth });
  });
  beforeEach(async () => {
    base = `t-${randomUUID()}`;
    await office.mkdir(base);
    for (const folder of sftpSimulated.folders) await office.mkdir(`${base}/${folder}`);
  });
  afterAll(() => office.end());

  describe('an application', () => {
    test('is one file, named by its key, with every value where it belongs', async () => {
      const { cities } = connect();
      const key = randomUUID();
      const application = submission({ formData: { plateNumber: 'D-ÄÖ 123', note: 'zwei\r\nZeilen; "so"' } });
      expect(await submit(cities, key, application)).toEqual({ ref: { id: key }, taken: 'queued', replayed: false });
      expect(await names('eingang')).toEqual([`antrag-${key}.csv`]);
      expect(await read(`eingang/antrag-${key}.csv`)).toBe(
        `Kennung;Leistung;Name;Kennzeichen;Bemerkung;Anlagen\r\n${key};Bewohnerparkausweis (99108001001000);Jürgen Groß-Öztürk;D-ÄÖ 123;"zwei\r\nZeilen; ""so""";\r\n`,
      );
    });

    test('under the same key again overwrites nothing, before and after it was taken', async () => {
      const { cities } = connect();
      const key = randomUUID();
      await submit(cities, key);
      await put(`eingang/antrag-${key}.csv`, 'the back office has begun with it');
      expect(await submit(cities, key)).toMatchObject({ replayed: true });
      expect(await read(`eingang/antrag-${key}.csv`)).toContain('has begun');
      await office.rename(`${base}/eingang/antrag-${key}.csv`, `${base}/archiv/antrag-${key}.csv`);
      expect(await submit(cities, key)).toMatchObject({ replayed: true });
      expect(await names('eingang')).toEqual([]);
    });

    test('that was taken and deleted is known by the ledger', async () => {
      const { cities } = connect({}, { outbox: { taken: { ledger: `${base}/ledger` } } });
      const key = randomUUID();
      await submit(cities, key);
      await office.delete(`${base}/eingang/antrag-${key}.csv`);
      expect(await submit(cities, key)).toMatchObject({ replayed: true });
      expect(await names('eingang')).toEqual([]);
      // As a crash between mark and rename leaves it: not handed over yet.
      const crashed = randomUUID();
      await put(`ledger/antrag-${crashed}.csv`, '');
      await put(`eingang/antrag-${crashed}.csv.part`, 'a pa');
      expect(await submit(cities, crashed)).toMatchObject({ replayed: false });
      expect(await read(`eingang/antrag-${crashed}.csv`)).toContain('Groß');
    });

    test('whose key is a path stays in the outbox', async () => {
      const { cities } = connect();
      for (const key of ['../../../tmp/x', 'a/b', '..', 'CON', 'Ä', 'a\0b']) await submit(cities, key);
      expect((await names('eingang')).every((name) => /^antrag-_[0-9a-f]{40}\.csv$/.test(name))).toBe(true);
      expect(await names('eingang')).toHaveLength(6);
    });

    test('brings its documents before it, under names that are ours', async () => {
      const { cities } = connect();
      const key = randomUUID();
      await submit(cities, key, submission({ attachments: [document('eins'), document('zwei')] }));
      expect(await names('eingang')).toEqual([`antrag-${key}.csv`, `antrag-${key}_1.pdf`, `antrag-${key}_2.pdf`]);
      expect(await read(`eingang/antrag-${key}_2.pdf`)).toBe('zwei');
      expect(await read(`eingang/antrag-${key}.csv`)).toContain(`antrag-${key}_1.pdf antrag-${key}_2.pdf`);
    });

    test('is XML where the back office reads that, with nothing in it that is markup', async () => {
      const { cities } = connect(
        {},
        { outbox: { format: 'xml', fields: { Kennung: '/key', 'Person/Name': '/applicant/name', 'Person/Mail': '/applicant/email' } } },
      );
      const key = randomUUID();
      await submit(cities, key, submission({ applicant: { name: '</Name><x>&ş Groß\u0001' } }));
      expect(await read(`eingang/antrag-${key}.xml`)).toBe(
        `<?xml version="1.0" encoding="windows-1252"?>\n<Antrag>\n  <Kennung>${key}</Kennung>\n  <Person>\n    <Name>&lt;/Name&gt;&lt;x&gt;&amp;&#351; Groß</Name>\n    <Mail></Mail>\n  </Person>\n</Antrag>\n`,
      );
    });

    test('with letters that the encoding does not have is refused, with the field, or transliterated where the city says so', async () => {
      const application = submission({ applicant: { name: 'Ayşe Őry' } });
      const key = randomUUID();
      const failure = await failureOf(submit(connect().cities, key, application));
      expect(failure).toMatchObject({ kind: 'rejected', effect: 'none', fields: { '/applicant/name': expect.stringContaining('ş') } });
      expect(await names('eingang')).toEqual([]);
      await submit(connect({}, { outbox: { unencodable: 'transliterate' } }).cities, key, application);
      expect(await read(`eingang/antrag-${key}.csv`)).toContain('Ayse Ory');
    });

    test('that the reader could not take is refused before it is a file, with its fields', async () => {
      const { cities } = connect({}, { outbox: { required: ['Name', 'Kennzeichen'], longest: { Name: 80 } } });
      const failure = await failureOf(
        submit(cities, randomUUID(), submission({ applicant: { name: 'n'.repeat(81) }, formData: { plateNumber: ' ' } })),
      );
      expect(failure).toMatchObject({ kind: 'rejected', effect: 'none' });
      expect(Object.keys(failure.fields ?? {})).toEqual(['/applicant/name', '/formData/plateNumber']);
      expect(await names('eingang')).toEqual([]);
    });

    test('is withdrawn by a file of its own, once', async () => {
      const { cities } = connect();
      const key = randomUUID();
      await submit(cities, key);
      const withdraw = () =>
        cities.write('stadt', 'cases', (adapter, call) => adapter.cases!.withdraw!({ id: key }, 'Umzug', call), writeWith());
      await withdraw();
      await withdraw();
      expect(await names('eingang')).toEqual([`antrag-${key}.csv`, `ruecknahme-antrag-${key}.csv`]);
      expect(await read(`eingang/ruecknahme-antrag-${key}.csv`)).toBe(`Kennung;Grund\r\n${key};Umzug\r\n`);
    });
  });

  describe('status files', () => {
    test('bring statuses and case numbers, once, however often a row is repeated', async () => {
      const { cities } = connect();
      await put('status/1.csv', header + row('a', 'in Prüfung') + row('b', 'neu'));
      const first = await pullAll(cities, null);
      expect(first.changes).toMatchObject([
        { ref: { id: 'a', publicNumber: '32-7' }, nativeStatus: 'in Prüfung', updatedAt: new Date('2026-11-24T09:05:00Z') },
        { ref: { id: 'b' }, nativeStatus: 'neu' },
      ]);
      expect([await names('status'), await names('erledigt')]).toEqual([[], ['1.csv']]);
      await put('status/2.csv', header + row('a', 'in Prüfung') + row('a', 'genehmigt', '11:00'));
      const second = await pullAll(cities, first.next);
      expect(second.changes.map(({ id }) => id)[0], 'the same row is the same change').toBe(first.changes[0]?.id);
      expect(second.changes.at(-1)).toMatchObject({ nativeStatus: 'genehmigt', updatedAt: new Date('2026-11-24T10:00:00Z') });
      expect(new Set([...first.changes, ...second.changes].map(({ id }) => id)).size).toBe(3);
      expect((await pullAll(cities, second.next)).changes).toEqual([]);
    });

    test('are moved only after the hub asked for more, and read again from an earlier cursor', async () => {
      const { cities } = connect();
      await put('status/1.csv', header + row('a', 'neu'));
      await cities.read(
        'stadt',
        'cases',
        async (adapter, call) => {
          for await (const page of adapter.changes!.pull(null, call)) {
            expect(page.items).toHaveLength(1);
            break;
          }
        },
        { traceparent: '' },
      );
      expect(await names('status'), 'a hub that died here reads it again').toEqual(['1.csv']);
      const { changes } = await pullAll(cities, null);
      expect(changes).toHaveLength(1);
      expect((await pullAll(cities, null)).changes).toEqual(changes);
    });

    test('stay where the city wants them to stay', async () => {
      const { cities } = connect({}, { status: { done: 'keep' } });
      await put('status/1.csv', header + row('a', 'neu'));
      const { changes, next } = await pullAll(cities, null);
      expect((await pullAll(cities, next)).changes, 'the overlap is read again, under the same ids').toEqual(changes);
      expect(await names('status')).toEqual(['1.csv']);
    });

    test('of one name do not overwrite each other in the archive', async () => {
      const { cities } = connect();
      for (const status of ['neu', 'in Prüfung']) {
        await put('status/heute.csv', header + row('a', status));
        await pullAll(cities, null);
      }
      expect(await names('erledigt')).toHaveLength(2);
    });

    test('are not read while they are being written: settled', async () => {
      let now = new Date();
      const { cities } = connect({}, { status: { ready: { settleMs: 60_000 } } }, { now: () => now });
      const pull = async () => (await pullAll(cities, null)).changes.length;
      await put('status/1.csv', header + row('a', 'neu'));
      expect(await pull(), 'seen for the first time').toBe(0);
      now = new Date(now.getTime() + 59_000);
      await put('status/1.csv', header + row('a', 'neu') + row('b', 'neu'));
      expect(await pull(), 'it grew').toBe(0);
      now = new Date(now.getTime() + 59_000);
      expect(await pull()).toBe(0);
      now = new Date(now.getTime() + 1_000);
      expect(await pull()).toBe(2);
    });

    test('are not read while they are being written: trigger, .part', async () => {
      const { cities } = connect({}, { status: { ready: { trigger: '.ok' } } });
      await put('status/1.csv', header + row('a', 'neu'));
      await put('status/2.csv.part', header + row('b', 'neu'));
      await put('status/.3.csv', header + row('c', 'neu'));
      expect((await pullAll(cities, null)).changes).toEqual([]);
      await put('status/1.csv.ok', '');
      expect((await pullAll(cities, null)).changes).toHaveLength(1);
      expect(await names('status')).toEqual(['.3.csv', '2.csv.part']);
    });

    test.each([
      ['a header without a column', 'Kennung;Stand\r\na;neu\r\n', /^Line 1: there is no column Aktenzeichen/m],
      ['quotes that do not end', `${header}"a;32-7;neu;24.11.2026;10:05\r\n`, /^Line \d: /m],
      ['nothing', '', /^Line 1: /m],
    ])('with %s are named with their line, parked whole, and stop no other', async (_, content, reason) => {
      const { cities, logged } = connect();
      await put('status/1-kaputt.csv', content);
      await put('status/2-gut.csv', header + row('z', 'neu'));
      expect((await pullAll(cities, null)).changes.map(({ ref }) => ref.id)).toEqual(['z']);
      expect(await names('fehler')).toEqual(['1-kaputt.csv', '1-kaputt.csv.error.txt']);
      expect(await read('fehler/1-kaputt.csv.error.txt')).toMatch(reason);
      expect(await read('fehler/1-kaputt.csv')).toBe(content);
      expect(logged()).toContain('1-kaputt.csv');
      const health = await cities.check('stadt', 'cases');
      expect(health.ok).toBe(false);
      expect(health.probes.map(({ hint }) => hint).join()).toContain('1-kaputt.csv');
    });

    test.each([
      ['no status', row('b', ''), 'Stand is missing'],
      ['too few columns', 'b;neu\r\n', 'the number of columns or the quotes do not fit'],
      ['a moment that is none', row('b', 'neu', '25:61'), 'Datum and Uhrzeit: not a moment'],
      ['a NUL', row('b', 'ne\0u'), 'its status has a NUL'],
    ])('with one row that has %s lose that row alone, named by key and line', async (_, bad, reason) => {
      const { cities, logged } = connect();
      await put('status/1.csv', header + row('a', 'neu') + bad + row('c', 'neu'));
      const { changes, malformed } = await pullAll(cities, null);
      expect(changes.map(({ ref }) => ref.id)).toEqual(['a', 'c']);
      // Cells of a row that has too few may be anybody's.
      const id = bad.startsWith('b;neu\r') ? {} : { id: 'b' };
      expect(malformed).toEqual([{ ...id, reason: `1.csv, line 3: ${reason}` }]);
      expect(await names('status')).toEqual([]);
      expect(await read('erledigt/1.csv.error.txt')).toContain(`Line 3: ${reason}`);
      expect(logged()).toContain(reason);
      expect((await pullAll(cities, null)).changes.map(({ ref }) => ref.id)).toEqual(['a', 'c']);
    });

    test('that a cursor from the year 2096 hid are read again', async () => {
      const { cities } = connect({}, { status: { done: 'keep' } });
      await put('status/1.csv', header + row('a', 'neu'));
      const { changes, next } = await pullAll(cities, '4000000000 1.csv');
      expect(changes.map(({ ref }) => ref.id)).toEqual(['a']);
      expect(Number(next?.split(' ')[0])).toBeLessThanOrEqual(Date.now() / 1000);
    });

    test('of XML are read by their rows, and refused with a DOCTYPE, an entity or a missing end', async () => {
      const { cities } = connect(
        {},
        { status: { format: 'xml', encoding: 'utf-8', done: 'keep', fields: { key: '@id', status: 'Stand/Text', updatedAt: 'Am' } } },
      );
      const good =
        '<?xml version="1.0"?><v:Liste xmlns:v="urn:x"><v:Vorgang id="a"><v:Stand><v:Text>gepr&#252;ft &amp; ok</v:Text></v:Stand><v:Am>2026-11-24T09:05:00+01:00</v:Am></v:Vorgang></v:Liste>';
      await put('status/1.xml', good);
      await put(
        'status/2.xml',
        `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${good.replace('ok', '&e;').replace(/<\?.*?\?>/, '')}`,
      );
      await put('status/3.xml', good.replace('ok', '&unknown;'));
      await put('status/4.xml', good.slice(0, -10));
      const { changes } = await pullAll(cities, null);
      expect(changes).toMatchObject([{ ref: { id: 'a' }, nativeStatus: 'geprüft & ok', updatedAt: new Date('2026-11-24T08:05:00Z') }]);
      const hint = (await cities.check('stadt', 'cases')).probes.map((probe) => probe.hint ?? '').join();
      for (const name of ['2.xml', '3.xml', '4.xml']) expect(hint).toContain(name);
    });

    test('answer for a case, and before them the file that waits', async () => {
      const { cities } = connect();
      const key = randomUUID();
      await submit(cities, key);
      const load = async (id: string) =>
        (await cities.loadCases('stadt', 'cases', [{ id: 'nobody' }, { id }], { traceparent: '' })) as (CaseSnapshot | null)[];
      expect(await load(key)).toEqual([null, expect.objectContaining({ nativeStatus: 'übergeben', ref: { id: key } })]);
      await put('status/1.csv', header + row(key, 'genehmigt', '12:00') + row(key, 'neu', '09:00'));
      expect(await load(key)).toEqual([
        null,
        expect.objectContaining({ nativeStatus: 'genehmigt', ref: { id: key, publicNumber: '32-7' } }),
      ]);
      const { changes } = await pullAll(cities, null);
      expect((await load(key))[1]?.version, 'also from the archive, as the change told it').toBe(changes[0]?.version);
    });
  });

  describe('trouble', () => {
    test('a host key that is another: nothing is sent, not even the name', async () => {
      const { cities } = connect({ hostKey: `SHA256:${'A'.repeat(43)}` });
      const failure = await failureOf(submit(cities, randomUUID()));
      expect(failure).toMatchObject({ kind: 'misconfigured', effect: 'none' });
      expect(failure.message).toContain(getTarget().hostKey);
    });

    test('an account of nobody, and folders that are not there', async () => {
      expect(await failureOf(submit(connect({ user: 'root2' }).cities, 'k'))).toMatchObject({ kind: 'misconfigured', effect: 'none' });
      const { cities } = connect({}, { outbox: { folder: `${base}/weg` } });
      const failure = await failureOf(submit(cities, 'k'));
      expect(failure).toMatchObject({ kind: 'misconfigured', effect: 'none', message: expect.stringContaining(`${base}/weg`) });
      const { ok, probes } = await cities.check('stadt', 'cases');
      expect(ok).toBe(false);
      expect(probes.map(({ hint }) => hint ?? '').join()).toContain('config.outbox.folder');
    });

    test('the check passes where all is right, and writes nothing', async () => {
      const { ok, probes } = await connect().cities.check('stadt', 'cases');
      expect(probes.map(({ hint }) => hint)).toEqual(probes.map(() => undefined));
      expect(ok).toBe(true);
      for (const folder of sftpSimulated.folders) expect(await names(folder)).toEqual([]);
    });

    test('secrets and applicants are in no log line and no error', async () => {
      const { cities, logged } = connect({}, { outbox: { folder: `${base}/weg` } });
      const error = (await submit(cities, 'k').catch((reason: unknown) => reason)) as Error;
      await cities.check('stadt', 'cases');
      const shown = `${logged()} ${error.stack} ${String(error.cause)} ${JSON.stringify(error)}`;
      expect(shown).not.toMatch(/Groß|juergen|Königsallee/);
      expect(shown).not.toContain(secretOf(getTarget()).slice(0, 60));
    });
  });
}

describe('File drops over SFTP, simulated', () => {
  const folder = mkdtempSync(join(tmpdir(), 'staedtebund-sftp-'));
  let simulator: SftpSimulator;
  let target: Target;
  beforeAll(async () => {
    simulator = await startSftpSimulator({ folder });
    const { user, password } = sftpSimulated;
    target = { url: simulator.url, hostKey: simulator.hostKey, user, auth: { password } };
  });
  afterAll(async () => {
    await simulator.close();
    rmSync(folder, { recursive: true });
  });

  suite(() => target);

  const connectTo = (over: Record<string, Json> = {}, options: Partial<ConnectOptions> = {}) =>
    connectCity(filedrop, configOf(target, '.', over), { endpoint: target.url, secret: secretOf(target), ...options });

  test('a rename whose reply is lost is an unknown effect, and the same key settles it', async () => {
    const { cities } = connectTo();
    const key = randomUUID();
    simulator.loseNextRename();
    expect(await failureOf(submit(cities, key))).toMatchObject({ kind: 'unavailable', effect: 'unknown' });
    expect(await submit(cities, key)).toMatchObject({ replayed: true });
  });

  test('a server that never answers ends with the deadline, without effect, and leaves no connection', async () => {
    const { cities } = connectTo({}, { limits: { timeoutMs: 1_000, retries: 0 } });
    const others = simulator.connections();
    simulator.hang(true);
    const failure = await failureOf(submit(cities, randomUUID()));
    simulator.hang(false);
    expect(failure).toMatchObject({ kind: 'deadline', effect: 'none' });
    await cities.stop();
    await expect.poll(() => simulator.connections()).toBeLessThanOrEqual(others);
  });

  test('a port that takes connections and says nothing, and one that takes none', async () => {
    const silent = createServer((socket) => void socket.resume().on('error', () => {}));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `sftp://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const { cities } = connectTo({ url }, { limits: { timeoutMs: 500, retries: 0 } });
    expect(await failureOf(submit(cities, 'k'))).toMatchObject({ kind: 'deadline', effect: 'none' });
    await cities.stop();
    await new Promise((resolve) => silent.close(resolve));
    expect(await failureOf(submit(connectTo({ url }).cities, 'k'))).toMatchObject({ kind: 'unavailable', effect: 'none' });
  });

  test('a wrong password is misconfigured', async () => {
    expect(await failureOf(submit(connectTo({ auth: { password: 'not-the-password' } }).cities, 'k'))).toMatchObject({
      kind: 'misconfigured',
      effect: 'none',
    });
  });
});

describeWithService('sftp', 'File drops over SFTP, OpenSSH', (url) => {
  const target: Target = {
    url,
    user: process.env['TEST_SFTP_USER'] ?? '',
    auth: { privateKey: readFileSync(process.env['TEST_SFTP_KEY_FILE'] ?? '', 'utf8') },
    hostKey: process.env['TEST_SFTP_HOST_KEY'] ?? '',
  };
  suite(() => target);
});
