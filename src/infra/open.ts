import type { Bus } from './bus/bus.ts';
import type { Cache } from './cache/cache.ts';
import type { EventLog } from './store/eventlog.ts';
import type { Store } from './store/store.ts';

/** The hub's ports, opened. */
export interface Ports {
  readonly store: Store;
  readonly eventLog: EventLog;
  readonly cache: Cache;
  readonly bus: Bus;
}
