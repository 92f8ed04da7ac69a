import { HubError } from '#contract';
import type { ClaimsIssuer } from '../identity/claims-issuer.ts';
import type { Principal } from '../identity/identity.ts';
import { sha256 } from '../infra/ids.ts';
import type { Log } from '../infra/log.ts';
import type { Metrics } from '../infra/metrics.ts';
import type { EventLog } from '../infra/store/eventlog.ts';
import type { Store } from '../infra/store/store.ts';
import { createComposer, type Composed } from './compose.ts';
import type { Asking } from './engine/engine.ts';
import { createPlanner } from './engine/planner.ts';
import type { SubgraphEntry } from './entry.ts';
import { fetchSdl } from './fetch-sdl.ts';
import { createGeneration, type Generation, type HubPart } from './generation.ts';
import { objections, type Objection } from './objections.ts';
import { deleteSubgraph, hashOf, readSubgraphs, saveSubgraph, type AcceptedSubgraph } from './records.ts';
import type { Remote } from './remote.ts';
import { createRemotes } from './remotes.ts';

/*
 * Federation by type: whoever runs a GraphQL service plugs it in as a subgraph.
 *
 *   register ─▶ SDL (given, or asked by _service) ─▶ contract, composition (thread) ─▶ stored + event ─▶ new generation
 *                                   └─ refused: says what and where; the last good generation serves on
 *
 * The store is what counts. A hub that sees an event of another hub reads the store, composes the same parts and comes to the
 * same generation, known by the hash of its parts. What is stored but no longer keeps the contract (of a newer version of
 * the hub) is left out and reported.
 */

/** A subgraph and how it is doing. */
export interface SubgraphStatus extends AcceptedSubgraph {
  /** `refused`: stored, but left out of the graph. */
  readonly state: 'serving' | 'refused';
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly objections: readonly Objection[];
}

/** What became of a registration. */
export type Registration =
  | { readonly accepted: true; readonly subgraph: AcceptedSubgraph; readonly changed: boolean }
  | { readonly accepted: false; readonly objections: readonly Objection[] };

/** A subgraph to be registered; without `sdl` it is asked for it. */
export type NewSubgraph = SubgraphEntry & { readonly sdl?: string };

export interface FederationOptions {
  readonly hub: HubPart;
  readonly store: Store;
  readonly eventLog: EventLog;
  readonly claims: ClaimsIssuer;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => Date;
  /** Takes the fallback even where the planner can run: to see what it costs. @default the planner where it can run */
  readonly engine?: 'stitched';
}

/** The graph of the hub and the cities. */
export interface Federation {
  /** Null while there are no subgraphs: the hub answers alone, as without federation. */
  current(): Generation | null;
  list(): readonly SubgraphStatus[];
  /**
   * Takes a subgraph into the graph, or its new version.
   * @throws HubError SUBGRAPH_REFUSED if its SDL cannot be had or nothing can be composed in time
   */
  register(subgraph: NewSubgraph, origin: AcceptedSubgraph['origin']): Promise<Registration>;
  /** False if there is none of this name. */
  remove(name: string): Promise<boolean>;
  /** Takes up what the store says: at the start, and when another process has changed it. */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}

/** What the context of a request tells subgraphs. */
interface AskingContext {
  readonly principal?: Principal | null;
}

interface Serving {
  readonly generation: Generation;
  readonly remotes: ReadonlyMap<string, Remote>;
}

