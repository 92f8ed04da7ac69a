import { afterAll, describe, expect, test } from 'vitest';
import { createComposer } from '../../src/federation/compose.ts';
import { checkContract, readHubTypes, type Grants } from '../../src/federation/contract-check.ts';
import { createHubPart } from '../../src/gateway/hub-part.ts';
import { createSchema } from '../../src/gateway/schema.ts';

const { sdl: hubSdl } = createHubPart(createSchema());
const hub = readHubTypes(hubSdl);
const none: Grants = { overrides: [], entities: [] };

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires"])';
const scalars = 'scalar RegionalKey scalar ServiceKey enum Language { DE EN }';
const sdlOf = (more: string): string =>
  `${link}\n${scalars
    .split(/ (?=scalar|enum)/)
    .filter((one) => !more.includes(one.split(' ', 2).join(' ')))
    .join(' ')}\n${more}`;
const check = (more: string, grants = none, name = 'bonn') =>
  checkContract(name, sdlOf(more), hub, grants).map(({ line, problem }) => `${line}: ${problem.en}`);

const good = `type Query { bonnFairs: [BonnFair!] }
type Municipality @key(fields: "ars") { ars: RegionalKey! population: Int @external bonnTrees(of: BonnKind): Float @requires(fields: "population") }
type BonnFair @key(fields: "id") { id: ID! at: Municipality! pages: PageInfo }
enum BonnKind { LIME OAK }
enum Language { DE EN }
`;

