import type { Language } from '#contract';

/** What limits say, our own and those of the libraries that hold some of them, and the same in German; `$1` is the first number. */
const german: readonly (readonly [RegExp, string])[] = [
  [/^Token limit of (\d+) exceeded.*$/, 'Die Anfrage hat mehr als $1 Token (Wörter und Zeichen der Sprache). Teilen Sie sie auf.'],
  [/^Query depth limit of (\d+) exceeded, found (\d+).*$/, 'Die Anfrage ist $2 Ebenen tief; erlaubt sind höchstens $1.'],
  [/^Aliases limit of (\d+) exceeded, found (\d+).*$/, 'Die Anfrage hat $2 Aliasse; erlaubt sind höchstens $1.'],
  [/^The document has (\d+) characters; .* (\d+) are allowed\.$/, 'Die Anfrage hat $1 Zeichen; erlaubt sind höchstens $2.'],
  [
    /^The operation costs (\d+); at most (\d+) is allowed\..*$/,
    'Die Anfrage kostet $1; erlaubt sind höchstens $2. Fragen Sie nach weniger Zeilen (first), oder suchen Sie nach weniger Texten.',
  ],
  [
    /^The operation has more than (\d+) fields .*$/,
    'Mit ausgeschriebenen Fragmenten hat die Anfrage mehr als $1 Felder. Teilen Sie sie auf.',
  ],
];

/** The message of a limit in the caller's language; as it is if nobody has translated it. */
export function limitText(message: string, language: Language): string {
  if (language === 'EN') return message;
  const [pattern, text] = german.find(([one]) => one.test(message)) ?? [];
  return pattern && text !== undefined ? message.replace(pattern, text) : message;
}
