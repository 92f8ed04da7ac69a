import type { Json, RegionalKey, ServiceKey } from '#contract';
import type { CaseEvent } from './kind.ts';

/** The events that every kind of case has. */

type Facts = { readonly [name: string]: Json };
type To = { readonly to?: readonly RegionalKey[] };

const told = ({ to }: To): To => (to && to.length > 0 ? { to } : {});

/** A case begins. `of` is where it begins, `to` who else it concerns; `more` holds codes and ids. */
export const caseOpened = (
  kind: string,
  { of, to, service, application }: To & { readonly of: RegionalKey; readonly service: ServiceKey; readonly application: string },
  more: Facts = {},
): CaseEvent => ({ type: 'case.opened', of, ...told({ ...(to && { to }) }), facts: { kind, from: of, service, application, ...more } });

/** A city has done its part; `more` holds codes and ids. */
export const stepTaken = (kind: string, step: string, { by, to }: To & { readonly by: RegionalKey }, more: Facts = {}): CaseEvent => ({
  type: 'case.step-taken',
  of: by,
  ...told({ ...(to && { to }) }),
  facts: { kind, step, by, ...more },
});

/** What a step waited for did not come in time. */
export const caseOverdue = (step: string, { of, to, dueAt }: To & { readonly of: RegionalKey; readonly dueAt: Date }): CaseEvent => ({
  type: 'case.overdue',
  of,
  ...told({ ...(to && { to }) }),
  facts: { step, dueAt: dueAt.toISOString() },
});

/** Nothing will happen any more. */
export const caseClosed = (outcome: string, { of, to }: To & { readonly of: RegionalKey }): CaseEvent => ({
  type: 'case.closed',
  of,
  ...told({ ...(to && { to }) }),
  facts: { outcome },
});
