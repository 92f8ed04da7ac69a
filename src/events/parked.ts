import type { Problem } from '#contract';
import type { Channel } from './channels.ts';
import type { EventsDeps, EventsResult } from './events.ts';
import { lockReceiver, recordDecision, saveChannelState, toChannelState, unpark, wakeDeliveries } from './records.ts';

/** Who decides, for the record: issuer and subject of a token, or the operator at the command line. */
export type DecidedBy = string;

/** Longest reason. It is kept: it says what is known of the event, and nothing about people. */
const longestReason = 200;

const notFound = (what: string, path?: string): EventsResult => ({
  ok: false,
  problem: { code: 'NOT_FOUND', facts: { what }, ...(path ? { path: ['input', path] } : {}) },
});

/** What is wrong with a reason; null if it will do. */
function findReasonProblem(reason: string): Problem | null {
  const [path, facts] = [['input', 'reason'], { what: 'reason', found: reason.length, most: longestReason }];
  if (reason.length > longestReason) return { code: 'TEXT_TOO_LONG', facts, path };
  return reason.length === 0 ? { code: 'INVALID_INPUT', saying: 'TEXT_MISSING', facts, path } : null;
}

/** What people decide about a city's deliveries. Every decision is written down with who, when and why. */
export function createDecisions(deps: EventsDeps, channels: ReadonlyMap<string, Channel>, wake: () => void) {
  const { store, now } = deps;

  async function decide(
    city: string,
    eventId: string,
    how: 'release' | 'discard',
    by: DecidedBy,
    reason: string | null,
  ): Promise<EventsResult> {
    const done = await store.transaction(async (tx) => {
      const at = now().getTime();
      if (!(await unpark(tx, city, eventId, how, at))) return false;
      await recordDecision(tx, { city, event_id: eventId, action: how, by, reason, at });
      return true;
    });
    if (!done) return notFound('ParkedEvent', 'eventId');
    wake();
    return { ok: true, count: 1 };
  }

  async function setPaused(city: string, paused: boolean, by: DecidedBy): Promise<EventsResult> {
    if (!channels.has(city)) return notFound('channel');
    const done = await store.transaction(async (tx) => {
      const at = now().getTime();
      const receiver = await lockReceiver(store, tx, city);
      if (!receiver || (receiver.paused_at !== null) === paused) return false;
      const rest = { ...toChannelState(receiver), failures: 0, failingSince: null, notBefore: 0 };
      await saveChannelState(
        tx,
        city,
        { ...rest, pausedAt: paused ? at : null, pauseReason: paused ? 'BY_HAND' : null },
        paused ? receiver.last_error : null,
      );
      if (!paused) await wakeDeliveries(tx, city, at, true);
      await recordDecision(tx, { city, event_id: null, action: paused ? 'pause' : 'resume', by, reason: null, at });
      return true;
    });
    wake();
    return { ok: true, count: done ? 1 : 0 };
  }

  return {
    release: (city: string, eventId: string, by: DecidedBy) => decide(city, eventId, 'release', by, null),
    async discard(city: string, eventId: string, reason: string, by: DecidedBy): Promise<EventsResult> {
      const given = reason.trim();
      const problem = findReasonProblem(given);
      return problem ? { ok: false, problem } : decide(city, eventId, 'discard', by, given);
    },
    pause: (city: string, by: DecidedBy) => setPaused(city, true, by),
    resume: (city: string, by: DecidedBy) => setPaused(city, false, by),
  };
}
