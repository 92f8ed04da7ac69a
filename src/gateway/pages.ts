import { refuse } from '#contract';
import type { Listing, PageRequest } from '../catalogue/catalogue.ts';
import { aCursor } from '../catalogue/pages.ts';
import { countedAtMost } from '../infra/store/count.ts';

/** Longest page of any list. */
export const longestPage = 100;

const pageSize = { de: `eine Zahl von 1 bis ${longestPage}`, en: `a number from 1 to ${longestPage}` };

/**
 * The page asked for.
 * @throws HubError PROBLEM INVALID_INPUT if `first` is out of range, or `after` can be no cursor.
 */
export function pageRequest(args: { first?: number | null | undefined; after?: string | null | undefined }, usual = 20): PageRequest {
  const first = args.first ?? usual;
  if (first < 1 || first > longestPage)
    throw refuse({ code: 'INVALID_INPUT', facts: { what: 'first', found: first, expected: pageSize }, path: ['first'] });
  const after = args.after ?? null;
  // No cursor of ours, and PostgreSQL takes no text with it.
  if (after?.includes('\0'))
    throw refuse({ code: 'INVALID_INPUT', facts: { what: 'after', found: 'U+0000', expected: aCursor }, path: ['after'] });
  return { first, after };
}

/** A listing that is empty. */
export const nothing: Listing<never> = { items: [], totalCount: 0, hasNextPage: false };

/** A page of several listings one behind the other, each under a name that its cursors begin with. */
export async function chained<T>(
  sources: readonly (readonly [name: string, list: (page: PageRequest) => Promise<Listing<T>>])[],
  { first, after }: PageRequest,
): Promise<Listing<T>> {
  const [from = '', ...rest] = after?.split(':') ?? [];
  const start = after === null ? 0 : sources.findIndex(([name]) => name === from);
  if (start === -1) throw refuse({ code: 'INVALID_INPUT', facts: { what: 'after', found: from, expected: aCursor }, path: ['after'] });
  const items: { node: T; cursor: string }[] = [];
  let totalCount = 0;
  let hasNextPage = false;
  for (const [index, [name, list]] of sources.entries()) {
    // What lies before the cursor is only counted, what is behind a full page is looked at for whether there is any.
    const most = index < start ? 0 : first - items.length;
    const found = await list({ first: most, after: index === start && after !== null ? rest.join(':') : null });
    totalCount += found.totalCount;
    if (index < start) continue;
    items.push(...found.items.map(({ node, cursor }) => ({ node, cursor: `${name}:${cursor}` })));
    hasNextPage ||= found.hasNextPage;
  }
  return { items, totalCount: Math.min(countedAtMost, totalCount), hasNextPage };
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
