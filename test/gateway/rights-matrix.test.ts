import { getNamedType, isCompositeType, isInterfaceType, isObjectType, isUnionType, type GraphQLObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessOf, classified, type Access } from '../../src/gateway/access.ts';
import { createSchema } from '../../src/gateway/schema.ts';
import { duesseldorf } from './fixtures/features.ts';
import { startGateway, submit, type Running } from './fixtures/gateway.ts';

/*
 * Every guarded field × every role × every path to it, generated from the schema: a field that is added is part of it, one that
 * nobody has classified fails. A path is a way to an entity (root field, node, _entities, subscription), the chain of fields
 * from there to the field's type, and a spelling (plain, alias, fragment).
 */

const schema = createSchema();
const objects = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) || isInterfaceType(type));
const own = objects.filter(({ name }) => !name.startsWith('__'));

describe('every field is classified', () => {
  test.each(own.flatMap((type) => Object.keys(type.getFields()).map((field) => [type.name, field] as const)))('%s.%s', (type, field) => {
    expect(accessOf(type, field), 'say in src/gateway/access.ts who may read it').not.toBeNull();
  });

  test('and nothing else is', () => {
    const there = new Set(own.flatMap((type) => [type.name, ...Object.keys(type.getFields()).map((field) => `${type.name}.${field}`)]));
    const gone = classified().filter((name) => !there.has(name) && !/^Query\.__(schema|type)$/.test(name));
    expect(gone, 'strike them from src/gateway/access.ts').toEqual([]);
  });
});

const everyone = ['citizen', 'citizen2', 'portal', 'state', 'clerk-duesseldorf', 'clerk-neuss', undefined] as const;
type Who = (typeof everyone)[number];

/** Who reads a guarded field of the sample application of `citizen` in Düsseldorf, and of Düsseldorf. */
const entitled: Readonly<Record<'parties' | 'city', readonly Who[]>> = {
  parties: ['citizen', 'clerk-duesseldorf'],
  city: ['clerk-duesseldorf'],
};

interface Way {
  readonly name: string;
  readonly entity: 'Application' | 'Municipality';
  readonly query: (selection: string) => string;
  readonly stream?: true;
}

let id = '';
const representation = (type: 'Application' | 'Municipality') =>
  type === 'Application' ? `{ __typename: "Application", id: "${id}" }` : `{ __typename: "Municipality", ars: "${duesseldorf}" }`;

/** Ways to an application and to Düsseldorf. */
const ways: readonly Way[] = [
  { name: 'application', entity: 'Application', query: (inner) => `{ application(id: "${id}") { ${inner} } }` },
  { name: 'viewer', entity: 'Application', query: (inner) => `{ viewer { applications { nodes { ${inner} } } } }` },
  {
    name: 'subscription',
    entity: 'Application',
    query: (inner) => `subscription { applicationChanged(id: "${id}") { ${inner} } }`,
    stream: true,
  },
  { name: 'municipality', entity: 'Municipality', query: (inner) => `{ municipality(ars: "${duesseldorf}") { ${inner} } }` },
  { name: 'list', entity: 'Municipality', query: (inner) => `{ municipalities(search: "Düsseldorf", first: 1) { nodes { ${inner} } } }` },
  ...(['Application', 'Municipality'] as const).flatMap((entity): Way[] => [
    {
      name: '_entities',
      entity,
      query: (inner) => `{ _entities(representations: [${representation(entity)}]) { ... on ${entity} { ${inner} } } }`,
    },
    {
      name: 'node',
      entity,
      query: (inner) =>
        `{ node(id: "${entity === 'Application' ? id : Buffer.from(`Municipality:${duesseldorf}`).toString('base64url')}") { ... on ${entity} { ${inner} } } }`,
    },
  ]),
];

const spellings: Readonly<Record<string, (field: string, on: string, query: (selection: string) => string) => string>> = {
  plain: (field, _, query) => query(field),
  alias: (field, _, query) => query(`other: ${field}`),
  inline: (field, on, query) => query(`... on ${on} { ${field} }`),
  // Twice the same, once where a fragment says it and once in its own name.
  fragment: (field, on, query) => `${query(`...Asked ${field}`)} fragment Asked on ${on} { again: ${field} }`,
};

/** Fields from an entity to a type, the shortest chain; lists and connections as they come. */
function chainTo(target: string, from: string): readonly string[] | null {
  const seen = new Set([from]);
  let front: { readonly type: GraphQLObjectType; readonly chain: readonly string[] }[] = [
    { type: schema.getType(from) as GraphQLObjectType, chain: [] },
  ];
  while (front.length > 0) {
    const hit = front.find(({ type }) => type.name === target);
    if (hit) return hit.chain;
    front = front.flatMap(({ type, chain }) =>
      Object.values(type.getFields()).flatMap(({ name, args, type: of }) => {
        const next = getNamedType(of);
        if (!isObjectType(next) || seen.has(next.name) || args.some(({ type: given }) => String(given).endsWith('!'))) return [];
        seen.add(next.name);
        return [{ type: next, chain: [...chain, name] }];
      }),
    );
  }
  return null;
}

