import fc from 'fast-check';
import jsonata from 'jsonata';
import { describe, expect, test } from 'vitest';
import { plainName } from '../../adapters/rest/attachments.ts';
import { compile, expressionProblem } from '../../adapters/rest/expression.ts';
import { bodyMaker } from '../../adapters/rest/body.ts';
import { formOf } from '../../adapters/rest/form.ts';
import { nextLink } from '../../adapters/rest/lists.ts';
import { createMoments } from '../../adapters/rest/moments.ts';

const berlin = (now = '2027-01-01T00:00:00Z') => createMoments('Europe/Berlin', 'local', () => new Date(now));

describe('a moment without an offset', () => {
  test('is read in the zone it was written in, whatever the day', () => {
    const range = { min: new Date('1990-01-01'), max: new Date('2060-01-01'), noInvalidDate: true };
    fc.assert(
      fc.property(fc.date(range), (date) => {
        const moments = createMoments('Europe/Berlin', 'local', () => new Date('2100-01-01'));
        const second = Math.floor(date.getTime() / 1000) * 1000;
        const read = moments.parse(moments.format(second));
        // In the hour that comes twice both readings are right; never any third.
        expect([read?.best.getTime(), read?.earliest.getTime()]).toContain(second);
        expect(moments.format(read!.best.getTime())).toBe(moments.format(second));
      }),
    );
  });

  test('in the hour that comes twice is the later one, once that has come', () => {
    const text = '2026-10-25T02:30:00';
    expect(berlin('2026-10-25T00:45:00Z').parse(text)?.best.toISOString()).toBe('2026-10-25T00:30:00.000Z');
    expect(berlin('2026-10-25T01:45:00Z').parse(text)?.best.toISOString()).toBe('2026-10-25T01:30:00.000Z');
    // A clock that is some seconds ahead has come to what ours has not.
    expect(berlin('2026-10-25T01:29:58Z').parse(text)?.best.toISOString()).toBe('2026-10-25T01:30:00.000Z');
    expect(berlin('2026-10-25T01:45:00Z').parse(text)?.earliest.toISOString()).toBe('2026-10-25T00:30:00.000Z');
  });

  test('in the hour that does not exist is an hour further', () => {
    expect(berlin().parse('2026-03-29 02:30')?.best.toISOString()).toBe('2026-03-29T01:30:00.000Z');
  });

  test('makes a pull reach back over the night in which the clock is put back, and no other', () => {
    const hour = 3_600_000;
    const night = Date.parse('2026-10-25T01:10:00Z');
    expect(berlin().resume(night)).toBe(night - hour);
    for (const day of ['2026-03-29T01:10:00Z', '2026-10-24T12:00:00Z', '2026-10-25T12:00:00Z'])
      expect(berlin().resume(Date.parse(day))).toBe(Date.parse(day));
  });

  test('is none if no zone is stated', () => {
    expect(createMoments(undefined, 'iso', () => new Date()).parse('2026-11-20T10:00:00')).toBeNull();
  });
});

test.each([
  ['2026-11-20T10:00:00+02:00', '2026-11-20T08:00:00.000Z'],
  ['2026-11-20 10:00:00.5Z', '2026-11-20T10:00:00.500Z'],
  ['2026-11-20T10:00:00-0330', '2026-11-20T13:30:00.000Z'],
  ['20.11.2026, 11:05 Uhr', '2026-11-20T10:05:00.000Z'],
  ['1.7.2026 11:05:06', '2026-07-01T09:05:06.000Z'],
  ['2026-07-01', '2026-06-30T22:00:00.000Z'],
  ['Fri, 20 Nov 2026 10:00:00 GMT', '2026-11-20T10:00:00.000Z'],
  [1_763_632_800, '2025-11-20T10:00:00.000Z'],
  [1_763_632_800_123, '2025-11-20T10:00:00.123Z'],
  ['1763632800', '2025-11-20T10:00:00.000Z'],
])('%j is %s', (written, moment) => expect(berlin().parse(written)?.best.toISOString()).toBe(moment));

test.each(['', 'soon', '2026-02-30', '2026-13-01', '2026-11-20T25:00', '31.11.2026', true, null, {}, Number.NaN, 1e300])(
  '%j is no moment',
  (written) => expect(berlin().parse(written as never)).toBeNull(),
);

