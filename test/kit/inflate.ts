import { legalXml, type Json } from '#contract';
import type { Random } from './random.ts';

/*
 * Changes documents that somebody sends, JSON and XML, towards what costs more to read: longer, deeper, wider, more of the same, of another
 * kind.
 */

const letters = ['x', 'ä', '9', ' ', '-', '<', '\\', '"', '𝄞', '\u0000', '2026-12-01 ', 'A1'];

/** A text of any length, of one letter or looking like what stood there. */
function longText(random: Random, before: string, most: number): string {
  const piece = random.chance(0.5) && before !== '' ? before.slice(0, 100) : random.pick(letters);
  const length = Math.min(most, random.pick([65, 1000, 10_000, 100_000, 1_000_000]));
  return piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
}

const nested = (levels: number, inner: Json, asList: boolean): Json => {
  let value = inner;
  for (let level = 0; level < levels; level += 1) value = asList ? [value] : { a: value };
  return value;
};

/** Something else in the place of a value. */
function otherJson(value: Json, random: Random, most: number): Json {
  const count = Math.max(1, Math.min(most >> 3, random.pick([2, 10, 100, 1000, 20_000, 200_000, 1_000_000])));
  switch (random.int(9)) {
    case 0:
      return longText(random, typeof value === 'string' ? value : '', most);
    case 1:
    case 2: {
      const list = Array.isArray(value) ? value : [value];
      const size = JSON.stringify(list).length + 1;
      const times = Math.max(1, Math.min(count, Math.floor(most / size)));
      return Array.from({ length: times }, () => list).flat();
    }
    case 3:
      return Array.from({ length: count }, (_, index) => (random.chance(0.5) ? 0 : index));
    case 4:
      return nested(random.pick([10, 33, 1000, 5000]), value, random.chance(0.5));
    case 5: {
      const names = Object.fromEntries(Array.from({ length: count >> 1 }, (_, index) => [`n${index}`, 0]));
      return typeof value === 'object' && value !== null && !Array.isArray(value)
        ? { ...(value as { [name: string]: Json }), ...names }
        : names;
    }
    case 6:
      return random.pick<Json>([null, true, 0, -1, 1e300, '', [], {}, 2 ** 64, '9'.repeat(20)]);
    case 7:
      return `${random.int(10_000)}-${random.int(13)}-${random.int(32)}T${random.int(25)}:00:00Z`;
    default:
      return Array.isArray(value) ? value.map((one, index) => marked(one, index)) : value;
  }
}

/** Entries that were copies differ from now on. */
function marked(one: Json, index: number): Json {
  if (typeof one !== 'object' || one === null || Array.isArray(one)) return one;
  return Object.fromEntries(
    Object.entries(one).map(([name, value]) => [name, typeof value === 'string' ? `${value.slice(0, 200)}${index}` : value]),
  );
}

/** A document with one of its values changed, no longer than about `most` characters. */
export function changeJson(document: Json, random: Random, most: number): Json {
  const changed = changedAt(document, random, most);
  try {
    return JSON.stringify(changed).length > most ? document : changed;
  } catch {
    // Nested deeper than this process can write down.
    return document;
  }
}

function changedAt(value: Json, random: Random, most: number): Json {
  const inside = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  if (inside.length === 0 || random.chance(0.3)) return otherJson(value, random, most);
  const name = random.pick(inside);
  if (Array.isArray(value)) return value.with(Number(name), changedAt(value[Number(name)] as Json, random, most));
  const object = value as { readonly [name: string]: Json };
  if (random.chance(0.1)) return Object.fromEntries(Object.entries(object).filter(([other]) => other !== name));
  return { ...object, [name]: changedAt(object[name] as Json, random, most) };
}

/** The same for XML, element by element. What comes of it need not be well formed. */
export function changeXml(text: string, random: Random, most: number): string {
  const tags = [...text.slice(0, 200_000).matchAll(/<([\w:.-]+)((?:\s[^<>]*)?)>([^<>]*)<\/\1>|<([\w:.-]+)((?:\s[^<>]*?)?)\/?>/g)];
  if (tags.length === 0) return text;
  const { 0: whole, index, 1: name = '', 2: attributes = '', 3: content = '' } = random.pick(tags);
  const put = (piece: string, from = index, to = index + whole.length): string => {
    const changed = text.slice(0, from) + piece + text.slice(to);
    return changed.length > most ? text : changed;
  };
  const count = random.pick([2, 10, 100, 1000, 20_000, 200_000]);
  const fitting = (size: number): number => Math.max(1, Math.min(count, Math.floor((most - text.length) / size)));
  const many = (make: (index: number) => string, size: number): string => Array.from({ length: fitting(size) }, (_, n) => make(n)).join('');
  if (name === '') return put(whole.replace(/\/?>$/, (end) => many((n) => ` n${n}="v"`, 9) + end));
  switch (random.int(8)) {
    case 0:
      return put(`<${name}${attributes}>${legalXml(longText(random, content, most)).replaceAll(/[<&]/g, '.')}</${name}>`);
    case 1:
      return put(whole.repeat(fitting(whole.length)));
    case 2:
      return put(`<${name}${attributes}${many((n) => ` n${n}="v"`, 9)}>${content}</${name}>`);
    case 3:
      return put(`<${name}${attributes}${many((n) => ` xmlns:p${n}="u${n}"`, 20)}>${content}</${name}>`);
    case 4: {
      const levels = fitting(7);
      return put(`<${name}${attributes}>${'<a>'.repeat(levels)}${content}${'</a>'.repeat(levels)}</${name}>`);
    }
    case 5:
      return put(`<${name}${attributes}>${many(() => '&#228;&lt;', 10)}</${name}>`);
    case 6: {
      // What surrounds it, again and again: records stand beside each other.
      const opening = text.lastIndexOf('<', random.int(index + 1));
      const element = /^<([\w:.-]+)[^<>]*>/.exec(text.slice(opening, opening + 500))?.[1];
      const end = element === undefined ? -1 : text.indexOf(`</${element}>`, opening);
      if (element === undefined || end < 0) return text;
      const to = end + element.length + 3;
      return put(text.slice(opening, to).repeat(fitting(to - opening)), opening, to);
    }
    default:
      return put(`<${name}${attributes}>${random.pick(['', '0', '9999-12-31T23:59:59Z', '<![CDATA[x]]>', '<!-- x -->'])}</${name}>`);
  }
}
