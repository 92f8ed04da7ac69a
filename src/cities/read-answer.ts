import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';

/** Names and values as they came, in pairs. */
export type RawHeaders = Readonly<Record<string, string | string[] | undefined>>;

const hasNoBody = (status: number): boolean => status === 204 || status === 205 || status === 304;

const toPairs = (raw: RawHeaders): [string, string][] =>
  Object.entries(raw).flatMap(([name, value]) =>
    value === undefined ? [] : (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, one]),
  );

const textOf = (value: string | string[] | undefined): string | null =>
  value === undefined ? null : Array.isArray(value) ? value.join(', ') : value;

/** The headers of an answer: the usual question for one of them is answered from what came, all others by the platform's. */
class ReadHeaders {
  readonly #raw: RawHeaders;
  #whole: Headers | undefined;
  constructor(raw: RawHeaders) {
    this.#raw = raw;
  }
  get(name: string): string | null {
    // Names came in lower case.
    return this.#whole ? this.#whole.get(name) : textOf(this.#raw[name.toLowerCase()]);
  }
  has(name: string): boolean {
    return this.#whole ? this.#whole.has(name) : this.#raw[name.toLowerCase()] !== undefined;
  }
  /** From here on the platform's object is what counts. */
  whole(): Headers {
    return (this.#whole ??= new Headers(toPairs(this.#raw)));
  }
}
for (const name of ['append', 'delete', 'entries', 'forEach', 'getSetCookie', 'keys', 'set', 'values'] as const)
  Object.defineProperty(ReadHeaders.prototype, name, {
    value(this: ReadHeaders, ...args: never[]) {
      return (this.whole()[name] as (...those: never[]) => unknown)(...args);
    },
  });
Object.defineProperty(ReadHeaders.prototype, Symbol.iterator, {
  value(this: ReadHeaders) {
    return this.whole().entries();
  },
});
Object.setPrototypeOf(ReadHeaders.prototype, Headers.prototype);

/**
 * An answer that was read to its end, as a Response. It is one to every adapter (`instanceof`, all members), but headers and
 * streams are made when they are asked for: most answers are asked for a status, one header and their text, and a Response of
 * the platform costs more than reading those from the wire.
 */
class ReadAnswer {
  readonly status: number;
  readonly ok: boolean;
  readonly statusText = '';
  readonly type = 'default';
  readonly redirected = false;
  readonly url: string;
  readonly #raw: RawHeaders;
  readonly #bytes: Buffer;
  #headers: Headers | undefined;
  #used = false;
  #body: ReadableStream<Uint8Array> | null | undefined;

  constructor(url: string, status: number, raw: RawHeaders, bytes: Buffer) {
    this.url = url;
    this.status = status;
    this.ok = status >= 200 && status < 300;
    this.#raw = raw;
    this.#bytes = hasNoBody(status) ? Buffer.alloc(0) : bytes;
  }

  get headers(): Headers {
    return (this.#headers ??= new ReadHeaders(this.#raw) as unknown as Headers);
  }

  get bodyUsed(): boolean {
    return this.#used;
  }

  /** Reading it counts as reading the answer, as of any Response. */
  get body(): ReadableStream<Uint8Array> | null {
    if (this.#body === undefined) this.#body = hasNoBody(this.status) ? null : new Response(new Uint8Array(this.#bytes)).body;
    return this.#body;
  }

  #take(): Buffer {
    if (this.#used || this.#body?.locked) throw new TypeError('Body is unusable: it has been read already');
    this.#used = true;
    return this.#bytes;
  }

  // Each is async, so that a body read twice is a rejection, as of any Response.
  async text(): Promise<string> {
    const bytes = this.#take();
    // A byte order mark is no part of the text.
    return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.toString('utf8', 3) : bytes.toString();
  }
  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(this.#take());
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    return new Uint8Array(this.#take()).buffer;
  }
  async blob(): Promise<Blob> {
    return this.#platform().blob();
  }
  async formData(): Promise<FormData> {
    return this.#platform().formData();
  }
  clone(): Response {
    if (this.#used) throw new TypeError('Body is unusable: it has been read already');
    return new ReadAnswer(this.url, this.status, this.#raw, this.#bytes) as unknown as Response;
  }

  #platform(): Response {
    return new Response(new Uint8Array(this.#take()), { headers: toPairs(this.#raw) });
  }
}
Object.setPrototypeOf(ReadAnswer.prototype, Response.prototype);

/** A Response of what was read from the wire. */
export const readAnswer = (url: string, status: number, headers: RawHeaders, bytes: Buffer): Response =>
  new ReadAnswer(url, status, headers, bytes) as unknown as Response;

/**
 * The bytes as they were before the server packed them, which it may do although nobody asked.
 * @throws RangeError where they unpack to more than `most`, and others where they do not unpack
 */
export function unpacked(bytes: Buffer, encoding: string | undefined, most: number): Buffer {
  switch (encoding?.trim().toLowerCase() ?? '') {
    case 'gzip':
    case 'x-gzip':
      return gunzipSync(bytes, { maxOutputLength: most });
    case 'deflate':
      return inflateSync(bytes, { maxOutputLength: most });
    case 'br':
      return brotliDecompressSync(bytes, { maxOutputLength: most });
    default:
      return bytes;
  }
}
