import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

// Tests would get graphql's ES module and the libraries its CommonJS one: two copies, and `instanceof` fails between them.
const graphql = createRequire(import.meta.url).resolve('graphql');

export default defineConfig({
  resolve: {
    alias: [
      { find: /^graphql$/, replacement: graphql },
      // As the hub does for adapters that lie elsewhere (src/cities/load/definition.ts).
      { find: /^staedtebund\/contract$/, replacement: new URL('src/contract/contract.ts', import.meta.url).pathname },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', './test/kit/plain-reporter.ts'],
  },
});
