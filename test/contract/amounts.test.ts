import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { feesOf, isFeeLabel, plainLines, processingDaysOf } from '#contract';

const cents = (html: string) => feesOf(html).map((fee) => fee.cents);

describe('fees from free text: what is plain is read', () => {
  test.each<[string, readonly number[]]>([
    ['<p>35 Euro<br></p>', [3500]],
    ['<ul><li>unter 24 Jahren: 27,60 Euro</li><li>ab 24 Jahren: 46 Euro</li></ul>', [2760, 4600]],
    [
      '<table><tr><th>Kinderreisepass</th><td>13&nbsp;Euro</td></tr><tr><td>Reisepass</td><td><b>70</b> Euro</td></tr></table>',
      [1300, 7000],
    ],
    ['12 Monate gültig: 30 Euro<br>24 Monate gültig: 60 Euro', [3000, 6000]],
    ['Es fallen keine Gebühren an.', [0]],
    ['1.250,50 EUR', [125_050]],
    ['12.345.678 Euro', [1_234_567_800]],
    ['1 Jahr: 25 Euro online, 30 Euro vor Ort', [2500, 3000]],
    ['60 Euro (mit Auslandsbezug)', [6000]],
    ['30,- €', [3000]],
  ])('%s', (html, expected) => expect(cents(html)).toEqual(expected));

  test('an amount read is an amount written, however it is written', () => {
    const euros = fc.integer({ min: 0, max: 99_999 });
    fc.assert(
      fc.property(
        euros,
        fc.integer({ min: 0, max: 99 }),
        fc.boolean(),
        fc.constantFrom(' ', '&nbsp;', '&#160;', ''),
        fc.constantFrom('Euro', 'EUR', '€', '&euro;', '<b>Euro</b>'),
        fc.constantFrom<[string, string]>(
          ['', ''],
          ['<p>', '</p>'],
          ['<li>', '</li>'],
          ['Ausweis: ', ''],
          ['<tr><td>Pass</td><td>', '</td></tr>'],
        ),
        (whole, rest, dots, space, unit, [before, behind]) => {
          const written = dots && whole >= 1000 ? String(whole).replace(/(\d{3})$/, '.$1') : String(whole);
          expect(cents(`${before}${written},${String(rest).padStart(2, '0')}${space}${unit}${behind}`)).toEqual([whole * 100 + rest]);
        },
      ),
    );
  });
});

describe('fees from free text: what is not surely a fee is none', () => {
  test.each([
    '<table><tr><td>12</td><td>30 Euro</td></tr></table>',
    '<tr><td>Pass</td><td>12</td><td>30 Euro</td></tr>',
    '<tr><th>Monate</th><th>Gebühr</th></tr><tr><td>Ein Monat</td><td>30 Euro</td></tr>',
    '12<sup>50</sup> Euro',
    '30 Euro<sup>1</sup>',
    'Pass<sup>2</sup>: 30 Euro',
    '12<sub>50</sub> Euro',
    '<s>1</s>30 Euro',
    '<del>30 Euro</del> 25 Euro',
    '<span style="text-decoration: line-through">30</span>25 Euro',
    '1<span style="display:none">2</span>0 Euro',
    '1<b hidden>2</b>0 Euro',
    '12<small>50</small> Euro',
    '12<!-- -->30 Euro',
    '12<img src="x">30 Euro',
    '12<unbekannt>30 Euro',
    '12&shy;30 Euro',
    '12&#8203;30 Euro',
    '12<br>30 Euro',
    '<li>12<li>30 Euro',
    '<dl><dt>12</dt><dd>30 Euro</dd></dl>',
    '<ol><li>12</li><li>30 Euro</li></ol>',
    '<p>30 Euro</p><p>40 Euro</p>',
    '30 Euro <a href="',
    '12 30 Euro',
    '20 – 30 Euro',
    '20-30 Euro',
    'Gebühr: 20 bis 30 Euro',
    'von 20: 30 Euro',
    '50 bis 60 Euro (abhängig von der Rechtsform)',
    'ab 12,80 Euro',
    'bis zu 30 Euro',
    'bis zu: 30 Euro',
    'maximal: 30 Euro',
    'etwa 300 Euro',
    'rund: 300 Euro',
    'In der Regel 120 €',
    '5 Euro je Seite',
    'je Seite: 5 Euro',
    '5 Euro (je Seite)',
    '5 Euro/Seite',
    '12 Euro pro Person',
    '30 % von 100 Euro',
    '50 Prozent: 30 Euro',
    'Anteil 50 %: 30 Euro',
    '30 CHF',
    '30 USD: 28 Euro',
    '$ 30',
    '30 Euro¹',
    'Pass¹: 30 Euro',
    'Pass*: 30 Euro',
    '30 Euro*',
    '30 Euro (Fußnote 1)',
    '30 Euro 1)',
    '01.01.2025 Euro',
    '01.01.2025: 30 Euro',
    'ab 01.01.2025: 30 Euro',
    'Stand 2024: 30 Euro',
    'gültig 2024: 30 Euro',
    'um 10:30 Euro',
    '10:30 Euro',
    '12: 30 Euro',
    '-30 Euro',
    '−30 Euro',
    'Ausweis: -30 Euro',
    'Ausweis -: 30 Euro',
    '25 € zzgl. Porto',
    'zzgl. Porto: 3 Euro',
    '30 Euro (netto)',
    '<p>40 Euro</p><p>Dazu kommen die Gebühren für das Ummelden.</p>',
    '192,90 Euro (zuzüglich Kennzeichenschilder)',
    'Vielreisende: Gebühr plus 22 Euro Aufpreis',
    'statt: 30 Euro',
    '1,200 Euro',
    '1.20 Euro',
    '1.2000 Euro',
    '12.30.400 Euro',
    '0030 Euro',
    '030 Euro',
    '30,5 Euro',
    '30 Euro 50 Cent',
    '3 Mio. Euro',
    '3 T€',
    '½ Euro',
    'kostenlos<br>30 Euro',
    'nicht kostenlos',
    'Siehe Übersicht',
    '',
  ])('%j', (html) => expect(cents(html)).toEqual([]));

  test('whatever a tag parts is never one amount', () => {
    const tags = ['td', 'th', 'sup', 'sub', 's', 'del', 'li', 'p', 'small', 'b', 'span', 'dt', 'dd', 'option', 'ins', 'x-y'];
    fc.assert(
      fc.property(
        fc.constantFrom(...tags),
        fc.integer({ min: 1, max: 999 }),
        fc.integer({ min: 1, max: 999 }),
        fc.boolean(),
        (tag, a, b, around) => {
          const html = around ? `<${tag}>${a}</${tag}>${b} Euro` : `${a}<${tag}>${b} Euro</${tag}>`;
          expect(cents(html)).not.toContain(Number(`${a}${b}`) * 100);
          expect(cents(html)).toEqual([]);
        },
      ),
    );
  });

  test('a text that says anything beside is no label of a fee', () => {
    expect(isFeeLabel('ein <b>Jahr</b>')).toBe(true);
    for (const text of ['zzgl. Porto', 'je Seite', 'ab', '1', 'Pass<sup>1</sup>', '']) expect(isFeeLabel(text), text).toBe(false);
  });
});

