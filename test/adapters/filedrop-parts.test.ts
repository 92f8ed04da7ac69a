import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import { filedropConfig, type FiledropConfig } from '../../adapters/filedrop/config.ts';
import { decode, encode, transliterate, unencodable } from '../../adapters/filedrop/encoding.ts';
import { readStatus } from '../../adapters/filedrop/incoming.ts';
import { Malformed } from '../../adapters/filedrop/malformed.ts';
import { toMoment } from '../../adapters/filedrop/moments.ts';
import { documentName, nameOf, neutralise, render } from '../../adapters/filedrop/outgoing.ts';

const config = {
  url: 'sftp://files.example:22',
  user: 'hub',
  auth: { password: 'long enough' },
  hostKey: `SHA256:${'A'.repeat(43)}`,
  outbox: { folder: 'eingang', format: 'csv', fields: { Kennung: '/key', Text: '/text' }, taken: { archive: 'archiv' } },
  status: { folder: 'status', format: 'csv', fields: { key: 'Kennung', status: 'Stand', updatedAt: 'Am' }, done: 'keep' },
};
const outbox = (over: Partial<FiledropConfig['outbox']> = {}): FiledropConfig['outbox'] => ({
  ...filedropConfig.parse(config).outbox,
  ...over,
});
const status = (over: Partial<FiledropConfig['status']> = {}): FiledropConfig['status'] => ({
  ...filedropConfig.parse(config).status,
  ...over,
});
const now = new Date('2026-11-24T12:00:00Z');

describe('what goes out', () => {
  test('a CSV says what was given, in one record, whatever was given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(';', ',', '\t', '|'), (text, delimiter) => {
        const fields = { Kennung: '/key', Text: '/text' };
        const content = render(fields, { key: 'k', text }, outbox({ delimiter: delimiter as ';', formulas: 'keep' })).toString('utf8');
        expect(parse(content, { delimiter, columns: true })).toEqual([{ Kennung: 'k', Text: text.toWellFormed() }]);
      }),
    );
  });

  test('an XML says what was given, and is well-formed in either encoding', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.constantFrom('utf-8', 'windows-1252'), (text, encoding) => {
        const content = iconv.decode(
          render({ 'A/B': '/text' }, { text }, outbox({ format: 'xml', encoding: encoding as 'utf-8' })),
          encoding,
        );
        let read = '';
        const parser = new SaxesParser();
        parser.on('error', (error) => expect.unreachable(error.message));
        parser.on('text', (part) => (read += part));
        parser.write(content).close();
        expect(read.trim()).toBe(text.replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '').trim());
      }),
    );
  });

  test.each(['=1+1', '+SUM(A1)', '-2+A3', '@x', '\t=1', ' =1', '＝1', '-cmd|calc', '-', '+49 211 899-A1'])(
    '%j is shown, not calculated',
    (text) => {
      expect(neutralise(text)).toBe(`'${text}`);
    },
  );

  test.each(['+49 211 8991', '+49 211 899-1', '+49 (0)211/899-1', '(+49) 211', '-5', '-3,50', '-1.234,00', 'Müller', 'a=b', ''])(
    '%j is left as it is',
    (text) => expect(neutralise(text)).toBe(text),
  );

  test('a name is no path, and two keys that differ have two, on servers too that do not tell A from a', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(nameOf(a)).toMatch(/^(_[0-9a-f]{40}|[a-z0-9][a-z0-9-]{0,63})$/);
        expect(nameOf(a).toLowerCase() === nameOf(b).toLowerCase()).toBe(a.toWellFormed() === b.toWellFormed());
      }),
      {
        examples: [
          ['A', 'a'],
          ['..', '.'],
          ['a/b', 'a'],
        ],
      },
    );
    expect(documentName('x', 1, '../../etc/passwd')).toBe('x_1.bin');
  });
});

describe('encodings', () => {
  test('what Windows-1252 has goes there and back; of the rest nothing is lost in silence', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const lossless = decode(encode(text, 'windows-1252'), 'windows-1252') === text;
        expect(unencodable(text, 'windows-1252').length === 0).toBe(lossless);
        expect(unencodable(transliterate(text, 'windows-1252'), 'windows-1252')).toEqual([]);
      }),
    );
    expect(transliterate('Żółć ŞAHİN ı', 'windows-1252')).toBe('Zólc SAHIN i');
    expect(encode('€ß', 'windows-1252')).toEqual(Buffer.from([0x80, 0xdf]));
  });
});

