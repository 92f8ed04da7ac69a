import { AdapterError, type Call } from '#contract';
import type { Directory } from './directory.ts';
import type { SubmissionEvent } from './events.ts';
import type { Ask } from './http.ts';
import type { Announced } from './mapping.ts';
import { verifySet } from './sets.ts';

/** Reads the events of a submission, each verified; null where the delivery service does not know the case. */
export type ReadLog = (submission: Announced, call: Pick<Call, 'signal'>) => Promise<readonly SubmissionEvent[] | null>;

const PAGE = 100;
const MOST_PAGES = 20;

/** @param service `iss` of the delivery service */
export function createReadLog(ask: Ask, directory: Directory, service: string): ReadLog {
  return async (submission, call) => {
    const expected = { ...submission, service };
    const findKey = (signer: 'service' | 'destination', kid: string) =>
      signer === 'service' ? directory.serviceKey(kid, call) : directory.signingKey(submission.destinationId, kid, call);
    const events: SubmissionEvent[] = [];
    for (let page = 0; page < MOST_PAGES; page++) {
      const path = `/v2/cases/${submission.caseId}/events?offset=${page * PAGE}&limit=${PAGE}`;
      const { status, body, problem } = await ask({ method: 'GET', path }, call);
      // Only FIT-Connect's own word counts: a proxy's 404 must not make a case disappear.
      if ((status === 404 || status === 410) && problem !== undefined) return null;
      if (status !== 200) throw new AdapterError('misconfigured', 'none', 'there is no event log under submissionUrl: check the address');
      const sets = (body as { eventLog?: unknown } | null)?.eventLog;
      if (!Array.isArray(sets) || !sets.every((set) => typeof set === 'string'))
        throw new AdapterError('malformed', 'none', 'the event log does not look like one of FIT-Connect');
      for (const set of sets) {
        const event = await verifySet(set, expected, findKey);
        if (event) events.push(event);
      }
      if (sets.length < PAGE) return events;
    }
    throw new AdapterError('malformed', 'none', 'the event log of the case has no end');
  };
}
