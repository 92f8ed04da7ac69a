import type { Json } from '#contract';
import type { Payload } from './records.ts';

/** What a back office said when it did not take a delivery, without what it repeated of the application. */
export interface Refusal {
  readonly message: string;
  /** What it has against single fields: RFC 6901 pointer into the form data or the applicant, or the back office's own name for it. */
  readonly fields: readonly { readonly pointer: string; readonly message: string }[];
}

/** Characters of one text that are kept, and how many fields. */
const MOST_CHARACTERS = 500;
const MOST_FIELDS = 50;
/** Shorter values are ordinary words, or too common to tell anything. */
const SHORTEST_VALUE = 3;
/** Of the applicant's name: some have no longer part. */
const SHORTEST_NAME = 2;
/** Parts of names that are ordinary words. */
const particles = new Set('am da de di do du el im in la le of zu'.split(' '));
const LEFT_OUT = '[…]';

/** Values of the application as they may stand in an answer, and the words of a longer one: a system may turn names around. */
function valuesOf(payload: Payload): readonly string[] {
  const values = new Set<string>();
  const walk = (value: Json | undefined): void => {
    if (typeof value === 'string') {
      const text = value.trim();
      for (const part of [text, ...text.split(/[\s,;/]+/)]) if (part.length >= SHORTEST_VALUE) values.add(part);
    } else if (typeof value === 'number') {
      if (String(value).length >= SHORTEST_VALUE) values.add(String(value));
    } else if (Array.isArray(value)) for (const item of value) walk(item as Json);
    else if (value !== null && typeof value === 'object') for (const item of Object.values(value)) walk(item);
  };
  const { name } = payload.applicant;
  for (const part of [name.trim(), ...name.split(/[\s,;/-]+/)])
    if (part.length >= SHORTEST_NAME && !particles.has(part.toLowerCase())) values.add(part);
  walk(payload.applicant as unknown as Json);
  walk(payload.formData);
  return [...values].toSorted((a, b) => b.length - a.length);
}

/** An address, a long number, a date of birth: what looks like a person's, even if the form does not hold it in this spelling. */
const personal = /[^\s@<>"']+@[^\s@<>"']+|\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}\.\d{1,2}\.\d{4}\b|\+?\d[\d /()-]{6,}\d/g;

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** What systems write in more than one way: umlauts and ß spelled out, the Turkish i with and without its dot. Each as it is looked for, and as it is compared. */
const spellings: readonly (readonly [written: RegExp, pattern: string, compared: string])[] = [
  [/ä|ae/giu, '(?:ä|ae)', 'ae'],
  [/ö|oe/giu, '(?:ö|oe)', 'oe'],
  [/ü|ue/giu, '(?:ü|ue)', 'ue'],
  [/ß|ss/giu, '(?:ß|ss)', 'ss'],
  [/[iİı]\u0307?/giu, '[iİı]\u0307?', 'i'],
];
const patternOf = (value: string): string =>
  spellings.reduce((left, [written, pattern]) => left.replaceAll(written, pattern), escaped(value));
const comparable = (text: string): string =>
  spellings.reduce((left, [written, , compared]) => left.replaceAll(written, compared), text.toLowerCase());

/** Takes out of a text what stands in the application: whole values, whatever their case, not letters within words. */
function redactor(payload: Payload): (text: string) => string {
  const values = valuesOf(payload).map((value) => value.normalize('NFC'));
  const whole = (value: string) => new RegExp(String.raw`(?<![\p{L}\p{N}])${patternOf(value)}(?![\p{L}\p{N}])`, 'giu');
  return (text) => {
    const short = text.slice(0, MOST_CHARACTERS * 4).normalize('NFC');
    const said = comparable(short);
    // A form may hold thousands of values, an answer only a few of them.
    const found = values.filter((value) => said.includes(comparable(value)));
    const clean = found.reduce((left, value) => left.replace(whole(value), LEFT_OUT), short).replace(personal, LEFT_OUT);
    return clean.length > MOST_CHARACTERS ? `${clean.slice(0, MOST_CHARACTERS - 1)}…` : clean;
  };
}

/**
 * What may be kept of what a back office said; `payload` is what was sent, null if it is erased already. Then nothing tells which of the
 * words are somebody's name, and none is kept.
 */
export function toRefusal(message: string, fields: Readonly<Record<string, string>>, payload: Payload | null): Refusal {
  if (payload === null) return { message: message === '' ? '' : LEFT_OUT, fields: [] };
  const redact = redactor(payload);
  return {
    message: redact(message),
    fields: Object.entries(fields)
      .slice(0, MOST_FIELDS)
      .map(([pointer, text]) => ({ pointer: redact(pointer), message: redact(text) })),
  };
}

/** The refusal of a stored text; null if there is none. */
export const parseRefusal = (text: string | null): Refusal | null => (text === null ? null : (JSON.parse(text) as Refusal));
