import { createServer, request as send, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An answer that went by. */
export interface Recorded {
  readonly method: string;
  /** Without what stands behind `?`. */
  readonly path: string;
  readonly type: string;
  readonly body: Buffer;
}

/** Stands before an HTTP server, keeps what it answers, and answers in its place once when it is told to. */
export interface Recorder {
  readonly url: string;
  readonly recorded: Recorded[];
  /** The next answer to what was asked like this one has this body. */
  answerOnce(like: Recorded, body: Buffer): void;
  close(): Promise<void>;
}

const perHop = new Set(['connection', 'transfer-encoding', 'content-length', 'host', 'keep-alive']);
const kept = (headers: IncomingHttpHeaders) => Object.fromEntries(Object.entries(headers).filter(([name]) => !perHop.has(name)));

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Starts it before the server of a URL, whose addresses in answers become its own. */
export async function startRecorder(target: string): Promise<Recorder> {
  const { hostname, port, origin } = new URL(target);
  const recorded: Recorded[] = [];
  let instead: { readonly like: Recorded; readonly body: Buffer } | null = null;
  const server = createServer((request, response) => {
    const serve = async () => {
      const body = await bytesOf(request);
      const { method = 'GET', url = '/' } = request;
      const path = url.split('?')[0] as string;
      if (instead?.like.method === method && instead.like.path === path) {
        const { like, body: put } = instead;
        instead = null;
        return void response.writeHead(200, { 'content-type': like.type, 'content-length': put.length }).end(put);
      }
      const headers = { ...kept(request.headers), ...(body.length > 0 ? { 'content-length': body.length } : {}) };
      const onward = send({ hostname, port, method, path: url, headers, agent: false }, (incoming) => {
        void bytesOf(incoming).then((bytes) => {
          const type = incoming.headers['content-type'] ?? '';
          const answered = /json|xml|text/.test(type) ? Buffer.from(bytes.toString().replaceAll(origin, recorder.url)) : bytes;
          recorded.push({ method, path, type, body: answered });
          response.writeHead(incoming.statusCode ?? 502, { ...kept(incoming.headers), 'content-length': answered.length }).end(answered);
        });
      });
      onward.on('error', () => response.destroy()).end(body);
    };
    serve().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const recorder: Recorder = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    recorded,
    answerOnce: (like, body) => void (instead = { like, body }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return recorder;
}
