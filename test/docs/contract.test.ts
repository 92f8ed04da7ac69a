import { parseSync } from 'oxc-parser';
import { describe, expect, test } from 'vitest';
import { contractVersion } from '#contract';
import { checks } from '../../src/conformance/checks.ts';
import { readDocument } from './sandbox.ts';

const page = readDocument('docs/reference/contract.md');
const { program } = parseSync('adapter.ts', readDocument('src/contract/adapter.ts'));

/** Names of an exported interface or class and of what it holds. */
const members = program.body.flatMap((statement) => {
  const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : null;
  if (declaration?.type !== 'TSInterfaceDeclaration' && declaration?.type !== 'ClassDeclaration') return [];
  return (declaration.body.body as readonly { key?: { name?: string } }[]).flatMap(({ key }) =>
    key?.name && key.name !== 'constructor' ? [[declaration.id?.name ?? '', key.name] as const] : [],
  );
});

describe('docs/reference/contract.md', () => {
  test('is about the whole of src/contract/adapter.ts', () => {
    expect(new Set(members.map(([owner]) => owner)).size).toBeGreaterThan(15);
  });

  test.each(members)('names %s.%s', (owner, member) => {
    expect(page, `${owner} in \`…\``).toMatch(new RegExp(`\`${owner}\``));
    expect(page, `${owner}.${member} in \`…\``).toMatch(new RegExp(`\`${member}\\b`));
  });

  test('names the version', () => {
    expect(page).toContain(`version **${contractVersion}**`);
  });

  test('names no check that there is not', () => {
    const named = [
      ...page.matchAll(
        /`((?:def|config|life|check|submit|withdraw|cases|changes|webhook|catalogue|events|rows|fault|abort)\.[a-z0-9*-]+)`/g,
      ),
    ].map((match) => match[1] ?? '');
    expect(named.length).toBeGreaterThan(15);
    const ids = checks.map(({ id }) => id);
    const unknown = named.filter((name) => !ids.some((id) => (name.endsWith('*') ? id.startsWith(name.slice(0, -1)) : id === name)));
    expect(unknown).toEqual([]);
  });
});

test('docs/how-to/write-an-adapter.md says of every check what its failure mostly means', () => {
  const howTo = readDocument('docs/how-to/write-an-adapter.md');
  expect(checks.map(({ id }) => id).filter((id) => !howTo.includes(`\`${id}\``))).toEqual([]);
});
