import { expect, test } from 'vitest';
import { adapters } from '../../adapters/index.ts';
import { germanOf } from '../../src/cities/load/german.ts';

/** Every text that the author of a zod schema gave it, however deep. */
function textsOf(schema: unknown): ReadonlySet<string> {
  const texts = new Set<string>();
  const seen = new Set<unknown>();
  const look = (part: unknown): void => {
    if (part === null || (typeof part !== 'object' && typeof part !== 'function') || seen.has(part)) return;
    seen.add(part);
    if (typeof part === 'object' && '_zod' in part) look((part._zod as { def: unknown }).def);
    if (Array.isArray(part)) part.forEach(look);
    else if (Object.getPrototypeOf(part) === Object.prototype)
      for (const [name, value] of Object.entries(part)) {
        if (name === 'error' && typeof value === 'function') {
          const text: unknown = value({ code: 'custom', path: [] });
          const message = typeof text === 'object' && text !== null && 'message' in text ? text.message : text;
          if (typeof message === 'string') texts.add(message);
        } else if (name === 'getter' && typeof value === 'function') look(value());
        else look(value);
      }
  };
  look(schema);
  return texts;
}

const shipped = Object.values(adapters);

test('what schemas say is found: the adapters expect at least forty different things in words of their own', () => {
  expect(new Set(shipped.flatMap(({ config }) => [...textsOf(config)])).size).toBeGreaterThan(40);
});

test.each(shipped)('whatever $id expects of a city’s file has German words', ({ config }) => {
  const texts = [...textsOf(config)].map((text) => text.replace(/^expected /, ''));
  expect(texts.filter((text) => germanOf(text).includes(text))).toEqual([]);
});
