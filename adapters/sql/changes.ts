import { readChanges, type Call, type ChangesPort } from '#contract';
import type { Shape } from './client.ts';
import type { SqlConfig } from './config.ts';
import type { Statement, Statements } from './dialect.ts';
import { parseCursor, toChange, toCursor, type CaseRow, type Position } from './mapping.ts';
import { isNowhere, isReached, reachBack, surelyBefore } from './moments.ts';

interface Questions {
  readonly statements: Statements;
  readonly rowsOf: (statement: Statement, call: Call) => Promise<CaseRow[]>;
  readonly shape: (call: Call) => Promise<Shape>;
  readonly now: () => Date;
}

/**
 * Changes in the order of (moment, id), page behind page: no offset, so nothing is skipped while cases change. A pull reaches
 * back once, at its beginning, for rows that became visible late; a page's own cursor goes on exactly behind it, or a bulk
 * change of more cases than fit into one pull would never end. What is kept is the last row whose moment has come: a row in the
 * future (or at `infinity`) is told and gone past within the pull, and moves no cursor.
 */
export function createChanges(
  { changes: { limit, overlapMs, everyMs } }: SqlConfig,
  { statements, rowsOf, shape, now }: Questions,
): ChangesPort {
  return {
    traits: { ordering: 'per-case', overlapMs, everyMs, cursors: 'safe' },
    cursorAt: (moment) => toCursor({ updatedAt: surelyBefore(moment), id: '', exact: false }),
    async *pull(from, call) {
      const { clock } = await shape(call);
      const saved = from === null ? null : parseCursor(from);
      let position: Position | null = saved && !isNowhere(saved.updatedAt, clock, now()) ? saved : null;
      let start: { updatedAt: string; id: string | null } | null = null;
      if (position) start = position.exact ? position : { updatedAt: reachBack(position.updatedAt, overlapMs, clock), id: null };
      for (let full = true; full;) {
        const rows = await rowsOf(statements.changed(limit, start), call);
        full = rows.length === limit;
        const last = rows.at(-1);
        const reached = rows.findLast(({ updatedAt }) => updatedAt !== null && isReached(updatedAt, clock, now()));
        // A pull that reached back and found nothing behind its start stays where it was.
        if (reached) position = { updatedAt: reached.updatedAt ?? '', id: reached.id ?? '', exact: full && reached === last };
        if (last) start = { updatedAt: last.updatedAt ?? '', id: last.id ?? '' };
        const page = await readChanges(
          rows,
          (row) => toChange(row, clock, now()),
          ({ id }) => id,
        );
        yield { ...page, next: position === null ? '[]' : toCursor(position) };
      }
    },
  };
}
