import {
  AdapterError,
  isInFuture,
  latestMoment,
  placeToSave,
  readChanges,
  savedPlace,
  type Call,
  type ChangesPort,
  type Json,
} from '#contract';
import type { CaseFields, GraphqlConfig } from './config.ts';
import type { Ask } from './http.ts';
import { listAt, toChange, toVariables } from './mapping.ts';
import { at, scalar } from './pointer.ts';

type ChangesConfig = NonNullable<GraphqlConfig['changes']>;

/*
 * Two ways to ask for changes:
 *
 *   /cursor  the API keeps the place, until a page is empty or the place stays. It must hold for what comes later too.
 *   /since   by time, oldest change first. The next page begins at the moment of the last case; only where one moment fills a
 *            whole page is /offset used, because a case that changes meanwhile moves to the end and an offset would skip its neighbour.
 */
export function createChanges(config: ChangesConfig, fields: CaseFields, ask: Ask, now: () => Date): ChangesPort {
  const { document, variables, items, limit, overlapMs, everyMs } = config;
  const uses = (source: string) => Object.values(variables).includes(source);

  async function read(source: Json, call: Call): Promise<{ data: Json; found: readonly Json[] }> {
    const { data, failed } = await ask(document, toVariables(variables, source), call, { lenient: true });
    // A part would look like the whole.
    if (failed) throw failed;
    return { data, found: listAt(data, items) };
  }

  const changesIn = (found: readonly Json[]) =>
    readChanges(
      found,
      (item) => toChange(item, fields),
      (item) => scalar(at(item, fields.id)),
    );

  const byCursor: ChangesPort['pull'] = async function* (from, call) {
    // What was kept of a first page without a place is no place: the API would be asked for what comes after "".
    for (let cursor = from || null; ;) {
      const { data, found } = await read({ limit, ...(cursor === null ? {} : { cursor }) }, call);
      const next = scalar(at(data, config.next ?? '')) ?? cursor;
      yield { ...(await changesIn(found)), next: next ?? '' };
      if (found.length === 0 || next === cursor) return;
      cursor = next;
    }
  };

  const bySince: ChangesPort['pull'] = async function* (from, call) {
    let { since, offset } = from === null ? { since: 0, offset: 0 } : parseCursor(from);
    if (savedPlace(since, now()) !== since) [since, offset] = [0, 0];
    const start = since;
    for (let full = true; full;) {
      const { found } = await read({ since: new Date(since).toISOString(), limit, offset }, call);
      const { items, malformed } = await changesIn(found);
      full = found.length >= limit;
      const places = items.map(({ updatedAt }) => updatedAt.getTime());
      // A page that holds nothing but the future is gone through by its own moments; the place that is saved stays.
      const onlyFuture = full && places.length > 0 && places.every((place) => isInFuture(place, now()));
      const last = onlyFuture ? Math.max(since, ...places) : latestMoment(places, since, now());
      // From where this pull began, not from its last page: the overlap may reach back over several.
      if (!full) [since, offset] = [Math.max(start, last - overlapMs), 0];
      else if (last > since) [since, offset] = [last, 0];
      else if (uses('/offset')) offset += found.length;
      else
        throw new AdapterError(
          'misconfigured',
          'none',
          `more than ${limit} cases changed at one moment: raise changes.limit or map a variable to /offset`,
        );
      const place = placeToSave(since, now());
      yield { items, malformed, next: `${place} ${place === since ? offset : 0}` };
    }
  };

  return {
    traits: { ordering: 'per-case', overlapMs, everyMs, cursors: 'safe' },
    ...(uses('/cursor') ? { pull: byCursor } : { pull: bySince, cursorAt: (moment: Date) => `${moment.getTime()} 0` }),
  };
}

function parseCursor(cursor: string): { since: number; offset: number } {
  const match = /^(\d{1,15}) (\d{1,9})$/.exec(cursor);
  if (!match) throw new AdapterError('malformed', 'none', 'the cursor is not one of this adapter');
  return { since: Number(match[1]), offset: Number(match[2]) };
}
