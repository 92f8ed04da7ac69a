import { AdapterError, type Json } from '#contract';
import type { BodyMapping } from './config.ts';
import { at, build } from './pointer.ts';
import { reader, type Read } from './value.ts';

/** Makes bodies as the mapping describes them; a source that is absent leaves its field out. */
export function bodyMaker(mapping: BodyMapping): (source: Json) => Promise<Json> {
  if (isExpression(mapping)) {
    const whole = reader(mapping);
    return async (source) => (await orRefuse(whole(source))) ?? null;
  }
  const fields = Object.entries(mapping).map(([target, from]) => [target, sourceOf(from)] as const);
  return async (source) => {
    const values = await Promise.all(fields.map(async ([target, read]) => [target, await orRefuse(read(source))] as const));
    return build(values.flatMap(([target, value]) => (value === undefined ? [] : [[target, value] as const])));
  };
}

/** In what goes out, `$error` is about what the applicant entered: they can put it right. In what comes in, it is about the answer. */
const orRefuse = <T>(made: Promise<T>): Promise<T> =>
  made.catch((error: unknown) => {
    if (!(error instanceof AdapterError) || !error.fields) throw error;
    throw new AdapterError('rejected', 'none', 'an expression of the config refuses what was entered', {
      fields: error.fields,
      cause: error,
    });
  });

/** True for a mapping that is one expression. */
export const isExpression = (mapping: BodyMapping): mapping is { $: string } => Object.hasOwn(mapping, '$');

function sourceOf(from: string | number | boolean | { readonly $: string }): Read {
  if (typeof from === 'object' || (typeof from === 'string' && from.startsWith('/'))) return reader(from);
  return typeof from === 'string' ? async (source) => fill(from, source ?? null) : async () => from;
}

/** A text with its pointers in braces filled. */
export const fill = (template: string, source: Json): string =>
  template.replaceAll(/\{(\/[^{}]*)\}/g, (_, from: string) => {
    const value = at(source, from) ?? '';
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  });
