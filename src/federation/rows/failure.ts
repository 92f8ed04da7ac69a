import { CityCallError } from '../../cities/cities.ts';

/**
 * Why a city's row could not be answered.
 *
 *   not-connected    no city is connected for the municipality
 *   not-answered     the city is connected, but none of its back offices answers the field
 *   unavailable      it is down, refuses the hub, is left alone (breaker) or has too much to do
 *   deadline         no answer in time
 *   refused          it does not take the question, for example one of its arguments
 *   invalid          its answer is about another municipality, or not what the contract says
 */
export type RowFailure = 'not-connected' | 'not-answered' | 'unavailable' | 'deadline' | 'refused' | 'invalid';

/** The municipality whose row it is. */
export interface RowOwner {
  readonly ars: string;
  readonly name: string;
}

/** Thrown instead of a row. The message is for operators: no secrets, no personal data. */
export class RowError extends Error {
  readonly failure: RowFailure;
  /** `Municipality.kitas` */
  readonly field: string;
  readonly owner: RowOwner;
  /** True if the same question may be answered later. */
  readonly retryable: boolean;

  constructor(failure: RowFailure, field: string, owner: RowOwner, message: string, cause?: unknown) {
    super(`${field} of ${owner.name} (${owner.ars}): ${message}`, cause === undefined ? undefined : { cause });
    this.name = 'RowError';
    this.failure = failure;
    this.field = field;
    this.owner = owner;
    this.retryable = failure === 'unavailable' || failure === 'deadline';
  }
}

const meaning: Readonly<Record<CityCallError['failure']['kind'], RowFailure>> = {
  retryable: 'unavailable',
  unavailable: 'unavailable',
  misconfigured: 'unavailable',
  'breaker-open': 'unavailable',
  busy: 'unavailable',
  deadline: 'deadline',
  rejected: 'refused',
  unsupported: 'refused',
  malformed: 'invalid',
};

/** What a call that failed means for a row. */
export function toRowError(error: unknown, field: string, owner: RowOwner): RowError {
  if (error instanceof RowError) return error;
  if (error instanceof CityCallError) return new RowError(meaning[error.failure.kind], field, owner, error.message, error);
  return new RowError('unavailable', field, owner, 'the call failed for no stated reason', error);
}
