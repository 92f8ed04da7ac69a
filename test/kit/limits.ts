import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';

/*
 * Every limit on what one request may ask for, and how each is taken away: as a control of the search for the worst request, which must then
 * find more, or it proves nothing. Source is changed where it is loaded, because most limits are no settings, and nobody should be
 * able to set them.
 */

interface Change {
  /** Below the root of the repository. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

interface Limit {
  readonly changes: readonly Change[];
  /** What holds where this one alone is gone: test/experiments/RESULTS.md says how that was found. @default nothing does */
  readonly alsoHeldBy?: string;
}

const one = (file: string, from: string, to: string, alsoHeldBy?: string): Limit => ({
  changes: [{ file, from, to }],
  ...(alsoHeldBy === undefined ? {} : { alsoHeldBy }),
});

/** Limits on an anonymous question. */
export const limits: Readonly<Record<string, Limit>> = {
  body: one('src/gateway/gateway.ts', 'settings.mostBytes ?? 262_144', '1e9'),
  characters: one('src/gateway/limits.ts', 'limits.characters ?? 20_000', '1e9', 'body'),
  tokens: one('src/gateway/limits.ts', 'limits.tokens ?? 2000', '1e9', 'characters'),
  depth: one('src/gateway/limits.ts', 'limits.depth ?? 10', '1e9', 'cost'),
  aliases: one('src/gateway/limits.ts', 'limits.aliases ?? 30', '1e9', 'cost, tokens'),
  cost: one('src/gateway/limits.ts', 'limits.values ?? defaultMostValues', '1e12'),
  complaints: one(
    'src/gateway/limits.ts',
    '{ maxErrors: 1 }, typeInfo).slice(0, 1)',
    '{ maxErrors: 1e6 }, typeInfo)',
    'tokens, characters',
  ),
  'complaints about variables': one('src/gateway/values-unsaid.ts', 'mostErrors = 50', 'mostErrors = 1e9'),
  page: {
    alsoHeldBy: 'cost',
    changes: ['src/gateway/pages.ts', 'src/catalogue/pages.ts'].map((file) => ({
      file,
      from: 'longestPage = 100',
      to: 'longestPage = 1e9',
    })),
  },
  'text of an argument': {
    alsoHeldBy: 'text that is searched, characters',
    changes: [
      ['search: 200', 'search: 1e9'],
      ['lifeSituation: 100', 'lifeSituation: 1e9'],
      ['after: 500', 'after: 1e9'],
      ['mostOfArgument = 300', 'mostOfArgument = 1e9'],
    ].map(([from, to]) => ({ file: 'src/gateway/text-bounds.ts', from: from as string, to: to as string })),
  },
  'text that is searched': one('src/catalogue/search/words.ts', 'longestQuery = 200', 'longestQuery = 1e9', 'text of an argument'),
  'words that are searched': {
    alsoHeldBy: 'text that is searched',
    changes: [
      { file: 'src/catalogue/search/words.ts', from: 'mostWords = 16', to: 'mostWords = 1e9' },
      { file: 'src/catalogue/search/words.ts', from: 'mostOfSentence = 36', to: 'mostOfSentence = 1e9' },
      { file: 'src/catalogue/search/services.ts', from: 'mostLoud = 16', to: 'mostLoud = 1e9' },
    ],
  },
  'letters of a word': one('src/catalogue/search/words.ts', 'longestWord = 40', 'longestWord = 1e9', 'search in linear time'),
  'work of a search': one('src/catalogue/search/services.ts', 'mostSteps = 15_000', 'mostSteps = 1e12', 'text that is searched'),
  'words compared': one(
    'src/catalogue/search/typos.ts',
    'mostCompared = 500',
    'mostCompared = 1e9',
    'work of a search, for lists of this size',
  ),
  regions: one('src/gateway/resolvers/catalogue.ts', 'mostRegions = 50', 'mostRegions = 1e9', 'cost, entries of a list'),
  'entries of a list': one('src/gateway/text-bounds.ts', 'mostEntries = 100', 'mostEntries = 1e9', 'regions'),
  representations: one('src/gateway/subgraph.ts', 'mostRepresentations = 1000', 'mostRepresentations = 1e9', 'cost, body'),
  'values of JSON': one('src/gateway/scalars.ts', 'const most = 20_000', 'const most = 1e9', 'body'),
  'levels of JSON': one(
    'src/gateway/scalars.ts',
    'const deepest = 32',
    'const deepest = 1e9',
    'body, values of JSON: it keeps the stack, not the time',
  ),
  answer: one('src/gateway/gateway.ts', 'settings.mostAnswerBytes ?? 1_000_000', '1e9'),
};

const root = join(import.meta.dirname, '../..');

/** Where a change does not fit any more. */
export const misfits = (): readonly string[] =>
  Object.values(limits)
    .flatMap(({ changes }) => changes)
    .filter(({ file, from }) => readFileSync(join(root, file), 'utf8').split(from).length !== 2)
    .map(({ file, from }) => `${file}: ${from}`);

/** Takes limits away from what is loaded from now on. */
export function takeAway(names: readonly string[]): void {
  const changes = names.flatMap((name) => {
    const limit = limits[name];
    if (!limit) throw new Error(`No limit ${name}; there are ${Object.keys(limits).join(', ')}`);
    return limit.changes;
  });
  if (changes.length === 0) return;
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      const own = changes.filter(({ file }) => url.endsWith(`/${file}`));
      if (own.length === 0) return loaded;
      const { source } = loaded;
      const text = typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString();
      return { ...loaded, source: own.reduce((changed, { from, to }) => changed.replace(from, () => to), text) };
    },
  });
}
