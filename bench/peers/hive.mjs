import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { unifiedGraphHandler } from '@graphql-hive/router-runtime';
import { serveParent } from '../parent.ts';

/*
 * Hive Gateway's runtime with the planner in Rust, as its documentation sets it up, in front of the hub (one of its subgraphs
 * here) and of the city. It hands on who asks, as the hub does not need to.
 */
const gateway = createGatewayRuntime({
  supergraph: process.env.BENCH_SUPERGRAPH,
  unifiedGraphHandler,
  logging: false,
  propagateHeaders: { fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get('authorization') ?? '' }) },
});
const server = createServer((request, response) => void gateway(request, response));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

serveParent(`http://127.0.0.1:${server.address().port}`, {}, async () => {
  server.close();
  server.closeAllConnections();
  await gateway[Symbol.asyncDispose]();
});
