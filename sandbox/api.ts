import { readFileSync } from 'node:fs';

/** A running sandbox, as one of its personas uses it. */
export interface SandboxApi {
  /** @throws Error with the hub's own words where it answers with errors */
  ask<T>(query: string, variables?: object): Promise<T>;
  /** Answers of a subscription as they come (GraphQL over SSE), until the signal aborts or the hub ends it. */
  follow<T>(query: string, variables: object, signal?: AbortSignal): AsyncGenerator<T>;
}

interface Answer<T> {
  readonly data?: T | null;
  readonly errors?: readonly { readonly message: string }[];
}

/** Where the hub and its issuer listen. */
export interface SandboxAddresses {
  readonly hub: string;
  readonly issuer: string;
}

/**
 * Addresses of the sandbox that runs in this folder.
 * @throws Error saying how to start one
 */
export function findSandbox(): SandboxAddresses {
  const none = new Error('No sandbox has written data/sandbox/.env: start one with npm start, and run this in the same folder.');
  let text: string;
  try {
    text = readFileSync('data/sandbox/.env', 'utf8');
  } catch {
    throw none;
  }
  const value = (name: string) => new RegExp(`^${name}=(.+)$`, 'm').exec(text)?.[1];
  const [hub, issuer] = [value('HUB_URL'), value('ISSUER_URL')];
  if (!hub || !issuer) throw none;
  return { hub, issuer };
}

/** The API as a persona sees it; a new token is asked for each time, for they do not last. */
export function openApi({ hub, issuer }: SandboxAddresses, persona: string): SandboxApi {
  async function request(accept: string, body: object, signal?: AbortSignal): Promise<Response> {
    const granted = await fetch(`${issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: persona }),
      ...(signal ? { signal } : {}),
    });
    const { access_token } = (await granted.json()) as { access_token?: string };
    if (!access_token) throw new Error(`the sandbox's issuer knows no persona ${persona}`);
    return fetch(`${hub}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept, authorization: `Bearer ${access_token}` },
      body: JSON.stringify(body),
      ...(signal ? { signal } : {}),
    });
  }

  const taken = <T>({ data, errors }: Answer<T>): T => {
    if (errors?.length || !data) throw new Error(errors?.map(({ message }) => message).join('; ') ?? 'no answer');
    return data;
  };

  return {
    ask: async <T>(query: string, variables: object = {}) =>
      taken((await (await request('application/json', { query, variables })).json()) as Answer<T>),
    async *follow<T>(query: string, variables: object, signal?: AbortSignal) {
      const { body } = await request('text/event-stream', { query, variables }, signal);
      let text = '';
      for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += chunk;
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const line = /^data: (.+)$/m.exec(text.slice(0, end))?.[1];
          text = text.slice(end + 2);
          if (line) yield taken(JSON.parse(line) as Answer<T>);
        }
      }
    },
  };
}
