import type { QueryPlan } from '@graphql-hive/router-query-planner';
import { HubError } from '#contract';
import { LRUCache } from 'lru-cache';
import { sha256 } from '../../infra/ids.ts';
import { createHelper, HelperError } from '../helper.ts';
import { inProcess } from '../hosts.ts';
import type { PlannerAnswer, PlannerQuestion } from './plan-worker.ts';

/** Query planners in a process of their own. */
export interface Planner {
  /** False if the planner cannot run on this platform. @throws HubError SUBGRAPH_REFUSED if it does not take the supergraph */
  load(supergraph: string, sdl: string): Promise<boolean>;
  /** @throws HubError PLANNER_UNAVAILABLE if no plan is made in time; PLAN_NOT_FOUND if none can be made */
  plan(supergraph: string, text: string): Promise<QueryPlan>;
  drop(supergraph: string): void;
  close(): Promise<void>;
}

export interface PlannerOptions {
  /** Longest time for one plan once its turn has come, in milliseconds; what takes longer ends the process, and a new one begins. @default 1000 */
  readonly planMs?: number;
  /** Longest time to take up a supergraph, in milliseconds. @default 20_000 */
  readonly loadMs?: number;
  /** Plans that may wait at a time. @default 500 */
  readonly waiting?: number;
  /** The process has died of a document. */
  readonly onCrash?: (error: Error) => void;
}

/** Documents that ended the planner, kept at most. */
const mostRemembered = 10_000;

/** Starts the process when the first supergraph is loaded. */
export function createPlanner({ planMs = 1000, loadMs = 20_000, waiting: most = 500, onCrash }: PlannerOptions = {}): Planner {
  const loaded = new Map<string, string>();
  /** Documents that ended the planner, with their supergraph: they would again. */
  const deadly = new LRUCache<string, string>({ max: mostRemembered });
  const helper = createHelper<PlannerQuestion, PlannerAnswer>(
    'query-planner',
    inProcess(new URL('./plan-worker.ts', import.meta.url)),
    (ask) => {
      // A process that has ended took its supergraphs with it. Plans wait until they are back, and their time begins then.
      for (const [supergraph, sdl] of loaded) ask({ kind: 'load', supergraph, sdl }, loadMs).catch(() => {});
    },
  );

  const notFound = (why: string, cause?: unknown): HubError => new HubError('PLAN_NOT_FOUND', `No plan was found: ${why}`, { cause });
  const unavailable = (message: string, cause?: unknown): HubError =>
    new HubError('PLANNER_UNAVAILABLE', message, { retryable: true, cause });

  return {
    async load(supergraph, sdl) {
      try {
        const answer = await helper.ask({ kind: 'load', supergraph, sdl }, loadMs);
        const available = 'available' in answer && answer.available;
        if (available) loaded.set(supergraph, sdl);
        return available;
      } catch (cause) {
        throw new HubError('SUBGRAPH_REFUSED', `The query planner does not take the supergraph: ${(cause as Error).message}`, { cause });
      }
    },
    async plan(supergraph, text) {
      const document = `${supergraph} ${sha256(text)}`;
      const known = deadly.get(document);
      if (known !== undefined) throw notFound(known);
      if (helper.waiting() >= most) throw unavailable('Too many documents wait to be planned.');
      try {
        return (await helper.ask({ kind: 'plan', supergraph, text }, planMs)) as QueryPlan;
      } catch (error) {
        if (!(error instanceof HelperError)) throw error;
        if (error.kind === 'crashed') {
          deadly.set(document, error.message);
          onCrash?.(error);
        }
        if (error.kind === 'crashed' || error.kind === 'refused') throw notFound(error.message, error);
        throw unavailable(`No plan was made: ${error.message}`, error);
      }
    },
    drop(supergraph) {
      if (loaded.delete(supergraph)) helper.ask({ kind: 'drop', supergraph }, loadMs).catch(() => {});
    },
    close: () => helper.close(),
  };
}
