import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSchema, graphql } from 'graphql';

/** A city's own GraphQL API as the sandbox plays it. */
export interface PortalDefinition {
  readonly sdl: string;
  readonly root: object;
}

/** A portal that runs. */
export interface Portal {
  /** Its GraphQL endpoint. */
  readonly url: string;
  close(): Promise<void>;
}

/** What the portals' API asks for in Authorization, after `Bearer `. */
export const portalToken = 'sandbox-portal-token';

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request.setEncoding('utf8')) {
    text += part as string;
    if (text.length > 1_000_000) throw new Error('too long');
  }
  return text;
}

/** Starts a real GraphQL server (GraphQL over HTTP) on a free port of the loopback. */
export async function startPortal({ sdl, root }: PortalDefinition): Promise<Portal> {
  const schema = buildSchema(sdl);
  const server = createServer((request, response) => {
    const answer = async () => {
      const text = await read(request);
      if (request.url !== '/graphql') return void response.writeHead(404).end();
      if (request.headers.authorization !== `Bearer ${portalToken}`) return void response.writeHead(401).end();
      const { query, variables } = JSON.parse(text) as { query: string; variables?: Record<string, unknown> };
      const result = await graphql({ schema, source: query, rootValue: root, variableValues: variables ?? null });
      const status = result.data === undefined ? 400 : 200;
      response.writeHead(status, { 'content-type': 'application/graphql-response+json; charset=utf-8' }).end(JSON.stringify(result));
    };
    answer().catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What the sandbox says of how fresh a portal's rows are. */
export const now = (): string => new Date().toISOString();
