import { readdirSync, readFileSync } from 'node:fs';
import { buildSchema, parse, print, visit } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publishedSchema, schemaVersion } from '../../src/gateway/published.ts';
import { joinedSchema } from '../../src/gateway/schema.ts';
import { breakingChanges, undatedDeprecations } from '../kit/schema-gate.ts';
import { startGateway, type Running } from './fixtures/gateway.ts';

const folder = new URL('../../schema/released/', import.meta.url);
const versions = readdirSync(folder)
  .map((name) => name.replace(/\.graphql$/, ''))
  .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
const released = readFileSync(new URL(`${versions.at(-1)}.graphql`, folder), 'utf8');
const today = new Date().toISOString().slice(0, 10);
/** As it is now, without descriptions: what is planted below is found by its text. */
const now = () =>
  print(visit(parse(joinedSchema()), { enter: (node) => ('description' in node ? { ...node, description: undefined } : undefined) }));

describe('clients of the last release', () => {
  test('lose nothing', async () => {
    expect(await breakingChanges(buildSchema(released), buildSchema(now()), today), 'deprecate it first: schema/CHANGELOG.md').toEqual([]);
  });

  test('know until when what is deprecated stays', () => {
    expect(undatedDeprecations(buildSchema(now())), 'end the reason with "Until <day>."').toEqual([]);
  });

  test('find the version in the changelog', () => {
    const changelog = readFileSync(new URL('../../schema/CHANGELOG.md', import.meta.url), 'utf8');
    const headings = [...changelog.matchAll(/^## (\d+\.\d+\.\d+)/gm)].map((match) => match[1]);
    expect(headings[0]).toBe(schemaVersion);
    expect(headings).toEqual(expect.arrayContaining(versions));
  });
});

describe('the gate refuses what would break them', () => {
  const planted: readonly (readonly [what: string, from: string, to: string])[] = [
    ['a field that is gone', '  population: Int\n', ''],
    ['another type', 'population: Int\n', 'population: String\n'],
    ['null if there was none', 'ags: String!\n', 'ags: String\n'],
    ['an argument that is gone', ', federalState: String', ''],
    ['an argument that has become necessary', 'postalCode: String,', 'postalCode: String!,'],
    ['a value that is gone', '  VIDEO\n', ''],
    ['a member of a union that is gone', '| NoCompetentAuthority', ''],
    ['an input that has become necessary', '  email: String\n  ids: JSON', '  email: String!\n  ids: JSON'],
    ['a type that is gone', '  processingTime: ProcessingTime\n', ''],
  ];
  test.each(planted)('%s', async (_, from, to) => {
    const broken = now().replace(from, to);
    expect(broken).not.toBe(now());
    expect(await breakingChanges(buildSchema(now()), buildSchema(broken), today)).not.toEqual([]);
  });

  const deprecated = (day: string) =>
    now().replace('population: Int\n', `population: Int @deprecated(reason: "Nobody asks. Until ${day}.")\n`);
  const without = () => buildSchema(now().replace('  population: Int\n', ''));

  test('also where it was deprecated and its day has not passed', async () => {
    expect(await breakingChanges(buildSchema(deprecated('2999-12-31')), without(), today)).toHaveLength(1);
    expect(await breakingChanges(buildSchema(deprecated(today)), without(), today)).toHaveLength(1);
  });

  test('and lets go what has had its day', async () => {
    expect(await breakingChanges(buildSchema(deprecated('2026-01-01')), without(), today)).toEqual([]);
  });

  test('a deprecation without a day is named', () => {
    const undated = now().replace('population: Int\n', 'population: Int @deprecated(reason: "Nobody asks.")\n');
    expect(undatedDeprecations(buildSchema(undated))).toEqual(['Municipality.population']);
  });

  test('what is added breaks nobody', async () => {
    const grown = now().replace('population: Int\n', 'population: Int\n  mayor: String\n');
    expect(await breakingChanges(buildSchema(now()), buildSchema(grown), today)).toEqual([]);
  });
});

describe('/schema.graphql', () => {
  let hub: Running;
  beforeAll(async () => {
    hub = await startGateway();
  });
  afterAll(() => hub.stop());

  test('is the schema with its version', async () => {
    const response = await fetch(`${hub.url}/schema.graphql`);
    const text = await response.text();
    expect(text).toBe(publishedSchema(joinedSchema()));
    expect(text).toMatch(new RegExp(`^# Städtebund API, version ${schemaVersion}\n`));
    expect(() => buildSchema(text)).not.toThrow();
  });

  test('is not sent again to who has it', async () => {
    const etag = (await fetch(`${hub.url}/schema.graphql`)).headers.get('etag') ?? '';
    expect((await fetch(`${hub.url}/schema.graphql`, { headers: { 'if-none-match': `W/${etag}` } })).status).toBe(304);
    expect((await fetch(`${hub.url}/schema.graphql`, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });
});
