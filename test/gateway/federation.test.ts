import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startTestHub } from '../kit/hub.ts';
import { createStack } from '../kit/stack.ts';
import { createFederation } from './fixtures/federation.ts';
import { startGateway } from './fixtures/gateway.ts';

const keep = createStack();

test('what runs on a generation leaves it, though the caller was gone before it began', async () => {
  const federation = createFederation();
  const hub = await startGateway({}, new Set(), federation);
  keep({ close: () => hub.stop() });
  await hub.ask('{ __typename }');
  await expect.poll(federation.users).toBe(0);

  const counted = Promise.withResolvers<number>();
  let waits = false;
  hub.ports.counter = () => {
    waits = true;
    return counted.promise;
  };
  const socket = connect(Number(new URL(hub.url).port), '127.0.0.1');
  const body = '{"query":"{ viewer { roles } }"}'; // not answered from what is kept
  socket.write(`POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  await expect.poll(() => waits).toBe(true);
  socket.destroy();
  await expect.poll(() => hub.lines.some(({ facts }) => facts['status'] === 499)).toBe(true);
  counted.resolve(1);
  await hub.ask('{ __typename }');
  await expect.poll(federation.users).toBe(0);
});

test('a subgraph that cannot be reached is refused, with the reason in the language asked for', async () => {
  const hub = await startTestHub({ cities: {} });
  keep(hub);
  const register = (language: string) => `mutation ($input: RegisterSubgraphInput!) {
    registerSubgraph(input: $input) { __typename ... on SubgraphRefused { objections { line column message(language: ${language}) } } }
  }`;
  const ask = async (language: string) =>
    (await hub.ask(register(language), { input: { name: 'bonn', url: 'http://127.0.0.1:9/graphql' } }, 'operator')).data;
  const refused = (message: RegExp) => ({
    registerSubgraph: {
      __typename: 'SubgraphRefused',
      objections: [{ line: 1, column: 1, message: expect.stringMatching(message) as unknown }],
    },
  });
  expect(await ask('DE')).toEqual(refused(/^Der Subgraph wurde nicht aufgenommen: The SDL cannot be had/));
  expect(await ask('EN')).toEqual(refused(/^The subgraph was not taken in: The SDL cannot be had/));
});
