import { AdapterError, type ChangesPort, type Json } from '#contract';
import type { RestConfig } from './config.ts';
import type { Ask } from './http.ts';
import { fillPath, listAt, toChange } from './mapping.ts';
import { at } from './pointer.ts';

/*
 * Two ways to ask for changes:
 *
 *   {cursor}  the back office keeps the place: each answer says how to go on, until a page is empty or the place stays.
 *   {since}   by time, oldest change first. The next page begins at the moment of the last case, not at an offset: a case that
 *             changes meanwhile moves to the end, and an offset would skip its neighbour. Only where one moment fills a whole
 *             page is {offset} used. Each pull reaches back `overlapMs`, for cases that become visible late.
 */
export function createChanges(config: NonNullable<RestConfig['changes']>, fields: RestConfig['case'], ask: Ask): ChangesPort {
  const { path, items, next: nextAt, limit, overlapMs, everyMs } = config;

  const byCursor: ChangesPort['pull'] = async function* (from, call) {
    for (let cursor = from ?? ''; ;) {
      const { body } = await ask({ method: 'GET', path: fillPath(path, { cursor, limit }) }, call);
      const found = listAt(body, items);
      const place = at(body, nextAt ?? '');
      const next = typeof place === 'string' || typeof place === 'number' ? String(place) : cursor;
      yield { items: found.map((item) => toChange(item, fields)), next };
      if (found.length === 0 || next === cursor) return;
      cursor = next;
    }
  };

  const bySince: ChangesPort['pull'] = async function* (from, call) {
    let { since, offset } = from === null ? { since: 0, offset: 0 } : parseCursor(from);
    for (let full = true; full;) {
      const { body } = await ask({ method: 'GET', path: fillPath(path, { since: new Date(since).toISOString(), limit, offset }) }, call);
      const changes = listAt(body, items).map((item: Json) => toChange(item, fields));
      full = changes.length >= limit;
      const last = changes.reduce((latest, { updatedAt }) => Math.max(latest, updatedAt.getTime()), since);
      if (!full) [since, offset] = [last > since ? Math.max(since, last - overlapMs) : since, 0];
      else if (last > since) [since, offset] = [last, 0];
      else if (path.includes('{offset}')) offset += changes.length;
      else
        throw new AdapterError(
          'misconfigured',
          'none',
          `more than ${limit} cases changed at one moment: raise changes.limit or give the path an {offset}`,
        );
      yield { items: changes, next: `${since} ${offset}` };
    }
  };

  return { traits: { ordering: 'per-case', overlapMs, everyMs }, pull: path.includes('{cursor}') ? byCursor : bySince };
}

function parseCursor(cursor: string): { since: number; offset: number } {
  const match = /^(\d{1,15}) (\d{1,9})$/.exec(cursor);
  if (!match) throw new AdapterError('malformed', 'none', 'the cursor is not one of this adapter');
  return { since: Number(match[1]), offset: Number(match[2]) };
}
