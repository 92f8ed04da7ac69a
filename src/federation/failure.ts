/** Why a subgraph gave no answer, or not a whole one. */
export type SubgraphFailure =
  | 'unavailable' // not reached, or answered 5xx
  | 'deadline' // no answer in time
  | 'busy' // too many calls wait for it
  | 'left-alone' // failed repeatedly; its breaker is open
  | 'malformed' // answered something that is no GraphQL answer, or not what its SDL says
  | 'too-long' // answered more than it may: a large question rather than a sick city
  | 'aborted' // the caller went away
  | 'refused' // an error of its own with a code, meant for the caller
  | 'failed'; // an error of its own without one

const transient: ReadonlySet<SubgraphFailure> = new Set(['unavailable', 'deadline', 'busy', 'left-alone']);

/**
 * What went wrong at a subgraph. The message is for operators; what callers see is made from `subgraph`, `kind` and `code`
 * by the gateway, since a text of a city may hold anything.
 */
export class SubgraphError extends Error {
  readonly subgraph: string;
  readonly kind: SubgraphFailure;
  /** `extensions.code` of the subgraph's own error. */
  readonly code: string | null;
  /** True if the same question may be answered later. */
  readonly retryable: boolean;

  constructor(
    subgraph: string,
    kind: SubgraphFailure,
    message: string,
    options: { readonly code?: string; readonly cause?: unknown } = {},
  ) {
    super(`${subgraph}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SubgraphError';
    this.subgraph = subgraph;
    this.kind = kind;
    this.code = options.code ?? null;
    this.retryable = transient.has(kind);
  }
}

/** A value that may not stand where a subgraph answered it: the answer shows null there and says why. */
export class MisfitError extends Error {
  /** `Type.field`. */
  readonly coordinate: string;
  /** True for a null where the schema allows none. */
  readonly isNull: boolean;

  constructor(coordinate: string, isNull: boolean, message: string) {
    super(message);
    this.name = 'MisfitError';
    this.coordinate = coordinate;
    this.isNull = isNull;
  }
}
