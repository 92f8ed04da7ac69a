import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fetch as plainFetch } from 'undici';
import type { CryptoKey } from 'jose';
import type { Json } from '#contract';
import { createSubscriber, type Received, type Subscriber } from './subscriber.ts';
import type { Announced } from './mapping.ts';
import { problemType } from './problems.ts';
import { fitConnectSimulated } from './simulated-world.ts';
import type { SimulatedKeys } from './simulated-keys.ts';
import { parseCallback, verifyCallback } from './webhook.ts';

/** The city's side: a server of its own that is called by FIT-Connect, fetches, decrypts, and decides by signed events. */
export interface SimulatedCity {
  readonly subscriber: Subscriber;
  /** Where FIT-Connect calls it. */
  readonly callbackUrl: string;
  /** What it has fetched and found in order, by case. */
  readonly inbox: ReadonlyMap<string, Received>;
  /** Resolves when what it was called for is fetched. */
  idle(): Promise<void>;
  /** As a caseworker would: `forwarded`, `accepted` or `rejected`. */
  decide(caseId: string, state: 'forwarded' | 'accepted' | 'rejected'): Promise<void>;
  close(): Promise<void>;
}

export interface CityOptions {
  /** Of the simulated FIT-Connect. */
  readonly url: string;
  readonly keys: SimulatedKeys;
  readonly now: () => Date;
  /** JSON Schema of the data it takes. */
  readonly schema: Json;
}

export async function startCity({ url, keys, now, schema }: CityOptions): Promise<SimulatedCity> {
  const { destination, issuer, subscriber: client, schemaUri, callbackSecret } = fitConnectSimulated;
  const toKey = (key: SimulatedKeys['signing']['privateKey'], name: string, hash: string, usage: 'sign' | 'decrypt') =>
    key.toCryptoKey({ name, hash }, false, [usage]) as CryptoKey;
  const subscriber = createSubscriber(
    {
      tokenUrl: `${url}/token`,
      submissionUrl: `${url}/submission-api`,
      issuer,
      ...client,
      destinationId: destination,
      decryptionKey: toKey(keys.encryption.privateKey, 'RSA-OAEP', 'SHA-256', 'decrypt'),
      signingKey: { kid: keys.signing.kid, key: toKey(keys.signing.privateKey, 'RSA-PSS', 'SHA-512', 'sign') },
      schemas: { [schemaUri]: schema },
    },
    { fetch: plainFetch as unknown as typeof fetch, now },
  );
  const closing = new AbortController();
  const call = { signal: closing.signal };
  const inbox = new Map<string, Received>();
  const known = new Map<string, Announced>();
  const underWay = new Set<Promise<void>>();

  async function take(submission: Announced): Promise<void> {
    known.set(submission.caseId, submission);
    const inspection = await subscriber.inspect(submission, call);
    if (inspection.ok) inbox.set(submission.caseId, inspection.received);
    else await subscriber.reject(submission, inspection.problems, call);
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks);
      try {
        verifyCallback(
          callbackSecret,
          new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
          raw,
          now(),
        );
        for (const submission of parseCallback(raw)) {
          const work = take(submission)
            .catch(() => take(submission))
            .catch(() => {})
            .finally(() => underWay.delete(work));
          underWay.add(work);
        }
        response.writeHead(200).end();
      } catch {
        response.writeHead(401).end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    subscriber,
    callbackUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`,
    inbox,
    idle: async () => void (await Promise.all(underWay)),
    async decide(caseId, state) {
      await Promise.all(underWay);
      const submission = known.get(caseId);
      const received = inbox.get(caseId);
      if (!submission || !received) throw new Error(`the city has no submission of the case ${caseId} to decide about`);
      if (state === 'forwarded') await subscriber.forward(submission, call);
      else if (state === 'accepted') await subscriber.accept(submission, received.tags, call);
      else
        await subscriber.reject(submission, [{ type: problemType('schema-violation'), title: 'Angaben fehlen', instance: 'data' }], call);
    },
    async close() {
      closing.abort();
      await Promise.all(underWay);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
