import { composeServices } from '@theguild/federation-composition';
import { buildSchema, parse, type ExecutionResult } from 'graphql';
import type { Asking, FederationEngine, Subgraph } from '../../../src/federation/engine/engine.ts';
import { createPlannedEngine } from '../../../src/federation/engine/planned.ts';
import { createPlanner } from '../../../src/federation/engine/planner.ts';
import { restoring, separateRequiredValues } from '../../../src/federation/required-values.ts';
import { createStitchedEngine } from '../../../src/federation/engine/stitched.ts';

/** A way to ask one engine. */
export interface Engine {
  readonly engine: FederationEngine;
  ask(
    query: string,
    variables?: Readonly<Record<string, unknown>>,
    asking?: Partial<Asking>,
    operationName?: string,
  ): Promise<ExecutionResult>;
  close(): Promise<void>;
}

export const engineKinds = ['planned', 'stitched'] as const;

const nobody: Asking = { context: {}, traceparent: null, signal: null };

/** One process for all engines of a test file; it ends with its process. */
const planner = createPlanner();
let made = 0;

export interface EngineOptions {
  /** False: values that subgraphs require are planned as they stand in the SDL, which is wrong for those with arguments. @default true */
  readonly areValuesSeparated?: boolean;
}

/** An engine over subgraphs, composed as they are. */
export async function startEngine(
  kind: (typeof engineKinds)[number],
  parts: readonly { readonly subgraph: Subgraph; readonly sdl: string }[],
  { areValuesSeparated = true }: EngineOptions = {},
): Promise<Engine> {
  const given = parts.map(({ subgraph, sdl }) => ({ name: subgraph.name, url: 'http://subgraph.invalid/', typeDefs: parse(sdl) }));
  const { parts: separated, values } = areValuesSeparated ? separateRequiredValues(given) : { parts: given, values: {} };
  const composed = composeServices([...separated]);
  if (composed.supergraphSdl === undefined) throw new Error(composed.errors.map(({ message }) => message).join('\n'));
  const { supergraphSdl, publicSdl } = composed;
  const schema = buildSchema(publicSdl, { assumeValid: true });
  const subgraphs = new Map(parts.map(({ subgraph }) => [subgraph.name, restoring(subgraph, values)]));
  const supergraph = `test ${(made += 1)}`;
  if (kind === 'planned' && !(await planner.load(supergraph, supergraphSdl))) throw new Error("the planner's addon does not load here");
  const engine =
    kind === 'planned'
      ? createPlannedEngine({ schema, supergraph, planner, subgraphs })
      : createStitchedEngine({ schema, supergraphSdl, subgraphs });
  return {
    engine,
    async ask(query, variables = {}, asking = {}, operationName) {
      const plan = await engine.plan(parse(query), operationName ?? null);
      return plan.execute(variables, { ...nobody, ...asking });
    },
    close: async () => engine.close(),
  };
}

/** Where an answer has errors, in order. */
export const placesOf = (result: ExecutionResult): string[] => (result.errors ?? []).map(({ path }) => (path ?? []).join('.')).toSorted();
