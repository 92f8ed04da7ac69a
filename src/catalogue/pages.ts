import { refuse } from '#contract';
import type { Listing, PageRequest } from './catalogue.ts';

/** What `after` takes. */
export const aCursor = { de: 'ein Wert von pageInfo.endCursor', en: 'a value of pageInfo.endCursor' };

/** Most items of one page. */
export const longestPage = 100;

/**
 * One page of an ordered list. A cursor names its item and, in case the item is gone by the next request, the place
 * where it stood, so paging goes on after an import has changed the list.
 */
export function pageOf<T>(ordered: readonly T[], keyOf: (item: T) => string, { first, after }: PageRequest): Listing<T> {
  const start = after === null ? 0 : startAfter(ordered, keyOf, after);
  const size = Math.max(0, Math.min(Math.trunc(first), longestPage));
  const items = ordered.slice(start, start + size).map((node, offset) => ({ node, cursor: writeCursor(keyOf(node), start + offset) }));
  return { items, totalCount: ordered.length, hasNextPage: start + items.length < ordered.length };
}

const writeCursor = (key: string, position: number): string => Buffer.from(`${position} ${key}`).toString('base64url');

function startAfter<T>(ordered: readonly T[], keyOf: (item: T) => string, cursor: string): number {
  const match = /^(\d{1,9}) (.{1,200})$/s.exec(Buffer.from(cursor.slice(0, 400), 'base64url').toString());
  if (!match)
    throw refuse({
      code: 'INVALID_INPUT',
      path: ['after'],
      facts: { what: 'after', found: cursor.slice(0, 40), expected: aCursor },
    });
  const [position, key] = [Number(match[1]), match[2] as string];
  const item = ordered[position];
  if (item !== undefined && keyOf(item) === key) return position + 1;
  const moved = ordered.findIndex((candidate) => keyOf(candidate) === key);
  return moved >= 0 ? moved + 1 : Math.min(position, ordered.length);
}
