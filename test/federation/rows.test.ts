import { buildSchema, type GraphQLObjectType } from 'graphql';
import { afterEach, describe, expect, test } from 'vitest';
import { AdapterError } from '#contract';
import { RowError, type Asked, type RowRequest } from '../../src/federation/rows/rows.ts';
import { createReader } from '../../src/federation/rows/reader.ts';
import { connectRows, type Answers } from './rows-kit.ts';

const schema = buildSchema('type Query { kitas: [Kita!] } type Kita { id: ID! name: String! free: Int }');
const kitas = (schema.getQueryType() as GraphQLObjectType).getFields()['kitas']!.type;
const all: Asked = { selection: '{ free id name }', read: createReader(kitas, { free: null, id: null, name: null }) };

const [a, b, c] = ['010010000000', '020000000000', '030000000000'] as const;
const field = 'Municipality.kitas';
const request = (ars: string, args: RowRequest['args'] = {}, asked = all): RowRequest => ({
  field,
  owner: { ars, name: `Town ${ars}` },
  args,
  asked,
});
const kita = (ars: string, n = 1) => ({ id: `${ars}-${n}`, name: `Kita ${n}`, free: n });
const honest: Answers = async ({ rows }) => rows.map((ars) => ({ ars, value: [kita(ars)] }));
const context = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };

