import type { BatchFetchNode, FetchNode, OutputRewrite, PlanNode } from '@graphql-hive/router-query-planner';
import { SubgraphError } from '../failure.ts';
import type { Asking, Reply, ReplyError, Request, Subgraph, Tree } from './engine.ts';
import { keysBrought, noteFailure } from './failed.ts';
import { copyTree, findObjects, mergeTree, ownValue, pathOf, type Found, type IsA } from './places.ts';
import { applyRewrite, representationsOf, type Representations } from './representations.ts';

/** Errors of one answer at most: a failed list of a thousand rows need not be told a thousand times. */
export const mostErrors = 200;

/** An error at its place in the caller's answer. */
export interface PlacedError {
  readonly path: readonly (string | number)[];
  readonly cause: Error;
}

/** One execution of a plan. */
export interface Run {
  /** Everything that subgraphs answered so far. */
  readonly data: Tree;
  readonly errors: PlacedError[];
  /** As the caller gave them. */
  readonly variables: Readonly<Record<string, unknown>>;
  readonly subgraphs: ReadonlyMap<string, Subgraph>;
  readonly asking: Asking;
  readonly isA: IsA;
  /** Subgraphs that gave no answer to this request: they are not waited for a second time. */
  readonly silent: Map<string, ReplyError>;
}

/**
 * Executes a part of a plan. Nothing that a subgraph does makes it throw: its failure stands in the answer, and what does not
 * depend on it goes on.
 */
export async function runPlan(node: PlanNode, run: Run): Promise<void> {
  switch (node.kind) {
    case 'Sequence':
      for (const part of node.nodes) await runPlan(part, run);
      return;
    case 'Parallel':
      await Promise.all(node.nodes.map((part) => runPlan(part, run)));
      return;
    case 'Flatten':
      if (node.node.kind === 'Fetch') await fetchEntities(node.node, findObjects(run.data, node.path, run.isA), run);
      else await runPlan(node.node, run);
      return;
    case 'Fetch':
      takeRoot(node, await ask(node, {}, run), run);
      return;
    case 'BatchFetch':
      await fetchBatch(node, run);
      return;
    // Documents are planned without conditions.
    case 'Condition':
    case 'Subscription':
    case 'Defer':
      throw new Error(`A plan of kind ${node.kind} cannot be run here`);
  }
}

/** The request that a fetch makes, with the caller's variables that it uses. */
export function requestOf(
  { operation, operationKind = 'query', variableUsages = [] }: Pick<FetchNode, 'operation' | 'operationKind' | 'variableUsages'>,
  own: Readonly<Record<string, unknown>>,
  variables: Readonly<Record<string, unknown>>,
): Request {
  const used = variableUsages.map((name) => [name, ownValue(variables, name)] as const).filter(([, value]) => value !== undefined);
  return { kind: operationKind, operation, variables: used.length === 0 ? own : { ...Object.fromEntries(used), ...own } };
}

const ask = async (node: FetchNode | BatchFetchNode, own: Readonly<Record<string, unknown>>, run: Run): Promise<Reply> => {
  const subgraph = run.subgraphs.get(node.serviceName);
  if (!subgraph) throw new Error(`The plan names a subgraph ${node.serviceName} that is not there`);
  const silent = run.silent.get(subgraph.name);
  if (silent && node.operationKind !== 'mutation') return { data: null, errors: [silent] };
  const reply = await subgraph.ask(requestOf(node, own, run.variables), run.asking);
  const [error] = reply.errors;
  if (error?.cause instanceof SubgraphError && error.cause.kind === 'deadline') run.silent.set(subgraph.name, error);
  return reply;
};

/** The caller's response keys for the planner's own, in the path of an error. */
function renamed(path: readonly (string | number)[], rewrites: readonly OutputRewrite[] | undefined): readonly (string | number)[] {
  if (!rewrites) return path;
  const names = new Map<string, string>();
  for (const rewrite of rewrites) {
    const last = 'KeyRenamer' in rewrite ? rewrite.KeyRenamer.path.at(-1) : undefined;
    if (last && 'Key' in last && 'KeyRenamer' in rewrite) names.set(last.Key, rewrite.KeyRenamer.renameKeyTo);
  }
  return path.map((key) => (typeof key === 'string' ? (names.get(key) ?? key) : key));
}

const keysWithRewrites = (node: FetchNode | BatchFetchNode, root: string, rewrites: readonly OutputRewrite[] | undefined) => {
  const keys = keysBrought(node.operation).get(root) ?? new Set<string>();
  return rewrites ? new Set([...keys].map((key) => renamed([key], rewrites)[0] as string)) : keys;
};

