import { composeServices } from '@theguild/federation-composition';
import { parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPlanner } from '../../src/federation/engine/planner.ts';
import { separateRequiredValues } from '../../src/federation/required-values.ts';

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires", "@shareable"])';

const { parts } = separateRequiredValues(
  [
    `type Town @key(fields: "id code") { id: ID! code: Int! twin: Town beds: Int @external }
     type Fair @key(fields: "id") @key(fields: "code") { id: ID! code: Int! crowd: String @requires(fields: "place(hall: 0) { beds }") place(hall: Int = 1): Town! @external }`,
    `type Town @key(fields: "id code") { id: ID! code: Int! fair: Fair beds: Int }
     type Fair @key(fields: "id") { id: ID! place(hall: Int = 1): Town! }
     type Query { town(number: Int!): Town }`,
  ].map((sdl, at) => ({ name: `s${at}`, url: 'http://subgraph.invalid/', typeDefs: parse(`${link} ${sdl}`) })),
);
const { supergraphSdl = '' } = composeServices([...parts]);

/** Valid, and the planner panics at it; other documents it plans. */
const deadly = '{ town(number: 1) { twin { fair { ... { crowd } } } } }';
const alias = (n: number) => `{ a${n}: town(number: ${n}) { id } }`;

describe('the planner', { timeout: 120_000 }, () => {
  const crashes: string[] = [];
  const planner = createPlanner({ planMs: 60_000, onCrash: ({ message }) => crashes.push(message) });
  beforeAll(async () => {
    for (const name of ['graph', 'same graph'])
      if (!(await planner.load(name, supergraphSdl))) throw new Error("the planner's addon does not load here");
  });
  afterAll(() => planner.close());

  test('dies of a document in a process of its own: the hub and the plans of others go on', async () => {
    const asked = [alias(1), deadly, alias(2), alias(3)].map((text) => planner.plan('graph', text));
    const [one, dead, ...others] = await Promise.allSettled(asked);
    expect(dead).toMatchObject({ status: 'rejected', reason: { code: 'PLAN_NOT_FOUND', retryable: false } });
    expect([one, ...others].map((each) => each?.status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    expect(crashes).toEqual([expect.stringContaining('panicked')]);
  });

  test('does not die of the same document again, but in another graph it may be planned', async () => {
    const before = crashes.length;
    await expect(planner.plan('graph', deadly)).rejects.toMatchObject({ code: 'PLAN_NOT_FOUND' });
    await expect(planner.plan('graph', deadly)).rejects.toMatchObject({ code: 'PLAN_NOT_FOUND' });
    expect(crashes.length).toBe(before);
    await expect(planner.plan('same graph', deadly)).rejects.toMatchObject({ code: 'PLAN_NOT_FOUND' });
    expect(crashes.length).toBe(before + 1);
    expect(await planner.plan('graph', alias(4))).toMatchObject({ kind: 'QueryPlan' });
  });

  test('says so where a document has no plan, and lives', async () => {
    const before = crashes.length;
    await expect(planner.plan('graph', '{ nowhere }')).rejects.toMatchObject({ code: 'PLAN_NOT_FOUND' });
    expect(crashes.length).toBe(before);
  });
});
