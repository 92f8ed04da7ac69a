import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { parseSync } from 'oxc-parser';
import { describe, expect, test } from 'vitest';
import { keyComparisons } from './kit/key-comparisons.ts';

/*
 * The floors. A room may import itself and the rooms in its row; a row names folders or files below the repository's root.
 * docs/architecture.md draws the same picture: change both together.
 */
const floors: Record<string, readonly string[]> = {
  'src/contract': [],
  'src/infra': ['src/contract'],
  'src/cities': ['src/infra', 'src/contract'],
  'src/conformance': ['src/cities', 'src/infra', 'src/contract'],
  'src/catalogue': ['src/cities', 'src/infra', 'src/contract'],
  'src/identity': ['src/infra', 'src/contract'],
  'src/applications': ['src/catalogue', 'src/cities', 'src/identity', 'src/infra', 'src/contract'],
  'src/events': ['src/cities', 'src/infra', 'src/contract'],
  'src/coordination': ['src/applications', 'src/catalogue', 'src/events', 'src/cities', 'src/identity', 'src/infra', 'src/contract'],
  'src/federation': ['src/cities', 'src/identity', 'src/infra', 'src/contract'],
  'src/gateway': [
    'src/federation',
    'src/applications',
    'src/catalogue',
    'src/coordination',
    'src/cities',
    'src/events',
    'src/identity',
    'src/infra',
    'src/contract',
  ],
  'src/hub.ts': [
    'src/gateway',
    'src/federation',
    'src/coordination',
    'src/applications',
    'src/catalogue',
    'src/cities',
    'src/events',
    'src/identity',
    'src/infra',
    'src/contract',
  ],
  'src/config.ts': ['src/contract'],
  'src/cli.ts': ['src', 'adapters'],
  'src/cli': ['src', 'adapters'],
  'src/main.ts': [
    'src/hub.ts',
    'src/config.ts',
    'src/federation',
    'src/catalogue',
    'src/infra',
    'src/cities',
    'src/events',
    'src/identity',
    'src/contract',
    'adapters/index.ts',
  ],
  adapters: ['src/contract'],
  sandbox: ['src', 'adapters'],
  bench: ['src', 'adapters', 'sandbox', 'test'],
  test: ['src', 'adapters', 'sandbox', 'bench'],
};

/** Libraries that only one room may know. */
const owners: Record<string, readonly string[]> = {
  kysely: ['src/infra/store', 'src/catalogue', 'src/applications', 'src/coordination', 'src/events', 'src/federation'],
  pg: ['src/infra/store'],
  'node:sqlite': ['src/infra/store'],
  ioredis: ['src/infra/cache'],
  kafkajs: ['src/infra/bus'],
  cockatiel: ['src/cities', 'src/federation'],
  jose: ['src/identity', 'sandbox'],
  'graphql-yoga': ['src/gateway'],
};

const root = join(import.meta.dirname, '..');
const within = (file: string, room: string) => file === room || file.startsWith(`${room}/`);

interface Import {
  readonly from: string;
  readonly to: string;
}

const roomOf = (file: string): string | undefined =>
  Object.keys(floors)
    .filter((room) => within(file, room))
    .toSorted((a, b) => b.length - a.length)[0];

function importsOf(file: string): Import[] {
  const { module } = parseSync(file, readFileSync(join(root, file), 'utf8'));
  const names = [
    ...module.staticImports.map((entry) => entry.moduleRequest.value),
    ...module.staticExports.flatMap((entry) => entry.entries.flatMap((part) => part.moduleRequest?.value ?? [])),
  ];
  return [...new Set(names)].map((name) => {
    if (name === '#contract') return { from: file, to: 'src/contract/contract.ts' };
    return { from: file, to: name.startsWith('.') ? relative(root, normalize(join(root, dirname(file), name))) : name };
  });
}

