import type { DocumentNode, ExecutionResult } from 'graphql';

/*
 * A federation engine answers documents that touch more than one subgraph. There are two: `planned` asks the query planner of
 * Hive Router and executes its plans; `stitched` is @graphql-tools/federation, for platforms where the planner's addon cannot load.
 * The same tests run on both.
 */

/** Values by response key, as a subgraph answered them. */
export type Tree = Record<string, unknown>;

/** An error of a subgraph's answer, at its place in that answer. */
export interface ReplyError {
  readonly message: string;
  readonly path?: readonly (string | number)[] | undefined;
  /** What the caller's error is made from. */
  readonly cause: Error;
}

/** A subgraph's answer. */
export interface Reply {
  readonly data: Tree | null;
  readonly errors: readonly ReplyError[];
}

/** One operation for one subgraph. */
export interface Request {
  readonly kind: 'query' | 'mutation' | 'subscription';
  /** Text of the operation. */
  readonly operation: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** What a request of a caller brings to every subgraph. */
export interface Asking {
  /** What the hub's own resolvers get; never sent anywhere. */
  readonly context: unknown;
  /** W3C Trace Context, sent on. */
  readonly traceparent: string | null;
  /** Aborts when the caller is gone. */
  readonly signal: AbortSignal | null;
}

/** Something that answers operations of one subgraph: the hub itself, or a city over HTTP. */
export interface Subgraph {
  readonly name: string;
  /** Never throws: what fails is an error of the reply. A mutation under way is not aborted with its caller. */
  ask(request: Request, asking: Asking): Promise<Reply>;
  /** Events until the subgraph or the asking signal ends them. @throws SubgraphError if it cannot begin */
  follow(request: Request, asking: Asking): AsyncIterable<Reply>;
}

/** A document, made ready for one of its operations. */
export interface Plan {
  execute(variables: Readonly<Record<string, unknown>>, asking: Asking): Promise<ExecutionResult>;
  /** Every event of a subscription. */
  subscribe(variables: Readonly<Record<string, unknown>>, asking: Asking): Promise<AsyncIterable<ExecutionResult> | ExecutionResult>;
}

/** Answers documents over several subgraphs. */
export interface FederationEngine {
  readonly kind: 'planned' | 'stitched';
  /** The plan of a valid document. @throws GraphQLError where none can be made in time */
  plan(document: DocumentNode, operationName: string | null): Promise<Plan>;
  close(): void;
}
