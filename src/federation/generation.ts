import { setImmediate as turn } from 'node:timers/promises';
import { buildASTSchema, isScalarType, parse, TypeInfo, visit, visitWithTypeInfo, type DocumentNode, type GraphQLSchema } from 'graphql';
import type { FederationEngine, Plan, Subgraph } from './engine/engine.ts';
import { createPlannedEngine } from './engine/planned.ts';
import type { Planner } from './engine/planner.ts';
import { restoring, type RequiredValues } from './required-values.ts';

/** The hub's own part of the graph. */
export interface HubPart {
  readonly subgraph: Subgraph;
  /** Its SDL as the composer takes it. */
  readonly sdl: string;
  /** The schema that answers what needs no other subgraph. */
  readonly schema: GraphQLSchema;
  /** Types and fields of `schema` that the composer does not know (`_entities`), as SDL. */
  readonly protocol: string;
}

/** Where a document is answered: by the hub alone, from the joined schema, or with subgraphs. */
export type Route = 'hub' | 'schema' | 'subgraphs';

/** One state of the graph. It never changes: a new state is a new generation, and this one ends when nobody uses it. */
export interface Generation {
  /** The same on every hub with the same subgraphs. */
  readonly id: string;
  readonly engine: FederationEngine['kind'];
  /** What callers see. */
  readonly schema: GraphQLSchema;
  route(document: DocumentNode): Route;
  plan(document: DocumentNode, operationName: string | null): Promise<Plan>;
  /** Keeps it while something runs on it; the answer ends that. */
  enter(): () => void;
  /** Lets what runs on it finish, then gives everything back. */
  retire(): Promise<void>;
}

export interface GenerationOptions {
  readonly id: string;
  readonly hub: HubPart;
  readonly supergraphSdl: string;
  readonly publicSdl: string;
  readonly requiredValues: RequiredValues;
  /** Fields of the hub that a subgraph has taken over, as `Type.field`. */
  readonly overridden: ReadonlySet<string>;
  /** Null: the fallback answers. */
  readonly planner: Planner | null;
  /** Without the hub. */
  readonly subgraphs: readonly Subgraph[];
  readonly onRetired: () => void;
}

let made = 0;

/** Makes one ready in small steps: requests are answered in between. */
export async function createGeneration(options: GenerationOptions): Promise<Generation> {
  const { id, hub, supergraphSdl, publicSdl, planner } = options;
  // The same state may come back while its last generation still ends.
  const supergraph = `${id} ${(made += 1)}`;
  const planned = planner !== null && (await planner.load(supergraph, supergraphSdl));
  const document = parse(`${publicSdl}\n${hub.protocol}`, { noLocation: true });
  await turn();
  const schema = buildASTSchema(document, { assumeValid: true, assumeValidSDL: true });
  takeScalars(schema, hub.schema);
  await turn();
  const subgraphs = new Map([hub.subgraph, ...options.subgraphs].map((one) => [one.name, restoring(one, options.requiredValues)]));
  const engine = planned
    ? createPlannedEngine({ schema, supergraph, planner, subgraphs })
    : (await import('./engine/stitched.ts')).createStitchedEngine({ schema, supergraphSdl, subgraphs });

  const routes = new WeakMap<DocumentNode, Route>();
  const plans = new WeakMap<DocumentNode, Map<string, Promise<Plan>>>();
  const unused = Promise.withResolvers<void>();
  let users = 0;
  let retired = false;
  const checkUse = () => {
    if (retired && users === 0) unused.resolve();
  };

  return {
    id,
    engine: engine.kind,
    schema,
    route(asked) {
      let route = routes.get(asked);
      if (!route) routes.set(asked, (route = routeOf(asked, schema, hub.schema, options.overridden)));
      return route;
    },
    plan(asked, operationName) {
      const known = plans.get(asked) ?? new Map<string, Promise<Plan>>();
      plans.set(asked, known);
      const name = operationName ?? '';
      let plan = known.get(name);
      if (!plan) {
        plan = engine.plan(asked, operationName);
        known.set(name, plan);
        // What failed for want of time is tried again.
        plan.catch(() => known.delete(name));
      }
      return plan;
    },
    enter() {
      users += 1;
      let left = false;
      return () => {
        if (left) return;
        left = true;
        users -= 1;
        checkUse();
      };
    },
    async retire() {
      retired = true;
      checkUse();
      await unused.promise;
      engine.close();
      options.onRetired();
    },
  };
}

/** The hub's own scalars read and check what callers write. */
function takeScalars(schema: GraphQLSchema, hub: GraphQLSchema): void {
  for (const own of Object.values(hub.getTypeMap())) {
    const type = schema.getType(own.name);
    if (!isScalarType(own) || !isScalarType(type) || type === own) continue;
    Object.assign(type, { serialize: own.serialize, parseValue: own.parseValue, parseLiteral: own.parseLiteral });
  }
}

/** A field that the hub does not have, or no longer answers, makes a document one for subgraphs. */
function routeOf(document: DocumentNode, schema: GraphQLSchema, hub: GraphQLSchema, overridden: ReadonlySet<string>): Route {
  let route: Route = 'hub';
  const types = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(types, {
      Field({ name: { value: name } }) {
        const parent = types.getParentType();
        if (name === '__schema' || name === '__type') {
          if (route === 'hub') route = 'schema';
          return false;
        }
        if (!parent || name.startsWith('__')) return undefined;
        const own = hub.getType(parent.name);
        const isHubs = own && 'getFields' in own && name in own.getFields() && !overridden.has(`${parent.name}.${name}`);
        if (!isHubs) route = 'subgraphs';
        return undefined;
      },
    }),
  );
  return route;
}
