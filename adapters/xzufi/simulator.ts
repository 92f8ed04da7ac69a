import { readFileSync } from 'node:fs';
import { runSimulator } from '../simulation/command.ts';
import { startSimulator, type SimulatedAnswer, type Simulator, type SimulatorOptions } from '../simulation/server.ts';

export interface XzufiSimulatorOptions extends SimulatorOptions {
  /** Token it wants as `Authorization: Bearer`. @default none is needed */
  readonly secret?: string;
}

/** A running simulator whose files can be changed. */
export interface XzufiSimulator extends Simulator {
  /** Puts a file in place, or takes it away with null; the list follows. */
  setFile(name: string, text: string | null): void;
}

/** The constructed message that lies beside the conformance files. It is no real export: none was to be had. */
export const constructed = (): string => readFileSync(new URL('conformance/constructed.xml', import.meta.url), 'utf8');

/**
 * An editorial system as PVOG's collector meets it: `/index.txt` with a name per line, and each file under its name. What it serves
 * is constructed.
 */
export async function startXzufiSimulator(options: XzufiSimulatorOptions = {}): Promise<XzufiSimulator> {
  const { secret } = options;
  const files = new Map([['leistungen-1.xml', constructed()]]);

  const serve = (path: string): SimulatedAnswer => {
    if (path === '/index.txt')
      return { status: 200, text: [...files.keys()].join('\n'), headers: { 'content-type': 'text/plain; charset=utf-8' } };
    const text = files.get(path.slice(1));
    return text === undefined
      ? { status: 404, body: { error: 'no such file' } }
      : { status: 200, text, headers: { 'content-type': 'application/xml' } };
  };

  /** PVOG's bulk service: one message per page; the next address names a host that only PVOG knows. */
  const serveBulk = (index: number): SimulatedAnswer => {
    const all = [...files.values()];
    const next = index + 1;
    const more = next < all.length;
    return {
      status: 200,
      body: {
        xzufiObjekte: all[index] ?? '',
        naechsterIndex: next,
        naechsteAnfrageUrl: more ? `http://bereitstelldienst.intern/bulk?index=${next}` : null,
        vollstaendig: !more,
      },
    };
  };

  const simulator = await startSimulator(
    {
      path: [],
      answer({ method, url, headers, text }) {
        if (method === 'POST' && url.pathname === '/token') return giveToken(text, secret ?? '');
        if (secret !== undefined && headers.get('authorization') !== `Bearer ${secret}`)
          return { status: 401, body: { error: 'unknown token' } };
        if (method === 'GET' && url.pathname === '/bulk') return serveBulk(Number(url.searchParams.get('index') ?? 0));
        return method === 'GET' ? serve(url.pathname) : { status: 405, body: { error: 'only files' } };
      },
    },
    options,
  );
  return {
    ...simulator,
    setFile(name, text) {
      if (text === null) files.delete(name);
      else files.set(name, text);
    },
  };
}

/** The token is the secret itself: what counts is how it is asked for. */
function giveToken(text: string, secret: string): SimulatedAnswer {
  const form = new URLSearchParams(text);
  const right = form.get('grant_type') === 'client_credentials' && form.get('client_id') === 'hub' && form.get('client_secret') === secret;
  return right
    ? { status: 200, body: { token_type: 'Bearer', access_token: secret, expires_in: 300 } }
    : { status: 401, body: { error: 'invalid_client' } };
}

if (import.meta.main)
  await runSimulator(['secret'], (options, { secret }) => startXzufiSimulator({ ...options, ...(secret === undefined ? {} : { secret }) }));