describe('what comes in', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    fc.string({ unit: 'binary', maxLength: 400 }).map((text) => new TextEncoder().encode(text)),
  );
  const almost = fc
    .array(
      fc.constantFrom(
        'Kennung',
        'Stand',
        'Am',
        ';',
        '"',
        '\r\n',
        '\n',
        'a',
        '2026-11-24',
        '<',
        '>',
        '/',
        '&',
        '<Vorgang>',
        '</Vorgang>',
        '<!DOCTYPE x>',
        '<![CDATA[',
        ']]>',
      ),
      { maxLength: 40 },
    )
    .map((parts) => new TextEncoder().encode(parts.join('')));

  test.each(['csv', 'xml'] as const)('any %s is read whole or refused with a line', async (format) => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(bytes, almost), fc.constantFrom('utf-8', 'windows-1252'), async (content, encoding) => {
        try {
          const file = await readStatus(Buffer.from(content), status({ format, encoding: encoding as 'utf-8' }), 'Europe/Berlin', now);
          for (const { id, ref, nativeStatus, updatedAt } of file.changes)
            expect([id, ref.id, nativeStatus, updatedAt.getTime() > 0].every(Boolean)).toBe(true);
        } catch (error) {
          if (!(error instanceof Malformed) || error.line < 1) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['sep= in the first line', 'sep=,\r\nKennung,Stand,Am\r\na,offen,2026-11-24\r\n'],
    ['sep= behind a byte order mark', '\uFEFFsep=;\nKennung;Stand;Am\na;offen;2026-11-24\n'],
    ['rows without a value', 'Kennung;Stand;Am\n;;\na;offen;2026-11-24\n;;;;\n ; ;\n'],
    ['empty cells behind the last column', 'Kennung;Stand;Am;;\na;offen;2026-11-24;;\na;offen;2026-11-24\n'],
  ])('a CSV with %s is read', async (_, text) => {
    const { changes, bad } = await readStatus(Buffer.from(text), status({ format: 'csv' }), 'Europe/Berlin', now);
    expect(bad).toEqual([]);
    expect(new Set(changes.map(({ ref, nativeStatus }) => `${ref.id} ${nativeStatus}`))).toEqual(new Set(['a offen']));
  });

  const good = 'b;offen;2026-11-24';
  test.each([
    ['too few cells', `sep=;\nKennung;Stand;Am\n\na;offen\n${good}\n`, /^line 4: the number of columns/],
    ['a value behind the last column', `Kennung;Stand;Am\na;offen;2026-11-24;x\n${good}\n`, /^line 2: the number of columns/],
    ['a byte of another charset', `Kennung;Stand;Am\na;zur\u00fcck;2026-11-24\n${good}\n`, /^line 2: not UTF-8/],
    ['a NUL', `Kennung;Stand;Am\na;off\0en;2026-11-24\n${good}\n`, /^line 2: its status has a NUL/],
    ['a moment of the year 9999 BC', `Kennung;Stand;Am\na;offen;-9999-01-01\n${good}\n`, /^line 2: Am: not a moment/],
    ['infinity', `Kennung;Stand;Am\na;offen;infinity\n${good}\n`, /^line 2: Am: not a moment/],
    ['the year 1', `Kennung;Stand;Am\na;offen;0001-01-01\n${good}\n`, /^line 2: /],
    ['no moment', `Kennung;Stand;Am\na;offen;\n${good}\n`, /^line 2: Am is missing/],
  ])('a row of a CSV with %s is named, and the others are read', async (_, text, words) => {
    const { changes, bad } = await readStatus(Buffer.from(text, 'latin1'), status({ format: 'csv' }), 'Europe/Berlin', now);
    expect(changes.map(({ ref }) => ref.id)).toEqual(['b']);
    expect(bad.map(({ problem }) => problem.message)).toEqual([expect.stringMatching(words)]);
  });

  test.each([
    ['a NUL', 'off\0en'],
    ['a reference to one', 'off&#0;en'],
    ['a byte of another charset', 'zur\u00fcck'],
  ])('a row of XML with %s is named, and the others are read', async (_, text) => {
    const row = (key: string, stand: string) => `<Vorgang><Kennung>${key}</Kennung><Stand>${stand}</Stand><Am>2026-11-24</Am></Vorgang>`;
    const file = Buffer.from(`<Liste>${row('a', text)}${row('b', 'offen')}</Liste>`, 'latin1');
    const { changes, bad } = await readStatus(file, status({ format: 'xml' }), 'Europe/Berlin', now);
    expect(changes.map(({ ref }) => ref.id)).toEqual(['b']);
    expect(bad.map(({ key }) => key)).toEqual(['a']);
  });

  test('a long file leaves others a turn between its pieces', async () => {
    const rows = Array.from({ length: 3000 }, (_, n) => [`a${n}`, 'offen', '2026-11-24'] as const);
    const xml = rows
      .map(([key, stand, am]) => `<Vorgang><Kennung>${key}</Kennung><Stand>${stand}</Stand><Am>${am}</Am></Vorgang>`)
      .join('');
    const csv = ['Kennung;Stand;Am', ...rows.map((row) => row.join(';'))].join('\n');
    for (const [format, text] of [
      ['xml', `<Liste>${xml}</Liste>`],
      ['csv', csv],
    ] as const) {
      let turns = 0;
      const count = () => {
        turns += 1;
        turn = setImmediate(count);
      };
      let turn = setImmediate(count);
      const { changes } = await readStatus(Buffer.from(text), status({ format }), 'Europe/Berlin', now);
      clearImmediate(turn);
      expect(changes).toHaveLength(3000);
      expect(turns).toBeGreaterThan(2);
    }
  });

  test('a file that grew too large, or nests too deeply, is refused', async () => {
    const read = (text: string, over = {}) => readStatus(Buffer.from(text), status({ format: 'xml', ...over }), 'Europe/Berlin', now);
    await expect(read('x'.repeat(100), { maxBytes: 99 })).rejects.toThrow('larger than 99 bytes');
    await expect(read('<a>'.repeat(100))).rejects.toThrow('nested too deeply');
    await expect(read(`<a ${Array.from({ length: 501 }, (_, n) => `n${n}=""`).join(' ')}/>`)).rejects.toThrow('too many attributes');
  });

  test.each([
    ['2026-11-24T10:05:06+01:00', '2026-11-24T09:05:06.000Z'],
    ['2026-11-24T10:05:06.5Z', '2026-11-24T10:05:06.500Z'],
    ['2026-07-24 10:05', '2026-07-24T08:05:00.000Z'],
    ['24.11.2026 10:05', '2026-11-24T09:05:00.000Z'],
    ['24.11.2026, 10.05 Uhr', '2026-11-24T09:05:00.000Z'],
    ['1.2.2026', '2026-01-31T23:00:00.000Z'],
    ['25.10.2026 02:30', '2026-10-25T01:30:00.000Z'],
  ])('%s is a moment', (text, moment) => expect(toMoment(text, 'Europe/Berlin', now)?.toISOString()).toBe(moment));

  test('in the hour that comes twice, the reading that is not in the future', () => {
    expect(toMoment('25.10.2026 02:30', 'Europe/Berlin', new Date('2026-10-25T00:35:00Z'))?.toISOString()).toBe('2026-10-25T00:30:00.000Z');
  });

  test.each(['', 'gestern', '31.02.2026', '2026-13-01', '24.11.26', '24.11.2026 24:00', '10:05'])('%j is none', (text) =>
    expect(toMoment(text, 'Europe/Berlin', now)).toBeNull(),
  );
});

describe('the config', () => {
  test('takes what is right', () => expect(filedropConfig.safeParse(config).success).toBe(true));

  test.each([
    ['a folder that climbs', { outbox: { ...config.outbox, folder: 'eingang/../..' } }],
    ['a prefix that is a path', { outbox: { ...config.outbox, prefix: 'a/b' } }],
    ['no field for the key', { outbox: { ...config.outbox, fields: { Name: '/applicant/name' } } }],
    ['an element that is no name', { outbox: { ...config.outbox, format: 'xml', fields: { 'a b': '/key' } } }],
    ['a host key that is no fingerprint', { hostKey: 'ssh-ed25519 AAAA' }],
    ['no host key', { hostKey: undefined }],
    ['a user in the address', { url: 'sftp://hub@files.example' }],
    ['a path in the address', { url: 'sftp://files.example/eingang' }],
    ['FTP', { url: 'ftp://files.example' }],
    ['a short password', { auth: { password: 'short' } }],
    ['a typo', { outboxx: {} }],
  ])('refuses %s', (_, over) => expect(filedropConfig.safeParse({ ...config, ...over }).success).toBe(false));
});
