import { isDeepStrictEqual } from 'node:util';
import { ask } from '../test/kit/samples.ts';
import type { Child } from './child.ts';
import { load } from './load.ts';
import { measure, type Measured, type Plan } from './rounds.ts';

/** One kind of catalogue query, with the values it is asked with in turn. */
interface Workload {
  readonly title: string;
  readonly query: string;
  readonly variables: readonly Readonly<Record<string, string>>[];
}

const offer = /* GraphQL */ `
  fragment Shown on Offer {
    name
    municipality {
      ars
      name
    }
    competentAuthority {
      name
    }
    channels
    maturityLevel
    fees {
      cents
      currency
      label
      channel
    }
  }
`;

/** What portals ask most: a page of services, who is responsible, a search. */
const workloads: readonly Workload[] = [
  {
    title: 'a page of 20 services with their offers, municipalities and fees',
    query: /* GraphQL */ `
      query Page($region: RegionalKey!) {
        services(offeredIn: $region, first: 20) {
          totalCount
          nodes {
            key
            name
            offers(in: [$region], first: 3) {
              nodes {
                ...Shown
              }
            }
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
      ${offer}
    `,
    variables: [{ region: '091620000000' }],
  },
  {
    title: 'who is responsible for the resident parking permit at a postal code',
    query: /* GraphQL */ `
      query Responsible($postalCode: String!) {
        competence(service: "99108001001000", place: { postalCode: $postalCode }) {
          ... on Competence {
            resolvedFrom
            offer {
              ...Shown
            }
          }
        }
      }
      ${offer}
    `,
    variables: [{ postalCode: '40213' }, { postalCode: '50667' }, { postalCode: '41460' }, { postalCode: '80331' }],
  },
  {
    title: 'a search for services by words',
    query: /* GraphQL */ `
      query Search($words: String!) {
        services(search: $words, first: 10) {
          totalCount
          nodes {
            key
            name
          }
        }
      }
    `,
    variables: ['parkausweis', 'anwohnerparken', 'geburtsurkunde', 'reisepass beantragen', 'hund anmelden', 'wohnung'].map((words) => ({
      words,
    })),
  },
];

const clients = 16;

/** Measures each workload on the hub against a bare handler that gives the same answers. */
export async function benchCatalogue(
  hub: Child<string>,
  bare: Child<string>,
  plan: Plan,
  say: (text: string) => void,
): Promise<readonly { readonly title: string; readonly measured: readonly Measured[] }[]> {
  const results: { title: string; measured: readonly Measured[] }[] = [];
  for (const { title, query, variables } of workloads) {
    const answers: unknown[] = [];
    for (const each of variables) answers.push(await answerOf(hub.ready, query, each));
    await bare.ask('answers', answers);
    for (const [index, answer] of answers.entries()) await checkSame(`${bare.ready}/${index}`, answer);
    const bytes = Math.round(answers.reduce<number>((sum, answer) => sum + Buffer.byteLength(JSON.stringify(answer)), 0) / answers.length);
    say(`${title} (${bytes} bytes)`);
    const requests = (path: (index: number) => string) =>
      variables.map((each, index) => ({ path: path(index), body: JSON.stringify({ query, variables: each }) }));
    const contender = (name: string, child: Child<string>, path: (index: number) => string) => ({
      name,
      run: (seconds: number) => load({ url: child.ready, clients, seconds, requests: requests(path), expected: '{"data":{' }),
      cpu: () => child.cpu(),
    });
    const measured = await measure(
      [contender('bare node:http handler', bare, (index) => `/${index}`), contender('the hub', hub, () => '/graphql')],
      plan,
      say,
    );
    results.push({ title: `${title} (${bytes} bytes)`, measured });
  }
  return results;
}

/** The hub's whole answer to a query, which must hold rows. */
async function answerOf(url: string, query: string, variables: unknown): Promise<unknown> {
  const answer = await ask<Record<string, { totalCount?: number; offer?: object }>>(url, query, variables);
  const [field] = Object.values(answer.data ?? {});
  if (answer.errors || !(field?.totalCount || field?.offer))
    throw new Error(`The hub's answer to ${JSON.stringify(variables)} holds nothing to compare: ${JSON.stringify(answer).slice(0, 500)}`);
  return answer;
}

async function checkSame(url: string, expected: unknown): Promise<void> {
  const response = await fetch(url, { method: 'POST', body: '{}' });
  if (!isDeepStrictEqual(await response.json(), expected)) throw new Error(`${url} does not answer what the hub answers`);
}