/** One sentence per import that breaks a floor. */
export function violations(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, to }) => {
    const room = roomOf(from);
    if (!room) return [`${from} stands in no room: give it one in test/architecture.test.ts and docs/architecture.md`];
    const owner = Object.entries(owners).find(([library]) => to === library || to.startsWith(`${library}/`));
    if (owner && from.startsWith('src/') && !owner[1].some((place) => within(from, place)))
      return [`${from} imports ${to}, which only ${owner[1].join(', ')} may know: use the port instead`];
    const target = roomOf(to);
    if (!target) return [];
    if (room === 'adapters') {
      const product = from.split('/').slice(0, 2).join('/');
      // Simulators share the server under them; the adapters themselves share nothing.
      if (from.endsWith('/simulator.ts') && within(to, 'adapters/simulation')) return [];
      const allowed = from === 'adapters/index.ts' || from === 'adapters/conformance.ts' ? within(to, 'adapters') : within(to, product);
      return allowed || within(to, 'src/contract') ? [] : [`${from} imports ${to}: an adapter may import only itself and #contract`];
    }
    const allowed = target === room || (floors[room] ?? []).some((place) => within(to, place));
    return allowed ? [] : [`${from} imports ${to}: ${room} may import only ${floors[room]?.join(', ') || 'itself'}`];
  });
}

const files = ['src', 'adapters', 'sandbox', 'bench'].flatMap((top) =>
  readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => join(top, name)),
);

test('adapters stay small: a client of at most 250 lines, a mapping of at most 150', () => {
  const most: Readonly<Record<string, number>> = { 'client.ts': 250, 'mapping.ts': 150 };
  const large = files.flatMap((file) => {
    const [, name = ''] = /^adapters\/[^/]+\/([^/]+)$/.exec(file) ?? [];
    const lines = readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length;
    return lines > (most[name] ?? Number.POSITIVE_INFINITY) ? [`${file}: ${lines}`] : [];
  });
  expect(large).toEqual([]);
});

describe('the floors hold', () => {
  test('every import goes to the same floor or below', () => {
    expect(violations(files.flatMap(importsOf))).toEqual([]);
  });

  test('only the process reads the environment', () => {
    const readers = files.filter((file) => file.startsWith('src/') && /process\.env\b/.test(readFileSync(join(root, file), 'utf8')));
    expect(readers.filter((file) => file !== 'src/main.ts' && file !== 'src/cli.ts')).toEqual([]);
  });

  test.each([
    [{ from: 'src/contract/x.ts', to: 'src/infra/open.ts' }, 'src/contract may import only itself'],
    [{ from: 'adapters/redmine/index.ts', to: 'src/cities/cities.ts' }, 'an adapter may import only itself and #contract'],
    [{ from: 'adapters/redmine/index.ts', to: 'adapters/rest/client.ts' }, 'an adapter may import only itself and #contract'],
    [{ from: 'adapters/redmine/client.ts', to: 'adapters/simulation/server.ts' }, 'an adapter may import only itself and #contract'],
    [{ from: 'src/gateway/x.ts', to: 'kafkajs' }, 'use the port instead'],
    [{ from: 'lib/x.ts', to: 'src/hub.ts' }, 'stands in no room'],
  ])('a planted violation is named: %o', (planted, sentence) => {
    expect(violations([planted])).toEqual([expect.stringContaining(sentence)]);
  });
});

/** Where keys may be compared as texts: the rules themselves, and the history they are made of. */
const ownRules = new Set(['src/contract/keys.ts', 'src/catalogue/places.ts', 'src/catalogue/memory.ts']);

describe('keys of services and municipalities are compared by the rules of src/contract/keys.ts', { timeout: 120_000 }, () => {
  const planted = 'test/kit/planted-key-comparisons.ts';
  const hits = keyComparisons(root, [planted, ...files.filter((file) => file.startsWith('src/') && !ownRules.has(file))]);

  test('and never as texts, in the hub', () => {
    expect(hits.filter((hit) => !hit.startsWith(planted))).toEqual([]);
  });

  test('whatever is used to compare them as texts is found', () => {
    const lines = readFileSync(join(root, planted), 'utf8').split('\n');
    const wrong = lines.flatMap((line, index) => (line.includes('// wrong') ? [`${planted}:${index + 1}`] : []));
    const found = hits.filter((hit) => hit.startsWith(planted)).map((hit) => hit.slice(0, hit.indexOf(' ')));
    expect(wrong.length).toBeGreaterThan(20);
    expect(found).toEqual(wrong);
  });
});
