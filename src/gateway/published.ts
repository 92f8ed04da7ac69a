import { createHash } from 'node:crypto';
import { answer, type Route } from './http/exchange.ts';

/** Version of the published schema; schema/CHANGELOG.md says what is in it. */
export const schemaVersion = '0.2.0';

/** The schema as portal developers get it. */
export const publishedSchema = (sdl: string): string => `# Städtebund API, version ${schemaVersion}\n${sdl.replace(/^#.*\n+/, '')}`;

/** `/schema.graphql`: a tool that looks for a new version sends the tag of the one it has. */
export function schemaRoute(sdl: string): Route {
  const text = publishedSchema(sdl);
  const etag = `"${createHash('sha256').update(text).digest('base64url')}"`;
  const headers = { etag, 'cache-control': 'public, max-age=300' };
  return (exchange) => {
    const known = exchange.request.headers['if-none-match'];
    if (known?.split(',').some((one) => one.trim().replace(/^W\//, '') === etag))
      return void exchange.response.writeHead(304, headers).end();
    answer(exchange, 200, 'text/plain; charset=utf-8', text, headers);
  };
}
