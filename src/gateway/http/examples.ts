/** An operation to try, in a tab of GraphiQL. */
export interface Example {
  readonly title: string;
  readonly query: string;
  readonly variables?: string;
  readonly headers?: string;
}

const whoIsResponsible = `# Wer ist zuständig? – Who is responsible for a resident parking permit in 40213 Düsseldorf?
query Competence {
  competence(service: "99108001001000", place: { postalCode: "40213" }) {
    __typename
    ... on Competence {
      path
      offer {
        name
        municipality { name }
        competentAuthority { name town url }
        channels
        fees { cents currency channel label }
        form { revision }
        freshness { asOf source stale }
      }
    }
    ... on AmbiguousPlace { candidates { ars name } }
    ... on Problem { code message english: message(language: EN) }
  }
}
`;

const find = `# Leistungen suchen: Wortteile und Synonyme werden gefunden. – Search: parts of compounds and synonyms are found.
query Find($search: String!) {
  services(search: $search, first: 5) {
    totalCount
    nodes { key name lifeSituations offers(first: 3) { nodes { name municipality { name } maturityLevel } } }
  }
}
`;

const follow = `# Ihre Anträge. Den Token tragen Sie unten unter „Headers“ ein. – Your applications. Put the access token under "Headers".
query Mine {
  viewer {
    roles
    assuranceLevel
    applications(first: 10) {
      nodes { id status statusSince caseNumber offer { name municipality { name } } history { nodes { type occurredAt status } } }
    }
  }
}
`;

/** Three first steps; the landing page prints the first. */
export const examples: readonly [Example, Example, Example] = [
  { title: 'Competence', query: whoIsResponsible },
  { title: 'Find', query: find, variables: JSON.stringify({ search: 'anwohnerparken' }) },
  { title: 'Mine', query: follow, headers: JSON.stringify({ authorization: 'Bearer …' }) },
];

/** The examples as GraphiQL takes them. */
export const exampleTabs = examples.map(({ query, variables, headers }) => ({
  query,
  variables: variables ?? null,
  headers: headers ?? null,
}));
