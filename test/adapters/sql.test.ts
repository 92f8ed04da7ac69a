import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, connect as connectSocket, type AddressInfo, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Attachment, CaseChange, CaseRef, CaseSnapshot, Json } from '#contract';
import { sql } from '../../adapters/sql/index.ts';
import { startSqlOffice, type SqlOffice } from '../../adapters/sql/simulator.ts';
import { CityCallError, type Cities } from '../../src/cities/cities.ts';
import { describeWithService } from '../kit/services.ts';
import { connectCity, submission, writeWith, type ConnectOptions } from './connect.ts';
import { officeConfig } from './sql-config.ts';

const connect = (office: SqlOffice, over: Record<string, Json> = {}, options: Partial<ConnectOptions> = {}) =>
  connectCity(sql, officeConfig(office, over), { endpoint: office.url, secret: office.password, ...options });

const submit = (cities: Cities, key: string, application = submission(), write = writeWith(key)) =>
  cities.write('stadt', 'cases', (adapter, call) => adapter.cases!.submit(application, call), write);

const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => expect.unreachable('the call should fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CityCallError);
  return { ...(error as CityCallError).failure, message: (error as CityCallError).message };
};

const pullAll = (cities: Cities, from: string | null): Promise<{ changes: CaseChange[]; next: string | null }> =>
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

const document = (content: string, over: Partial<Attachment> = {}): Attachment => ({
  id: randomUUID(),
  name: 'Fahrzeugschein.pdf',
  mediaType: 'application/pdf',
  bytes: Buffer.byteLength(content),
  sha256: createHash('sha256').update(content).digest('hex'),
  open: () => new Blob([content]).stream(),
  ...over,
});

