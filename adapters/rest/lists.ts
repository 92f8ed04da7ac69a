import { AdapterError, type Call, type Json } from '#contract';
import type { ListConfig } from './config.ts';
import type { Ask, Reply } from './http.ts';
import { fillPath } from './mapping.ts';
import { at } from './pointer.ts';
import { named, reader, scalar, type Place, type Read } from './value.ts';

/** A list that goes on after this many pages does not end. */
const MOST_PAGES = 1_000;

/** One page of a list. */
export interface ListPage {
  readonly items: readonly Json[];
  readonly reply: Reply;
}

/** A list of the back office, read page by page. */
export interface List {
  /** One page. @throws AdapterError malformed where the answer has no list. */
  page(values: Readonly<Record<string, string | number>>, call: Call): Promise<ListPage>;
  /** Every page to the end; where it cannot be read to its end it throws, so that a part never looks like the whole. */
  pages(values: Readonly<Record<string, string | number>>, call: Call): AsyncGenerator<ListPage>;
  /** Where a page says how to go on: its `next`, as it stands. */
  next: Read;
}

/*
 * How a list goes on, by what its config says:
 *
 *   link            the header Link with rel="next" (RFC 8288)
 *   next            with {cursor}: the value for it; else the address of the next page
 *   {offset}, {page}  until a page is empty, or `total` is reached: a page shorter than `limit` may only mean a lower limit
 *   nothing         one page is the list
 *
 * An address is followed on the back office's own host only: its answer must not send the credentials elsewhere.
 */
export function createList(config: ListConfig, ask: Ask, what: string): List {
  const { path, limit, firstPage, link } = config;
  const [itemsAt, next, total] = [reader(config.items), reader(config.next), reader(config.total)];

  async function read(target: string, call: Call): Promise<ListPage> {
    const reply = await ask({ method: 'GET', path: target, lenient: true }, call);
    if (reply.status === 404 || reply.status === 410)
      throw new AdapterError('misconfigured', 'none', `the back office does not know the path of ${what}`);
    const found = await itemsAt(reply.body);
    const items = asList(found, config.items, reply.body);
    if (items === null) throw new AdapterError('malformed', 'none', `the answer has no list at ${named(config.items)}`);
    return { items, reply };
  }

  const target = (values: Readonly<Record<string, string | number>>): string =>
    fillPath(path, { limit, offset: 0, page: firstPage, cursor: '', ...values });

  async function* pages(values: Readonly<Record<string, string | number>>, call: Call): AsyncGenerator<ListPage> {
    const known = new Set<string>();
    for (let at: string | null = target(values), page = firstPage, offset = 0; at !== null; page++) {
      if (known.has(at) || known.size >= MOST_PAGES)
        throw new AdapterError('malformed', 'none', `the list of ${what} leads back to a page that was read, or does not end`);
      known.add(at);
      const found: ListPage = await read(at, call);
      offset += found.items.length;
      yield found;
      at = await following(found, { values, page: page + 1, offset });
    }
  }

  async function following(
    { items, reply }: ListPage,
    { values, page, offset }: { values: Readonly<Record<string, string | number>>; page: number; offset: number },
  ): Promise<string | null> {
    if (link) return addressFrom(nextLink(reply.headers.get('link')), reply.url);
    if (config.next !== undefined) {
      const place = scalar(await next(reply.body));
      if (place === null || items.length === 0) return null;
      return path.includes('{cursor}') ? target({ ...values, cursor: place }) : addressFrom(place, reply.url);
    }
    if (!/\{(offset|page)\}/.test(path) || items.length === 0) return null;
    const all = Number((await total(reply.body)) ?? Number.NaN);
    return offset >= all ? null : target({ ...values, page, offset });
  }

  return { page: (values, call) => read(target(values), call), pages, next };
}

/**
 * An expression gives one thing as itself, and nothing as nothing. So does JSON that was made of XML: a list of one is the one itself, an
 * empty list an empty text or null. Null where it is no list at all.
 */
function asList(found: Json | undefined, place: Place, body: Json): readonly Json[] | null {
  if (Array.isArray(found)) return found as readonly Json[];
  if (typeof place === 'object') return found === undefined || found === null ? [] : [found];
  if (place === '') return null;
  if (found === undefined) {
    const around = at(body, place.slice(0, place.lastIndexOf('/')));
    return place.lastIndexOf('/') > 0 && (around === '' || around === null) ? [] : null;
  }
  return found === null || found === '' ? [] : typeof found === 'object' ? [found] : null;
}

/** An address as an answer gave it, from where it was asked. */
function addressFrom(place: string | null, asked: string): string | null {
  if (place === null) return null;
  if (URL.canParse(place, asked)) return new URL(place, asked).href;
  throw new AdapterError('malformed', 'none', 'the answer names a next page that is no address');
}

/** The target of rel="next" in a Link header; several links and several relations are allowed. */
export function nextLink(header: string | null): string | null {
  for (const [, target, parameters] of (header ?? '')
    .slice(0, 8_192)
    .matchAll(/<([^<>]*)>((?:\s*;\s*[^"=,;]+(?:=(?:"[^"]*"|[^",;]*))?)*)/g)) {
    const relation = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(parameters ?? '');
    if ((relation?.[1] ?? relation?.[2] ?? '').toLowerCase().split(/\s+/).includes('next')) return target ?? null;
  }
  return null;
}
