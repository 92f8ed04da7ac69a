import { refuse } from '#contract';
import type { Listing, PageRequest } from '../catalogue/catalogue.ts';

/** Longest page of any list. */
export const longestPage = 100;

/**
 * The page asked for.
 * @throws HubError PROBLEM INVALID_INPUT where `first` is out of range, or `after` can be no cursor.
 */
export function pageRequest(args: { first?: number | null | undefined; after?: string | null | undefined }, usual = 20): PageRequest {
  const first = args.first ?? usual;
  if (first < 1 || first > longestPage)
    throw refuse({ code: 'INVALID_INPUT', facts: { what: 'first', found: first, expected: `1 … ${longestPage}` }, path: ['first'] });
  const after = args.after ?? null;
  // No cursor of ours, and PostgreSQL takes no text with it.
  if (after?.includes('\0'))
    throw refuse({ code: 'INVALID_INPUT', facts: { what: 'after', found: 'U+0000', expected: 'endCursor' }, path: ['after'] });
  return { first, after };
}

/** A listing as a Relay connection. */
export const connection = <T>(listing: Listing<T>, page: PageRequest) => ({
  edges: listing.items,
  // Asked for instead of the edges, seldom beside them: made when it is read.
  get nodes(): T[] {
    return listing.items.map(({ node }) => node);
  },
  totalCount: listing.totalCount,
  pageInfo: {
    hasNextPage: listing.hasNextPage,
    hasPreviousPage: page.after !== null,
    startCursor: listing.items[0]?.cursor ?? null,
    endCursor: listing.items.at(-1)?.cursor ?? null,
  },
});
