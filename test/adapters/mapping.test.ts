import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AdapterError, type Json } from '#contract';
import { earlier, parseCursor, preformatted, toCursor } from '../../adapters/redmine/mapping.ts';
import { restConfig } from '../../adapters/rest/config.ts';
import { bodyMaker } from '../../adapters/rest/body.ts';
import { caseReader, fillPath, toFieldProblems } from '../../adapters/rest/mapping.ts';
import { createMoments } from '../../adapters/rest/moments.ts';
import { at, build } from '../../adapters/rest/pointer.ts';

const escape = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1');

describe('JSON pointers', () => {
  test('find what was built under them, whatever the names are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'a/b', '~', '')), { minLength: 1, maxLength: 5 }),
        fc.jsonValue(),
        (names, value) => {
          const pointer = names.map((name) => `/${escape(name)}`).join('');
          expect(at(build([[pointer, value as Json]]), pointer)).toEqual(value);
        },
      ),
    );
    expect(({} as Record<string, unknown>)['polluted'], 'no name reaches the prototype of all objects').toBeUndefined();
  });

  test('name nothing where the document goes another way', () => {
    for (const pointer of ['/a/b', '/0', '/toString', '/a/length', '/c/0']) expect(at({ a: 'text' }, pointer)).toBeUndefined();
  });
});

test('no value becomes another part of an address', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      fc.pre(value !== '.' && value !== '..');
      const url = new URL(`http://stadt.example/base${fillPath('/cases/{id}/files?q={id}', { id: value })}`);
      expect(url.host).toBe('stadt.example');
      expect(url.searchParams.get('q')).toBe(value.toWellFormed());
      expect(url.hash).toBe('');
      expect(url.pathname.split('/').length, 'dots and slashes in an id must not climb').toBe(5);
    }),
  );
});

test.each(['.', '..'])('an id %j, which would climb in the path, is refused', (id) => {
  expect(() => fillPath('/cases/{id}/files', { id })).toThrow(AdapterError);
});

test('a body holds what its pointers and texts say, and leaves out what is absent', async () => {
  const source: Json = { applicant: { name: 'Ä' }, formData: { a: [1, 2] }, key: 'k' };
  const toBody = bodyMaker({
    '/x/name': '/applicant/name',
    '/x/mail': '/applicant/email',
    '/all': '/formData',
    '/text': 'Nr. {/key}, {/nothing}',
    '/queue': 7,
    '/first': { $: 'formData.a[0] + 1' },
  });
  expect(await toBody(source)).toEqual({
    x: { name: 'Ä' },
    all: { a: [1, 2] },
    text: 'Nr. k, ',
    queue: 7,
    first: 2,
  });
});

const outcomeOf = async (run: () => Promise<boolean>): Promise<string> => {
  try {
    return String(await run());
  } catch (error) {
    return (error as Error).name;
  }
};

test('no answer of a back office is taken for a case unless it is one', async () => {
  const { toSnapshot } = caseReader(
    { id: '/id', status: '/s', updatedAt: '/t', in: '' },
    createMoments(undefined, 'iso', () => new Date()),
  );
  const shapes = fc.oneof(fc.jsonValue(), fc.record({ id: fc.jsonValue(), s: fc.jsonValue(), t: fc.oneof(fc.jsonValue(), fc.integer()) }));
  await fc.assert(
    fc.asyncProperty(shapes, async (value) => {
      const isCase = async () => {
        const snapshot = await toSnapshot(value as Json);
        return snapshot.ref.id !== '' && !Number.isNaN(snapshot.updatedAt.getTime());
      };
      expect(await outcomeOf(isCase)).toMatch(/^(true|AdapterError)$/);
    }),
  );
});

test('a problem with a field reaches the applicant under the form’s own name', async () => {
  const config = restConfig.parse({
    baseUrl: 'http://stadt.example',
    auth: { header: 'X', secret: 'eight-letters' },
    idempotency: 'none',
    submit: { path: '/a', body: { '/antrag': '/formData', '/antrag/person': '/applicant', '/titel': 'Antrag {/key}' } },
    case: { id: '/id', status: '/s', updatedAt: '/t' },
    load: { path: '/a/{id}' },
    health: { path: '/h' },
    errors: { items: '/fehler', field: '/feld', text: '/text' },
  });
  const fehler = [
    { feld: '/antrag/kennzeichen', text: 'a' },
    { feld: 'antrag.person.name', text: 'b' },
    { feld: '/antragsnummer', text: 'c' },
    { feld: '/titel', text: 'd' },
    { feld: 7 },
  ];
  expect(await toFieldProblems({ fehler }, config)).toEqual({ '/formData/kennzeichen': 'a', '/applicant/name': 'b', '': 'd' });
  for (const body of [null, [], 'x', { fehler: {} }, { fehler: null }]) expect(await toFieldProblems(body as Json, config)).toEqual({});
  const shapes = { fehler: { 'antrag.kennzeichen': ['zu lang', 'x'], sonst: 'y' } };
  expect(await toFieldProblems(shapes, config)).toEqual({ '/formData/kennzeichen': 'zu lang', '': 'y' });
});

describe('Redmine', () => {
  test('a cursor comes back as it went, and nothing else is one', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }), fc.nat(999_999_999), (date, skip) => {
        const since = earlier(date.toISOString(), 0);
        expect(parseCursor(toCursor({ since, skip }))).toEqual({ since, skip });
      }),
    );
    for (const cursor of ['', 'x', '2026-13-01T00:00:00Z', '2026-01-01T00:00:00Z -1', '2026-01-01'])
      expect(() => parseCursor(cursor)).toThrow(AdapterError);
  });

  test('no text of an applicant ends the block that shows it as it is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('<pre', '</pre>', '</PRE >', '<', '/'))).map((parts) => parts.join('')),
        (text) => {
          expect(preformatted(text).slice(5, -6)).not.toMatch(/<\/?pre/i);
        },
      ),
    );
  });
});
