import { AdapterError, isInFuture, latestMoment, placeToSave, readChanges, savedPlace, type ChangesPort, type Json } from '#contract';
import type { RestConfig } from './config.ts';
import type { Ask } from './http.ts';
import { createList, type List, type ListPage } from './lists.ts';
import type { CaseReader } from './mapping.ts';
import type { Moments } from './moments.ts';
import { scalar } from './value.ts';

type ChangesConfig = NonNullable<RestConfig['changes']>;

/*
 * Ways to ask for changes:
 *
 *   {cursor}  the back office keeps the place: each answer says how to go on, until a page is empty or the place stays.
 *   {since}   by time, oldest change first. The next page begins at the moment of the last case, not at an offset: a case that
 *             changes meanwhile moves to the end, and an offset would skip its neighbour. Only where one moment fills a whole
 *             page is {offset}, {page} or a link used. Each pull reaches back `overlapMs`, for cases that become visible late.
 *   {since} with order: any, or neither
 *             every page is read, in whatever order; the place moves when the last one was. In such a list a change never
 *             moves a case behind the place of reading.
 */
export function createChanges(config: ChangesConfig, cases: CaseReader, moments: Moments, ask: Ask, now: () => Date): ChangesPort {
  const list = createList(config, ask, 'changes');
  const { path, overlapMs, everyMs } = config;
  const pull = path.includes('{cursor}')
    ? byCursor(list, cases)
    : path.includes('{since}') && config.order === 'oldest-first'
      ? bySince(config, list, cases, moments, now)
      : byWalk(config, list, cases, moments, now);
  return {
    traits: { ordering: 'per-case', overlapMs, everyMs, cursors: 'safe' },
    pull,
    ...(path.includes('{cursor}') ? {} : { cursorAt: (moment: Date) => `${moment.getTime()} 0` }),
  };
}

const read = (items: readonly Json[], cases: CaseReader) => readChanges(items, cases.toChange, cases.idOf);

/** When the cases of a page changed, as places to start again; those that cannot be read have none. */
const placesIn = async (items: readonly Json[], cases: CaseReader): Promise<readonly number[]> =>
  (await Promise.all(items.map(async (item) => cases.changedAt(item).catch(() => Number.NaN)))).filter((moment) => !Number.isNaN(moment));

const byCursor = (list: List, cases: CaseReader): ChangesPort['pull'] =>
  async function* (from, call) {
    for (let cursor = from ?? ''; ;) {
      const { items, reply } = await list.page({ cursor }, call);
      const next = scalar(await list.next(reply.body)) ?? cursor;
      yield { ...(await read(items, cases)), next };
      if (items.length === 0 || next === cursor) return;
      cursor = next;
    }
  };

const bySince = (config: ChangesConfig, list: List, cases: CaseReader, moments: Moments, now: () => Date): ChangesPort['pull'] =>
  async function* (from, call) {
    const saved = savedPlace(placeOf(from), now());
    const start = moments.resume(saved);
    let since = start;
    for (let full = true; full;) {
      let pages = 0;
      for await (const { items } of list.pages({ since: moments.format(since) }, call)) {
        pages++;
        full = items.length >= config.limit;
        const places = await placesIn(items, cases);
        // A page that holds nothing but the future is gone through by its own moments; the place that is saved stays.
        const onlyFuture = full && places.length > 0 && places.every((place) => isInFuture(place, now()));
        const last = onlyFuture ? Math.max(since, ...places) : latestMoment(places, since, now());
        // One moment, as the back office tells moments apart, fills the page: only then does the list itself go on.
        const stuck = full && moments.format(last) === moments.format(since);
        // From where this pull began, not from its last page: the overlap may reach back over several.
        if (!full) since = Math.max(start, last - config.overlapMs);
        else if (!stuck) since = last;
        yield { ...(await read(items, cases)), next: `${placeToSave(Math.max(saved, since), now())} 0` };
        if (!stuck) break;
        if (!goesOn(config))
          throw new AdapterError(
            'misconfigured',
            'none',
            `more than ${config.limit} cases changed at one moment: raise changes.limit or give the path an {offset}`,
          );
        full = false;
      }
      if (pages === 0) return;
    }
  };

const byWalk = (config: ChangesConfig, list: List, cases: CaseReader, moments: Moments, now: () => Date): ChangesPort['pull'] =>
  async function* (from, call) {
    const saved = savedPlace(placeOf(from), now());
    const start = moments.resume(saved);
    let last = start;
    // A page is handed on when the next one came: only the last one may move the place.
    let held: ListPage | null = null;
    for await (const page of list.pages({ since: moments.format(start) }, call)) {
      if (held) yield { ...(await read(held.items, cases)), next: `${placeToSave(saved, now())} 0` };
      last = latestMoment(await placesIn(page.items, cases), last, now());
      held = page;
    }
    const next = Math.max(saved, last > start ? last - config.overlapMs : start);
    yield { ...(await read(held?.items ?? [], cases)), next: `${placeToSave(next, now())} 0` };
  };

const goesOn = ({ path, link, next }: ChangesConfig): boolean => link || next !== undefined || /\{(offset|page)\}/.test(path);

function placeOf(cursor: string | null): number {
  if (cursor === null) return 0;
  const match = /^(\d{1,15}) \d{1,9}$/.exec(cursor);
  if (!match) throw new AdapterError('malformed', 'none', 'the cursor is not one of this adapter');
  return Number(match[1]);
}
