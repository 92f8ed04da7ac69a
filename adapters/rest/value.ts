import type { Json } from '#contract';
import { compile } from './expression.ts';
import { at } from './pointer.ts';

/** Where a value comes from: a JSON pointer, or a JSONata expression under `$`. */
export type Place = string | { readonly $: string };

/** Finds the value in a document; undefined where there is none. */
export type Read = (document: Json | undefined) => Promise<Json | undefined>;

const nothing: Read = async () => undefined;

/** Compiles a place once, so that reading costs no parsing. */
export function reader(place: Place | undefined): Read {
  if (place === undefined) return nothing;
  if (typeof place === 'string') return async (document) => at(document, place);
  const evaluate = compile(place.$);
  return async (document) => evaluate(document ?? null);
}

/** How a place is called in a message. */
export const named = (place: Place): string => (typeof place === 'string' ? place || 'the root' : place.$.slice(0, 80));

/** A text of one value: text, number, true or false; null where it is anything else, or empty. */
export const scalar = (value: Json | undefined): string | null =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
