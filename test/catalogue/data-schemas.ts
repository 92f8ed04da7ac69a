import fc from 'fast-check';
import type { Json } from '#contract';

/*
 * Data schemas made for tests: the same schema as XDatenfelder 2 and 3, with values that fill it in rightly. What is right is
 * said here, by what the schema means, not worked out from the form it becomes.
 */

/** A field or group of a made schema. */
export interface Made {
  xml(standard: 2 | 3): string;
  /** A value that fills it in. */
  readonly filled: fc.Arbitrary<Json>;
  readonly id: string;
  /** True if no applicant fills it in. */
  readonly silent?: boolean;
}

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const namespaces = { 2: 'urn:xoev-de:fim:standard:xdatenfelder_2', 3: 'urn:xoev-de:fim:standard:xdatenfelder_3.0.0' } as const;

const head = (id: string, name: string, help = '') =>
  `<xdf:identifikation><xdf:id>${id}</xdf:id><xdf:version>1.0</xdf:version></xdf:identifikation><xdf:name>${escape(name)}</xdf:name><xdf:bezeichnungEingabe>${escape(name)}</xdf:bezeichnungEingabe>${help ? `<xdf:hilfetextEingabe>${escape(help)}</xdf:hilfetextEingabe>` : ''}`;

/** Limits as either version writes them. */
const limits = (standard: 2 | 3, given: Readonly<Record<string, string>>) =>
  standard === 2
    ? `<xdf:praezisierung>${Object.keys(given).length > 0 ? escape(JSON.stringify(given)) : ''}</xdf:praezisierung>`
    : `<xdf:praezisierung ${Object.entries(given)
        .map(([name, value]) => `${name}="${escape(value)}"`)
        .join(' ')}/>`;

/** A field in either version. */
export const field =
  (
    id: string,
    name: string,
    {
      kind = 'input',
      type = 'text',
      given = {},
      content = '',
      more = '',
      help = '',
    }: Partial<Record<'kind' | 'type' | 'content' | 'more' | 'help', string>> & { given?: Record<string, string> } = {},
  ) =>
  (standard: 2 | 3) =>
    `<xdf:datenfeld>${head(id, name, help)}<xdf:feldart><code>${kind}</code></xdf:feldart><xdf:datentyp><code>${type}</code></xdf:datentyp>${limits(standard, given)}<xdf:inhalt>${escape(content)}</xdf:inhalt>${more}</xdf:datenfeld>`;

/** A group, its members with how often they occur. */
export const group = (id: string, name: string, members: string, more = '') =>
  `<xdf:datenfeldgruppe>${head(id, name)}${more}${members}</xdf:datenfeldgruppe>`;

export const member = (often: string, inner: string) =>
  `<xdf:struktur><xdf:anzahl>${often}</xdf:anzahl><xdf:enthaelt>${inner}</xdf:enthaelt></xdf:struktur>`;

/** A rule, its text where the version has it. */
export const rule = (standard: 2 | 3, id: string, text: string) => {
  const name = standard === 2 ? 'definition' : 'freitextRegel';
  return `<xdf:regel><xdf:identifikation><xdf:id>${id}</xdf:id></xdf:identifikation><xdf:name>Regel</xdf:name><xdf:${name}>${escape(text)}</xdf:${name}></xdf:regel>`;
};

