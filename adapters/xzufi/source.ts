import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AdapterError, breathe, decoderFor, decodeText, type Call, type Host } from '#contract';
import { bulkMessages } from './bulk.ts';
import type { XzufiConfig } from './config.ts';
import { failure, get, notAPage } from './get.ts';

/** One message of a source, as pieces of text. */
export interface Message {
  /** Name for complaints. */
  readonly name: string;
  open(call: Call): AsyncIterable<string>;
}

const MOST_FILES = 5_000;
/** Size of one piece. */
export const PIECE = 64 * 1024;

/** The messages of a source in their order: the file itself, those that a list names, or the pages of the bulk service. */
export async function* messagesOf(config: XzufiConfig, host: Host, call: Call): AsyncGenerator<Message> {
  if (config.bulk) yield* bulkMessages(config.bulk, host, call);
  else yield* await filesOf(config, host, call);
}

async function filesOf(config: XzufiConfig, host: Host, call: Call): Promise<readonly Message[]> {
  const { file, url, maxBytes } = config;
  if (file !== undefined) {
    if (!/\.txt$/i.test(file)) return [fromFile(file, maxBytes)];
    const bytes = await readFile(file, { signal: call.signal }).catch((error: unknown) => {
      throw unreadable(basename(file), error);
    });
    return namesIn(decodeText(bytes), basename(file)).map((name) => {
      if (!/^[^/\\]+$/.test(name) || name === '..')
        throw new AdapterError('malformed', 'none', `${basename(file)}: names of files beside it are expected, without a path`);
      return fromFile(join(dirname(file), name), maxBytes);
    });
  }
  const base = new URL(url ?? '');
  if (!/\.txt$/i.test(base.pathname)) return [fromUrl(base, config, host)];
  const { bytes, contentType } = await download(base, config, host, call);
  const names = namesIn(decodeText(bytes, { contentType }), base.pathname);
  return names.map((name) => {
    const target = URL.parse(name, base);
    if (target?.origin !== base.origin) throw new AdapterError('malformed', 'none', `${base.pathname}: a name leads to another host`);
    return fromUrl(target, config, host);
  });
}

function namesIn(text: string, list: string): readonly string[] {
  const names = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (names.length === 0) throw new AdapterError('malformed', 'none', `${list}: the list names no file`);
  if (names.length > MOST_FILES) throw new AdapterError('malformed', 'none', `${list}: more than ${MOST_FILES} files`);
  return names;
}

const unreadable = (name: string, error: unknown): AdapterError => {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? 'unknown';
  return code === 'ABORT_ERR'
    ? new AdapterError('unavailable', 'none', `${name}: reading was stopped`)
    : new AdapterError('misconfigured', 'none', `${name}: cannot be read (${code}); check config.file`);
};

function fromFile(path: string, maxBytes: number): Message {
  const name = basename(path);
  return {
    name,
    async *open({ signal }) {
      try {
        const { size } = await stat(path);
        if (size > maxBytes) throw new AdapterError('malformed', 'none', `${name}: larger than ${maxBytes} bytes (config.maxBytes)`);
        yield* decoded(createReadStream(path, { highWaterMark: PIECE, signal, end: maxBytes }) as AsyncIterable<Uint8Array>, name);
      } catch (error) {
        throw error instanceof AdapterError ? error : unreadable(name, error);
      }
    },
  };
}

function fromUrl(url: URL, config: XzufiConfig, host: Host): Message {
  return {
    name: url.pathname,
    async *open(call) {
      const { bytes, contentType } = await download(url, config, host, call);
      yield* decoded(piecesOf(bytes, call), url.pathname, contentType);
    },
  };
}

async function* piecesOf(bytes: Uint8Array, { signal }: Call): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE) {
    yield bytes.subarray(at, at + PIECE);
    await breathe();
    signal.throwIfAborted();
  }
}

/** XML by its charset, piece by piece. */
async function* decoded(pieces: AsyncIterable<Uint8Array>, name: string, contentType: string | null = null): AsyncGenerator<string> {
  let decoder: TextDecoder | null = null;
  try {
    for await (const bytes of pieces) {
      decoder ??= decoderFor(bytes, { contentType, xml: true });
      yield decoder.decode(bytes, { stream: true });
    }
    yield decoder?.decode() ?? '';
  } catch (error) {
    if (error instanceof AdapterError && error.kind === 'malformed')
      throw new AdapterError('malformed', 'none', `${name}: ${error.message}`, { cause: error });
    if (!(error instanceof TypeError)) throw error;
    throw new AdapterError('malformed', 'none', `${name}: holds bytes that are not ${decoder?.encoding ?? 'text'}`);
  }
}

interface Download {
  readonly bytes: Uint8Array;
  readonly contentType: string | null;
}

async function download(url: URL, { auth }: XzufiConfig, host: Host, call: Call): Promise<Download> {
  const response = await get(url, credentials(auth), host, call);
  if (response.status !== 200) throw failure(response, url, host.now());
  notAPage(response, url);
  return { bytes: new Uint8Array(await response.arrayBuffer()), contentType: response.headers.get('content-type') };
}

function credentials(auth: XzufiConfig['auth']): Record<string, string> {
  if (!auth) return {};
  if ('header' in auth) return { [auth.header]: auth.secret };
  if (auth.scheme === 'bearer') return { authorization: `Bearer ${auth.secret}` };
  return { authorization: `Basic ${Buffer.from(`${auth.user}:${auth.secret}`).toString('base64')}` };
}