/** The field with as much below it as shows whether it is there. */
const asked = (type: GraphQLObjectType, field: string): string => {
  const of = getNamedType(type.getFields()[field]?.type);
  if (isUnionType(of) || !isCompositeType(of)) return field;
  return `${field} { __typename }`;
};

const isGuarded = (access: Access | null): access is 'parties' | 'city' => access === 'parties' || access === 'city';

interface Case {
  readonly title: string;
  readonly way: Way;
  readonly spelling: string;
  readonly field: string;
  readonly type: GraphQLObjectType;
  readonly chain: readonly string[];
  readonly access: 'parties' | 'city';
}

const cases: Case[] = own.filter(isObjectType).flatMap((type) =>
  Object.keys(type.getFields()).flatMap((field) => {
    const access = accessOf(type.name, field);
    if (!isGuarded(access) || ['Query', 'Mutation', 'Subscription'].includes(type.name)) return [];
    return ways.flatMap((way) => {
      // Pages of the caller's own applications are reached by the viewer alone, who is the caller.
      const chain = chainTo(type.name, way.entity);
      if (chain === null) return [];
      return Object.keys(spellings).map((spelling) => ({
        title: `${type.name}.${field} by ${way.name} (${spelling})`,
        way,
        spelling,
        field,
        type,
        chain,
        access,
      }));
    });
  }),
);

/** Values of the asked field anywhere in an answer; objects and lists on the way are walked. */
function valuesOf(answer: unknown, names: readonly string[]): unknown[] {
  if (Array.isArray(answer)) return answer.flatMap((one) => valuesOf(one, names));
  if (typeof answer !== 'object' || answer === null) return [];
  return Object.entries(answer).flatMap(([name, value]) => [
    ...(names.includes(name) && value !== null ? [value] : []),
    ...valuesOf(value, names),
  ]);
}

let hub: Running;
const tokens = new Map<Who, string>();

beforeAll(async () => {
  hub = await startGateway({ rateLimit: null });
  id = await submit(hub);
  hub.applications.move(Buffer.from(id, 'base64url').toString().slice('Application:'.length), 'PARKED', 'unknown-effect');
  for (const who of everyone) if (who) tokens.set(who, await hub.issuer.token(who));
});
afterAll(() => hub.stop());

async function ask(query: string, who: Who, stream: boolean): Promise<unknown> {
  const response = await fetch(`${hub.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(stream && { accept: 'text/event-stream' }),
      ...(who && { authorization: `Bearer ${tokens.get(who)}` }),
    },
    body: JSON.stringify({ query }),
  });
  if (!stream || !response.body) {
    return ((await response.json()) as { data?: unknown }).data;
  }
  let text = '';
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (/\n\n/.test(text.replace(/^:[^\n]*\n\n/g, ''))) break;
  }
  const line = /^data: (\{.*\})$/m.exec(text)?.[1];
  return line === undefined ? null : (JSON.parse(line) as { data?: unknown }).data;
}

/** Null for a good reason in the sample, whoever asks. */
const emptyInSample = new Set(['Application.caseNumber']);

describe('a guarded field is reached by those it is for, and by nobody else on any path', () => {
  test('the matrix holds what it must', () => {
    const covered = new Set(cases.map(({ type, field }) => `${type.name}.${field}`));
    for (const name of ['Application.status', 'Receipt.reference', 'ApplicationEvent.facts', 'AdapterStatus.hint'])
      expect(covered).toContain(name);
    expect(cases.length).toBeGreaterThan(300);
  });

  test.each(cases)('$title', async ({ way, spelling, field, type, chain, access }) => {
    const inner = (selection: string) => chain.reduceRight((below, step) => `${step} { ${below} }`, selection);
    const spelt = spellings[spelling]!(asked(type, field), type.name, (selection) => way.query(inner(selection)));
    // A field on the way may be called the same (nodes, receipt): then its alias tells it apart, and a spelling without one is silent.
    const sameOnTheWay = new RegExp(`\\b${field}\\b`).test(way.query(inner('')));
    const names = sameOnTheWay ? ['other', 'again'] : [field, 'other', 'again'];
    const shows = !emptyInSample.has(`${type.name}.${field}`) && !(sameOnTheWay && ['plain', 'inline'].includes(spelling));
    const readers: Who[] = [];
    for (const who of everyone) if (valuesOf(await ask(spelt, who, way.stream ?? false), names).length > 0) readers.push(who);
    expect(readers).toEqual(shows ? everyone.filter((who) => entitled[access].includes(who)) : []);
  });
});
