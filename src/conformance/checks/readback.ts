import { randomUUID } from 'node:crypto';
import type { Json, Submission } from '#contract';
import { fail, pass, unverified, type Bench, type Check, type Opened } from '../check.ts';
import { inWords, noValid, settle, submit } from './observe.ts';

const NAME = 'Jürgen Groß-Öztürk & Söhne „ẞ“';
const LONG = Array.from({ length: 400 }, (_, line) => `${line}: Äußerst schöne Übergröße. `)
  .join('')
  .slice(0, 10_000);

const noReadBack = unverified(
  'nothing reads back what was submitted',
  'give samples.readBack: how to see in the back office what it holds of {case}',
);

/** What an escape stands for, so that a text is found in JSON, XML and HTML alike. */
const plain = (text: string): string =>
  text
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));/gi, (_, hex?: string, decimal?: string) =>
      String.fromCodePoint(Math.min(0x10ffff, hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))),
    )
    .replaceAll(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" })[name] ?? '')
    .replaceAll(/\\(["\\/])/g, '$1')
    .replaceAll(/\s+/g, ' ');

const holds = (content: string, text: string): boolean => plain(content).includes(plain(text).trim());

/** Back offices that keep first and last names apart have every word of it. */
const holdsName = (content: string): boolean => NAME.split(' ').every((word) => holds(content, word));

type Path = readonly (string | number)[];

/** Every text of a form that is long enough to be told from others. */
function texts(value: Json, path: Path = []): { path: Path; text: string }[] {
  if (typeof value === 'string') return value.length >= 3 ? [{ path, text: value }] : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value as Record<string, Json>).flatMap(([name, part]) => texts(part, [...path, name]));
}

const withText = (value: Json, [name, ...rest]: Path, text: string): Json => {
  if (name === undefined) return text;
  const inner = (part: Json | undefined) => withText(part ?? null, rest, text);
  if (Array.isArray(value)) return value.map((part: Json, index) => (index === Number(name) ? inner(part) : part));
  const fields = value as Record<string, Json>;
  return { ...fields, [name]: inner(fields[name]) };
};

/** Submits and reads back; null if the back office refused it. */
async function there(bench: Bench, opened: Opened, application: Submission): Promise<{ key: string; content: string } | string> {
  const key = randomUUID();
  const { value, error } = await settle(submit(opened, application, { key }));
  if (error) return inWords(error);
  return { key, content: (await bench.readBack(value.ref, key)) ?? '' };
}

export const readback: Check = {
  id: 'submit.fields-survive-readback',
  level: 'MUST',
  title: 'What was submitted stands in the back office as it was: umlauts, long texts, the key.',
  remedy: 'send UTF-8 and say so, escape for the format, and cut nothing: refuse what is too long',
  port: 'cases',
  async run(bench) {
    const sample = bench.submission();
    if (!sample) return noValid;
    if (!bench.samples.readBack) return noReadBack;
    const opened = await bench.open();
    const named = { ...sample, applicant: { ...sample.applicant, name: NAME } };
    const first = await there(bench, opened, named);
    if (typeof first === 'string') return fail('a name with umlauts and quotation marks is taken', first, this.remedy);
    const { content, key } = first;
    if (!holdsName(content)) return fail('the applicant’s name as it was submitted', 'another text, or none', this.remedy);
    if (opened.adapter.cases?.traits.idempotency === 'lookup' && !holds(content, key))
      return fail('the key stands in the back office', 'it is not found there', 'store call.key with the case: look-ups ask for it');
    const found = texts(named.formData).filter(({ text }) => holds(content, text));
    const longest = found.toSorted((a, b) => b.text.length - a.text.length)[0];
    if (!longest)
      return unverified(
        'no text of valid[0].formData is found again',
        'give valid[0] a text of at least three letters that the city’s config maps',
      );
    const second = await there(bench, opened, { ...named, formData: withText(named.formData, longest.path, LONG) });
    // A refusal tells the applicant; a cut tells nobody.
    if (typeof second === 'string')
      return second.includes('rejected') ? pass : fail('10 kB of text taken or rejected', second, this.remedy);
    return holds(second.content, LONG) ? pass : fail('10 kB of text as they were submitted', 'a shorter or another text', this.remedy);
  },
};
