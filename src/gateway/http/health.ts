import type { Cities } from '../../cities/cities.ts';
import type { Federation } from '../../federation/federation.ts';
import type { Ports } from '../../infra/open.ts';
import { answerJson, type Exchange, type Route } from './exchange.ts';

type Watched = Pick<Ports, 'store' | 'cache' | 'bus'>;

const patienceMs = 1000;

/** The answer, or `otherwise` where it fails or takes longer than a probe may. */
const within = async <T>(work: () => Promise<T>, otherwise: T): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(resolve, patienceMs, otherwise);
  });
  try {
    return await Promise.race([work(), late]);
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
 * `/health/ready`: whether this node should get requests. Only the store decides: without it nothing can be acknowledged.
 * Cache, bus and cities are reported beside it to whoever runs the hub, since it serves without them and no other node would do better.
 */
export function readyRoute(
  ports: Watched,
  cities: Cities,
  draining: () => boolean,
  isOperator: (exchange: Exchange) => boolean,
  federation?: Federation,
): Route {
  const checkStore = () => within(() => ports.store.check().then(() => true), false);
  return async (exchange) => {
    if (!isOperator(exchange)) {
      const ready = (await checkStore()) && !draining();
      return answerJson(exchange, ready ? 200 : 503, { status: draining() ? 'DRAINING' : state(ready) });
    }
    const [store, cache, bus, connected] = await Promise.all([
      checkStore(),
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
    const status = draining() ? 'DRAINING' : state(ready);
    answerJson(exchange, ready ? 200 : 503, {
      status,
      store: state(store),
      cache: state(cache),
      bus: state(bus),
      cities: connected,
      ...(subgraphs && { subgraphs }),
    });
  };
}
