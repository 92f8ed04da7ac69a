import type { Cities } from '../../cities/cities.ts';

/** The back office that answers a field for a municipality's rows. */
export interface RowRoute {
  readonly city: string;
  readonly adapter: string;
  /** Rows at a time. */
  readonly maxBatch: number;
}

/** Who answers which field for which municipality. */
export interface Routes {
  /** The route, or why there is none. */
  find(ars: string, field: string): RowRoute | 'not-connected' | 'not-answered';
}

/**
 * Routes over the connected cities, read off their adapters' ports once: by ARS and field, so that finding one costs the
 * same however many cities are connected. Where two adapters of a city answer a field, the first in its file does.
 */
export function createRoutes(cities: Pick<Cities, 'list' | 'adapter'>): Routes {
  const byArs = new Map<string, ReadonlyMap<string, RowRoute>>();
  for (const city of cities.list()) {
    const fields = new Map<string, RowRoute>();
    for (const { id } of city.adapters) {
      const { rows } = cities.adapter(city.id, id);
      if (!rows) continue;
      const route: RowRoute = { city: city.id, adapter: id, maxBatch: Math.max(1, rows.traits.maxBatch) };
      for (const field of rows.fields) if (!fields.has(field)) fields.set(field, route);
    }
    byArs.set(city.ars, fields);
  }
  return {
    find(ars, field) {
      const fields = byArs.get(ars);
      return fields ? (fields.get(field) ?? 'not-answered') : 'not-connected';
    },
  };
}