describe('the contract of a subgraph', () => {
  test('is kept by what has names of its own and extends by keys', () => {
    expect(check(good.replace(' pages: PageInfo', ''))).toEqual([]);
  });

  test.each([
    ['type Fair { id: ID! }', '3: Others could mean the type “Fair” too.'],
    ['enum Kind { A }', '3: Others could mean the type “Kind” too.'],
    ['type Query { fairs: Int }', '3: Others could mean the field Query.fairs too.'],
    [
      'extend type Mutation { submitApplication(x: Int): Int }',
      '3: Mutation.submitApplication is Int here and SubmitApplicationResult! in the hub.',
    ],
    ['type Municipality @key(fields: "ars") { ars: RegionalKey! hours: String }', '3: Others could mean the field Municipality.hours too.'],
    ['type Municipality @key(fields: "ars") { ars: ID! bonnX: Int }', '3: Municipality.ars is ID! here and RegionalKey! in the hub.'],
    [
      'type Municipality @key(fields: "ars") { ars: RegionalKey! name: String! bonnX: Int }',
      '3: Municipality.name is the hub’s own field.',
    ],
    ['type Municipality @key(fields: "name") { name: String! @external bonnX: Int }', '3: “Municipality” has no such key.'],
    [
      'type Municipality @key(fields: "ars") @inaccessible { ars: RegionalKey! bonnX: Int }',
      '3: @inaccessible on Municipality would hold for the hub too.',
    ],
    [
      'type Municipality @key(fields: "ars") { ars: RegionalKey! @inaccessible bonnX: Int }',
      '3: @inaccessible on Municipality.ars would hold for the hub too.',
    ],
    [
      'type Municipality implements BonnI @key(fields: "ars") { ars: RegionalKey! } interface BonnI { ars: RegionalKey! }',
      '3: “Municipality” would get another interface here.',
    ],
    [
      'type Municipality @key(fields: "ars") { ars: RegionalKey! population: Int @override(from: "hub") }',
      '3: @override on Municipality.population is not allowed.',
    ],
    ['type Application @key(fields: "id") { id: ID! bonnX: Int }', '3: “Application” is not public.'],
    ['type CaseFile @key(fields: "id") { id: ID! bonnX: Int }', '3: “CaseFile” is not public.'],
    ['type Fee { cents: Int! }', '3: “Fee” is a type of the hub.'],
    ['enum Language { DE EN FR }', '3: “Language” has other values in the hub.'],
    [
      'type Query { bonnTown: Municipality @provides(fields: "name") }',
      '3: Query.bonnTown wants to answer fields of the hub by @provides.',
    ],
    [
      'type BonnA @key(fields: "id") { id: ID! u: Int @external bonnB: Int @requires(fields: "... on BonnA { u }") }',
      '3: @requires on BonnA.bonnB holds a fragment, which does not compose.',
    ],
    [
      'type BonnA @key(fields: "id") @interfaceObject { id: ID! u: Int @external }',
      '3: BonnA.u is @external on an @interfaceObject, which does not compose.',
    ],
    [
      'type Query { bonnX: BonnX @provides(fields: "at { name }") } type BonnX { at: Municipality }',
      '3: Query.bonnX wants to answer fields of the hub by @provides.',
    ],
    [
      'type Municipality @key(fields: "ars") @federation__inaccessible { ars: RegionalKey! bonnX: Int }',
      '3: @inaccessible on Municipality would hold for the hub too.',
    ],
    [
      'type Municipality @key(fields: "ars") { ars: RegionalKey! @federation__tag(name: "x") bonnX: Int }',
      '3: @tag on Municipality.ars would hold for the hub too.',
    ],
    [
      'type Municipality @key(fields: "ars") { ars: RegionalKey! @deprecated bonnX: Int }',
      '3: @deprecated on Municipality.ars would hold for the hub too.',
    ],
    [
      'type Municipality @key(fields: "ars") { ars(x: Int @inaccessible): RegionalKey! bonnX: Int }',
      '3: @inaccessible on Municipality.ars(x:) would hold for the hub too.',
    ],
    ['enum Language { DE EN @inaccessible }', '3: @inaccessible on Language.EN would hold for the hub too.'],
    ['enum Language @inaccessible { DE EN }', '3: @inaccessible on Language would hold for the hub too.'],
    ['scalar ServiceKey @federation__inaccessible', '3: @inaccessible on ServiceKey would hold for the hub too.'],
    ['type Mutation @inaccessible { bonnX: Int }', '3: @inaccessible on Mutation would hold for the hub too.'],
    [
      'extend schema @link(url: "https://x.example/v1.0", import: [{ name: "@a", as: "@b" }])',
      '3: This @link gives directives other names.',
    ],
    ['extend schema @link(url: "https://x.example/v1.0", as: "x")', '3: This @link gives directives other names.'],
    ['schema { query: BonnQuery } type BonnQuery { bonnX: Int }', '3: The root is called “BonnQuery” here.'],
    ['extend schema @composeDirective(name: "@bonn")', '3: @composeDirective would hold for everybody.'],
    [
      'type Query { bonnFairs: [Int!]! }',
      '3: Query.bonnFairs must never be null ([Int!]!): if the subgraph failed, what stands beside it would be lost, answers of others included.',
    ],
    [
      'extend type Mutation { bonnBook: Int! }',
      '3: Mutation.bonnBook must never be null (Int!): if the subgraph failed, what stands beside it would be lost, answers of others included.',
    ],
    [
      'type Municipality @key(fields: "ars") { ars: RegionalKey! bonnX: Int! }',
      '3: Municipality.bonnX must never be null (Int!): if the subgraph failed, what stands beside it would be lost, answers of others included.',
    ],
    [
      'type Municipality @key(fields: "ars") { ars: RegionalKey! name: String! @override(from: "hub") }',
      '3: @override on Municipality.name: the field must never be null. If the subgraph failed, what stands beside it would be lost.',
    ],
    [
      'type Service @key(fields: "key") { key: ServiceKey! name(language: Language! = DE): String! @external bonnX: String @requires(fields: "name") }',
      '3: Service.name has the arguments language: Language! = DE here and language: Language = DE in the hub.',
    ],
    [
      'type Service @key(fields: "key") { key: ServiceKey! name: String! @external bonnX: String @requires(fields: "name") }',
      '3: Service.name has the arguments – here and language: Language = DE in the hub.',
    ],
    [
      'type Service @key(fields: "key") { key: ServiceKey! name(language: Language = DE, x: Int): String! @external bonnX: String @requires(fields: "name") }',
      '3: Service.name has the arguments language: Language = DE, x: Int here and language: Language = DE in the hub.',
    ],
    [
      'type Service @key(fields: "key") { key: ServiceKey! name(language: Language = EN): String! @external bonnX: String @requires(fields: "name") }',
      '3: Service.name has the arguments language: Language = EN here and language: Language = DE in the hub.',
    ],
    [
      'type Service @key(fields: "key") { key: ServiceKey! name(language: Language = DE): String! @external bonnX: String @requires(fields: "n: name") }',
      '3: @requires on Service.bonnX holds an alias.',
    ],
    [
      'type Service @key(fields: "key") { key: ServiceKey! name(language: Language = DE): String! @external bonnX: String @requires(fields: "name(language: FR)") }',
      '3: @requires on Service.bonnX does not fit your SDL: Value "FR" does not exist in "Language" enum.',
    ],
    [
      'type Service @key(fields: "key") { key: ServiceKey! name(language: Language = DE): String! @external bonnX: String @requires(fields: "name(x: 1)") }',
      '3: @requires on Service.bonnX does not fit your SDL: Unknown argument "x" on field "Service.name".',
    ],
    [
      'type Service @key(fields: "key") { key: ServiceKey! name(language: Language = DE): String! @external bonnX: String @requires(fields: "name { x }") }',
      '3: @requires on Service.bonnX does not fit your SDL: Field "name" must not have a selection since type "String!" has no subfields.',
    ],
    [
      'type Service @key(fields: "key") { key: ServiceKey! name(language: Language = DE): String! @external bonnX: String @requires(fields: "nix") }',
      '3: @requires on Service.bonnX does not fit your SDL: Cannot query field "nix" on type "Service".',
    ],
    [
      'type Service @key(fields: "key") { key: ServiceKey! name(language: Language = DE): String! @external bonnX: String @requires(fields: "name(language: $l)") }',
      '3: @requires on Service.bonnX does not fit your SDL: $',
    ],
    [
      'type Service @key(fields: "key") { key: ServiceKey! name(language: Language = DE): String! @external bonnX: String @requires(fields: "name(") }',
      '3: @requires on Service.bonnX does not fit your SDL: name(',
    ],
    [
      'type Service @key(fields: "key") { key: ServiceKey! name(language: Language = DE): String! @external bonnX: String @requires(fields: "name(language: EN) name(language: DE)") }',
      '3: @requires on Service.bonnX does not fit your SDL: Fields "name" conflict because they have differing arguments. Use different aliases on the fields to fetch both if this was intentional.',
    ],
    [
      'type Service @key(fields: "key") { key: ServiceKey! name(language: Language = DE): String! @external bonnX: String @requires(fields: "name") bonnY: Int @requires(fields: "name(language: EN)") }',
      '3: @requires on Service.bonnY: Service.name is required with other arguments too. The subgraph is given it once only.',
    ],
    [
      'type Municipality @key(fields: "ags") { ags: MunicipalityKey bonnX: Int } scalar MunicipalityKey',
      '3: “Municipality” is extended without the key ars, which all know; so no sure way leads to other subgraphs.',
    ],
    ['type Query {', '3: This is not valid GraphQL SDL: Syntax Error: Expected Name, found <EOF>.'],
  ])('is broken by %s', (more, objection) => {
    expect(check(more)).toContainEqual(objection);
  });

  test('own types may have fields that are never null, and so may subscriptions', () => {
    expect(check('type Subscription { bonnDays: BonnDay! } type BonnDay { hours: [Int!]! at: Municipality! }')).toEqual([]);
  });

  test('an operator can grant what it forbids, but no field that is never null', () => {
    const takesName = 'type Municipality @key(fields: "ars") { ars: RegionalKey! name: String! @override(from: "hub") }';
    expect(check(takesName, { overrides: ['Municipality.name'], entities: [] })).toEqual([expect.stringMatching(/must never be null/)]);
    const takesOver = 'type Municipality @key(fields: "ars") { ars: RegionalKey! population: Int @override(from: "hub") }';
    expect(check(takesOver, { overrides: ['Municipality.population'], entities: [] })).toEqual([]);
    expect(check('type Application @key(fields: "id") { id: ID! bonnX: Int }', { overrides: [], entities: ['Application'] })).toEqual([]);
  });

  test('names that the hub’s own begin with, SDL without a link and SDL too long are refused', () => {
    expect(check('type Query { serviceX: Int }', none, 'service')[0]).toMatch(/begins with “service”/);
    expect(checkContract('bonn', 'type Query { bonnX: Int }', hub, none)[0]?.problem.en).toMatch(/no version of Apollo Federation 2/);
    const commented = '# @link(url: "https://specs.apollo.dev/federation/v2.3")\ntype Query { bonnX: Int }';
    expect(checkContract('bonn', commented, hub, none)[0]?.problem.en).toMatch(/no version of Apollo Federation 2/);
    expect(checkContract('bonn', `# ${'x'.repeat(300_000)}`, hub, none)[0]?.problem.en).toMatch(/262144 are allowed/);
  });
});

