import { initGraphQLTada, type ResultOf, type TadaDocumentNode, type VariablesOf } from 'gql.tada';
import { print } from 'graphql';
import type { introspection } from './schema-types.ts';

/*
 * A client whose questions and answers are typed by the hub's schema: a field that is spelled wrong, a variable that is missing or
 * an answer that is read wrongly does not compile.
 */

const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { DateTime: string; Date: string; URL: string; RegionalKey: string; ServiceKey: string; JSON: unknown };
}>();

/** Kitas with free places, as the cities say now. */
export const freeKitas = graphql(`
  query FreeKitas($postalCode: String!, $places: Int!) {
    municipalities(postalCode: $postalCode, first: 10) {
      nodes {
        ars
        name
        kitas(minFreePlaces: $places, first: 20) {
          id
          name
          freePlaces
          url
        }
      }
    }
  }
`);

export type Town = ResultOf<typeof freeKitas>['municipalities']['nodes'][number];

/** What the hub says of a field that is null. `city`: whose answer is missing. */
export interface Told {
  readonly message: string;
  readonly extensions: { readonly code: string; readonly city?: { readonly ars: string; readonly name: string } };
}

/** Asks the hub. Both may be there: what could be answered, and who could not. */
export async function ask<Result, Variables>(
  hub: string,
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<{ readonly data: Result | null; readonly errors?: readonly Told[] }> {
  const response = await fetch(`${hub}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: print(document), variables }),
  });
  return (await response.json()) as { data: Result | null; errors?: readonly Told[] };
}

/** Places that are free in each town of a postal code; null if the town cannot be asked. */
export async function countFreePlaces(
  hub: string,
  variables: VariablesOf<typeof freeKitas>,
): Promise<readonly { readonly town: string; readonly free: number | null }[]> {
  const { data } = await ask(hub, freeKitas, variables);
  return (data?.municipalities.nodes ?? []).map(({ name, kitas }) => ({
    town: name,
    free: kitas?.reduce((sum, { freePlaces }) => sum + (freePlaces ?? 0), 0) ?? null,
  }));
}
