import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { putIntoGerman } from '../../src/cli/help.ts';
import { chosenLanguage } from '../../src/infra/language.ts';

const run = promisify(execFile);
const command = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

/** What the command prints, whichever way it ends. */
async function said(...words: string[]): Promise<string> {
  const env = { ...process.env, LC_ALL: '', LC_MESSAGES: '', LANG: 'C.UTF-8' };
  const told = await run(process.execPath, [command, ...words], { env }).catch((error: { stdout: string; stderr: string }) => error);
  return told.stdout + told.stderr;
}

test('every verb and every option has German help', async () => {
  const { argv } = process;
  const print = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  process.argv = ['node', 'staedtebund', '--language', 'EN', '--help'];
  const { program } = await import('../../src/cli.ts');
  print.mockRestore();
  process.argv = argv;
  expect(program.commands.length).toBeGreaterThan(10);
  expect(putIntoGerman(program)).toEqual([]);
  program.command('new-verb').description('does something new');
  expect(putIntoGerman(program.commands.at(-1) ?? program)).toEqual(['does something new']);
});

test('help and wrong calls are told in the language asked for', async () => {
  const german = await said('events', 'deliveries', '--help');
  expect(german).toContain('Aufruf: staedtebund events deliveries [Optionen]');
  expect(german).toMatch(/--city <Kennung oder ARS> +nur an diese Stadt/);
  expect(german).not.toMatch(/Usage|Options|default|choices/);
  expect(await said('check', '--bogus')).toContain('Fehler: Die Option „--bogus“ gibt es nicht.');
  expect(await said('--language', 'EN', 'check', '--bogus')).toContain("error: unknown option '--bogus'");
});

test.each([
  [['--language', 'EN'], { LANG: 'de_DE.UTF-8' }, 'EN'],
  [['--language=DE'], { LANG: 'en_GB.UTF-8' }, 'DE'],
  [[], { LANG: 'en_GB.UTF-8' }, 'EN'],
  [[], { LC_ALL: 'de_DE.UTF-8', LANG: 'en_GB.UTF-8' }, 'DE'],
  [[], {}, 'DE'],
] as const)('%j with %j has help in %s', (argv, env, language) => {
  expect(chosenLanguage(argv, env)).toBe(language);
});
