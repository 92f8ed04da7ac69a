import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { neuss, startTestHub, type TestHub } from '../kit/hub.ts';
import { engineKinds, startEngine, type Engine } from './kit/engines.ts';
import { inProcess } from './kit/in-process.ts';
import { startSubgraph, type SubgraphServer } from './kit/subgraph-server.ts';

/*
 * `@requires` of fields with arguments. What a subgraph is given is the value that it requires, under the field's own name, whatever
 * the caller asks of the same field and whatever other subgraphs require of it.
 */

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires"])';

describe.each(engineKinds)('required values of the %s engine', (kind) => {
  const names: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    a: { EN: 'Alpha', DE: 'Alfa' },
    b: { EN: 'Beta', DE: 'Betha' },
  };
  interface Thing {
    readonly key: string;
    readonly name?: string;
    readonly other?: { readonly name: string } | null;
    readonly others?: readonly { readonly name: string }[];
  }
  const middle = inProcess('middle', {
    sdl: `${link} enum Language { DE EN }
      type Query { thing(key: ID!): Thing things: [Thing!] }
      type Thing @key(fields: "key") { key: ID! name(language: Language = DE): String! other: Thing others(first: Int = 2): [Thing!]! }`,
    resolvers: {
      Query: { thing: (_: unknown, { key }: Thing) => ({ key }), things: () => [{ key: 'a' }, { key: 'b' }] },
      Thing: {
        name: ({ key }: Thing, { language }: { language: string }) => names[key]?.[language],
        other: ({ key }: Thing) => (key === 'a' ? { key: 'b' } : null),
        others: (_: Thing, { first }: { first: number }) => [{ key: 'b' }, { key: 'a' }].slice(0, first),
      },
    },
  });
  const external = 'enum Language { DE EN } type Thing @key(fields: "key") { key: ID! name(language: Language = DE): String! @external';
  const english = inProcess('english', {
    sdl: `${link} ${external} others(first: Int = 2): [Thing!]! @external
      label: String @requires(fields: "name(language: EN)") first: String @requires(fields: "others(first: 1) { name(language: EN) }") }`,
    resolvers: { Thing: { label: ({ name }: Thing) => `in English ${name}`, first: ({ others }: Thing) => JSON.stringify(others) } },
  });
  const german = inProcess('german', {
    sdl: `${link} ${external} other: Thing @external others(first: Int = 2): [Thing!]! @external
      titel: String @requires(fields: "name") andere: String @requires(fields: "other { name }") alle: String @requires(fields: "others { name(language: DE) }") }`,
    resolvers: {
      Thing: {
        titel: ({ name }: Thing) => `auf Deutsch ${name}`,
        andere: ({ other }: Thing) => other?.name ?? 'keine',
        alle: ({ others }: Thing) => JSON.stringify(others?.map(({ name }) => name)),
      },
    },
  });

  let engine: Engine;
  beforeAll(async () => {
    engine = await startEngine(kind, [middle, english, german]);
  });
  afterAll(() => engine.close());

  test.each([
    [
      'beside the field that the caller asks for',
      '{ thing(key: "a") { name label } }',
      { thing: { name: 'Alfa', label: 'in English Alpha' } },
    ],
    [
      'below lists',
      '{ things { name label } }',
      {
        things: [
          { name: 'Alfa', label: 'in English Alpha' },
          { name: 'Betha', label: 'in English Beta' },
        ],
      },
    ],
    [
      'where the caller asks for the other value',
      '{ things { titel name(language: EN) } }',
      {
        things: [
          { titel: 'auf Deutsch Alfa', name: 'Alpha' },
          { titel: 'auf Deutsch Betha', name: 'Beta' },
        ],
      },
    ],
    [
      'where two subgraphs require two values, under aliases',
      '{ things { label titel x: label name: titel key: name(language: EN) } }',
      {
        things: [
          { label: 'in English Alpha', titel: 'auf Deutsch Alfa', x: 'in English Alpha', name: 'auf Deutsch Alfa', key: 'Alpha' },
          { label: 'in English Beta', titel: 'auf Deutsch Betha', x: 'in English Beta', name: 'auf Deutsch Betha', key: 'Beta' },
        ],
      },
    ],
    [
      'in nested objects and lists, at every level',
      '{ things { andere first alle others(first: 1) { name(language: EN) label alle } } }',
      {
        things: [
          {
            andere: 'Betha',
            first: '[{"name":"Beta"}]',
            alle: '["Betha","Alfa"]',
            others: [{ name: 'Beta', label: 'in English Beta', alle: '["Betha","Alfa"]' }],
          },
          {
            andere: 'keine',
            first: '[{"name":"Beta"}]',
            alle: '["Betha","Alfa"]',
            others: [{ name: 'Beta', label: 'in English Beta', alle: '["Betha","Alfa"]' }],
          },
        ],
      },
    ],
    [
      'under conditions and in fragments',
      'query ($no: Boolean = false) { things { ...t @skip(if: $no) label @include(if: $no) } } fragment t on Thing { name(language: EN) titel }',
      {
        things: [
          { name: 'Alpha', titel: 'auf Deutsch Alfa' },
          { name: 'Beta', titel: 'auf Deutsch Betha' },
        ],
      },
    ],
  ])('%s', async (_, query, data) => {
    expect(JSON.parse(JSON.stringify(await engine.ask(query)))).toEqual({ data });
  });

  test('callers see nothing of how they travel', async () => {
    const { data } = await engine.ask('{ __type(name: "Thing") { fields { name } } }');
    expect(JSON.stringify(data)).not.toContain('_required');
  });
});

describe('a subgraph plugged into the hub that requires the English name of a service', () => {
  let hub: TestHub;
  let city: SubgraphServer;
  beforeAll(async () => {
    // What a city offers is named in both languages; its back office is not asked here.
    hub = await startTestHub({ cities: { neuss: neuss({ baseUrl: 'http://127.0.0.1:9', secret: 'nobody asks' }) } });
    city = await startSubgraph({
      sdl: `${link} scalar ServiceKey enum Language { DE EN }
        type Service @key(fields: "key") { key: ServiceKey! name(language: Language = DE): String! @external bonnLabel: String @requires(fields: "name(language: EN)") }`,
      resolvers: { Service: { bonnLabel: ({ name }: { name: string }) => `Label of ${name}` } },
    });
    const register = 'mutation ($input: RegisterSubgraphInput!) { registerSubgraph(input: $input) { __typename } }';
    await hub.ask(register, { input: { name: 'bonn', url: city.url } }, 'operator');
  });
  afterAll(async () => {
    await hub.close();
    await city.close();
  });

  interface Service {
    readonly key: string;
    readonly name: string;
    readonly english: string;
    readonly bonnLabel: string;
  }

  test('is given it, for one and below lists', async () => {
    const list = await hub.ask<{ services: { nodes: Service[] } }>(
      '{ services(offeredIn: "051620024024", first: 3) { nodes { key name english: name(language: EN) bonnLabel } } }',
    );
    expect(list.errors).toBeUndefined();
    const nodes = list.data?.services.nodes ?? [];
    expect(nodes.some(({ name, english }) => name !== english)).toBe(true);
    for (const { english, bonnLabel, key } of nodes) {
      expect(bonnLabel).toBe(`Label of ${english}`);
      const one = await hub.ask<{ service: Service }>('query ($key: ServiceKey!) { service(key: $key) { name bonnLabel } }', { key });
      expect(one.data?.service.bonnLabel).toBe(`Label of ${english}`);
    }
  });
});
