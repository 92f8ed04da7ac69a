import DataLoader from 'dataloader';
import type { AdapterStatus, Cities } from '../cities/cities.ts';
import type { Application, Applications } from '../applications/applications.ts';
import type { RowContext, RowLoader, Rows } from '../federation/rows/rows.ts';
import type { Principal } from '../identity/identity.ts';

/** Health of one adapter and the city it belongs to. */
export interface AdapterStatusOf extends AdapterStatus {
  readonly ars: string;
}

/** Fan-outs of one request: each key is asked for once, all keys of a tick together. */
export interface Loaders {
  /** By city id. */
  readonly adapterStatus: DataLoader<string, readonly AdapterStatusOf[]>;
  /** By the application's UUID; null if the principal may not see it. */
  readonly application: DataLoader<string, Application | null>;
  /** Contract fields of municipalities. */
  readonly rows: RowLoader;
}

/** What was loaded may have changed: a subscription loads it anew for each of its events. */
export function forgetLoaded({ adapterStatus, application }: Loaders): void {
  adapterStatus.clearAll();
  application.clearAll();
}

const settle = async <T>(work: () => Promise<T>): Promise<T | Error> => {
  try {
    return await work();
  } catch (cause) {
    return cause instanceof Error ? cause : new Error('Failed for no stated reason', { cause });
  }
};

/**
 * Loaders for one request. Only what waits for something needs one: the catalogue answers from memory, and a promise per
 * row would cost more than the look-up.
 */
export const createLoaders = (
  features: { readonly cities: Cities; readonly applications: Applications; readonly rows: Rows },
  principal: Principal | null,
  request: RowContext,
): Loaders => ({
  adapterStatus: new DataLoader((ids) =>
    // One hanging city must not fail the rows of the others.
    Promise.all(
      ids.map((id) =>
        settle(async () => {
          const ars = features.cities.find(id)?.ars ?? '';
          return (await features.cities.status(id)).map((status) => ({ ...status, ars }));
        }),
      ),
    ),
  ),
  application: new DataLoader((ids) => Promise.all(ids.map((id) => settle(() => features.applications.find(id, principal))))),
  rows: features.rows.forRequest({ ...request, isAnonymous: principal === null }),
});