/** One suite for both databases. */
function suite(getOffice: () => SqlOffice): void {
  const rowsOf = (key: string) => getOffice().ask(`SELECT * FROM antrag WHERE hub_key = '${key}'`);
  const setStatus = (id: string, status: string) =>
    getOffice().ask(
      `UPDATE antrag SET stand = '${status}', geaendert = ${getOffice().dialect === 'postgres' ? 'clock_timestamp()' : 'NOW(6)'} WHERE nr = ${id}`,
    );

  test('a submitted application is one row, with every value as it was given', async () => {
    const { cities } = connect(getOffice());
    const key = randomUUID();
    const hostile = `Robert'); DROP TABLE antrag;-- "Groß" \\ ; $1 ?`;
    const application = submission({ applicant: { name: hostile }, formData: { plateNumber: 'D-ÄÖ 123', note: '“\u{1F600}”' } });
    const receipt = await submit(cities, key, application);
    expect(receipt).toMatchObject({ taken: 'now', replayed: false, ref: { publicNumber: `32-${receipt.ref.id}` } });
    const [row, ...more] = await rowsOf(key);
    expect(more).toEqual([]);
    expect(row).toMatchObject({
      nr: receipt.ref.id,
      name: hostile,
      email: null,
      leistung: 'Bewohnerparkausweis (99108001001000)',
      kennzeichen: 'D-ÄÖ 123',
    });
    expect(JSON.parse(row?.['angaben'] ?? '')).toEqual(application.formData);
    const [moment] = await getOffice().ask(
      `SELECT ${getOffice().dialect === 'postgres' ? 'extract(epoch from eingang)::bigint' : 'UNIX_TIMESTAMP(eingang) DIV 1'} AS s FROM antrag WHERE hub_key = '${key}'`,
    );
    expect(moment?.['s']).toBe(String(application.submittedAt.getTime() / 1000));
  });

  test('any text and any form is a row that holds it, or is refused without one', { timeout: 120_000 }, async () => {
    const { cities } = connect(getOffice());
    const awkward = fc.constantFrom('\0', '\uD800', '\uDC00', '\uFEFF', '\u0085', '\\', "'", '"', '`', '%', '\u{10FFFF}', '\r\n', '\t');
    const text = fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), awkward), { maxLength: 6 }).map((parts) => parts.join(''));
    const value = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        text,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.string({ maxLength: 6 }), tie('value'), { maxKeys: 3 }),
      ),
    })).value;
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(text, value, async (name, note) => {
        const key = randomUUID();
        const application = submission({ applicant: { name: `N${name}` }, formData: { plateNumber: 'D-A 1', note } });
        const failure = await submit(cities, key, application).then(
          () => null,
          (error: unknown) => (error as CityCallError).failure,
        );
        const rows = await rowsOf(key);
        if (failure) {
          expect(failure).toMatchObject({ kind: 'rejected', effect: 'none' });
          expect(rows).toEqual([]);
          return;
        }
        taken += 1;
        // A lone surrogate has no form in UTF-8; JSON has no negative zero.
        const written = JSON.parse(JSON.stringify(application.formData)) as Json;
        expect(rows.map((row) => row['name'])).toEqual([`N${name}`.toWellFormed()]);
        const wellFormed = (_: string, part: unknown) => (typeof part === 'string' ? part.toWellFormed() : part);
        expect(JSON.parse(rows[0]?.['angaben'] ?? '', wellFormed)).toEqual(JSON.parse(JSON.stringify(written), wellFormed));
      }),
      { numRuns: 150 },
    );
    expect(taken, 'or this test shows nothing').toBeGreaterThan(20);
  });

  test('the same key again is the same case, also in parallel past the hub’s lock', async () => {
    const office = getOffice();
    const { cities } = connect(office);
    const key = randomUUID();
    const first = await submit(cities, key);
    expect(await submit(cities, key)).toEqual({ ...first, replayed: true });
    const twice = randomUUID();
    const receipts = await Promise.all([connect(office), connect(office), connect(office)].map((hub) => submit(hub.cities, twice)));
    expect(new Set(receipts.map(({ ref }) => ref.id)).size).toBe(1);
    expect(receipts.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await rowsOf(twice)).toHaveLength(1);
  });

  test('without a unique key the view is asked first', async () => {
    const { cities } = connect(getOffice(), { idempotency: 'lookup', attachments: undefined as never });
    const key = randomUUID();
    const first = await submit(cities, key);
    expect(await submit(cities, key)).toEqual({ ...first, replayed: true });
    expect(await rowsOf(key)).toHaveLength(1);
  });

  test('keys and cases are found in order, null if there is none, whatever was asked for', async () => {
    const { cities } = connect(getOffice());
    const key = randomUUID();
    const { ref } = await submit(cities, key);
    const keys = [randomUUID(), key, "' OR 1=1 --"];
    const found = await cities.read('stadt', 'cases', (adapter, call) => adapter.cases!.findByKey!(keys, call), { traceparent: '' });
    expect(found).toEqual([null, ref, null]);
    const refs = ['no-such-case', '999999999', `${ref.id}x`, '99999999999999999999999', '0'].map((id) => ({ id }));
    const loaded = await cities.loadCases('stadt', 'cases', [...refs, ref], { traceparent: '' });
    expect(loaded).toEqual([null, null, null, null, null, expect.objectContaining({ ref, nativeStatus: 'neu' })]);
  });

  test('changes are pulled in pages behind each other, none skipped while cases change, and again from a cursor', async () => {
    const { cities } = connect(getOffice(), { changes: { limit: 3, overlapMs: 0 } });
    const refs: CaseRef[] = [];
    for (let count = 0; count < 7; count++) refs.push((await submit(cities, randomUUID())).ref);
    const seen = new Map<string, string[]>();
    let cursor: string | null = null;
    await cities.read(
      'stadt',
      'cases',
      async (adapter, call) => {
        let pages = 0;
        for await (const page of adapter.changes!.pull(null, call)) {
          for (const { ref, nativeStatus } of page.items) seen.set(ref.id, [...(seen.get(ref.id) ?? []), nativeStatus]);
          // A case that was read already, and one that was not: an offset would skip one for each.
          if (pages++ === 0) await setStatus(page.items[0]!.ref.id, 'in Prüfung');
          cursor = page.next;
        }
      },
      { traceparent: '' },
    );
    for (const { id } of refs) expect(seen.has(id)).toBe(true);
    expect([...seen.values()].some((statuses) => statuses.at(-1) === 'in Prüfung')).toBe(true);
    await setStatus(refs[6]!.id, 'genehmigt');
    const after = await pullAll(cities, cursor);
    expect(after.changes.map(({ ref, nativeStatus }) => [ref.id, nativeStatus])).toContainEqual([refs[6]!.id, 'genehmigt']);
    expect((await pullAll(cities, cursor)).changes, 'redelivery keeps ids').toEqual(after.changes);
    const [loaded] = await cities.loadCases('stadt', 'cases', [refs[6]!], { traceparent: '' });
    const { id: _, ...snapshot } = after.changes.find(({ ref }) => ref.id === refs[6]!.id)!;
    expect(loaded).toEqual(snapshot);
    expect(Math.abs(Date.now() - (loaded as CaseSnapshot).updatedAt.getTime()), 'a moment is read in its zone').toBeLessThan(600_000);
  });

  test('more changes of one moment than a page holds end, even if each pull is cut short', async () => {
    const { cities } = connect(getOffice(), { changes: { limit: 2, overlapMs: 60_000 } });
    for (let count = 0; count < 7; count++) await submit(cities, randomUUID());
    await getOffice().ask(`UPDATE antrag SET geaendert = '2026-11-20 00:00:00'`);
    let cursor: string | null = null;
    const pages = new Set<string>();
    for (let pulls = 0; pulls < 500; pulls++) {
      const page = await cities.read(
        'stadt',
        'cases',
        async (adapter, call) => {
          for await (const first of adapter.changes!.pull(cursor, call)) return first;
          return null;
        },
        { traceparent: '' },
      );
      if (!page) break;
      for (const { ref } of page.items) pages.add(ref.id);
      cursor = page.next;
      if (page.items.length < 2) break;
    }
    const [count] = await getOffice().ask('SELECT COUNT(*) AS n FROM antrag');
    expect(pages.size).toBe(Number(count?.['n']));
    await getOffice().ask(`UPDATE antrag SET geaendert = '2026-11-01 00:00:00'`);
  });

  test('a row that becomes visible late is still told', async () => {
    const { cities } = connect(getOffice(), { changes: { overlapMs: 600_000 } });
    await submit(cities, randomUUID());
    const { next } = await pullAll(cities, null);
    const late = await submit(cities, randomUUID());
    await getOffice().ask(
      `UPDATE antrag SET geaendert = geaendert - INTERVAL ${getOffice().dialect === 'postgres' ? "'5 minutes'" : '5 MINUTE'} WHERE nr = ${late.ref.id}`,
    );
    expect((await pullAll(cities, next)).changes.map(({ ref }) => ref.id)).toContain(late.ref.id);
  });

  test('the night in which an hour comes twice loses no change and keeps their order', async () => {
    const office = getOffice();
    const type = office.dialect === 'postgres' ? 'timestamp' : 'DATETIME(3)';
    await office.ask(`CREATE TABLE wall_case (nr varchar(20) PRIMARY KEY, stand varchar(20), geaendert ${type}, hub_key varchar(64))`);
    await office.ask(`GRANT SELECT ON wall_case TO ${office.user}${office.dialect === 'postgres' ? '' : "@'%'"}`);
    let now = new Date('2026-10-25T00:50:05Z');
    const { cities } = connect(
      office,
      { view: 'wall_case', columns: { id: 'nr', status: 'stand', updatedAt: 'geaendert', key: 'hub_key' } },
      { now: () => now },
    );
    await office.ask(`INSERT INTO wall_case VALUES ('a', 'neu', '2026-10-25 02:50:00', 'ka'), ('b', 'neu', '2026-10-25 02:49:00', 'kb')`);
    const first = await pullAll(cities, null);
    expect(first.changes.map(({ ref, updatedAt }) => [ref.id, updatedAt.toISOString()])).toEqual([
      ['b', '2026-10-25T00:49:00.000Z'],
      ['a', '2026-10-25T00:50:00.000Z'],
    ]);
    // Twenty minutes later the wall shows 02:10 again.
    now = new Date('2026-10-25T01:10:05Z');
    await office.ask(`UPDATE wall_case SET stand = 'genehmigt', geaendert = '2026-10-25 02:10:00' WHERE nr = 'a'`);
    const second = await pullAll(cities, first.next);
    const change = second.changes.find(({ ref }) => ref.id === 'a');
    expect(change).toMatchObject({ nativeStatus: 'genehmigt', updatedAt: new Date('2026-10-25T01:10:00Z') });
    now = new Date('2026-10-25T02:30:00Z');
    await office.ask(`UPDATE wall_case SET stand = 'genehmigt', geaendert = '2026-10-25 03:20:00' WHERE nr = 'b'`);
    const third = await pullAll(cities, second.next);
    expect(third.changes.at(-1)).toMatchObject({ ref: { id: 'b' }, updatedAt: new Date('2026-10-25T02:20:00Z') });
    expect(
      (await pullAll(cities, third.next)).changes.map(({ ref }) => ref.id),
      'after the hour, only the overlap is read again',
    ).toEqual(['b']);
    await office.ask('DROP TABLE wall_case');
  });

  test('a case is withdrawn once, and again is still once', async () => {
    const { cities } = connect(getOffice());
    const { ref } = await submit(cities, randomUUID());
    const withdraw = () =>
      cities.write('stadt', 'cases', (adapter, call) => adapter.cases!.withdraw!(ref, "Umzug nach 'Köln'", call), writeWith());
    await withdraw();
    const [once] = await cities.loadCases('stadt', 'cases', [ref], { traceparent: '' });
    await withdraw();
    const [again] = await cities.loadCases('stadt', 'cases', [ref], { traceparent: '' });
    expect(once).toMatchObject({ nativeStatus: 'zurückgezogen' });
    expect(again).toEqual(once);
  });

  describe('documents', () => {
    const stored = (key: string) =>
      getOffice().ask(
        `SELECT ${getOffice().dialect === 'postgres' ? "convert_from(inhalt, 'UTF8')" : 'CONVERT(inhalt USING utf8mb4)'} AS text FROM anlage WHERE hub_key = '${key}'`,
      );

    test('arrive byte by byte, once each, and what is missing is sent again', async () => {
      const { cities } = connect(getOffice());
      const key = randomUUID();
      const attachments = [document('äöü €'), document('zwei')];
      const write = writeWith(key);
      let cut = true;
      const broken = document('drei', {
        open() {
          if (cut) throw new Error('the store is away');
          return new Blob(['drei']).stream();
        },
      });
      await failureOf(submit(cities, key, submission({ attachments: [...attachments, broken] }), write));
      expect(await stored(key)).toHaveLength(2);
      cut = false;
      // Another process, without the memo of the steps: the database itself tells what is there.
      const receipt = await submit(cities, key, submission({ attachments: [...attachments, broken] }), writeWith(key));
      expect(receipt).toMatchObject({ replayed: true });
      expect(receipt.undone).toBeUndefined();
      expect((await stored(key)).map(({ text }) => text).toSorted((a, b) => (a ?? '').localeCompare(b ?? '', 'en'))).toEqual([
        'äöü €',
        'drei',
        'zwei',
      ]);
    });

    test('one that the database refuses is told as undone', async () => {
      const { cities } = connect(getOffice());
      const key = randomUUID();
      const long = document('x', { name: 'n'.repeat(121) });
      const receipt = await submit(cities, key, submission({ attachments: [document('gut'), long] }));
      expect(receipt.undone).toEqual([long.id]);
      expect(await stored(key)).toHaveLength(1);
    });
  });

  describe('a refusal', () => {
    test.each([
      ['a name that is too long', submission({ applicant: { name: 'n'.repeat(81) } }), '/applicant/name'],
      ['a name that is missing', submission({ applicant: { name: null as never } }), '/applicant/name'],
      ['a number plate that a constraint does not allow', submission({ formData: { plateNumber: 'falsch' } }), '/formData/plateNumber'],
    ])('of %s names the field and leaves nothing', async (_, application, field) => {
      const { cities } = connect(getOffice());
      const key = randomUUID();
      const failure = await failureOf(submit(cities, key, application));
      expect(failure).toMatchObject({ kind: 'rejected', effect: 'none' });
      expect(Object.keys(failure.fields ?? {})).toEqual([field]);
      expect(failure.message).not.toMatch(/falsch|nnnn|Groß/);
      expect(await rowsOf(key)).toEqual([]);
    });

    test('by another unique key is no replay', async () => {
      const office = getOffice();
      await office.ask('DELETE FROM anlage');
      await office.ask('DELETE FROM antrag');
      await office.ask('CREATE UNIQUE INDEX einmal ON antrag (email)');
      const { cities } = connect(office);
      const application = submission({ applicant: { name: 'A', email: `${randomUUID()}@example.org` } });
      await submit(cities, randomUUID(), application);
      const failure = await failureOf(submit(cities, randomUUID(), application));
      await office.ask(office.dialect === 'postgres' ? 'DROP INDEX einmal' : 'DROP INDEX einmal ON antrag');
      expect(failure).toMatchObject({ kind: 'rejected', effect: 'none' });
      expect(failure.message).toContain('einmal');
      expect(failure.message).not.toContain('example.org');
    });
  });

  describe('trouble', () => {
    // Where only the view is wrong, a write is taken before it shows.
    test.each([
      ['a user of nobody', { user: 'nobody_of_this_name' }, 'none'],
      ['a database that is not there', { url: 'nowhere' }, 'none'],
      ['a view that is not there', { view: 'hub_nothing' }, 'unknown'],
      ['a column that is not there', { columns: { id: 'nr', status: 'stand', updatedAt: 'weg', key: 'hub_key' } }, 'unknown'],
      ['a view without rights', { view: 'antrag' }, 'unknown'],
    ] as const)('%s is misconfigured, for reads and writes', async (_, over, effect) => {
      const office = getOffice();
      const url = 'url' in over ? office.url.replace(/[^/]+$/, over.url) : office.url;
      const { cities } = connect(office, { ...over, url });
      expect((await failureOf(pullAll(cities, null))).kind).toBe('misconfigured');
      expect(await failureOf(submit(cities, randomUUID()))).toMatchObject({ kind: 'misconfigured', effect });
    });

    test('a lock that others hold is retryable, and nothing was written', async () => {
      const office = getOffice();
      const { cities } = connect(office);
      await office.ask(office.dialect === 'postgres' ? 'BEGIN; LOCK TABLE antrag IN EXCLUSIVE MODE' : 'LOCK TABLES antrag READ');
      const key = randomUUID();
      const failure = await failureOf(submit(cities, key));
      await office.ask(office.dialect === 'postgres' ? 'ROLLBACK' : 'UNLOCK TABLES');
      expect(failure).toMatchObject({ kind: 'retryable', effect: 'none' });
      expect(await rowsOf(key)).toEqual([]);
    });

    test('a deadline ends the statement in the server too', async () => {
      const office = getOffice();
      await office.ask(
        office.dialect === 'postgres'
          ? `CREATE VIEW slow AS SELECT nr, stand, geaendert, hub_key FROM antrag WHERE pg_sleep(30) IS NOT NULL`
          : `CREATE VIEW slow AS SELECT nr, stand, geaendert, hub_key FROM antrag WHERE SLEEP(30) = 0`,
      );
      await office.ask(`GRANT SELECT ON slow TO ${office.user}${office.dialect === 'postgres' ? '' : "@'%'"}`);
      const over = { view: 'slow', columns: { id: 'nr', status: 'stand', updatedAt: 'geaendert', key: 'hub_key' } };
      const { cities } = connect(office, over, { limits: { timeoutMs: 1_000, retries: 0 } });
      const { ref } = await submit(connect(office).cities, randomUUID());
      const load = cities.read('stadt', 'cases', (adapter, call) => adapter.cases!.loadCases([ref], call), { traceparent: '' });
      expect((await failureOf(load)).kind).toMatch(/deadline|unavailable/);
      const running = () =>
        office.ask(
          office.dialect === 'postgres'
            ? `SELECT 1 FROM pg_stat_activity WHERE usename = '${office.user}' AND state = 'active'`
            : `SELECT 1 FROM information_schema.processlist WHERE user = '${office.user}' AND command <> 'Sleep'`,
        );
      await expect.poll(running, { timeout: 10_000 }).toEqual([]);
      await office.ask('DROP VIEW slow');
    });

    test('connections that the server ended are replaced before a write is sent', async () => {
      const office = getOffice();
      const { cities } = connect(office, { connections: 2 });
      await Promise.all([submit(cities, randomUUID()), submit(cities, randomUUID())]);
      await office.kick();
      const key = randomUUID();
      expect(await submit(cities, key)).toMatchObject({ replayed: false });
      expect(await rowsOf(key)).toHaveLength(1);
    });

    test('a connection that breaks after the write was sent is an unknown effect, and the same key settles it', async () => {
      const office = getOffice();
      const proxy = await lossy(office.url);
      const { cities } = connect(office, { url: proxy.url });
      await cities.loadCases('stadt', 'cases', [{ id: '1' }], { traceparent: '' });
      const key = randomUUID();
      proxy.loseReplyAfter(key);
      expect(await failureOf(submit(cities, key))).toMatchObject({ kind: 'unavailable', effect: 'unknown' });
      await expect.poll(() => rowsOf(key).then((rows) => rows.length)).toBe(1);
      expect(await submit(cities, key)).toMatchObject({ replayed: true });
      expect(await rowsOf(key)).toHaveLength(1);
      await proxy.close();
    });

    test('a server that is away: nothing was sent', async () => {
      const proxy = await lossy(getOffice().url);
      await proxy.close();
      const { cities } = connect(getOffice(), { url: proxy.url });
      expect(await failureOf(submit(cities, randomUUID()))).toMatchObject({ kind: 'unavailable', effect: 'none' });
    });

    test('secrets and applicants are in no log line and no error', async () => {
      const office = getOffice();
      const { cities, logged } = connect(office, { view: 'hub_nothing' });
      const error = (await submit(cities, randomUUID()).catch((reason: unknown) => reason)) as Error;
      await cities.check('stadt', 'cases');
      expect(`${logged()} ${error.stack} ${String(error.cause)} ${JSON.stringify(error)}`).not.toMatch(
        /simulator-password|Groß|juergen|Königsallee/,
      );
    });
  });

  describe('the check', () => {
    test('passes where all is right, and writes nothing', async () => {
      const count = async () => (await getOffice().ask('SELECT COUNT(*) AS n FROM antrag'))[0]?.['n'];
      const before = await count();
      const health = await connect(getOffice()).cities.check('stadt', 'cases');
      expect(health.probes.map(({ name, hint }) => [name, hint])).toEqual(
        ['credentials', 'view', 'rows of the view', 'submit', 'attachments', 'withdraw', 'unique key'].map((name) => [name, undefined]),
      );
      expect(health.system).toMatch(/^(PostgreSQL|MariaDB) \d+\.\d+/);
      expect(await count()).toBe(before);
    });

    test.each([
      ['submit', { submit: { insert: 'antrag', values: { stand: '/channel', hub_key: '/key' } } }, /submit: .*right is missing/],
      ['view', { view: 'hub_nothing' }, /view: .*(no such table or view|right is missing)/],
      ['withdraw', { withdraw: { procedure: 'hub_weg', arguments: { a: '/id' } } }, /hub_weg/],
      [
        'unique key',
        { submit: { insert: 'antrag', values: { leistung: '/key', hub_key: '/serviceName' } } },
        /antrag.leistung is not unique/,
      ],
    ] as const)('names what is wrong: %s', async (_, over, hint) => {
      const { ok, probes } = await connect(getOffice(), over).cities.check('stadt', 'cases');
      expect(ok).toBe(false);
      expect(probes.map((probe) => probe.hint ?? '').join('\n')).toMatch(hint);
    });
  });

  test('nothing stays open after stop', async () => {
    const proxy = await lossy(getOffice().url);
    const { cities } = connect(getOffice(), { url: proxy.url });
    await Promise.all([submit(cities, randomUUID()), submit(cities, randomUUID())]);
    expect(proxy.open()).toBeGreaterThan(0);
    await cities.stop();
    await expect.poll(proxy.open).toBe(0);
    await proxy.close();
  });
}

