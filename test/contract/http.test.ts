import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeText, parseJson, readJson, readText, retryAfterMs } from '#contract';
import { fromXml } from '../../adapters/open311/records.ts';
import { parseXml, qualified } from '../../adapters/soap/xml.ts';

const bytes = (text: string, encoding: BufferEncoding = 'latin1') => Buffer.from(text, encoding);
const json = (body: Uint8Array<ArrayBuffer> | string, contentType = 'application/json') =>
  new Response(body, { headers: { 'content-type': contentType } });

describe('a text is read by its charset', () => {
  test.each([
    ['UTF-8, where nothing is said', bytes('zurückgezogen', 'utf8'), {}],
    ['the content type', bytes('zurückgezogen'), { contentType: 'text/plain; charset=ISO-8859-1' }],
    ['the content type, in quotes', bytes('zurückgezogen'), { contentType: 'text/xml;x=1; Charset="latin1"' }],
    ['the declaration of XML', bytes('<?xml version="1.0" encoding=\'iso-8859-15\'?>zurückgezogen'), { xml: true }],
    [
      'the content type before the declaration',
      bytes('<?xml version="1.0" encoding="utf-8"?>zurückgezogen'),
      { xml: true, contentType: 'text/xml; charset=windows-1252' },
    ],
    [
      'a byte order mark before both',
      bytes('\uFEFF<?xml encoding="latin1"?>zurückgezogen', 'utf8'),
      { xml: true, contentType: 'text/xml; charset=latin1' },
    ],
    ['UTF-16 with its mark', bytes('\uFEFFzurückgezogen', 'utf16le'), {}],
  ])('%s', (_, text, how) => expect(decodeText(text, how)).toMatch(/zurückgezogen$/));

  test('the euro of Windows is one, and so is that of ISO-8859-15', () => {
    expect(decodeText(Uint8Array.of(0x80), { contentType: 'text/plain; charset=windows-1252' })).toBe('€');
    expect(decodeText(Uint8Array.of(0xa4), { contentType: 'text/plain; charset=iso-8859-15' })).toBe('€');
  });

  test('bytes that are no text of it are malformed, and so is a charset nobody knows', () => {
    expect(() => decodeText(bytes('zurück'), { effect: 'unknown' })).toThrow(
      expect.objectContaining({ kind: 'malformed', effect: 'unknown' }),
    );
    expect(() => decodeText(bytes('x'), { contentType: 'text/plain; charset=klingon' })).toThrow(/not known \(klingon\)/);
  });

  test('of an answer too', async () => {
    expect(
      await readText(
        new Response(bytes('<?xml version="1.0" encoding="ISO-8859-1"?><s>zurückgezogen</s>'), { headers: { 'content-type': 'text/xml' } }),
      ),
    ).toContain('zurückgezogen');
    expect(await readJson(json(bytes('{"status":"zurückgezogen"}'), 'application/json; charset=iso-8859-1'))).toEqual({
      status: 'zurückgezogen',
    });
    await expect(readJson(json(bytes('{"status":"zurück"}')))).rejects.toMatchObject({ kind: 'malformed' });
  });
});

describe('JSON of an answer', () => {
  test('is null if there is none; a page is no JSON', async () => {
    expect(await readJson(json('', 'text/plain'))).toBeNull();
    await expect(readJson(json('<html>', 'text/html'), 'unknown')).rejects.toMatchObject({ kind: 'misconfigured', effect: 'unknown' });
    await expect(readJson(json('{"a":'))).rejects.toMatchObject({ kind: 'malformed' });
  });

  test('keeps ids that are too long for a number, and nothing else, as texts', async () => {
    const text = String.raw`{"id":12345678901234567890,"b":[-98765432109876543210, 9007199254740991,9007199254740992],"c":1234567890123456.5,"d":1e300,"e":1234567890123456789e2,"f":"\"12345678901234567890\\","g":0.12345678901234567890}`;
    expect(await parseJson(text)).toEqual({
      id: '12345678901234567890',
      b: ['-98765432109876543210', 9007199254740991, '9007199254740992'],
      c: 1234567890123456.5,
      d: 1e300,
      e: Number('1234567890123456789e2'),
      f: '"12345678901234567890\\',
      g: 0.12345678901234568,
    });
  });

  test('of any value comes back as it went out', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        const exact = (_: string, value: unknown, { source }: { source?: string } = {}) =>
          typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '') ? source : value;
        expect(await parseJson(`[12345678901234567890,${text}]`)).toEqual(JSON.parse(`[12345678901234567890,${text}]`, exact));
      }),
    );
  });

  test('of any broken text is refused as malformed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom('"', '\\', '[', ',', '1234567890123456', '-', 'e', '.', '}') }), async (text) => {
        const plain = (() => {
          try {
            return JSON.parse(text) !== undefined;
          } catch {
            return false;
          }
        })();
        const own = await parseJson(text).then(
          () => true,
          (error: unknown) => ((error as { kind?: string }).kind === 'malformed' ? false : error),
        );
        expect(own).toBe(plain);
      }),
    );
  });

  test('with more values than anybody asked for is refused before it is parsed', async () => {
    await expect(parseJson(`[${'0,'.repeat(4_000_000)}0]`)).rejects.toMatchObject({
      kind: 'malformed',
      message: expect.stringContaining('200000'),
    });
    expect(await parseJson(`[${'0,'.repeat(199_000)}0]`)).toHaveLength(199_001);
  });
});

