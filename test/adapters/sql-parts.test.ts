import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sqlConfig } from '../../adapters/sql/config.ts';
import { createStatements } from '../../adapters/sql/dialect.ts';
import { assign, parseCursor, toCursor, valueOf } from '../../adapters/sql/mapping.ts';
import { mariadb } from '../../adapters/sql/mariadb.ts';
import { onTheWall, reachBack, toMoment } from '../../adapters/sql/moments.ts';
import { postgres } from '../../adapters/sql/postgres.ts';
import { writeError } from '../../adapters/sql/trouble.ts';

const berlin = { zoned: false, timeZone: 'Europe/Berlin' };
const moments = fc.date({ min: new Date('1990-01-01'), max: new Date('2040-01-01'), noInvalidDate: true });

describe('moments', () => {
  test('what the wall shows is read back as the moment it was, also while an hour comes twice', () => {
    fc.assert(
      fc.property(moments, (moment) => {
        // Read at once: the later of two readings is never in the future.
        const back = toMoment(onTheWall(moment, 'Europe/Berlin'), berlin, moment);
        expect(back?.getTime()).toBe(moment.getTime());
      }),
      { examples: [[new Date('2026-10-25T00:30:00Z')], [new Date('2026-10-25T01:30:00Z')], [new Date('2026-03-29T01:00:00Z')]] },
    );
  });

  test('a pull reaches back to every moment that could come after the cursor', () => {
    const nights = fc.integer({ min: Date.parse('2026-10-24T22:00:00Z'), max: Date.parse('2026-10-25T04:00:00Z') });
    fc.assert(
      fc.property(nights, fc.integer({ min: 0, max: 6 * 3_600_000 }), fc.integer({ min: 0, max: 600_000 }), (seen, later, overlap) => {
        const [cursor, next] = [onTheWall(new Date(seen), 'Europe/Berlin'), onTheWall(new Date(seen + later), 'Europe/Berlin')];
        // Everything seen so far is at most the highest reading of the wall until now.
        const highest = onTheWall(new Date(Math.min(seen, Date.parse('2026-10-25T00:59:59Z'))), 'Europe/Berlin');
        expect(reachBack(highest > cursor ? highest : cursor, overlap, berlin) <= next).toBe(true);
      }),
    );
  });

  test.each([
    ['2026-11-20 10:00:00+00', { zoned: true, timeZone: 'UTC' }, '2026-11-20T10:00:00.000Z'],
    ['2026-11-20 10:00:00.123456+01', { zoned: true, timeZone: 'UTC' }, '2026-11-20T09:00:00.123Z'],
    ['2026-11-20 10:00:00.5', { zoned: true, timeZone: 'UTC' }, '2026-11-20T10:00:00.500Z'],
    ['2026-07-01 10:00:00', berlin, '2026-07-01T08:00:00.000Z'],
    ['2026-03-29 02:30:00', berlin, '2026-03-29T01:30:00.000Z'],
  ])('%s is read', (text, clock, moment) => {
    expect(toMoment(text, clock, new Date('2027-01-01'))?.toISOString()).toBe(moment);
  });

  test.each(['infinity', '0000-00-00 00:00:00', '2026-02-30 10:00:00', '', '10:00', '2026-13-01 00:00:00'])('%s is no moment', (text) => {
    expect(toMoment(text, berlin, new Date())).toBeNull();
  });
});

