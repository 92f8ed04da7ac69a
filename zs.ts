import { joinedSchema } from './src/gateway/schema.ts';
import { subgraphSdl } from './src/gateway/subgraph.ts';
import { createComposer } from './src/federation/compose.ts';
import { parse, Kind } from 'graphql';
const hub = subgraphSdl(joinedSchema()); const c = createComposer(60000);
const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key","@external","@requires","@provides","@shareable","@override","@interfaceObject"])\nscalar RegionalKey scalar ServiceKey enum Language { DE EN }\n';
for (const p of parse(hub).definitions) if (p.kind === Kind.INTERFACE_TYPE_DEFINITION || p.kind === Kind.UNION_TYPE_DEFINITION) console.log(p.kind, p.name.value, (p as any).fields?.map((f: any) => f.name.value).join(), (p as any).types?.map((f: any) => f.name.value).join());
for (const p of parse(hub).definitions) if (p.kind === Kind.OBJECT_TYPE_DEFINITION && ['Municipality', 'Service', 'Offer'].includes(p.name.value)) console.log(p.name.value, p.fields!.map((f) => f.name.value + ':' + JSON.stringify((f.type as any).name?.value ?? (f.type as any).type?.name?.value) + f.type.kind[0]+f.type.kind[4]).join(' '));
const cases: Record<string, string> = {
  ioNode: 'type Node @key(fields: "id") @interfaceObject { id: ID! bonnX: Int }',
  ioOwn: 'type Query { bonnA: BonnA } type BonnA @key(fields: "id") @interfaceObject { id: ID! x: Int }',
  ioSame: 'type Query { bonnA: BonnI } interface BonnI @key(fields: "id") { id: ID! } type BonnA implements BonnI @key(fields: "id") { id: ID! x: Int }',
  implNode: 'type Query { bonnA: BonnA } type BonnA implements Node @key(fields: "id") { id: ID! } interface Node { id: ID! }',
  unionOwn: 'type Query { bonnAny: [BonnAny!] } union BonnAny = BonnA | Municipality | Service type BonnA { x: Int } type Municipality @key(fields: "ars") { ars: RegionalKey! } type Service @key(fields: "key") { key: ServiceKey! }',
  unionHub: 'type Query { bonnA: BonnA } type BonnA { x: Int } union Case = BonnA',
  providesNested: 'type Query { bonnA: BonnA @provides(fields: "at { name }") } type BonnA { at: Municipality } type Municipality @key(fields: "ars") { ars: RegionalKey! name: String! @external }',
  requiresIface: 'type Municipality @key(fields: "ars") { ars: RegionalKey! bonnN: Int @requires(fields: "bonnI { x }") bonnI: BonnI @external } interface BonnI { x: Int } type BonnA implements BonnI { x: Int }',
  requiresUnion: 'type Municipality @key(fields: "ars") { ars: RegionalKey! bonnN: Int @requires(fields: "bonnI { __typename }") bonnI: BonnI } union BonnI = BonnA type BonnA { x: Int }',
  requiresParent: 'type Municipality @key(fields: "ars") { ars: RegionalKey! parent: Region @external bonnN: Int @requires(fields: "parent { name }") } type Region { name: String! @external }',
};
for (const [name, sdl] of Object.entries(cases)) { try { const r = await c.compose(hub, [{ name: 'bonn', url: 'http://b', sdl: link + sdl, grants: { overrides: [], entities: [] } }]); console.log(name, r.refused.length ? 'REFUSED' : 'taken', r.refused[0]?.objections.map((o) => o.problem.en).join(' | ')); } catch (e) { console.log(name, 'ERR', (e as Error).message); } }
process.exit();
