import type { Metrics } from '../infra/metrics.ts';
import type { Asking } from './engine/engine.ts';
import { createRemote, type Remote } from './remote.ts';
import type { AcceptedSubgraph } from './records.ts';

/** Connections to subgraphs, kept over generations: a breaker forgets nothing because another city has a new field. */
export interface Remotes {
  /** Opens nothing yet. Whoever takes one gives it back. */
  take(subgraph: AcceptedSubgraph): Remote;
  /** The last to give it back closes it. */
  giveBack(remote: Remote): void;
}

interface Kept {
  readonly remote: Remote;
  users: number;
}

export function createRemotes(
  metrics: Metrics,
  headersOf: (subgraph: AcceptedSubgraph, asking: Asking) => Promise<Readonly<Record<string, string>>>,
): Remotes {
  const kept = new Map<string, Kept>();
  const keys = new WeakMap<Remote, string>();
  const seconds = metrics.histogram({
    name: 'subgraph_call_seconds',
    help: 'Calls to subgraphs, by outcome.',
    labels: ['subgraph', 'outcome'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  });
  const open = metrics.gauge({ name: 'subgraph_breaker_open', help: '1 while nothing is sent to a subgraph.', labels: ['subgraph'] });

  return {
    take(subgraph) {
      const { name, url, limits, claims } = subgraph;
      const key = JSON.stringify([name, url, limits, claims]);
      let one = kept.get(key);
      if (!one) {
        const remote = createRemote({
          name,
          url,
          limits,
          headers: (asking) => headersOf(subgraph, asking),
          onEnd: (outcome, took) => seconds.observe({ subgraph: name, outcome }, took),
          onBreaker: (isOpen) => open.set({ subgraph: name }, isOpen ? 1 : 0),
        });
        kept.set(key, (one = { remote, users: 0 }));
        keys.set(remote, key);
      }
      one.users += 1;
      return one.remote;
    },
    giveBack(remote) {
      const key = keys.get(remote) ?? '';
      const one = kept.get(key);
      if (!one) return;
      one.users -= 1;
      if (one.users > 0) return;
      kept.delete(key);
      remote.close().catch(() => {});
    },
  };
}
