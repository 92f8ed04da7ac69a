import { AdapterError, isInFuture, latestMoment, placeToSave, readChanges, savedPlace, type ChangesPort, type Json } from '#contract';
import { mentions, type SoapConfig } from './config.ts';
import type { Ask } from './http.ts';
import { at, listAt, momentOf, scalar, toChange } from './mapping.ts';
import { resume } from './moments.ts';

/*
 * Two ways to ask for changes, by what operations.changes.fields are mapped to:
 *
 *   /cursor  the service keeps the place: each answer says how to go on, until a page is empty or the place stays.
 *   /since   by time, oldest change first. The next page begins at the moment of the last case, not at an offset: a case that
 *            changes meanwhile moves to the end, and an offset would skip its neighbour. Only where one moment fills a whole
 *            page is /offset used. Each pull reaches back `overlapMs`, for cases that become visible late.
 */
export function createChanges(
  operation: NonNullable<SoapConfig['operations']['changes']>,
  config: SoapConfig,
  ask: Ask,
  now: () => Date,
): ChangesPort {
  const { items, next: nextAt = '', limit, overlapMs, everyMs } = operation;

  const read = (found: readonly Json[]) =>
    readChanges(
      found,
      (item) => toChange(item, config, now()),
      (item) => scalar(at(item, config.case.id)),
    );
  const placeOf = (item: Json): number => {
    try {
      return momentOf(item, config, now()).earliest.getTime();
    } catch {
      return Number.NaN;
    }
  };

  const byCursor: ChangesPort['pull'] = async function* (from, call) {
    for (let cursor = from ?? ''; ;) {
      const body = await ask(operation, { cursor, limit }, call);
      const found = listAt(body, items);
      const next = scalar(at(body, nextAt)) ?? cursor;
      yield { ...(await read(found)), next };
      if (found.length === 0 || next === cursor) return;
      cursor = next;
    }
  };

  const bySince: ChangesPort['pull'] = async function* (from, call) {
    const saved = from === null ? { since: 0, offset: 0 } : parseCursor(from);
    if (savedPlace(saved.since, now()) !== saved.since) [saved.since, saved.offset] = [0, 0];
    const start = resume(saved.since, config.timeZone);
    let [since, offset] = [start, start === saved.since ? saved.offset : 0];
    for (let full = true; full;) {
      const body = await ask(operation, { since: new Date(since).toISOString(), limit, offset }, call);
      const found = listAt(body, items);
      full = found.length >= limit;
      const places = found.map(placeOf).filter((place) => !Number.isNaN(place));
      // A page that holds nothing but the future is gone through by its own moments; the place that is saved stays.
      const onlyFuture = full && places.length > 0 && places.every((place) => isInFuture(place, now()));
      const last = onlyFuture ? Math.max(since, ...places) : latestMoment(places, since, now());
      // From where this pull began, not from its last page: the overlap may reach back over several.
      if (!full) [since, offset] = [Math.max(start, last - overlapMs), 0];
      else if (last > since) [since, offset] = [last, 0];
      else if (mentions(operation.fields, '/offset')) offset += found.length;
      else
        throw new AdapterError(
          'misconfigured',
          'none',
          `more than ${limit} cases changed at one moment: raise operations.changes.limit or map an element to /offset`,
        );
      const place = placeToSave(Math.max(since, saved.since), now());
      yield { ...(await read(found)), next: `${place} ${place === since ? offset : 0}` };
    }
  };

  return {
    traits: { ordering: 'per-case', overlapMs, everyMs, cursors: 'safe' },
    ...(mentions(operation.fields, '/cursor')
      ? { pull: byCursor }
      : { pull: bySince, cursorAt: (moment: Date) => `${moment.getTime()} 0` }),
  };
}

function parseCursor(cursor: string): { since: number; offset: number } {
  const match = /^(\d{1,15}) (\d{1,9})$/.exec(cursor);
  if (!match) throw new AdapterError('malformed', 'none', 'the cursor is not one of this adapter');
  return { since: Number(match[1]), offset: Number(match[2]) };
}