describe('an expression', () => {
  test.each<[string, unknown, unknown]>([
    ['history[-1].code', { history: [{ code: 'a' }, { code: 'b' }] }, 'b'],
    ['$join(tags[$ != "x"], ",")', { tags: ['x', 'y', 'z'] }, 'y,z'],
    ['closed ? "zu" : state.name', { closed: false, state: { name: 'neu' } }, 'neu'],
    ['{"a": [items.x]}', { items: [{ x: 1 }, { x: 2 }] }, { a: [1, 2] }],
    ['items.x', { items: [{ x: 1 }, { x: 2 }] }, [1, 2]],
    ['missing.part', {}, undefined],
    ['$pad("7", -3, "0")', {}, '007'],
    ['constructor.constructor', {}, undefined],
  ])('%s', async (source, document, result) => {
    expect(expressionProblem(source)).toBeNull();
    expect(await compile(source)(document as never)).toEqual(result);
  });

  test.each([
    ['recursion without end', '($f := function($x) { $f($x) + 1 }; $f(1))'],
    ['a sequence that is too long', '$sum([1..9999999])'],
    ['a text that is too wide', '$pad("x", 100000000)'],
    ['a text that doubles', '($d := function($s, $n) { $n = 0 ? $s : $d($s & $s, $n - 1) }; $d("xxxxxxxxxx", 25))'],
    ['a function as its result', 'function($x) { $x }'],
    ['a mistake in types', '1 + "a"'],
    ['a pattern over a very long text', '$contains(long, /a+b/)'],
  ])('%s ends as malformed, without quoting the document', async (_, source) => {
    expect(expressionProblem(source)).toBeNull();
    const failed = await compile(source)({ long: 'Geheim'.repeat(10_000) }).then(
      () => expect.unreachable('it should fail'),
      (error: Error) => error,
    );
    expect(failed).toMatchObject({ name: 'AdapterError', kind: 'malformed', effect: 'none' });
    expect(failed.message).not.toContain('Geheim');
  });

  test.each(['/(a)\\1/', '/(?=a)b/', '/(?<!a)b/', '/(a{0,40}){0,40}/', '/a{0,999}/'])('with %s is refused before it runs', (pattern) =>
    expect(expressionProblem(`$match(x, ${pattern})`)).toContain('a simpler regular expression'),
  );

  test.each(['/(a+)+b/', '/(a|a)*b/', '/a*a*a*b/', '/^(\\w+\\s?)*$/'])('%s looks at a long text in linear time', async (pattern) => {
    const source = `$contains(text, ${pattern})`;
    expect(expressionProblem(source)).toBeNull();
    expect(await compile(source)({ text: `${'a'.repeat(9000)}!` })).toBe(false);
  });

  test.each([
    '$match(t, /([a-z]+)-(\\d+)?/)',
    '$match(t, /ä(x)?/i)',
    '$replace(t, /\\s+/, "_")',
    '$replace(t, /(\\w)(\\w)/, "$2$1", 3)',
    '$split(t, /[,;] ?/)',
    '$contains(t, /^ab.c$/m)',
  ])('%s answers what the language itself does', async (source) => {
    const document = { t: 'ab-12, Cd-; Äx ä 7\nabxc' };
    expect(await compile(source)(document)).toEqual(JSON.parse(JSON.stringify(await jsonata(source).evaluate(document))));
  });

  test.each(['$error("Bitte nennen Sie eine Anschrift.")', '$assert($exists(nowhere), "Bitte nennen Sie eine Anschrift.")'])(
    '%s in a body refuses what was entered, with its text for the applicant',
    async (source) => {
      const refusal = { kind: 'rejected', effect: 'none', fields: { '': 'Bitte nennen Sie eine Anschrift.' } };
      await expect(bodyMaker({ $: source })({ applicant: {} })).rejects.toMatchObject(refusal);
      await expect(bodyMaker({ '/anschrift': { $: source } })({ applicant: {} })).rejects.toMatchObject(refusal);
      await expect(compile(source)({})).rejects.toMatchObject({ kind: 'malformed' });
    },
  );

  test('of any text is a problem or compiles, and never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.constantFrom('a', '.', '[', ']', '(', ')', '$', '/', '"', '&', ' ')).map((parts) => parts.join('')),
        ),
        (source) => {
          const problem = expressionProblem(source);
          expect(problem ?? typeof compile(source)).toMatch(/^(function|a JSONata expression|a simpler regular expression|an expression )/);
        },
      ),
    );
    expect(expressionProblem('a.b')).toBeNull();
  });
});

describe('the header Link', () => {
  test.each([
    ['<http://h/a?page=2>; rel="next"', 'http://h/a?page=2'],
    ['<a>; rel="prev", <b;c,d>; rel=next', 'b;c,d'],
    ['<a>;title="x, rel=next";rel="last", <b> ; foo ; rel="first NEXT"', 'b'],
    ['<a>; rel="nextish"', null],
    ['nonsense', null],
    ['', null],
  ])('%s leads to %s', (header, target) => expect(nextLink(header)).toBe(target));

  test('takes no time, whatever it says', () => {
    for (const part of ['<a>;', ' ;', '<', '<a>; x="', ';rel="next"']) expect(nextLink(part.repeat(4_000))).not.toBe(undefined);
  });
});

test('a form reads back as it was made, and is the same each time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.string({ unit: 'grapheme' }), fc.uint8Array(), async (text, name, bytes) => {
      const file = plainName(name);
      const make = () =>
        formOf(
          [
            { part: 'antrag', bytes: text },
            { part: 'datei', file, type: 'application/pdf', bytes },
          ],
          'key',
        );
      const { type, bytes: body } = make();
      expect(Buffer.from(make().bytes).equals(Buffer.from(body))).toBe(true);
      const form = await new Response(body, { headers: { 'content-type': type } }).formData();
      const read = form.get('datei') as File;
      expect([form.get('antrag'), read.name, new Uint8Array(await read.arrayBuffer())]).toEqual([
        text.replaceAll('\uFEFF', ''),
        file,
        bytes,
      ]);
    }),
    { numRuns: 50 },
  );
});

test.each([
  ['../../etc/passwd', 'passwd'],
  ['C:\\Users\\x\\Ausweis.pdf', 'Ausweis.pdf'],
  ['a\r\nX: y.pdf', 'aX: y.pdf'],
  ['..', 'anlage'],
  ['', 'anlage'],
  ['.', 'anlage'],
])('the file name %j goes over as %j', (name, plain) => expect(plainName(name)).toBe(plain));
