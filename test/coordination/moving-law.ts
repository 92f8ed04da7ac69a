import type { HubEvent } from '#contract';

/** What may follow what in the log of a move. */
const followers: Readonly<Record<string, readonly string[]>> = {
  '': ['case.opened'],
  'case.opened': ['move.registered', 'case.closed'],
  'move.registered': ['case.step-taken', 'case.overdue'],
  'case.overdue': ['case.overdue', 'case.step-taken', 'permit.end-requested', 'permit.ended'],
  'case.step-taken': ['move.registered', 'move.evaluated', 'move.deregistered', 'permit.ended', 'case.closed'],
  'move.evaluated': ['case.step-taken', 'case.overdue'],
  'move.deregistered': ['permit.end-requested', 'case.closed'],
  'permit.end-requested': ['permit.end-requested', 'offer.suggested', 'case.step-taken', 'case.overdue', 'permit.ended'],
  'offer.suggested': ['case.step-taken', 'case.overdue', 'permit.end-requested', 'permit.ended'],
  'permit.ended': ['permit.ended', 'case.step-taken', 'case.overdue', 'permit.end-requested', 'case.closed'],
  'case.closed': [],
};

/** What is wrong with the events of one move, whenever one looks; empty if all is lawful. */
export function illegal(events: readonly Pick<HubEvent, 'type' | 'facts'>[]): readonly string[] {
  const wrong: string[] = [];
  let last = '';
  for (const { type } of events) {
    if (!followers[last]?.includes(type)) wrong.push(`${type} follows ${last || 'nothing'}`);
    last = type;
  }
  const once = (key: (event: (typeof events)[number]) => string | null) => {
    const seen = new Set<string>();
    for (const event of events) {
      const name = key(event);
      if (name !== null && seen.has(name)) wrong.push(`twice: ${name}`);
      if (name !== null) seen.add(name);
    }
  };
  const named = (type: string, fact: string) => (event: (typeof events)[number]) =>
    event.type === type ? `${type} ${JSON.stringify(event.facts[fact])}` : null;
  once(named('permit.ended', 'application'));
  once(named('move.registered', 'round'));
  once(named('case.step-taken', 'step'));
  once(named('case.overdue', 'step'));
  once(named('permit.end-requested', 'step'));
  once(({ type }) => (['move.deregistered', 'offer.suggested'].includes(type) ? type : null));
  return wrong;
}
