import { AdapterError, latestMoment, placeToSave, readChanges, savedPlace, type Call, type ChangesPort, type Json } from '#contract';
import type { Open311Config } from './config.ts';
import type { List } from './list.ts';
import { toChange } from './mapping.ts';
import { at, textOf } from './records.ts';

type ChangesConfig = NonNullable<Open311Config['changes']>;

const DAY = 86_400_000;
/** As many requests as the standard lets one answer hold. */
const MOST_IN_ONE = 1_000;
const MOST_PAGES = 1_000;

/*
 * GeoReport says nothing about the order of a list, so a pull reads it to its end before its place moves.
 *
 *   updated_after  what changed since the latest change that was seen, less `overlapMs`.
 *   start_date     the standard finds requests by when they were made, not by when they changed: every pull asks for the last
 *                  `windowDays`, some days at a time. A step that comes back full is asked for again in halves.
 */
export function createChanges(changes: ChangesConfig, config: Open311Config, list: List, now: () => Date): ChangesPort {
  async function* pages(query: Readonly<Record<string, string>>, call: Call): AsyncGenerator<readonly Json[]> {
    const seen = new Set<string>();
    for (let page = 1; page <= MOST_PAGES; page++) {
      const paging = {
        ...(changes.page === undefined ? {} : { [changes.page]: String(page) }),
        ...(changes.size === undefined ? {} : { [changes.size]: String(changes.pageSize) }),
      };
      const idOf = (request: Json) => textOf(at(request, '/service_request_id'));
      const fresh = (await list({ ...query, ...paging }, call)).filter((request) => !seen.has(idOf(request) ?? ''));
      // A server that does not know the parameter answers its only page again, with what has no id in it.
      if (page > 1 && fresh.every((request) => idOf(request) === null)) return;
      for (const id of fresh.map(idOf)) if (id !== null) seen.add(id);
      yield fresh;
      if (changes.page === undefined || fresh.length === 0) return;
    }
    throw new AdapterError('malformed', 'none', 'the list of requests does not end');
  }

  const toPage = async (requests: readonly Json[], next: number) => ({
    ...(await readChanges(
      requests,
      (request) => toChange(request, config),
      (request) => textOf(at(request, '/service_request_id')),
    )),
    next: String(next),
  });

  const byUpdate: ChangesPort['pull'] = async function* (from, call) {
    const saved = savedPlace(placeOf(from), now());
    let latest = saved;
    for await (const requests of pages({ updated_after: written(Math.max(0, saved - changes.overlapMs)) }, call)) {
      const page = await toPage(requests, placeToSave(saved, now()));
      latest = latestMoment(
        page.items.map(({ updatedAt }) => updatedAt.getTime()),
        latest,
        now(),
      );
      yield page;
    }
    yield { items: [], next: String(placeToSave(latest, now())) };
  };

  async function* within(start: number, end: number, call: Call): AsyncGenerator<readonly Json[]> {
    let count = 0;
    for await (const requests of pages({ start_date: written(start), end_date: written(end) }, call)) {
      count += requests.length;
      yield requests;
    }
    if (changes.page !== undefined || count < MOST_IN_ONE || end - start < 60_000) return;
    const middle = Math.floor((start + end) / 2);
    yield* within(start, middle, call);
    yield* within(middle, end, call);
  }

  const byStart: ChangesPort['pull'] = async function* (from, call) {
    placeOf(from);
    const end = now().getTime() + DAY;
    for (let start = end - (changes.windowDays + 1) * DAY; start < end; start += changes.stepDays * DAY)
      for await (const requests of within(start, Math.min(end, start + changes.stepDays * DAY), call)) yield await toPage(requests, 0);
  };

  return {
    traits: { ordering: 'none', overlapMs: changes.overlapMs, everyMs: changes.everyMs, cursors: 'safe' },
    ...(changes.by === 'updated_after' ? { pull: byUpdate, cursorAt: (moment: Date) => String(moment.getTime()) } : { pull: byStart }),
  };
}

/** W3C date and time in UTC, whole seconds: the form every server reads. */
const written = (moment: number): string => `${new Date(moment).toISOString().slice(0, 19)}Z`;

function placeOf(cursor: string | null): number {
  if (cursor === null) return 0;
  if (!/^\d{1,15}$/.test(cursor)) throw new AdapterError('malformed', 'none', 'the cursor is not one of this adapter');
  return Number(cursor);
}
