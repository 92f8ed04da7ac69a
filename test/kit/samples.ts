/** A resident parking permit form, filled in rightly. */
export const parkingForm = {
  licencePlate: 'D-AB 1234',
  vehicleHolder: 'self',
  residence: { street: 'Königsallee', houseNumber: '1a', postalCode: '40212', town: 'Düsseldorf' },
  validityMonths: 12,
  startDate: '2026-12-01',
  mainResidenceConfirmed: true,
} as const;

const residences: Readonly<Record<string, { readonly street: string; readonly postalCode: string; readonly town: string }>> = {
  '053150000000': { street: 'Venloer Straße', postalCode: '50672', town: 'Köln' },
  '051620024024': { street: 'Oberstraße', postalCode: '41460', town: 'Neuss' },
  '091620000000': { street: 'Sendlinger Straße', postalCode: '80331', town: 'München' },
};

/** The same for somebody who lives in the municipality: a permit is for those who live there. */
export const parkingFormIn = (ars: string) => ({ ...parkingForm, residence: { ...parkingForm.residence, ...residences[ars] } });

/** A person nobody is. Each part is a canary: it must turn up nowhere but in the back office. */
export const applicant = { name: 'Erika Kanarienvogel-Müßig', email: 'kanarie@example.org' } as const;

/** LeiKa key of the resident parking permit. */
export const parkingPermit = '99108001001000';

export const submitMutation = /* GraphQL */ `
  mutation Submit($input: SubmitApplicationInput!) {
    submitApplication(input: $input) {
      __typename
      ... on SubmitApplicationSuccess {
        replayed
        application {
          id
          status
          receipt {
            reference
          }
        }
      }
      ... on Problem {
        code
        message(language: EN)
        path
      }
      ... on ValidationProblem {
        fields {
          pointer
          code
          message
        }
      }
    }
  }
`;

/** A GraphQL answer, without its types: each caller says what it expects. */
export interface Answer<T> {
  readonly data?: T;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

/** Asks a running hub. @throws where the connection fails */
export async function ask<T>(hubUrl: string, query: string, variables: unknown = {}, token?: string): Promise<Answer<T>> {
  const response = await fetch(`${hubUrl}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer<T>;
}
