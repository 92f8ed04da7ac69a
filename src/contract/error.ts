import type { Problem } from './problem.ts';
import type { Localised } from './vocabulary.ts';

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

/** Whoever sets the hub up or mends it reads these first. */
type ReadByOperators = 'CONFIG_INVALID' | 'BACKUP_REFUSED' | 'STORE_SCHEMA_UNKNOWN';

/** What an operator reads, in both languages. */
export type Said = Localised & { readonly en: string };

/** What is told of an error beside its message. */
export interface HubErrorOptions {
  readonly retryable?: boolean;
  readonly cause?: unknown;
  readonly problem?: Problem;
}

/** The one error class of the hub. The message is for operators and never holds personal data. */
export class HubError extends Error {
  readonly code: HubErrorCode;
  /** The message in both languages; English alone where nobody but a log reads it. */
  readonly said: Localised;
  /** True if the same call may succeed later, unchanged. */
  readonly retryable: boolean;
  readonly problem?: Problem;

  // In the language of the command: so there is none without German.
  constructor(code: ReadByOperators, said: Said, options?: HubErrorOptions);
  constructor(code: Exclude<HubErrorCode, ReadByOperators>, said: string | Said, options?: HubErrorOptions);
  constructor(code: HubErrorCode, said: string | Said, options: HubErrorOptions = {}) {
    super(typeof said === 'string' ? said : said.en, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HubError';
    this.code = code;
    this.said = typeof said === 'string' ? { de: said, en: said } : said;
    this.retryable = options.retryable ?? false;
    if (options.problem) this.problem = options.problem;
  }
}

/** An expected refusal thrown where the schema has no union for it. */
export const refuse = (problem: Problem): HubError => new HubError('PROBLEM', problem.code, { problem });
