import { z } from 'zod';
import { AdapterError, breathe, readJson, type Call, type Host } from '#contract';
import type { XzufiConfig } from './config.ts';
import { failure, get, notAPage } from './get.ts';
import { PIECE, type Message } from './source.ts';

const answer = z.object({
  // A message; some versions are said to give several.
  xzufiObjekte: z.union([z.string(), z.array(z.string())]).nullish(),
  naechsteAnfrageUrl: z.string().nullish(),
  vollstaendig: z.boolean(),
});

const MOST_PAGES = 100_000;

/**
 * PVOG's bulk service (Bereitstelldienst): messages in JSON, page by page until `vollstaendig`. The next page is asked for on
 * the configured host, whatever host its address names. The token is fetched per listing, and once more where it ends meanwhile.
 */
export async function* bulkMessages(bulk: NonNullable<XzufiConfig['bulk']>, host: Host, call: Call): AsyncGenerator<Message> {
  const start = new URL(bulk.url);
  let token = await tokenOf(bulk, host, call);
  const asked = new Set<string>();
  for (let url: URL | null = start; url !== null;) {
    if (asked.has(url.href) || asked.size >= MOST_PAGES)
      throw new AdapterError('malformed', 'none', `${url.pathname}: the pages lead in a circle, or are more than ${MOST_PAGES}`);
    asked.add(url.href);
    let response = await get(url, { authorization: `Bearer ${token}` }, host, call);
    if (response.status === 401) {
      token = await tokenOf(bulk, host, call);
      response = await get(url, { authorization: `Bearer ${token}` }, host, call);
    }
    if (response.status !== 200) throw failure(response, url, host.now());
    const page = await parse(response, url);
    const texts = typeof page.xzufiObjekte === 'string' ? [page.xzufiObjekte] : (page.xzufiObjekte ?? []);
    const name = `${url.pathname}, page ${asked.size}`;
    for (const text of texts) if (text.trim() !== '') yield { name, open: () => inPieces(text, call) };
    if (page.vollstaendig) return;
    url = nextOf(page.naechsteAnfrageUrl, url);
  }
}

function nextOf(address: string | null | undefined, url: URL): URL {
  const next = address ? URL.parse(address, url) : null;
  if (!next)
    throw new AdapterError('malformed', 'none', `${url.pathname}: the page is not the last (vollstaendig) but has no naechsteAnfrageUrl`);
  return new URL(next.pathname + next.search, url.origin);
}

async function* inPieces(text: string, { signal }: Call): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += PIECE) {
    signal.throwIfAborted();
    yield text.slice(at, at + PIECE);
    await breathe();
  }
}

async function parse(response: Response, url: URL): Promise<z.output<typeof answer>> {
  notAPage(response, url);
  const body = await readJson(response);
  const result = answer.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new AdapterError(
    'malformed',
    'none',
    `${url.pathname}: /${issue?.path.map(String).join('/') ?? ''}: ${issue?.message ?? 'not as expected'}`,
  );
}

/** OAuth 2.0 client credentials, the secret in the body. */
async function tokenOf({ tokenUrl, clientId, clientSecret }: NonNullable<XzufiConfig['bulk']>, host: Host, call: Call): Promise<string> {
  const url = new URL(tokenUrl);
  const response = await host.fetch(url, {
    method: 'POST',
    signal: call.signal,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }).toString(),
  });
  if (response.status === 400 || response.status === 401)
    throw new AdapterError('misconfigured', 'none', `${url.pathname} does not accept clientId and clientSecret (${response.status})`);
  if (response.status !== 200) throw failure(response, url, host.now());
  const body = (await readJson(response).catch(() => null)) as { access_token?: unknown } | null;
  if (typeof body?.access_token !== 'string') throw new AdapterError('malformed', 'none', `${url.pathname} gives no access_token`);
  return body.access_token;
}
