import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveParent } from './parent.ts';

/*
 * The least that can answer a catalogue query over HTTP with Node: it reads the body, does not look at it, and makes the
 * text of an answer that lies ready in memory. `POST /<n>` answers the n-th.
 */
let answers: readonly unknown[] = [];

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    const text = JSON.stringify(answers[Number(request.url?.slice(1))]);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
  });
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

serveParent(
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  {
    answers: (given: readonly unknown[]) => {
      answers = given;
    },
  },
  async () => {
    server.close();
    server.closeAllConnections();
  },
);
