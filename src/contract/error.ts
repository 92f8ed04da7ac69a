import type { Problem } from './problem.ts';

/** Codes of errors inside the hub; `gateway/errors.ts` alone turns them into what a client sees. */
export type HubErrorCode =
  | 'PROBLEM' // an expected refusal that has no union to travel in
  | 'CONFIG_INVALID'
  | 'STORE_UNAVAILABLE'
  | 'STORE_SCHEMA_UNKNOWN'
  | 'BUS_UNAVAILABLE'
  | 'CITY_UNAVAILABLE'
  | 'CITY_UNKNOWN'
  | 'ISSUER_UNAVAILABLE'
  | 'BACKUP_REFUSED'
  | 'IMPORT_REFUSED'
  | 'EVENT_REFUSED'
  | 'SUBGRAPH_REFUSED'
  | 'PLANNER_UNAVAILABLE'
  | 'PLAN_NOT_FOUND'
  | 'CLOSED';

/** The one error class of the hub. The message is for operators and never holds personal data. */
export class HubError extends Error {
  readonly code: HubErrorCode;
  /** True if the same call may succeed later, unchanged. */
  readonly retryable: boolean;
  readonly problem?: Problem;

  constructor(code: HubErrorCode, message: string, options: { retryable?: boolean; cause?: unknown; problem?: Problem } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HubError';
    this.code = code;
    this.retryable = options.retryable ?? false;
    if (options.problem) this.problem = options.problem;
  }
}

/** An expected refusal thrown where the schema has no union for it. */
export const refuse = (problem: Problem): HubError => new HubError('PROBLEM', problem.code, { problem });