export function createFederation({ hub, store, eventLog, claims, log, metrics, now, engine }: FederationOptions): Federation {
  const composer = createComposer();
  const planner = createPlanner({
    onCrash: (error) => log.error({ err: error }, 'the query planner died of a document; another has taken its place'),
  });
  const remotes = createRemotes(metrics, async ({ url, claims: needs }, { context }: Asking) => {
    const token = await claims.tokenFor((context as AskingContext | undefined)?.principal ?? null, new URL(url).origin, needs);
    return token === null ? {} : { authorization: `Bearer ${token}` };
  });
  metrics.gauge({
    name: 'subgraphs',
    help: 'Subgraphs by state.',
    labels: ['state'],
    read: (gauge) => {
      for (const state of ['serving', 'refused']) gauge.set({ state }, list().filter((one) => one.state === state).length);
    },
  });
  let parts: readonly AcceptedSubgraph[] = [];
  let refused = new Map<string, readonly Objection[]>();
  let serving: Serving | null = null;
  let retiring: Promise<unknown>[] = [];
  let last: Promise<unknown> = Promise.resolve();

  /** One change at a time. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = last.then(work, work);
    last = mine.catch(() => {});
    return mine;
  }

  const idOf = (those: readonly AcceptedSubgraph[]): string => sha256(JSON.stringify([hub.sdl, those.map(({ hash }) => hash).toSorted()]));

  const list = (): readonly SubgraphStatus[] =>
    parts.map((part) => ({
      ...part,
      state: refused.has(part.name) ? 'refused' : 'serving',
      breaker: serving?.remotes.get(part.name)?.breaker() ?? 'closed',
      objections: refused.get(part.name) ?? [],
    }));

  /** Serves a composition from now on; what runs finishes on the generation that it began on. */
  async function swap(those: readonly AcceptedSubgraph[], composed: Composed | null): Promise<void> {
    const left = new Map((composed?.refused ?? []).map(({ name, objections: found }) => [name, found]));
    const good = those.filter(({ name }) => !left.has(name));
    const before = serving;
    let next: Serving | null = null;
    if (composed && good.length > 0) {
      const taken = new Map(good.map((part) => [part.name, remotes.take(part)]));
      const giveBack = () => {
        for (const remote of taken.values()) remotes.giveBack(remote);
      };
      try {
        const generation = await createGeneration({
          id: idOf(good),
          hub,
          supergraphSdl: composed.supergraphSdl,
          publicSdl: composed.publicSdl,
          requiredValues: composed.requiredValues,
          overridden: new Set(good.flatMap(({ grants }) => grants.overrides)),
          planner: engine === 'stitched' ? null : planner,
          subgraphs: [...taken.values()],
          onRetired: giveBack,
        });
        next = { generation, remotes: taken };
      } catch (error) {
        giveBack();
        throw error;
      }
    }
    serving = next;
    parts = those;
    refused = left;
    for (const [name, found] of left)
      log.error(
        { subgraph: name, objections: found.map(({ problem }) => problem.en) },
        'a subgraph no longer keeps the contract and is left out',
      );
    log.info(
      { generation: next?.generation.id ?? null, subgraphs: good.map(({ name }) => name), engine: next?.generation.engine ?? null },
      'the graph has a new generation',
    );
    if (before) {
      const ending = before.generation.retire();
      retiring = [...retiring, ending];
      void ending.then(() => (retiring = retiring.filter((one) => one !== ending)));
    }
  }

  async function refresh(): Promise<void> {
    const stored = await readSubgraphs(store);
    if (idOf(stored) === idOf(parts)) return;
    await swap(stored, stored.length === 0 ? null : await composer.compose(hub.sdl, stored));
  }

  async function register(given: NewSubgraph, origin: AcceptedSubgraph['origin']): Promise<Registration> {
    await refresh();
    const { sdl = await fetchSdl(given), ...entry } = given;
    const subgraph: AcceptedSubgraph = { ...entry, sdl, origin, acceptedAt: now(), hash: hashOf({ ...entry, sdl }) };
    const { name, hash } = subgraph;
    const known = parts.find((one) => one.name === name);
    if (known?.hash === hash && known.origin === origin && !refused.has(name)) return { accepted: true, subgraph: known, changed: false };
    const near = parts.find((one) => one.name !== name && (one.name.startsWith(name) || name.startsWith(one.name)));
    if (near) return { accepted: false, objections: [{ line: 1, column: 1, ...objections.nameTooNear(name, near.name) }] };
    const those = [...parts.filter((one) => one.name !== name), subgraph].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const composed = await composer.compose(hub.sdl, those);
    const mine = composed.refused.find((one) => one.name === name);
    if (mine) return { accepted: false, objections: mine.objections };
    await saveSubgraph(store, eventLog, subgraph);
    await swap(those, composed);
    return { accepted: true, subgraph, changed: true };
  }

  return {
    current: () => serving?.generation ?? null,
    list,
    register: (subgraph, origin) => inTurn(() => register(subgraph, origin)),
    remove: (name) =>
      inTurn(async () => {
        const found = await deleteSubgraph(store, eventLog, name, now());
        await refresh();
        return found;
      }),
    refresh: () =>
      inTurn(() =>
        refresh().catch((error: unknown) => {
          if (!(error instanceof HubError)) throw error;
          log.error({ err: error }, 'the graph could not be composed anew; the last good one goes on answering');
        }),
      ),
    async stop() {
      await last;
      const ending = serving?.generation.retire();
      serving = null;
      await Promise.race([Promise.all([ending, ...retiring]), new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
      await Promise.all([composer.close(), planner.close()]);
    },
  };
}
