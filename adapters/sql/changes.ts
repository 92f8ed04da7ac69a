import type { Call, ChangesPort } from '#contract';
import type { Shape } from './client.ts';
import type { SqlConfig } from './config.ts';
import type { Statement, Statements } from './dialect.ts';
import { parseCursor, toChange, toCursor, type CaseRow, type Position } from './mapping.ts';
import { reachBack } from './moments.ts';

interface Questions {
  readonly statements: Statements;
  readonly rowsOf: (statement: Statement, call: Call) => Promise<CaseRow[]>;
  readonly shape: (call: Call) => Promise<Shape>;
  readonly now: () => Date;
}

/**
 * Changes in the order of (moment, id), page behind page: no offset, so nothing is skipped while cases change. A pull reaches
 * back once, at its beginning, for rows that became visible late; a page's own cursor goes on exactly behind it, or a bulk
 * change of more cases than fit into one pull would never end.
 */
export function createChanges(
  { changes: { limit, overlapMs, everyMs } }: SqlConfig,
  { statements, rowsOf, shape, now }: Questions,
): ChangesPort {
  return {
    traits: { ordering: 'per-case', overlapMs, everyMs },
    async *pull(from, call) {
      const { clock } = await shape(call);
      let position: Position | null = from === null ? null : parseCursor(from);
      let start: { updatedAt: string; id: string | null } | null = null;
      if (position) start = position.exact ? position : { updatedAt: reachBack(position.updatedAt, overlapMs, clock), id: null };
      for (let full = true; full;) {
        const rows = await rowsOf(statements.changed(limit, start), call);
        full = rows.length === limit;
        const last = rows.at(-1);
        // A pull that reached back and found nothing behind its start stays where it was.
        if (last) position = { updatedAt: last.updatedAt ?? '', id: last.id ?? '', exact: full };
        start = position;
        const items = rows.map((row) => toChange(row, clock, now()));
        yield { items, next: position === null ? '[]' : toCursor({ ...position, exact: full }) };
      }
    },
  };
}
