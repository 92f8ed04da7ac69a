import type { Cities } from '../../cities/cities.ts';
import type { Federation } from '../../federation/federation.ts';
import type { Ports } from '../../infra/open.ts';
import { answerJson, type Exchange, type Route } from './exchange.ts';

type Watched = Pick<Ports, 'store' | 'cache' | 'bus'>;

const patienceMs = 1000;

/** For how long a store that was there and has not answered since counts as there, in milliseconds: a busy machine is no reason to send callers away. */
const silenceMs = 10_000;

/** The answer, `otherwise` where it fails, `late` where it takes longer than a probe may. */
const within = async <T>(work: () => Promise<T>, otherwise: T, late = otherwise): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<T>((resolve) => {
    // Where this process got no turn for a while, the answer may be there already and only wait to be read.
    timer = setTimeout(() => setImmediate(() => setImmediate(() => resolve(late))), patienceMs);
  });
  try {
    return await Promise.race([work(), tooLate]);
  } catch {
    return otherwise;
  } finally {
    clearTimeout(timer);
  }
};

const state = (up: boolean) => (up ? 'UP' : 'DOWN');

/** `/health/live`: the process answers. */
export const liveRoute: Route = (exchange) => answerJson(exchange, 200, { status: 'UP' });

/**
 * `/health/ready`: whether this node should get requests. Only the store decides, by taking a change: without that nothing can be acknowledged.
 * Cache, bus and cities are reported beside it to whoever runs the hub, since it serves without them and no other node would do better.
 */
export function readyRoute(
  ports: Watched,
  cities: Cities,
  draining: () => boolean,
  isOperator: (exchange: Exchange) => boolean,
  federation?: Federation,
): Route {
  let answeredAt = performance.now();
  async function storeIsUp(): Promise<boolean> {
    const answer = await within<boolean | null>(() => ports.store.check().then(() => true), false, null);
    if (answer === true) answeredAt = performance.now();
    return answer ?? performance.now() - answeredAt < silenceMs;
  }
  return async (exchange) => {
    if (!isOperator(exchange)) {
      const ready = (await storeIsUp()) && !draining();
      return answerJson(exchange, ready ? 200 : 503, { status: draining() ? 'DRAINING' : state(ready) });
    }
    const [store, cache, bus, connected] = await Promise.all([
      storeIsUp(),
      within(() => ports.cache.check(), false),
      within(() => ports.bus.check(), false),
      Promise.all(
        cities.list().map(async ({ id }) => {
          const adapters = await within(() => cities.status(id), null);
          return { city: id, adapters: adapters?.map(({ adapter, state }) => ({ adapter, state })) ?? 'UNKNOWN' };
        }),
      ),
    ]);
    const ready = store && !draining();
    const subgraphs = federation?.list().map(({ name, state: served, breaker }) => ({ subgraph: name, state: served, breaker }));
    // It answers, and takes nothing: too few brokers for the copies asked for, for example.
    const busTrouble = bus ? (ports.bus.trouble?.() ?? null) : null;
    const status = draining() ? 'DRAINING' : state(ready);
    answerJson(exchange, ready ? 200 : 503, {
      status,
      store: state(store),
      cache: state(cache),
      bus: busTrouble === null ? state(bus) : 'DEGRADED',
      ...(busTrouble !== null && { busTrouble }),
      cities: connected,
      ...(subgraphs && { subgraphs }),
    });
  };
}
