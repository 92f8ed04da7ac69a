import { connect } from 'node:net';
import { expect, test } from 'vitest';
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
