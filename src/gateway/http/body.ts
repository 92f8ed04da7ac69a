import type { IncomingMessage } from 'node:http';

/**
 * The whole body, or null if it is longer than `most` bytes. The rest of a longer one is thrown away as it comes, so that
 * the caller can read our answer before the connection closes; the server's request timeout ends one that never stops.
 */
export async function readBody(request: IncomingMessage, most: number): Promise<Buffer | null> {
  if (Number(request.headers['content-length'] ?? 0) > most) {
    request.resume();
    return null;
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request
      .on('data', (chunk: Buffer) => {
        length += chunk.byteLength;
        if (length > most) {
          chunks.length = 0;
          resolve(null);
        } else chunks.push(chunk);
      })
      .once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
      .once('error', reject)
      .once('close', () => reject(new Error('The caller went away')));
  });
}
