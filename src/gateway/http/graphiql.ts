import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import manifest from '@graphql-yoga/graphiql/package.json' with { type: 'json' };
import { failure } from '../errors.ts';
import { answer, answerFailure, type Route } from './exchange.ts';
import { exampleTabs } from './examples.ts';

const dist = join(dirname(createRequire(import.meta.url).resolve('@graphql-yoga/graphiql/package.json')), 'dist');

/** Our name of a file, its place in the package (whose worker really has two dots) and its type. */
const assets: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  'graphiql.js': { file: 'yoga-graphiql.umd.js', type: 'text/javascript' },
  'graphiql.css': { file: 'graphiql.css', type: 'text/css' },
  'editor.worker.js': { file: 'monacoeditorwork/editor.worker.bundle.js', type: 'text/javascript' },
  'graphql.worker.js': { file: 'monacoeditorwork/graphql.worker..bundle.js', type: 'text/javascript' },
  'json.worker.js': { file: 'monacoeditorwork/json.worker.bundle.js', type: 'text/javascript' },
};

/** The version is part of the address, so that browsers may keep the files for a year. */
const base = `/graphiql/${manifest.version}`;

const page = `<!doctype html>
<html lang="de">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Städtebund – GraphiQL</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="${base}/graphiql.css" />
    <script defer src="${base}/graphiql.js"></script>
    <script defer src="${base}/start.js"></script>
  </head>
  <body>
    <noscript>GraphiQL braucht JavaScript; die API unter /graphql nicht. – GraphiQL needs JavaScript; the API at /graphql does not.</noscript>
    <main id="root" style="height: 100vh">GraphiQL …</main>
  </body>
</html>
`;

const start = `const workers = { editorWorkerService: 'editor.worker.js', json: 'json.worker.js', graphql: 'graphql.worker.js' };
self.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (_, label) => '${base}/' + (workers[label] ?? workers.editorWorkerService) };
const options = ${JSON.stringify({
  endpoint: '/graphql',
  title: 'Städtebund',
  subscriptionsProtocol: 'SSE',
  credentials: 'omit',
  shouldPersistHeaders: false,
  defaultTabs: exampleTabs,
})};
// Without a query of the address the package would put its own greeting over the first tab.
const query = new URLSearchParams(location.search).get('query') ?? options.defaultTabs[0].query;
YogaGraphiQL.renderYogaGraphiQL(document.getElementById('root'), { ...options, query });
`;

/** Scripts from our own files alone; styles inline too, since the editor sets them as it renders. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const compress = promisify(gzip);

/** GraphiQL under `/graphiql`, from the package's own files: nothing is fetched from anywhere else. */
export function graphiqlRoute(): Route {
  // Read and compressed once, when first asked for, and the same bytes for everybody: a caller who does not read its answer keeps a
  // connection, not five megabytes. Compressed they are one and a half.
  const read = new Map<string, Promise<Buffer>>();
  const once = (name: string, make: () => Promise<Buffer>): Promise<Buffer> => {
    const made = read.get(name) ?? make();
    read.set(name, made);
    // What could not be read is tried again.
    made.catch(() => read.delete(name));
    return made;
  };
  const forever = { 'cache-control': 'public, max-age=31536000, immutable', vary: 'accept-encoding' };

  return async (exchange) => {
    const { url, language, request } = exchange;
    const { pathname } = url;
    if (pathname === '/graphiql' || pathname === '/graphiql/')
      return answer(exchange, 200, 'text/html; charset=utf-8', page, { 'content-security-policy': policy, 'cache-control': 'no-cache' });
    const name = pathname.startsWith(`${base}/`) ? pathname.slice(base.length + 1) : '';
    if (name === 'start.js') return answer(exchange, 200, 'text/javascript; charset=utf-8', start, { 'cache-control': 'no-cache' });
    const asset = Object.hasOwn(assets, name) ? assets[name] : undefined;
    if (!asset) return answerFailure(exchange, failure('NOT_FOUND', language));
    const type = `${asset.type}; charset=utf-8`;
    const plain = () => once(name, () => readFile(join(dist, asset.file)));
    if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return answer(exchange, 200, type, await plain(), forever);
    const bytes = await once(`${name}.gz`, async () => compress(await plain()));
    answer(exchange, 200, type, bytes, { ...forever, 'content-encoding': 'gzip' });
  };
}