/** A proxy that can cut the connection when the server answers what contained a text. */
async function lossy(
  target: string,
): Promise<{ url: string; loseReplyAfter(text: string): void; open: () => number; close(): Promise<void> }> {
  const url = new URL(target);
  const [host, port] = [url.hostname, Number(url.port)];
  let wanted: string | null = null;
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connectSocket({ host, port });
    let armed = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => (sockets.delete(socket), client.destroy(), upstream.destroy()));
    }
    client.on('data', (chunk) => {
      if (wanted !== null && chunk.includes(wanted) && !chunk.includes('SELECT')) armed = true;
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (!armed) return void client.write(chunk);
      wanted = null;
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    loseReplyAfter: (text) => void (wanted = text),
    open: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describeWithService('postgres', 'SQL on PostgreSQL', (server) => {
  let office: SqlOffice;
  beforeAll(async () => {
    office = await startSqlOffice(server);
  });
  afterAll(() => office.close());
  suite(() => office);

  test('a server without TLS is told from one that is away, and gets no password', async () => {
    const { cities } = connect(office, { tls: {} });
    expect(await failureOf(submit(cities, randomUUID()))).toMatchObject({
      kind: 'misconfigured',
      effect: 'none',
      message: expect.stringContaining('TLS'),
    });
  });
});

describeWithService('mariadb', 'SQL on MariaDB', (server) => {
  let office: SqlOffice;
  beforeAll(async () => {
    office = await startSqlOffice(server);
  });
  afterAll(() => office.close());
  suite(() => office);

  test('over TLS, a certificate counts that holds', async () => {
    const ca = readFileSync(process.env['TEST_MARIADB_CA'] ?? '', 'utf8');
    expect(await submit(connect(office, { tls: { ca } }).cities, randomUUID())).toMatchObject({ taken: 'now' });
    const failure = await failureOf(submit(connect(office, { tls: {} }).cities, randomUUID()));
    expect(failure).toMatchObject({ kind: 'misconfigured', effect: 'none', message: expect.stringContaining('certificate') });
  });

  test('a wrong password is misconfigured', async () => {
    const { cities } = connect(office, { password: 'not-the-password' });
    expect(await failureOf(submit(cities, randomUUID()))).toMatchObject({ kind: 'misconfigured', effect: 'none' });
  });

  test('what is too long is refused, even if the server would cut it', async () => {
    await office.ask("SET GLOBAL sql_mode = ''");
    const { cities } = connect(office);
    const failure = await failureOf(submit(cities, randomUUID(), submission({ applicant: { name: 'n'.repeat(81) } })));
    await office.ask('SET GLOBAL sql_mode = DEFAULT');
    expect(failure).toMatchObject({ kind: 'rejected', effect: 'none' });
  });
});
