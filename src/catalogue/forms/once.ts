import type { Json } from '#contract';
import { spelledOut } from '../search/words.ts';
import { valueAt } from './marks.ts';

/*
 * The keyword `x-once` at the root of a form: of applications that say the same in these fields, a city takes one at a time.
 *
 *   "x-once": { "same": ["/place/street", "/place/houseNumber"], "days": ["/from", "/to"] }
 *
 * `days`, a day or the first and the last of several, are compared day by day: two that overlap are the same.
 */

/** What must not be applied for twice: places in the form (JSON Pointer). */
export interface OnceRule {
  readonly same: readonly string[];
  readonly days?: readonly string[];
  /** What the citizen reads. */
  readonly message?: { readonly de: string; readonly en: string };
}

const pointers = { type: 'array', items: { type: 'string', pattern: '^(/[^/]+)+$' }, minItems: 1, uniqueItems: true };
const texts = { type: 'object', properties: { de: { type: 'string' }, en: { type: 'string' } }, required: ['de', 'en'] };

/** What the keyword may hold. */
export const onceSchema = {
  type: 'object',
  properties: { same: pointers, days: { ...pointers, maxItems: 2 }, message: texts },
  required: ['same'],
  additionalProperties: false,
};

/** More days than these are not compared. */
const mostDays = 400;
const dayMs = 86_400_000;

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
}

/** Places that the rule names and the form does not have. */
export function missingPlaces({ same, days = [] }: OnceRule, schema: object): readonly string[] {
  const has = (pointer: string): boolean => {
    let node: Node | undefined = schema;
    for (const part of pointer.split('/').slice(1)) {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      node = node?.properties && Object.hasOwn(node.properties, name) ? node.properties[name] : undefined;
    }
    return node !== undefined;
  };
  return [...same, ...days].filter((pointer) => !has(pointer));
}

/** The rule of a form; null if it has none. */
export const onceIn = (schema: Json): OnceRule | null => ((schema ?? {}) as { readonly 'x-once'?: OnceRule })['x-once'] ?? null;

/** The same for what people write differently and mean alike: case, spaces, hyphens in names, umlauts, ß, “Str.” for “Straße”. */
function alike(value: Json | undefined): Json {
  if (typeof value !== 'string') return value ?? null;
  return spelledOut(value.normalize('NFKC').toLowerCase())
    .replaceAll(/(?<=\p{L})-(?=\p{L})/gu, '')
    .replaceAll(/str(?:asse|\.)(?=[\s\d-]|$)/g, 'str')
    .replaceAll(/[\s.,]+/g, '');
}

/** What a filled-in form takes up: its fields, with each of its days. Empty if it says nothing there. */
export function takenUp({ same, days }: OnceRule, formData: Json): readonly { readonly fields: Json; readonly day: string | null }[] {
  const fields = same.map((pointer) => alike(valueAt(formData, pointer)));
  if (fields.every((field) => field === null)) return [];
  if (!days) return [{ fields, day: null }];
  const [first, last = first] = days.flatMap((pointer) => {
    const value = valueAt(formData, pointer);
    const at = typeof value === 'string' ? Date.parse(`${value.slice(0, 10)}T00:00:00Z`) : Number.NaN;
    return Number.isNaN(at) ? [] : [at];
  });
  if (first === undefined || last === undefined) return [];
  const count = Math.min(mostDays, Math.max(1, Math.round((last - first) / dayMs) + 1));
  return Array.from({ length: count }, (_, index) => ({ fields, day: new Date(first + index * dayMs).toISOString().slice(0, 10) }));
}
