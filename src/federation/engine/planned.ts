import type { FetchNode, PlanNode } from '@graphql-hive/router-query-planner';
import { execute, getVariableValues, type DocumentNode, type ExecutionResult, type GraphQLSchema } from 'graphql';
import { answerFrom } from './answer.ts';
import type { Asking, FederationEngine, Plan, Reply, Subgraph } from './engine.ts';
import { createIsA, setOwn, type IsA } from './places.ts';
import type { Planner } from './planner.ts';
import { prepare, type Prepared } from './prepare.ts';
import { requestOf, runPlan, takeRoot, type Run } from './run-plan.ts';
import { conditionVariables, shapeOf, type Shape } from './shape.ts';

/** What the engine stands on. */
export interface PlannedOptions {
  /** What callers see. */
  readonly schema: GraphQLSchema;
  /** Name under which the planner has loaded the supergraph. */
  readonly supergraph: string;
  readonly planner: Planner;
  readonly subgraphs: ReadonlyMap<string, Subgraph>;
}

/** Plans and shapes of one document at most; each distinct truth of its conditions has one. */
const mostTruths = 32;

/** The engine that executes the plans of Hive Router's planner. */
export function createPlannedEngine({ schema, supergraph, planner, subgraphs }: PlannedOptions): FederationEngine {
  const isA = createIsA(schema);
  return {
    kind: 'planned',
    async plan(document, operationName) {
      const prepared = prepare(schema, document, operationName);
      const nodeFor = async (conditions: Readonly<Record<string, unknown>>): Promise<PlanNode | undefined> => {
        const text = prepared.textFor(conditions);
        return text === null ? undefined : (await planner.plan(supergraph, text)).node;
      };
      const plan = createPlan({ schema, subgraphs, isA, prepared, nodeFor });
      await plan.begin();
      return plan;
    },
    close: () => planner.drop(supergraph),
  };
}

interface Planned {
  readonly schema: GraphQLSchema;
  readonly subgraphs: ReadonlyMap<string, Subgraph>;
  readonly isA: IsA;
  readonly prepared: Prepared;
  /** The planner's answer; `undefined`: nothing is to be asked. */
  readonly nodeFor: (conditions: Readonly<Record<string, unknown>>) => Promise<PlanNode | undefined>;
}

/** What a document comes to under one truth of its conditions. */
interface Truth {
  readonly node: PlanNode | undefined;
  readonly shape: Shape;
}

/** `begin` plans what needs no variables to be planned. */
function createPlan({ schema, subgraphs, isA, prepared, nodeFor }: Planned): Plan & { begin(): Promise<void> } {
  const { operation, document, callersKey, introspection } = prepared;
  const looksAt = conditionVariables(document);
  const truths = new Map<string, Promise<Truth>>();
  const definitions = operation.variableDefinitions ?? [];

  const truthOf = (conditions: Readonly<Record<string, unknown>>): Promise<Truth> => {
    const key = looksAt.map((name) => (conditions[name] === null ? 'n' : conditions[name] === true ? '1' : '0')).join('');
    let truth = truths.get(key);
    if (!truth) {
      truth = nodeFor(conditions).then((node) => ({
        node,
        shape: shapeOf({ schema, isA, document, operation, callersKey }, conditions),
      }));
      if (truths.size < mostTruths) {
        truths.set(key, truth);
        // What failed for want of time is tried again.
        truth.catch(() => truths.delete(key));
      }
    }
    return truth;
  };

  /** The run and what it follows, or what is wrong with the variables. */
  async function beginRun(variables: Readonly<Record<string, unknown>>, asking: Asking): Promise<(Truth & { run: Run }) | ExecutionResult> {
    const read = definitions.length === 0 ? { coerced: {} } : getVariableValues(schema, definitions, variables, { maxErrors: 1 });
    if (read.errors) return { errors: read.errors };
    const conditions = read.coerced ?? {};
    const truth = await truthOf(conditions);
    // Nothing runs, no mutation either.
    const refusal = truth.shape.refusalOf(undefined);
    if (refusal) return { data: null, errors: [refusal] };
    const run: Run = { data: {}, errors: [], variables, subgraphs, asking, isA, silent: new Map() };
    return { ...truth, run };
  }

  const finish = (run: Run, shape: Shape): ExecutionResult => answerFrom(shape, { data: run.data, errors: run.errors, callersKey });

  async function oneEvent(reply: Reply, first: FetchNode, rest: readonly PlanNode[], begun: Truth & { run: Run }) {
    const run: Run = { ...begun.run, data: {}, errors: [], silent: new Map() };
    takeRoot(first, reply, run);
    for (const part of rest) await runPlan(part, run);
    return finish(run, begun.shape);
  }

  return {
    async begin() {
      if (looksAt.length === 0) await truthOf({});
    },

    async execute(variables, asking) {
      const begun = await beginRun(variables, asking);
      if (!('run' in begun)) return begun;
      const { run, shape, node } = begun;
      if (introspection) await introspect(schema, introspection, run);
      if (node) await runPlan(node, run);
      return finish(run, shape);
    },

    async subscribe(variables, asking) {
      const begun = await beginRun(variables, asking);
      if (!('run' in begun)) return { errors: begun.errors ?? [] };
      const { node } = begun;
      const [first, ...rest] = node?.kind === 'Sequence' ? node.nodes : node ? [node] : [];
      if (first?.kind !== 'Subscription') throw new Error('The plan of a subscription does not begin with one');
      const { primary } = first;
      const subgraph = subgraphs.get(primary.serviceName);
      if (!subgraph) throw new Error(`The plan names a subgraph ${primary.serviceName} that is not there`);
      const request = requestOf({ ...primary, operationKind: 'subscription' }, {}, variables);
      return mapEvents(subgraph.follow(request, asking), (reply) => oneEvent(reply, primary, rest, begun));
    },
  };
}

async function* mapEvents(events: AsyncIterable<Reply>, map: (reply: Reply) => Promise<ExecutionResult>): AsyncGenerator<ExecutionResult> {
  for await (const reply of events) yield await map(reply);
}

/** `__schema` and `__type`, of the whole schema. */
async function introspect(schema: GraphQLSchema, document: DocumentNode, run: Run): Promise<void> {
  const { data, errors } = await execute({ schema, document, variableValues: run.variables });
  for (const error of errors ?? []) run.errors.push({ path: error.path ?? [], cause: error });
  for (const [key, value] of Object.entries(data ?? {})) setOwn(run.data, key, value);
}