describe('statements', () => {
  const shape = { view: 'fach.hub_cases', columns: { id: 'Nr', status: 'stand', updatedAt: 'geändert am', key: 'hub_key' } };

  test('hold names in quotes and values nowhere', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 5 }), (values) => {
        const marked = values.map((value) => `~${value}~`);
        for (const dialect of [postgres, mariadb]) {
          const statements = createStatements(dialect, shape);
          const source = Object.fromEntries(marked.map((value, index) => [`f${index}`, value]));
          const assignments = Object.fromEntries(marked.map((_, index) => [`c${index}`, `/f${index}`]));
          const insert = statements.write({ insert: 'antrag', values: assignments }, (given) => assign(given, source));
          for (const { sql, values: bound } of [statements.byKeys(marked), statements.byIds(marked), insert]) {
            expect(sql).not.toContain('~');
            expect(bound).toEqual(marked.map((value) => value.toWellFormed()));
          }
        }
      }),
    );
  });

  test('read as a person would write them', () => {
    expect(createStatements(postgres, shape).changed(10, { updatedAt: 'then', id: '7' }).sql).toBe(
      'SELECT c."Nr"::text, NULL, c."stand"::text, c."geändert am"::text, NULL, c."hub_key"::text FROM "fach"."hub_cases" c WHERE c."hub_key" IS NOT NULL AND c."geändert am" >= $1 AND (c."geändert am" > $2 OR c."Nr" > $3) ORDER BY c."geändert am", c."Nr" LIMIT 10',
    );
    const call = { procedure: 'fach.neu', arguments: { a: '/x', b: '/nothing' } };
    const given = (assignments: Readonly<Record<string, string>>) => assign(assignments, { x: 1 });
    expect(createStatements(postgres, shape).write(call, given)).toEqual({ sql: 'CALL "fach"."neu"("a" => $1)', values: [1] });
    expect(createStatements(mariadb, shape).write(call, given)).toEqual({ sql: 'CALL `fach`.`neu`(?, ?)', values: [1, null] });
  });
});

test('sources: pointers, texts with pointers, JSON, nothing', () => {
  const source = { a: { 'b/c': 'x' }, list: [1, { y: null }], lone: '\uD800' };
  expect(valueOf('/a/b~1c', source)).toBe('x');
  expect(valueOf('/list/1', source)).toBe('{"y":null}');
  expect(valueOf('{/a/b~1c}, {/nothing}!', source)).toBe('x, !');
  expect(valueOf('/lone', source)).toBe('�');
  for (const pointer of ['/nothing', '/constructor', '/a/__proto__', '/list/length/x']) expect(valueOf(pointer, source)).toBeUndefined();
});

test('a cursor comes back as it went, and anything else is refused', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.boolean(), (updatedAt, id, exact) => {
      expect(parseCursor(toCursor({ updatedAt, id, exact }))).toEqual({ updatedAt, id, exact });
    }),
  );
  for (const text of ['', 'x', '[1]', '{}', '["a"]', 'null']) expect(() => parseCursor(text)).toThrow('not one of this adapter');
});

test('a routine that took too long may have done a part; one INSERT has not', () => {
  const trouble = { kind: 'unavailable', effect: 'rolled-back', message: '' } as const;
  expect(writeError(trouble, { insert: 'a', values: {} }, {}).effect).toBe('none');
  expect(writeError(trouble, { procedure: 'a', arguments: {} }, {}).effect).toBe('unknown');
});

describe('the config', () => {
  const good = {
    url: 'postgres://db.example:5432/fach',
    user: 'hub',
    password: 'long enough',
    view: 'v',
    columns: { id: 'i', status: 's', updatedAt: 'u', key: 'k' },
    submit: { insert: 't', values: { k: '/key' } },
    idempotency: 'unique',
  };
  test('takes what is right', () => expect(sqlConfig.safeParse(good).success).toBe(true));

  test.each([
    ['a name that ends its quotes', { view: 'v"; DROP TABLE t; --' }],
    ['a name with a backquote', { view: 'v`' }],
    ['a column with a quote', { columns: { ...good.columns, id: 'i" = 1 OR "i' } }],
    ['a password in the address', { url: 'postgres://hub:secret@db.example/fach' }],
    ['options in the address', { url: 'postgres://db.example/fach?sslmode=disable' }],
    ['no database', { url: 'postgres://db.example' }],
    ['another kind of database', { url: 'http://db.example/fach' }],
    ['no column for the key', { submit: { insert: 't', values: { k: '/applicant/name' } } }],
    ['documents without a unique id', { attachments: { insert: 'a', values: { x: '/attachment/content' } } }],
    ['documents where the key is looked up', { idempotency: 'lookup', attachments: { insert: 'a', values: { id: '/attachment/id' } } }],
    ['a time zone that is none', { timeZone: 'Europe/Bielefeld' }],
    ['a typo', { tablle: 'x' }],
  ])('refuses %s', (_, over) => expect(sqlConfig.safeParse({ ...good, ...over }).success).toBe(false));
});