const failureOf = async (work: Promise<unknown>): Promise<RowError> => {
  const error = await work.then(
    (value) => new Error(`it was answered: ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RowError)) throw error;
  return error;
};

const releases: (() => void)[] = [];
afterEach(() => {
  for (const release of releases.splice(0)) release();
});
/** A city that takes the question and says nothing. */
const silent: Answers = (_, { signal }) =>
  new Promise((_resolve, reject) => {
    const end = () => reject(new AdapterError('unavailable', 'none', 'it was given up'));
    signal.addEventListener('abort', end);
    releases.push(end);
  });

describe('a row goes to the city that owns it', () => {
  const { rows, asked } = connectRows([a, b].map((ars) => ({ ars, fields: [field], answer: honest })));

  test('and to no other', async () => {
    const loader = rows.forRequest(context);
    expect(await Promise.all([loader.load(request(a)), loader.load(request(b))])).toEqual([[kita(a)], [kita(b)]]);
    expect(asked.get(a)).toEqual([{ field, args: {}, selection: all.selection, rows: [a] }]);
    expect(asked.get(b)).toEqual([{ field, args: {}, selection: all.selection, rows: [b] }]);
  });

  test('the same row asked many times is one question, also a promise later', async () => {
    const before = asked.get(a)?.length ?? 0;
    const loader = rows.forRequest(context);
    const later = Promise.resolve()
      .then(() => {})
      .then(() => loader.load(request(a)));
    await Promise.all([loader.load(request(a)), loader.load(request(a)), later]);
    expect((asked.get(a)?.length ?? 0) - before).toBe(1);
  });

  test('what is under way for one request is not sent again for another; what was answered is', async () => {
    const gate = Promise.withResolvers<void>();
    const slow = connectRows([{ ars: a, fields: [field], answer: (query, call) => gate.promise.then(() => honest(query, call)) }]);
    const ask = () => slow.rows.forRequest(context).load(request(a));
    const first = ask();
    await new Promise((resolve) => void setImmediate(resolve));
    const others = [ask(), ask(), slow.rows.forRequest(context).load(request(a, { min: 1 }))];
    await new Promise((resolve) => void setImmediate(resolve));
    expect(slow.asked.get(a)?.map(({ args }) => args)).toEqual([{}, { min: 1 }]);
    gate.resolve();
    expect(await Promise.all([first, ...others])).toEqual(Array.from({ length: 4 }, () => [kita(a)]));
    await ask();
    expect(slow.asked.get(a)).toHaveLength(3);
  });

  test('what nobody signed in asks has half of the slots, whatever it asks; the others are for those who are', async () => {
    const gate = Promise.withResolvers<void>();
    let most = 0;
    let running = 0;
    const city = connectRows([
      {
        ars: a,
        fields: [field],
        answer: async (query, call) => {
          running += 1;
          most = Math.max(most, running);
          await gate.promise;
          running -= 1;
          return honest(query, call);
        },
      },
    ]);
    const loader = city.rows.forRequest({ ...context, isAnonymous: true });
    const many = Array.from({ length: 29 }, (_, min) => loader.load(request(a, { min })).catch((error: unknown) => error));
    await new Promise((resolve) => void setImmediate(resolve));
    expect(city.asked.get(a)).toHaveLength(2);
    const signedIn = city.rows.forRequest(context).load(request(a, { min: 100 }));
    await new Promise((resolve) => void setImmediate(resolve));
    expect(city.asked.get(a)?.map(({ args }) => args['min'])).toContain(100);
    gate.resolve();
    expect(await signedIn).toEqual([kita(a)]);
    const answers = await Promise.all(many);
    // Two at a time, eight wait, the others are told at once.
    expect(answers.filter((answer) => !(answer instanceof Error))).toHaveLength(10);
    expect(most).toBe(3);
  });

  test('other arguments are another question', async () => {
    const before = asked.get(a)?.length ?? 0;
    const loader = rows.forRequest(context);
    await Promise.all([loader.load(request(a, { min: 1 })), loader.load(request(a, { min: 2 }))]);
    expect(
      asked
        .get(a)
        ?.slice(before)
        .map(({ args }) => args),
    ).toEqual([{ min: 1 }, { min: 2 }]);
  });

  test('whom nobody is connected for, and who does not answer the field, are told apart', async () => {
    const loader = rows.forRequest(context);
    expect(await failureOf(loader.load(request(c)))).toMatchObject({ failure: 'not-connected', owner: { ars: c }, retryable: false });
    expect(await failureOf(loader.load({ ...request(a), field: 'Municipality.roadworks' }))).toMatchObject({ failure: 'not-answered' });
  });
});

describe('one city fails alone', () => {
  const cases: readonly (readonly [name: string, answer: Answers, failure: string, retryable: boolean])[] = [
    ['is down', () => Promise.reject(new AdapterError('unavailable', 'none', 'connection refused')), 'unavailable', true],
    ['refuses the hub', () => Promise.reject(new AdapterError('misconfigured', 'none', '401')), 'unavailable', true],
    ['refuses an argument', () => Promise.reject(new AdapterError('rejected', 'none', 'no')), 'refused', false],
    ['throws anything', () => Promise.reject(new TypeError('secret of Erika')), 'invalid', false],
    ['answers for another city', async () => [{ ars: b, value: [kita(b)] }], 'invalid', false],
    ['answers too few', async () => [], 'invalid', false],
    ['answers too many', async ({ rows }) => [...rows, ...rows].map((ars) => ({ ars, value: [] })), 'invalid', false],
    ['answers another type', async ({ rows }) => rows.map((ars) => ({ ars, value: 'kitas' })), 'invalid', false],
    ['leaves out what must be there', async ({ rows }) => rows.map((ars) => ({ ars, value: [{ id: '1' }] })), 'invalid', false],
    ['answers text for a number', async ({ rows }) => rows.map((ars) => ({ ars, value: [{ ...kita(ars), free: '3' }] })), 'invalid', false],
    ['fails for the row alone', async ({ rows }) => rows.map(() => new AdapterError('retryable', 'none', 'later')), 'unavailable', true],
  ];

  test.each(cases)('where it %s', async (_, answer, failure, retryable) => {
    const { rows, logged } = connectRows([
      { ars: a, fields: [field], answer },
      { ars: b, fields: [field], answer: honest },
    ]);
    const loader = rows.forRequest(context);
    const [error, other] = await Promise.all([failureOf(loader.load(request(a))), loader.load(request(b))]);
    expect(other).toEqual([kita(b)]);
    expect(error).toMatchObject({ failure, retryable, field, owner: { ars: a, name: `Town ${a}` } });
    expect(error.message + logged()).not.toContain('Erika');
  });

  test('where it says nothing: its deadline, then it is left alone at once', async () => {
    const { rows, asked } = connectRows(
      [
        { ars: a, fields: [field], answer: silent },
        { ars: b, fields: [field], answer: honest },
      ],
      { breaker: { failures: 2, halfOpenMs: 60_000 } },
      100,
    );
    const ask = async () => {
      const loader = rows.forRequest(context);
      const [error, other] = await Promise.all([failureOf(loader.load(request(a))), loader.load(request(b))]);
      expect(other).toEqual([kita(b)]);
      return error.failure;
    };
    expect([await ask(), await ask(), await ask(), await ask()]).toEqual(['deadline', 'deadline', 'unavailable', 'unavailable']);
    expect(asked.get(a)).toHaveLength(2);
    expect(asked.get(b)).toHaveLength(4);
  });

  test('the log says which city broke the contract and where, not with what', async () => {
    const answer: Answers = async ({ rows }) => rows.map((ars) => ({ ars, value: [kita(ars), { ...kita(ars), free: 'Erika' }] }));
    const { rows, logged, metrics } = connectRows([{ ars: a, fields: [field], answer }]);
    expect((await failureOf(rows.forRequest(context).load(request(a)))).message).toContain('/1/free: expected Int');
    expect(logged()).toContain(a);
    expect(logged()).not.toContain('Erika');
    expect(await metrics()).toContain(`staedtebund_rows_total{field="${field}",outcome="invalid"} 1`);
  });
});

describe('what a city answers is bounded', () => {
  const many =
    (count: number): Answers =>
    async ({ rows }) =>
      rows.map((ars) => ({ ars, value: Array.from({ length: count }, (_, n) => kita(ars, n)) }));

  test('a list is no longer than asked', async () => {
    const { rows } = connectRows([{ ars: a, fields: [field], answer: many(50) }]);
    expect(await rows.forRequest(context).load(request(a, { first: 3 }))).toHaveLength(3);
  });

  test('one of thousands is refused', async () => {
    const { rows } = connectRows([{ ars: a, fields: [field], answer: many(1001) }]);
    expect(await failureOf(rows.forRequest(context).load(request(a, { first: 3 })))).toMatchObject({ failure: 'invalid' });
  });

  test('null is null: the city has no such list', async () => {
    const { rows } = connectRows([{ ars: a, fields: [field], answer: async ({ rows: asked }) => asked.map(() => null) }]);
    expect(await rows.forRequest(context).load(request(a))).toBeNull();
  });

  test('what was not asked for is not passed on', async () => {
    const answer: Answers = async ({ rows }) => rows.map((ars) => ({ ars, value: [{ ...kita(ars), iban: 'DE02' }] }));
    const { rows } = connectRows([{ ars: a, fields: [field], answer }]);
    const asked: Asked = { selection: '{ name }', read: createReader(kitas, { name: null }) };
    expect(await rows.forRequest(context).load(request(a, {}, asked))).toEqual([{ name: 'Kita 1' }]);
  });
});

test('with 396 cities connected, three are asked for three rows', async () => {
  const ars = Array.from({ length: 396 }, (_, n) => String(n).padStart(12, '0'));
  const { rows, asked } = connectRows(ars.map((own) => ({ ars: own, fields: [field], answer: honest })));
  const loader = rows.forRequest(context);
  const chosen = [ars[0], ars[200], ars[395]] as [string, string, string];
  expect(await Promise.all(chosen.map((own) => loader.load(request(own))))).toEqual(chosen.map((own) => [kita(own)]));
  expect([...asked].filter(([, queries]) => queries.length > 0).map(([own]) => own)).toEqual(chosen);
});
