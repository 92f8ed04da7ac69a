import type { Problem, RegionalKey } from '#contract';
import type { CoordinationDeps } from './coordination.ts';
import type { CaseKind } from './kind.ts';
import type { CaseRows } from './project.ts';
import { findAnswer, lockCase, saveAnswer, type WaitingRow } from './records.ts';
import type { Runtime } from './run.ts';

/** An answer of a city to a step, by its system or by a clerk. */
export interface Answer {
  readonly choice: string;
  /** Codes that go with the choice. @default none */
  readonly fields?: readonly string[];
}

/** For which city somebody answers, and who it is (issuer and subject of the token). */
export interface Answering {
  readonly ars: RegionalKey;
  readonly who: string;
  readonly traceparent: string;
  /** Only what waits for a person. @default false */
  readonly tasksOnly?: boolean;
}

export type AnswerResult =
  | { readonly ok: true; readonly caseId: string; readonly replayed: boolean }
  | { readonly ok: false; readonly problem: Problem };

const refused = (problem: Problem): AnswerResult => ({ ok: false, problem });
const words = (json: string): readonly string[] => JSON.parse(json) as readonly string[];

/**
 * Takes a city's answer to a step of a case. It counts once per case and step: the same answer again changes nothing and
 * succeeds, another one is refused, as is an answer that nobody waits for.
 */
export function createAnswer({ store, catalogue: { keys }, now, findKind }: CoordinationDeps, runtime: Runtime) {
  return async function answer(caseId: string, step: string, given: Answer, by: Answering): Promise<AnswerResult> {
    const fields = [...new Set(given.fields ?? [])].toSorted();
    return runtime.transaction(async (tx): Promise<AnswerResult> => {
      const rows = await lockCase(store, tx, { id: caseId });
      const kind = rows && findKind(rows.file.kind);
      // A token may name the city by a key that it had when the case began, or has since.
      const city = rows?.participants.find((one) => keys.sameMunicipality(one, by.ars)) as RegionalKey | undefined;
      if (!rows || !kind || city === undefined) return refused({ code: 'NOT_FOUND', facts: { what: 'CaseFile' }, path: ['input', 'id'] });
      const notAwaited = refused({ code: 'NOT_AWAITED', facts: { step }, path: ['input', 'step'] });
      const earlier = await findAnswer(tx, caseId, step);
      if (earlier)
        return keys.sameMunicipality(earlier.city, city) && earlier.choice === given.choice && earlier.fields === JSON.stringify(fields)
          ? { ok: true, caseId, replayed: true }
          : notAwaited;
      const open = rows.waiting.find((one) => one.step === step && keys.sameMunicipality(one.city, city));
      if (!open || words(open.choices).length === 0 || (by.tasksOnly && open.by !== 'clerk')) return notAwaited;
      const problem = wrongAnswer(open, given.choice, fields);
      if (problem) return refused(problem);
      if (!(await decided(kind, rows, city, { step, fields, choice: given.choice }))) return notAwaited;
      await saveAnswer(tx, {
        case_id: caseId,
        step,
        city,
        choice: given.choice,
        fields: JSON.stringify(fields),
        by: by.who,
        answered_at: now().getTime(),
      });
      return { ok: true, caseId, replayed: false };

      function decided(
        of: CaseKind,
        before: CaseRows,
        who: RegionalKey,
        what: { step: string; choice: string; fields: readonly string[] },
      ) {
        return runtime.decide(tx, of, before, { kind: 'answer', by: who, ...what }, by.traceparent);
      }
    });
  };
}

function wrongAnswer(open: WaitingRow, choice: string, fields: readonly string[]): Problem | null {
  const [choices, known] = [words(open.choices), words(open.fields)];
  const shown = (text: string) => (/^[\w.-]{1,40}$/.test(text) ? text : '?');
  if (!choices.includes(choice))
    return {
      code: 'INVALID_INPUT',
      facts: { what: 'choice', found: shown(choice), expected: choices.join(' | ') },
      path: ['input', 'choice'],
    };
  const unknown = fields.find((field) => !known.includes(field));
  if (unknown !== undefined)
    return {
      code: 'INVALID_INPUT',
      facts: { what: 'fields', found: shown(unknown), expected: known.join(' | ') || '–' },
      path: ['input', 'fields'],
    };
  return null;
}
