declare module 'snowball-stemmers' {
  /** Stemmer of a language by its English name. */
  export function newStemmer(language: 'german'): { stem(word: string): string };
}