describe('composition', () => {
  const composer = createComposer();
  afterAll(() => composer.close());
  const part = (name: string, more: string) => ({ name, url: `http://${name}.invalid/`, sdl: sdlOf(more), grants: none });
  const own = (name: string) => {
    const type = `${name[0]?.toUpperCase()}${name.slice(1)}`;
    return `type Query { ${name}X: ${type}X } type ${type}X @key(fields: "id") { id: ID! } type Municipality @key(fields: "ars") { ars: RegionalKey! ${name}Hours: String }`;
  };

  test('joins forty cities and leaves out the one that does not fit, while this thread goes on', async () => {
    const names = Array.from({ length: 40 }, (_, n) => `c${String(n).padStart(2, '0')}x`);
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 5);
    const composed = await composer.compose(hubSdl, [
      ...names.map((name) => part(name, own(name))),
      part('odd', 'type Query { oddX: OddX } type OddX { to: OddMissing }'),
    ]);
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(5);
    for (const name of names) expect(composed.publicSdl).toContain(`${name}Hours`);
    expect(composed.publicSdl).not.toContain('OddX');
    expect(composed.refused).toEqual([
      {
        name: 'odd',
        objections: [expect.objectContaining({ line: 3, problem: expect.objectContaining({ en: expect.stringContaining('OddMissing') }) })],
      },
    ]);
  }, 60_000);

  test('what nobody can reach is refused by the composer, with the place', async () => {
    const lost =
      'type Municipality @key(fields: "ars") { ars: RegionalKey! bonnX: BonnX } type BonnX @key(fields: "id", resolvable: false) { id: ID! }\ntype BonnY { n: Int! @external }';
    const { refused } = await composer.compose(hubSdl, [part('bonn', lost)]);
    expect(refused[0]?.objections[0]).toMatchObject({ line: 4 });
  });

  test('a composition that takes too long is given up', async () => {
    const hasty = createComposer(1);
    await expect(hasty.compose(hubSdl, [part('bonn', own('bonn'))])).rejects.toMatchObject({ code: 'SUBGRAPH_REFUSED', retryable: true });
    await hasty.close();
  });
});
