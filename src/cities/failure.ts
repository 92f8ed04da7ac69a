import { HubError, isAdapterError, type AdapterErrorKind } from '#contract';
import type { Redact } from './redaction.ts';

/** Why a call to a city failed, after deadline, retries and breaker. */
export interface CallFailure {
  readonly kind: AdapterErrorKind | 'breaker-open' | 'busy' | 'deadline';
  readonly effect: 'none' | 'unknown' | 'done';
  readonly retryAfterMs?: number;
  readonly fields?: Readonly<Record<string, string>>;
}

/** Thrown by `read` and `write` where the city did not do it. */
export class CityCallError extends Error {
  readonly failure: CallFailure;
  constructor(message: string, failure: CallFailure, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CityCallError';
    this.failure = failure;
  }
}

/** Words about an error that may be logged: the hub's and an adapter's own. Those of any other error may quote what it stumbled over, a row for example. */
export const reasonOf = (error: unknown): string => {
  if (error instanceof CityCallError || error instanceof HubError || isAdapterError(error)) return error.message;
  return error instanceof Error ? error.name : 'unknown';
};

/**
 * What an adapter threw, as a failure of the call. Only an AdapterError's words are kept, without secrets: the message of
 * any other error may quote what it stumbled over, and that may be an applicant's name.
 */
export function toCallError(error: unknown, kind: 'read' | 'write', redact: Redact): CityCallError {
  if (error instanceof CityCallError) return error;
  if (isAdapterError(error)) {
    const evidence = error.evidence === undefined ? '' : ` (${redact(error.evidence)})`;
    return new CityCallError(`${redact(error.message)}${evidence}`, {
      kind: error.kind,
      effect: kind === 'read' ? 'none' : error.effect,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      ...(error.fields ? { fields: error.fields } : {}),
    });
  }
  const name = error instanceof Error ? error.name : typeof error;
  const place = error instanceof Error ? /^\s+at .*$/m.exec(error.stack ?? '')?.[0].trim() : undefined;
  return new CityCallError(`the adapter failed by itself: ${redact(name)}${place ? ` ${redact(place)}` : ''}`, {
    kind: 'malformed',
    effect: kind === 'read' ? 'none' : 'unknown',
  });
}
