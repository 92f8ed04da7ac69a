import { AdapterError, type RowsPort } from '#contract';
import type { GraphqlConfig } from './config.ts';
import { withSelection } from './documents.ts';
import type { Ask } from './http.ts';
import { listAt, toVariables } from './mapping.ts';
import { at, scalar } from './pointer.ts';

/** Contract fields, each by one query for all rows that are asked for; what is asked of the value goes through to the API. */
export function createRows({ maxBatch, fields }: NonNullable<GraphqlConfig['rows']>, ask: Ask): RowsPort {
  return {
    traits: { maxBatch },
    fields: Object.keys(fields),
    async load(query, call) {
      const field = Object.hasOwn(fields, query.field) ? fields[query.field] : undefined;
      if (!field) throw new AdapterError('unsupported', 'none', `${query.field} is not in rows.fields`);
      if (query.rows.length === 0) return [];
      const document = withSelection(field.document, query.selection, field.names);
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
