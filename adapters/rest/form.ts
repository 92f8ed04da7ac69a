import { createHash } from 'node:crypto';
import type { Content } from './http.ts';

export interface FormPart {
  readonly part: string;
  /** Present where the part is a file. */
  readonly file?: string;
  readonly type?: string;
  readonly bytes: Uint8Array | string;
}

/** Quotes and line ends as RFC 7578 and the HTML standard encode them in names. */
const escaped = (name: string): string => name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

/** A body of multipart/form-data (RFC 7578). The same parts under the same seed are the same bytes. */
export function formOf(parts: readonly FormPart[], seed: string): Content {
  const boundary = `----staedtebund-${createHash('sha256').update(seed).digest('hex').slice(0, 32)}`;
  const chunks = parts.flatMap(({ part, file, type, bytes }) => [
    `--${boundary}\r\n`,
    `content-disposition: form-data; name="${escaped(part)}"${file === undefined ? '' : `; filename="${escaped(file)}"`}\r\n`,
    type === undefined ? '\r\n' : `content-type: ${type}\r\n\r\n`,
    bytes,
    '\r\n',
  ]);
  const buffers = [...chunks, `--${boundary}--\r\n`].map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
  return { type: `multipart/form-data; boundary=${boundary}`, bytes: new Uint8Array(Buffer.concat(buffers)) };
}
