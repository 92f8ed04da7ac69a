import type { Language } from '#contract';

/** The language of help and of what keeps a process from starting: that of `--language`, else that of the environment; German if neither says English. */
export function chosenLanguage(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Language {
  const at = argv.findIndex((word) => word === '--language' || word.startsWith('--language='));
  const chosen = at < 0 ? undefined : (argv[at]?.split('=')[1] ?? argv[at + 1]);
  return /^en/i.test(chosen ?? (env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || '')) ? 'EN' : 'DE';
}
