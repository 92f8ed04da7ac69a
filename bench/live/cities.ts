import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A city of the measurement and where its back office listens. */
export interface BenchCity {
  readonly ars: string;
  readonly name: string;
  readonly url: string;
}

/** What every back office of the measurement is asked, and by whom: the hub fills in the selection. */
export const officeDocument = (selection: string): string =>
  `query ($keys: [ID!]!, $first: Int, $age: Int) { places(keys: $keys) { key kitas(first: $first, age: $age) ${selection} } }`;

/** What the portal asks of each Kita. */
export const kitaFields = ['freePlaces', 'id', 'name', 'places', 'postalCode', 'street', 'town', 'url'] as const;

/** Keys of the services that every town of the measurement offers, as the hub orders them: by name. */
export const serviceKeys: readonly string[] = readFileSync(new URL('../../reference/leika.csv', import.meta.url), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, key, name] = /^(\d{14}),\d,([^",]+),/.exec(line) ?? [];
    return key && name ? [{ key, name }] : [];
  })
  .slice(0, 20)
  .toSorted((a, b) => a.name.localeCompare(b.name, 'de'))
  .map(({ key }) => key);

/** An offer as the back offices tell it. */
export interface BenchOffer {
  readonly service: string;
  readonly name: string;
  readonly fees: readonly { readonly cents: number; readonly currency: string }[];
}

/** What a town offers: the same in its back office and in the hub's catalogue. */
export const offersOf = ({ ars, name }: Pick<BenchCity, 'ars' | 'name'>): readonly BenchOffer[] =>
  serviceKeys.map((service, at) => ({
    service,
    name: `Leistung ${at + 1} in ${name}`,
    fees: [{ cents: 1000 + at * 50 + Number(ars.slice(-2)), currency: 'EUR' }],
  }));

/** Keys and names of municipalities as the hub ships them, by their keys. */
export function municipalities(most: number): readonly { readonly ars: string; readonly name: string }[] {
  const lines = readFileSync(new URL('../../reference/municipalities.csv', import.meta.url), 'utf8')
    .split('\n')
    .slice(1);
  // Only names without a comma: the hub shows others in another form.
  return lines
    .map((line) => /^(\d{12}),\d{8},([^",]+),/.exec(line))
    .flatMap((match) => (match?.[1] && match[2] ? [{ ars: match[1], name: match[2] }] : []))
    .slice(0, most)
    .toSorted((a, b) => (a.ars < b.ars ? -1 : 1));
}

/** A folder with one file per city, as the hub reads it. */
export function writeCities(cities: readonly BenchCity[]): { readonly folder: string; remove(): Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), 'staedtebund-bench-cities-'));
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(folder, 'offers'));
  for (const { ars, name, url } of cities) {
    writeFileSync(
      join(folder, 'offers', `c${ars}.yaml`),
      JSON.stringify({
        source: 'the benchmark',
        asOf: '2026-11-01',
        authorities: { city: { name, town: name } },
        offers: offersOf({ ars, name }).map(({ service, name: de, fees }) => ({
          localKey: service,
          serviceKey: service,
          name: { de },
          authority: 'city',
          channels: ['OFFICE'],
          maturityLevel: 1,
          assuranceLevel: 'NONE',
          fees,
        })),
      }),
    );
    writeFileSync(
      join(folder, `c${ars}.yaml`),
      JSON.stringify({
        ars,
        name,
        since: '2026-11-01',
        catalogue: { format: 'offers', files: { offers: `./offers/c${ars}.yaml` } },
        adapters: {
          portal: {
            product: 'graphql',
            config: {
              url,
              auth: 'none',
              health: { document: '{ me }' },
              rows: {
                fields: {
                  'Municipality.kitas': {
                    document: officeDocument('{ __selection }'),
                    variables: { '/keys': '/rows', '/first': '/args/first', '/age': '/args/ageMonths' },
                    items: '/places',
                    ars: '/key',
                    value: '/kitas',
                  },
                },
              },
            },
            // Many callers at once are what is measured: none of them is to be turned away.
            limits: { concurrency: 64, timeoutMs: 8000, retries: 0, breaker: { failures: 50, halfOpenMs: 1000 } },
          },
        },
      }),
    );
  }
  return { folder, remove: async () => rmSync(folder, { recursive: true, force: true }) };
}

/** The question of a portal: three towns and their Kitas, 20 rows in all. */
export const liveQuery = (ars: readonly string[]): string =>
  `query Live($age: Int!) { ${ars
    .map(
      (own, at) =>
        `m${at}: municipality(ars: "${own}") { name kitas(first: ${at < 2 ? 7 : 6}, ageMonths: $age) { ${kitaFields.join(' ')} } }`,
    )
    .join(' ')} }`;

/** The question for a page of the catalogue: 20 services with their offers in three towns, whose they are and what they cost. */
export const pageQuery = (ars: readonly string[]): string =>
  `query Page($first: Int!) { services(offeredIn: "${ars[0]}", first: $first) { nodes { key offers(in: [${ars
    .map((one) => `"${one}"`)
    .join(', ')}], first: 3) { nodes { name municipality { ars name } fees { cents currency } } } } } }`;
