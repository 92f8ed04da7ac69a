import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';

// Tests would get graphql's ES module and the libraries its CommonJS one: two copies, and `instanceof` fails between them.
const graphql = createRequire(import.meta.url).resolve('graphql');

/*
 * `npm test` runs what ends within some minutes, `npm run test:slow` the rest (*.slow.test.ts: minutes in one file). Where everything
 * must run (REQUIRE_SERVICES), both do.
 */
const slow = 'test/**/*.slow.test.ts';
const onlySlow = Boolean(process.env['SLOW_TESTS']);
const everything = Boolean(process.env['REQUIRE_SERVICES']);

export default defineConfig({
  resolve: {
    alias: [
      { find: /^graphql$/, replacement: graphql },
      // As the hub does for adapters that lie elsewhere (src/cities/load/definition.ts).
      { find: /^staedtebund\/contract$/, replacement: new URL('src/contract/contract.ts', import.meta.url).pathname },
    ],
  },
  test: {
    include: onlySlow ? [slow] : ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(onlySlow || everything ? [] : [slow])],
    // Most of a test is waiting for sockets, timers and disks: a worker to each core would leave the cores idle.
    maxWorkers: Math.min(8, 2 * availableParallelism()),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', './test/kit/plain-reporter.ts'],
  },
});
