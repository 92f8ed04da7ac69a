import { LRUCache } from 'lru-cache';
import { AdapterError, type RowsPort } from '#contract';
import type { GraphqlConfig, RowField } from './config.ts';
import { withSelection } from './documents.ts';
import type { Ask } from './http.ts';
import { listAt, toVariables } from './mapping.ts';
import { at, scalar } from './pointer.ts';

/** Contract fields, each by one query for all rows that are asked for; what is asked of the value goes through to the API. */
export function createRows({ maxBatch, fields }: NonNullable<GraphqlConfig['rows']>, ask: Ask): RowsPort {
  // The same few questions come again and again: each is put together once.
  const documents = new LRUCache<string, string>({ max: 500 });
  const documentOf = (name: string, { document, names }: RowField, selection: string): string => {
    const key = `${name} ${selection}`;
    const known = documents.get(key) ?? withSelection(document, selection, names);
    documents.set(key, known);
    return known;
  };

  return {
    traits: { maxBatch },
    fields: Object.keys(fields),
    async load(query, call) {
      const field = Object.hasOwn(fields, query.field) ? fields[query.field] : undefined;
      if (!field) throw new AdapterError('unsupported', 'none', `${query.field} is not in rows.fields`);
      const ignored = Object.keys(query.args).find((name) => name !== 'first' && !isMapped(field, name));
      // Left out, it would be answered with rows that nobody asked for.
      if (ignored !== undefined) throw new AdapterError('unsupported', 'none', `${query.field} does not take ${ignored} here`);
      if (query.rows.length === 0) return [];
      const document = documentOf(query.field, field, query.selection);
      const variables = toVariables(field.variables, { rows: query.rows, args: query.args });
      const { data, failed } = await ask(document, variables, call);
      if (failed && !Array.isArray(at(data, field.items))) throw failed;
      const found = new Map(listAt(data, field.items).map((item) => [scalar(at(item, field.ars)), at(item, field.value) ?? null]));
      return query.rows.map((ars) => {
        const value = found.get(ars);
        if (value !== undefined && value !== null) return { ars, value };
        // Where something failed, what is missing may well be there.
        return failed;
      });
    },
  };
}

/** True where an argument goes to the API in some variable. The hub cuts a list to `first` by itself. */
const isMapped = ({ variables }: RowField, name: string): boolean =>
  Object.values(variables).some((from) => typeof from === 'string' && (from === `/args/${name}` || from.includes(`/args/${name}}`)));