/** A whole document. */
export const message = (standard: 2 | 3, members: string, more = '') =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<xdf:xdatenfelder.stammdatenschema.0102 xmlns:xdf="${namespaces[standard]}">\n<xdf:stammdatenschema>${head('S1234', 'Antrag')}${more}\n${members}\n</xdf:stammdatenschema></xdf:xdatenfelder.stammdatenschema.0102>`;

const letters = (least: number, most: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b', 'ä', 'ß', ' ', '-', '😀'), minLength: least, maxLength: most });
const day = fc
  .date({ min: new Date('1900-01-01'), max: new Date('2100-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

const name = fc.constantFrom('Familienname', 'Straße & Nr.', 'Größe "außen" < 5');

/** Fields of every kind. */
const anyField = (id: string): fc.Arbitrary<Made> => {
  const made = (type: string, filled: fc.Arbitrary<Json>, given: Record<string, string> = {}) =>
    name.map((label): Made => ({ id, filled, xml: field(id, label, { type, given }) }));
  return fc.oneof(
    fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 9 })).chain(([least, more]) =>
      made('text', letters(Math.max(1, least), Math.max(1, least + more)), {
        minLength: String(least),
        maxLength: String(Math.max(1, least + more)),
      }),
    ),
    made('text', fc.stringMatching(/^[0-9]{5}$/), { pattern: '[0-9]{5}' }),
    made('text_latin', letters(1, 30)),
    made('date', day),
    made(
      'date',
      day.filter((text) => text >= '2000-01-01'),
      { minValue: '2000-01-01' },
    ),
    made(
      'time',
      fc
        .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
        .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':')),
    ),
    made(
      'datetime',
      fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }).map((date) => date.toISOString()),
    ),
    made('bool', fc.boolean()),
    made('num', fc.double({ min: -1000, max: 1000, noNaN: true }), { minValue: '-1000', maxValue: '1000,0' }),
    made('num_int', fc.integer({ min: 1, max: 10 }), { minValue: '1', maxValue: '10' }),
    made(
      'num_currency',
      fc.integer({ min: 0, max: 10_000_000 }).map((cents) => cents / 100),
      { minValue: '0' },
    ),
    made('file', fc.uuid()),
    fc.uniqueArray(fc.stringMatching(/^[A-Z0-9]{1,4}$/), { minLength: 1, maxLength: 5 }).map((codes): Made => {
      const values = `<xdf:werte>${codes.map((code) => `<xdf:wert><xdf:code>${code}</xdf:code><xdf:name>Wert ${code}</xdf:name></xdf:wert>`).join('')}</xdf:werte>`;
      return { id, filled: fc.constantFrom(...codes), xml: field(id, 'Auswahl', { kind: 'select', more: values }) };
    }),
    fc
      .constantFrom('label', 'hidden', 'locked')
      .map((kind): Made => ({ id, filled: fc.constant(null), silent: true, xml: field(id, 'Hinweis', { kind, content: 'Text' }) })),
  );
};

const often = fc
  .tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 }), fc.boolean())
  .map(([least, more, open]) => ({ least, most: open ? null : Math.max(1, least + more) }));

/** A member in its place: how it is written, and what an applicant may put there (undefined: left out). */
interface Placed {
  readonly made: Made;
  readonly least: number;
  readonly most: number | null;
}

const placedXml = ({ made, least, most }: Placed, standard: 2 | 3) => member(`${least}:${most ?? '*'}`, made.xml(standard));

const placedValue = ({ made, least, most }: Placed): fc.Arbitrary<Json | undefined> => {
  if (made.silent) return fc.constant(undefined);
  const value = most === 1 ? made.filled : fc.array(made.filled, { minLength: least, maxLength: Math.min(most ?? 4, 4) });
  return least > 0 ? value : fc.option(value, { nil: undefined });
};

const objectOf = (placed: readonly Placed[]): fc.Arbitrary<Json> =>
  fc
    .tuple(...placed.map(placedValue))
    .map((values) =>
      Object.fromEntries(values.flatMap((value, index) => (value === undefined ? [] : [[placed[index]?.made.id ?? '', value]]))),
    );

let counter = 0;
const nextId = (kind: 'F' | 'G') => `${kind}6${String((counter += 1)).padStart(7, '0')}`;

const anyMembers = (depth: number): fc.Arbitrary<readonly Placed[]> =>
  fc.array(
    fc
      .tuple(
        often,
        depth > 0 ? fc.oneof({ weight: 3, arbitrary: fc.constant('F') }, { weight: 1, arbitrary: fc.constant('G') }) : fc.constant('F'),
      )
      .chain(([{ least, most }, kind]) => {
        const made = kind === 'F' ? fc.constant(null).chain(() => anyField(nextId('F'))) : anyGroup(depth - 1);
        return made.map((inner) => ({ made: inner, least, most }));
      }),
    { minLength: 1, maxLength: 4 },
  );

const anyGroup = (depth: number): fc.Arbitrary<Made> =>
  anyMembers(depth).map((placed): Made => {
    const id = nextId('G');
    return {
      id,
      filled: objectOf(placed),
      silent: placed.every(({ made }) => made.silent === true),
      xml: (standard) => group(id, 'Gruppe', placed.map((one) => placedXml(one, standard)).join('')),
    };
  });

/** A schema in either version, with an application that fills it in rightly. */
export const anySchema: fc.Arbitrary<{ readonly standard: 2 | 3; readonly xml: string; readonly filled: Json }> = fc
  .tuple(fc.constantFrom<2 | 3>(2, 3), anyMembers(2))
  .chain(([standard, placed]) =>
    objectOf(placed).map((filled) => ({
      standard,
      filled,
      xml: message(standard, placed.map((one) => placedXml(one, standard)).join('\n')),
    })),
  );
