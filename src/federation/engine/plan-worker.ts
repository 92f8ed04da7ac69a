import type { QueryPlan, QueryPlanner } from '@graphql-hive/router-query-planner';
import { answerQuestions } from '../helper.ts';
import { endWithParent } from '../hosts.ts';

/*
 * The process that holds query planners, one for each generation of the supergraph. Making one takes tens of milliseconds, and a
 * hostile document may take a plan longer than anybody wants to wait: neither may hold up the thread that serves. And the planner is
 * native code, in which some documents end the process they are planned in: that must not be the hub's.
 */

/** What the process is asked. */
export type PlannerQuestion =
  | { readonly kind: 'load'; readonly supergraph: string; readonly sdl: string }
  | { readonly kind: 'plan'; readonly supergraph: string; readonly text: string }
  | { readonly kind: 'drop'; readonly supergraph: string };

/** A plan, or whether the planner can run on this platform. */
export type PlannerAnswer = QueryPlan | { readonly available: boolean };

const planners = new Map<string, QueryPlanner>();

endWithParent();
answerQuestions(async (question: PlannerQuestion): Promise<PlannerAnswer> => {
  switch (question.kind) {
    case 'load': {
      // A platform without its addon throws here, and only here.
      const library = await import('@graphql-hive/router-query-planner').catch(() => null);
      if (library) planners.set(question.supergraph, new library.QueryPlanner(question.sdl));
      return { available: library !== null };
    }
    case 'plan': {
      const planner = planners.get(question.supergraph);
      if (!planner) throw new Error('this supergraph is not loaded');
      return planner.plan(question.text, null, new Set(), 0);
    }
    case 'drop':
      planners.delete(question.supergraph);
      return { available: true };
  }
});