/** Takes over the answer to a fetch of root fields. */
export function takeRoot(node: FetchNode, { data, errors }: Reply, run: Pick<Run, 'data' | 'errors' | 'isA'>): void {
  for (const error of errors) {
    if (error.path?.length) {
      if (run.errors.length < mostErrors) run.errors.push({ path: renamed(error.path, node.outputRewrites), cause: error.cause });
    } else noteFailure(run.data, { keys: keysWithRewrites(node, '', node.outputRewrites), error: error.cause });
  }
  if (!data) return;
  for (const rewrite of node.outputRewrites ?? []) applyRewrite(data, rewrite, run.isA);
  mergeTree(run.data, data);
}

async function fetchEntities(node: FetchNode, found: readonly Found[], run: Run): Promise<void> {
  const asked = representationsOf(found, node.requires ?? [], node.inputRewrites, run.isA);
  await fetchParts(node, [{ node, root: '_entities', variable: 'representations', asked, rewrites: node.outputRewrites }], run);
}

async function fetchBatch(node: BatchFetchNode, run: Run): Promise<void> {
  const parts = node.entityBatch.aliases.map(({ alias, representationsVariableName, paths, requires, inputRewrites, outputRewrites }) => {
    const found = paths.flatMap((path) => findObjects(run.data, path, run.isA));
    const asked = representationsOf(found, requires, inputRewrites, run.isA);
    return { node, root: alias, variable: representationsVariableName, asked, rewrites: outputRewrites };
  });
  await fetchParts(node, parts, run);
}

/** Entities of one request at most; more are asked for in several. */
const mostEntities = 500;

async function fetchParts(node: FetchNode | BatchFetchNode, parts: readonly Asked[], run: Run): Promise<void> {
  const most = Math.max(...parts.map(({ asked }) => asked.values.length));
  const requests: Promise<void>[] = [];
  for (let start = 0; start < most; start += mostEntities) {
    const slices = most <= mostEntities ? parts : parts.map((part) => ({ ...part, asked: slice(part.asked, start, start + mostEntities) }));
    const variables = Object.fromEntries(slices.map(({ variable, asked }) => [variable, asked.values]));
    requests.push(
      ask(node, variables, run).then((reply) => {
        for (const part of slices) {
          const own = (error: ReplyError) => !error.path?.length || error.path[0] === part.root;
          takeEntities(part, { data: reply.data, errors: reply.errors.filter(own) }, run);
        }
      }),
    );
  }
  await Promise.all(requests);
}

const slice = ({ values, waiting }: Representations, start: number, end: number): Representations => ({
  values: values.slice(start, end),
  waiting: waiting.slice(start, end),
});

interface Asked {
  readonly node: FetchNode | BatchFetchNode;
  /** `_entities` or its alias. */
  readonly root: string;
  /** Variable that the representations travel in. */
  readonly variable: string;
  readonly asked: Representations;
  readonly rewrites: readonly OutputRewrite[] | undefined;
}

/** Takes over entities, each into every object that waits for it, and errors at every place they concern. */
function takeEntities({ node, root, asked, rewrites }: Asked, { data, errors }: Reply, run: Run): void {
  const { waiting } = asked;
  /** One that names no entity is about all of them, and the first says why. */
  let isAllFailed = false;
  for (const error of errors) {
    const [, index, ...rest] = error.path ?? [];
    const isOfAll = typeof index !== 'number';
    if (isOfAll && isAllFailed) continue;
    isAllFailed ||= isOfAll;
    const failed = { keys: keysWithRewrites(node, root, rewrites), error: error.cause };
    for (const { object, place } of isOfAll ? waiting.flat() : (waiting[index] ?? [])) {
      if (isOfAll || rest.length === 0) noteFailure(object, failed);
      // An entity may stand at thousands of places.
      else if (run.errors.length >= mostErrors) break;
      else run.errors.push({ path: [...pathOf(place), ...renamed(rest, rewrites)], cause: error.cause });
    }
  }
  if (!data) return;
  for (const rewrite of rewrites ?? []) applyRewrite(data, rewrite, run.isA);
  const entities = data[root];
  if (!Array.isArray(entities)) return;
  for (const [index, places] of waiting.entries()) {
    const entity = entities[index] as Tree | null | undefined;
    if (typeof entity !== 'object' || entity === null) continue;
    for (const [nth, { object }] of places.entries()) mergeTree(object, nth === 0 ? entity : copyTree(entity));
  }
}
