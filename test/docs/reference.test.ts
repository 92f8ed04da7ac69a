import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GraphQLError } from 'graphql';
import { describe, expect, test } from 'vitest';
import { problemCodes } from '#contract';
import { asMember, unionProblems } from '../../src/gateway/problems.ts';
import { failure, publicError, type FailureCode } from '../../src/gateway/errors.ts';
import { readDocument, repository } from './sandbox.ts';

/** Cells of the rows of all tables below a heading, without head and rule. */
function rowsBelow(page: string, heading: string): string[][] {
  const [, after = ''] = page.split(`\n## ${heading}\n`);
  const [section = ''] = after.split('\n## ');
  const tables = section.split('\n').filter((line) => line.startsWith('|'));
  return tables.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

const column = (rows: readonly string[][], at: number) => rows.map((row) => row[at] ?? '');

describe('docs/reference/errors.md', () => {
  const page = readDocument('docs/reference/errors.md');

  test('lists every problem in the type in which it travels, and no other', () => {
    const rows = rowsBelow(page, 'Problems');
    const unions = Object.keys(unionProblems) as (keyof typeof unionProblems)[];
    const typeOf = (code: (typeof problemCodes)[number]) => {
      for (const union of unions) {
        try {
          return asMember(union, { problem: { code } }).__typename;
        } catch {
          // This union has no member for it: the next may.
        }
      }
      return '–';
    };
    expect(rows.map(([code, type]) => `${code} ${type}`)).toEqual(problemCodes.map((code) => `${code} ${typeOf(code)}`));
  });

  test('lists every failure with its HTTP status, and no other', () => {
    const source = readDocument('src/gateway/errors.ts');
    const codes = [...source.matchAll(/^ {2}([A-Z_]+): \{/gm)].map((match) => match[1] as FailureCode);
    expect(codes).toContain('INTERNAL');
    const rows = rowsBelow(page, 'Failures');
    expect(rows.map(([code, status]) => `${code} ${status}`)).toEqual(codes.map((code) => `${code} ${failure(code, 'EN').status}`));
  });

  test('lists every code that the source gives to callers, and nothing else leaves the hub', () => {
    const listed = [...column(rowsBelow(page, 'Problems'), 0), ...column(rowsBelow(page, 'Failures'), 0)];
    const sources = readdirSync(join(repository, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const given = sources.flatMap((name) =>
      [...readDocument(join('src', name)).matchAll(/extensions: \{\s*code: '(\w+)'/g)].map(([, code]) => code),
    );
    expect(given.length).toBeGreaterThan(3);
    expect(given.filter((code) => !listed.includes(code ?? ''))).toEqual([]);

    const unexpected: unknown[] = [];
    const told = (path: string[] | undefined, code: string) =>
      publicError(new GraphQLError('x', { ...(path && { path }), originalError: new GraphQLError('secret', { extensions: { code } }) }), {
        requestId: null,
        language: 'EN',
        onUnexpected: (error) => unexpected.push(error),
      }).extensions['code'];
    for (const code of listed) expect([told(undefined, code), told(['a'], code)]).toEqual([code, code]);
    expect(unexpected).toEqual([]);
    for (const code of ['SOMETHING_NEW', 'GRAPHQL_PARSE_FAILED', 'INTERNAL_SERVER_ERROR'])
      expect([told(undefined, code), told(['a'], code)]).toEqual(['BAD_REQUEST', 'INTERNAL']);
    expect(unexpected).toHaveLength(3);
  });

  test('lists every code for operators, and no other', () => {
    const codes = [...readDocument('src/contract/error.ts').matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map((match) => match[1]);
    expect(codes).toContain('CLOSED');
    expect(column(rowsBelow(page, 'Codes for operators'), 0)).toEqual(codes);
  });
});

test('the README has every variable of the configuration, with its default', () => {
  const source = readDocument('src/config.ts');
  const names = [...source.matchAll(/^ {2}([A-Z_]+): /gm)].map((match) => match[1] ?? '');
  const rows = rowsBelow(readDocument('README.md'), 'Configuration');
  const told = new Map(
    rows.flatMap(([cell = '', , value = '']) => cell.split(', ').map((name, at) => [name, value.split(', ')[at] ?? value] as const)),
  );
  expect([...told.keys()].toSorted()).toEqual(names.toSorted());
  // PUBLIC_URL has no plain default: README says what stands in for it.
  const defaults = [...source.matchAll(/@default (\S+) \*\/\n {2}([A-Z_]+):/g)].filter(([, , name]) => name !== 'PUBLIC_URL');
  expect(defaults.length).toBeGreaterThan(5);
  expect(defaults.map(([, , name = '']) => `${name} ${told.get(name)}`)).toEqual(defaults.map(([, value, name]) => `${name} ${value}`));
});

const pages = readdirSync(repository, { withFileTypes: true })
  .filter(({ name }) => !['node_modules', 'data', 'coverage', 'tmp', '.git'].includes(name))
  .flatMap((entry) =>
    entry.isDirectory()
      ? readdirSync(join(repository, entry.name), { recursive: true, encoding: 'utf8' }).map((name) => join(entry.name, name))
      : [entry.name],
  )
  .filter((name) => name.endsWith('.md'));

test.each(pages)('every link of %s leads somewhere', (name) => {
  const text = readDocument(name);
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '').filter((link) => !/^https?:/.test(link));
  const dead = links.filter((link) => {
    const [path = '', anchor] = link.split('#');
    const target = path ? join(dirname(name), path) : name;
    if (!existsSync(join(repository, target))) return true;
    return anchor !== undefined && !anchorsOf(readDocument(target)).includes(anchor);
  });
  expect(dead).toEqual([]);
});

const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-'),
  );
