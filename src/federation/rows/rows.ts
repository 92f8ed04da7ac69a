import { isAdapterError, type Batch, type Json, type Row } from '#contract';
import { CityCallError, type Cities } from '../../cities/cities.ts';
import type { Log } from '../../infra/log.ts';
import type { Metrics } from '../../infra/metrics.ts';
import type { Asked } from './asked.ts';
import { RowError, toRowError, type RowOwner } from './failure.ts';
import { Misfit } from './reader.ts';
import { createRoutes, type RowRoute } from './routes.ts';

export { askedOf, type Asked } from './asked.ts';
export { contractFields, contractParts } from './contracts.ts';
export { RowError, type RowFailure, type RowOwner } from './failure.ts';

/*
 * Federation by row: a contract field has one type for all cities, and each city answers it for its own municipality.
 *
 *   row ──▶ route by ARS ──▶ batch by city, field, arguments, selection ──▶ guarded call ──▶ whose answer is it?
 *        ──▶ is it what the contract says? ──▶ value
 *
 * The same question that is under way already is not sent again: whoever asks it meanwhile, whatever their request, gets the
 * same answer. So a city is asked by the hub at most as often as it can answer, however many look at its page. Nothing is kept
 * once it is answered.
 *
 * A row fails alone: what goes wrong on the way to one city, or with its answer, is the error of that city's rows and of
 * nothing else. A city is told the field, its arguments and what is asked of it; who asks it is not told.
 */

/** One contract field asked for one municipality. */
export interface RowRequest {
  /** `Municipality.kitas` */
  readonly field: string;
  readonly owner: RowOwner;
  /** Arguments without null. */
  readonly args: { readonly [name: string]: Json };
  readonly asked: Asked;
}

/** What a request that asks for rows belongs to. */
export interface RowContext {
  readonly traceparent: string;
  /** Nobody is signed in: a city gives such requests a part of its time only. @default false */
  readonly isAnonymous?: boolean;
}

/** Rows of one request: what is asked in one go travels together. */
export interface RowLoader {
  /**
   * The row's value as the schema has it; null if the city has none.
   * @throws RowError
   */
  load(request: RowRequest): Promise<unknown>;
}

export interface Rows {
  forRequest(context: RowContext): RowLoader;
}

export interface RowsOptions {
  readonly cities: Pick<Cities, 'list' | 'adapter' | 'read'>;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Longest wait for a city, retries included, in milliseconds: somebody waits for the whole answer. @default 3000 */
  readonly deadlineMs?: number;
}

interface Waiting extends PromiseWithResolvers<unknown> {
  readonly owner: RowOwner;
}

/** What travels to one city together. */
interface Pending {
  readonly route: RowRoute;
  readonly request: RowRequest;
  /** City, field, arguments and selection. */
  readonly key: string;
  /** By ARS. */
  readonly waiting: Map<string, Waiting>;
}

/** Reads the cities' rows. Which city answers what is read off the connected cities once. */
export function createRows({ cities, log, metrics, deadlineMs = 3000 }: RowsOptions): Rows {
  const routes = createRoutes(cities);
  const answered = metrics.counter({
    name: 'rows_total',
    help: 'Rows asked of cities for contract fields, by outcome.',
    labels: ['field', 'outcome'],
  });
  const count = (field: string, outcome: string) => answered.inc({ field, outcome });
  /** Rows that a city is being asked for, by question and ARS. */
  const underway = new Map<string, Promise<unknown>>();

  const failed = (error: RowError): RowError => {
    count(error.field, error.failure);
    if (error.failure === 'invalid')
      log.warn({ ars: error.owner.ars, field: error.field, reason: error.message }, "a city's row was refused");
    return error;
  };

  /** The value of one element of a batch. @throws RowError */
  const valueOf = (element: Batch<Row>[number], { field, asked, args }: RowRequest, owner: RowOwner): unknown => {
    if (element === null) return null;
    if (isAdapterError(element)) throw toRowError(new CityCallError(element.message, { kind: element.kind, effect: 'none' }), field, owner);
    if (element.ars !== owner.ars) throw new RowError('invalid', field, owner, 'the answer is about another municipality');
    try {
      return cut(asked.read(element.value), args['first']);
    } catch (error) {
      throw error instanceof Misfit ? new RowError('invalid', field, owner, error.message) : error;
    }
  };

  async function ask({ route, request, key }: Pending, those: readonly Waiting[], context: RowContext): Promise<void> {
    const { field, args, asked } = request;
    const asks = { field, args, selection: asked.selection, rows: those.map(({ owner }) => owner.ars) };
    let batch: Batch<Row>;
    try {
      batch = await cities.read(
        route.city,
        route.adapter,
        async ({ rows }, call) => {
          const loaded = await rows!.load(asks, call);
          if (loaded.length !== those.length)
            throw new CityCallError(`${loaded.length} elements for ${those.length} rows`, { kind: 'malformed', effect: 'none' });
          return loaded;
        },
        { traceparent: context.traceparent, timeoutMs: deadlineMs, isAnonymous: context.isAnonymous ?? false },
      );
    } catch (error) {
      for (const { owner, reject } of those) reject(failed(toRowError(error, field, owner)));
      return;
    } finally {
      for (const { owner } of those) underway.delete(`${key}\n${owner.ars}`);
    }
    for (const [index, { owner, resolve, reject }] of those.entries()) {
      try {
        const value = valueOf(batch[index] ?? null, request, owner);
        count(field, 'ok');
        resolve(value);
      } catch (error) {
        reject(error instanceof RowError ? failed(error) : error);
      }
    }
  }

  return {
    forRequest(context) {
      let pending: Map<string, Pending> | null = null;
      const send = () => {
        const batches = pending;
        pending = null;
        for (const batch of batches?.values() ?? []) {
          const those = [...batch.waiting.values()];
          for (let at = 0; at < those.length; at += batch.route.maxBatch)
            void ask(batch, those.slice(at, at + batch.route.maxBatch), context);
        }
      };
      return {
        async load(request) {
          const { field, owner, args, asked } = request;
          const route = routes.find(owner.ars, field);
          if (typeof route === 'string') throw failed(new RowError(route, field, owner, noRoute[route]));
          const key = `${route.city}\n${route.adapter}\n${field}\n${asked.selection}\n${JSON.stringify(args)}`;
          const same = `${key}\n${owner.ars}`;
          const asking = underway.get(same);
          if (asking) return asking;
          if (!pending) {
            pending = new Map();
            // After the promise jobs of this turn: rows that resolvers ask for one promise later still travel together.
            void Promise.resolve().then(() => process.nextTick(send));
          }
          const batch = pending.get(key) ?? { route, request, key, waiting: new Map() };
          pending.set(key, batch);
          const waiting = { owner, ...Promise.withResolvers<unknown>() };
          batch.waiting.set(owner.ars, waiting);
          underway.set(same, waiting.promise);
          return waiting.promise;
        },
      };
    },
  };
}

const noRoute = {
  'not-connected': 'no city is connected for this municipality',
  'not-answered': 'none of its back offices answers this field',
} as const;

/** A list no longer than was asked for, whatever the city thought of `first`. */
const cut = (value: unknown, first: Json | undefined): unknown =>
  Array.isArray(value) && typeof first === 'number' && value.length > first ? value.slice(0, first) : value;