describe('processing times', () => {
  test.each<[string, number, number]>([
    ['etwa 3 Tage', 3, 3],
    ['<p>1 bis 2 Monate.</p>', 30, 60],
    ['1&nbsp;–&nbsp;2 Wochen', 7, 14],
    ['sofort', 0, 0],
    // Days are those of the calendar.
    ['5 Arbeitstage', 7, 7],
    ['3 Arbeitstage', 4, 5],
    ['6 Werktage', 7, 7],
    ['1 bis 2 Werktage', 1, 3],
  ])('%s', (html, min, max) => expect(processingDaysOf(html)).toEqual({ min, max }));

  test.each([
    '<table><tr><td>1</td><td>2 Wochen</td></tr></table>',
    '<li>1</li><li>2 Wochen</li>',
    '1<br>2 Wochen',
    '1<sup>2</sup> Wochen',
    '<s>1</s>2 Wochen',
    '1<b>2</b> Wochen',
    '1 | 2 Wochen',
    '30 Minuten',
    '2 Stunden',
    '1 Jahr',
    'bis zu 3 Wochen',
    'mindestens 3 Wochen',
    'ab 3 Wochen',
    '3 Wochen je Antrag',
    '1,5 Wochen',
    '1/2 Woche',
    '-3 Tage',
    '3 Wochen*',
    '24.12. Tage',
    '2024 Tage',
    '4 bis 2 Wochen',
    'kommt darauf an',
    '',
  ])('%j says nothing surely', (html) => expect(processingDaysOf(html)).toBeUndefined());
});

describe('HTML becomes plain text', () => {
  test('tags, comments and what a browser hides or strikes out are gone, characters decoded, cells kept apart', () => {
    expect(
      plainLines(
        '<p>Gr&uuml;&szlig;e&nbsp;&amp; <b>mehr</b><!-- <p>nein</p> --></p><style>p{}</style><li>a &lt; b<li>5 < 6<tr><td>1<td>2</tr><del>alt</del>',
      ),
    ).toEqual(['Grüße & mehr', 'a < b', '5 < 6', '1 | 2']);
  });
  test('what is struck out ends with its own end tag', () => {
    expect(plainLines('a <span hidden>b <span>c</span> d</span> e <s>f</s>g<br hidden>h')).toEqual(['a e g', 'h']);
  });
  test('no text leaves a tag behind, and none takes long', () => {
    const parts = ['<', '>', '<!--', '-->', '<p', '</script>', '<script', 'a', '&#', ';', '&amp', '"', ' ', '<s>', '</td>', '\u0001'];
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(...parts)), { maxLength: 60 }), (pieces) => {
        for (const line of plainLines(pieces.join(''))) {
          expect(line).toBe(line.trim());
          // eslint-disable-next-line no-control-regex -- marks of the reader must not get out
          expect(line).not.toMatch(/<(script|p)>|[\u0000-\u001f]/);
        }
        feesOf(pieces.join(''));
      }),
    );
    expect(plainLines('<'.repeat(200_000)).length).toBe(1);
    expect(plainLines('<s>'.repeat(100_000))).toEqual([]);
  });
});
