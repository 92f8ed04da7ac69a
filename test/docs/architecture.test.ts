import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readDocument, repository } from './sandbox.ts';

const page = readDocument('docs/architecture.md');

/** Folders that exist for tools or at run time only. */
const unnamed = new Set(['node_modules', 'data', 'coverage', 'tmp']);

const foldersOf = (place: string) =>
  readdirSync(join(repository, place), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !unnamed.has(entry.name))
    .map(({ name }) => name);

test.each(foldersOf('.'))('docs/architecture.md says what is in %s/', (folder) => {
  expect(page, `give ${folder}/ a row in the table "Top level"`).toContain(`| \`${folder}/\` |`);
});

test.each(foldersOf('src'))('docs/architecture.md gives src/%s/ a floor', (folder) => {
  const floors = /^## Floors[\s\S]*?```\n([\s\S]*?)```/m.exec(page)?.[1] ?? '';
  expect(floors.split(/\s+/), `name ${folder}/ in the drawing of the floors`).toContain(`${folder}/`);
});

test.each(foldersOf('adapters'))('docs/architecture.md names adapters/%s', (folder) => {
  expect(page).toContain(`\`${folder}\``);
});
