import type { QueryPlan } from '@graphql-hive/router-query-planner';
import { HubError } from '#contract';
import { createThread, ThreadError } from '../thread.ts';
import type { PlannerAnswer, PlannerQuestion } from './plan-worker.ts';

/** Query planners in a thread of their own. */
export interface Planner {
  /** False where the planner cannot run on this platform. @throws HubError SUBGRAPH_REFUSED where it does not take the supergraph */
  load(supergraph: string, sdl: string): Promise<boolean>;
  /** @throws HubError PLANNER_UNAVAILABLE where no plan is made in time; an Error where none can be made */
  plan(supergraph: string, text: string): Promise<QueryPlan>;
  drop(supergraph: string): void;
  close(): Promise<void>;
}

export interface PlannerOptions {
  /** Longest time for one plan once its turn has come, in milliseconds; what takes longer ends the thread, and a new one begins. @default 1000 */
  readonly planMs?: number;
  /** Longest time to take up a supergraph, in milliseconds. @default 20_000 */
  readonly loadMs?: number;
  /** Plans that may wait at a time. @default 500 */
  readonly waiting?: number;
}

/** Starts the thread when the first supergraph is loaded. */
export function createPlanner({ planMs = 1000, loadMs = 20_000, waiting: most = 500 }: PlannerOptions = {}): Planner {
  const loaded = new Map<string, string>();
  const thread = createThread<PlannerQuestion, PlannerAnswer>(new URL('./plan-worker.ts', import.meta.url), 'query-planner', (ask) => {
    // A thread that was ended took its supergraphs with it. Plans wait until they are back, and their time begins then.
    for (const [supergraph, sdl] of loaded) ask({ kind: 'load', supergraph, sdl }, loadMs).catch(() => {});
  });

  const unavailable = (message: string, cause?: unknown): HubError =>
    new HubError('PLANNER_UNAVAILABLE', message, { retryable: true, cause });

  return {
    async load(supergraph, sdl) {
      try {
        const answer = await thread.ask({ kind: 'load', supergraph, sdl }, loadMs);
        const available = 'available' in answer && answer.available;
        if (available) loaded.set(supergraph, sdl);
        return available;
      } catch (cause) {
        throw new HubError('SUBGRAPH_REFUSED', `The query planner does not take the supergraph: ${(cause as Error).message}`, { cause });
      }
    },
    async plan(supergraph, text) {
      if (thread.waiting() >= most) throw unavailable('Too many documents wait to be planned.');
      try {
        return (await thread.ask({ kind: 'plan', supergraph, text }, planMs)) as QueryPlan;
      } catch (error) {
        if (error instanceof ThreadError && error.kind === 'refused')
          throw new Error(`No plan was found: ${error.message}`, { cause: error });
        throw unavailable(`No plan was made: ${(error as Error).message}`, error);
      }
    },
    drop(supergraph) {
      if (loaded.delete(supergraph)) thread.ask({ kind: 'drop', supergraph }, loadMs).catch(() => {});
    },
    close: () => thread.close(),
  };
}
