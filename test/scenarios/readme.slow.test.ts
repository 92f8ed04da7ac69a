import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkOnly, commandsOf, missingLines, readBlocks, type CommandBlock } from '../docs/commands.ts';
import { openReadersFolder, readDocument, repository, type ReadersFolder } from '../docs/sandbox.ts';

const howTos = ['docs/how-to', 'docs/de'].flatMap((folder) => readdirSync(join(repository, folder)).map((name) => `${folder}/${name}`));

/** Commands that need no sandbox and would start, install or test everything. */
const checkedOnly = ({ script }: CommandBlock) => commandsOf(script).map((command) => checkOnly(command, repository));

describe.each(['README.md', 'README.de.md', ...howTos])('every command in %s does what it says', (document) => {
  const blocks = readBlocks(readDocument(document));
  let reader: ReadersFolder;
  beforeAll(async () => {
    reader = await openReadersFolder();
  });
  afterAll(() => reader?.close());

  test('there are commands to run', () => {
    // What needs a cluster with accounts stands there as a console, and is tried by the suite that the page names.
    const console = readDocument(document).includes('```console') && blocks.length === 0;
    if (console) expect(readDocument(document)).toMatch(/`test\/\S+\.test\.ts`/);
    else expect(blocks.filter((block) => checkedOnly(block).includes(null))).not.toEqual([]);
  });

  test.each(blocks)('line $line', { timeout: 120_000 }, async (block) => {
    const checks = checkedOnly(block);
    const complaints = checks.flatMap((check) => check ?? []);
    const runnable = checks.filter((check) => check === null).length;
    expect(complaints, `${document}:${block.line}`).toEqual([]);
    expect([0, checks.length], `${document}:${block.line}: commands that are only checked need a block of their own`).toContain(runnable);
    if (runnable === 0) return;
    const { code, output } = await reader.run(block);
    expect(code, `${document}:${block.line} answered:\n${output}`).toBe(block.exit);
    expect(missingLines(block.answer, output), `${document}:${block.line}: these lines are not in the answer\n${output}`).toEqual([]);
  });
});

describe('the reader of documents', () => {
  test('an answer belongs to the commands right above it', () => {
    const blocks = readBlocks(
      ['```sh exit=2', 'a', '```', '', '```text', 'x … z', '```', 'prose', '```text', 'no answer', '```'].join('\n'),
    );
    expect(blocks).toEqual([{ line: 1, script: 'a', exit: 2, follow: false, answer: ['x … z'] }]);
    expect(missingLines(['x … z'], 'w\nx y z\n')).toEqual([]);
    expect(missingLines(['x … z', 'x … z'], 'x y z')).toEqual(['x … z']);
  });

  test.each([
    ['npm run nonsense', 'package.json has no script nonsense'],
    ['docker compose logs nobody', 'docker-compose.yml has no service nobody'],
  ])('%s is refused although it is not run', (command, complaint) => {
    expect(checkOnly(command, repository)).toContain(complaint);
  });

  test('words behind sh that mean nothing are refused', () => {
    expect(() => readBlocks('```sh exti=2\n```')).toThrow('line 1: after sh stands exit=<code>, follow or nothing, not exti=2');
  });
});