/** Turns of the event loop that others get while something runs. */
async function turnsWhile(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let over = false;
  const count = () => {
    turns++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  await work.finally(() => (over = true));
  return turns;
}

describe('a long answer holds nobody else up', () => {
  test('JSON', async () => expect(await turnsWhile(parseJson(JSON.stringify(['x'.repeat(4_000_000)])))).toBeGreaterThanOrEqual(1));

  test.each([
    ['of SOAP', (text: string) => parseXml(text)],
    ['of GeoReport', (text: string) => fromXml(text, 'none')],
  ])('XML %s', async (_, read) => {
    expect(await turnsWhile(read(`<a>${'<b>text</b>'.repeat(90_000)}</a>`))).toBeGreaterThanOrEqual(10);
  });
});

describe('XML with many namespaces', () => {
  test('costs what its length costs, not its square: that would take minutes', async () => {
    const many = Array.from({ length: 90_000 }, (_, index) => index);
    const declared = (level: number) => Array.from({ length: 400 }, (_, index) => `xmlns:p${level}_${index}="u${level}"`).join(' ');
    const levels = Array.from({ length: 50 }, (_, level) => level);
    const inside = many.map((index) => `<b xmlns:q="v${index}"/>`).join('');
    let element = await parseXml(`${levels.map((level) => `<a ${declared(level)}>`).join('')}${inside}${'</a>'.repeat(levels.length)}`);
    for (const _ of levels.slice(1)) element = element.children[0]!;
    expect(element.children.map((child) => qualified(child, 'q:x').namespace)).toEqual(many.map((index) => `v${index}`));
    expect(levels.map((level) => qualified(element.children.at(-1)!, `p${level}_399:x`).namespace)).toEqual(
      levels.map((level) => `u${level}`),
    );
  });

  test('on one element, or other attributes there, are bounded', async () => {
    const attributes = (name: string) => Array.from({ length: 501 }, (_, index) => `${name}${index}="u"`).join(' ');
    for (const name of ['xmlns:p', 'n']) await expect(parseXml(`<a ${attributes(name)}/>`)).rejects.toThrow('too many attributes');
  });

  test('finds each prefix where it was declared last', async () => {
    const root = await parseXml('<a xmlns="d" xmlns:p="one" xmlns:__proto__="odd"><b xmlns:p="two"><c xmlns=""/></b><p:d/></a>');
    const [b, d] = root.children;
    expect(
      [root, b, b?.children[0], d].map((element) => element && [qualified(element, 'p:x').namespace, qualified(element, 'x').namespace]),
    ).toEqual([
      ['one', 'd'],
      ['two', 'd'],
      ['two', ''],
      ['one', 'd'],
    ]);
    expect([qualified(root, '__proto__:x').namespace, qualified(root, 'constructor:x').namespace]).toEqual(['odd', '']);
  });
});

test('Retry-After is read as seconds and as a date', () => {
  const now = new Date('2026-11-30T10:00:00Z');
  const asked = (text: string) => retryAfterMs(new Response(null, { headers: { 'retry-after': text } }), now);
  expect([asked('3'), asked('Mon, 30 Nov 2026 10:00:05 GMT'), asked('Mon, 30 Nov 2026 09:00:00 GMT'), asked('soon')]).toEqual([
    3000,
    5000,
    0,
    undefined,
  ]);
});
