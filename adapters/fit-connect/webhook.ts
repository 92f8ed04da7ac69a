import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import {
  AdapterError,
  decodeText,
  flawOf,
  isAdapterError,
  type Call,
  type CaseChange,
  type Host,
  type MalformedRecord,
  type WebhookPort,
} from '#contract';
import type { ReadLog } from './case-log.ts';
import { toRef, toSnapshot, isUuid, parseRef, type Announced } from './mapping.ts';

/** How old a callback may be, in milliseconds. */
export const CALLBACK_WINDOW_MS = 5 * 60_000;
export const NEW_SUBMISSIONS = 'https://schema.fitko.de/fit-connect/submission-api/callbacks/new-submissions';

const MOST_SUBMISSIONS = 500;

/** The HMAC of a callback: SHA-512, hexadecimal, over `<timestamp in seconds>.<body as it came>`. */
export const signCallback = (secret: string, timestamp: string, raw: Uint8Array | string): string =>
  createHmac('sha512', secret).update(`${timestamp}.`).update(raw).digest('hex');

/** @throws AdapterError rejected where the callback is not from FIT-Connect or not of the last five minutes. */
export function verifyCallback(secret: string, headers: Headers, raw: Uint8Array, now: Date): void {
  const refuse = (why: string) => new AdapterError('rejected', 'none', `the callback was refused: ${why}`);
  const timestamp = headers.get('callback-timestamp');
  const given = Buffer.from((headers.get('callback-authentication') ?? '').toLowerCase());
  if (!timestamp || !/^\d{1,12}$/.test(timestamp)) throw refuse('callback-timestamp is missing');
  const expected = Buffer.from(signCallback(secret, timestamp, raw));
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw refuse('callback-authentication does not verify');
  if (Math.abs(now.getTime() - Number(timestamp) * 1000) > CALLBACK_WINDOW_MS) throw refuse('it is too old or from the future');
}

const uuid = z.string().toLowerCase().refine(isUuid);
const body = z.object({
  type: z.literal(NEW_SUBMISSIONS),
  submissions: z
    .array(z.object({ destinationId: uuid, submissionId: uuid, caseId: uuid }))
    .max(MOST_SUBMISSIONS)
    .default([]),
});

/** Submissions that a verified callback announces. @throws AdapterError malformed where it is no callback of this kind. */
export function parseCallback(raw: Uint8Array): readonly Announced[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decodeText(raw));
  } catch {
    throw new AdapterError('malformed', 'none', 'the callback is not JSON');
  }
  const known = body.safeParse(parsed);
  if (!known.success)
    throw new AdapterError(
      'malformed',
      'none',
      `the callback is not one about new submissions, at ${known.error.issues[0]?.path.join('.') || '/'}`,
    );
  return known.data.submissions;
}

/*
 * FIT-Connect calls the destination's side, not the sender's. Where the city passes its callbacks on to the hub (or gives the
 * hub's address as the destination's callback), the hub hears of `notified` at once instead of at its next look. A callback
 * only names submissions; what happened is read from the signed event log, so that a leaked callback secret changes nothing.
 */
export function createWebhook(secret: string, readLog: ReadLog, host: Pick<Host, 'now'>): WebhookPort {
  return {
    traits: { auth: 'signature', replayWindowMs: CALLBACK_WINDOW_MS },
    async receive({ headers, raw }, call) {
      verifyCallback(secret, headers, raw, host.now());
      const changes: CaseChange[] = [];
      const malformed: MalformedRecord[] = [];
      for (const submission of parseCallback(raw)) {
        try {
          const change = await changeOf(submission, call);
          const flaw = change && flawOf(change);
          if (flaw) malformed.push({ id: submission.caseId, reason: flaw });
          else if (change) changes.push(change);
        } catch (error) {
          // A log that cannot be believed concerns its case alone; the others of the callback are told.
          if (!isAdapterError(error) || error.kind !== 'malformed') throw error;
          malformed.push({ id: submission.caseId, reason: error.message });
        }
      }
      return { changes, malformed };
    },
  };

  async function changeOf(submission: Announced, call: Call): Promise<CaseChange | null> {
    const events = (await readLog(submission, call)) ?? [];
    const tags = events.find(({ name }) => name === 'submit')?.tags;
    const ref = tags && toRef(submission, tags);
    const sent = ref && parseRef(ref);
    const snapshot = sent ? toSnapshot(ref, sent, events) : null;
    return snapshot && { ...snapshot, id: `${snapshot.ref.id} ${snapshot.version}` };
  }
}
