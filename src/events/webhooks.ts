import { createHmac, createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import type { LoggedEvent } from '#contract';
import type { EventWebhook } from '../cities/cities.ts';
import { toRecord } from '../infra/bus/cloudevents.ts';
import type { DeliveryFailure, FailureClass } from './dispatch-rules.ts';
import { AddressRefused, createAddressCheck, guardedLookup } from './webhook-guard.ts';

/*
 * Signed webhooks by Standard Webhooks 1.0 (standardwebhooks.com): `webhook-id` is the event's id, the same at every attempt and replay;
 * `webhook-timestamp` the moment of the attempt; `webhook-signature` one signature per key over `id.timestamp.body`: v1 is HMAC-SHA256,
 * v1a ed25519. The body is the event as CloudEvents 1.0 in structured mode.
 */

/** Outcome of an attempt that did not deliver. */
export class ChannelError extends Error {
  readonly failure: DeliveryFailure;
  constructor(failure: DeliveryFailure, message: string = failure.class) {
    super(message);
    this.name = 'ChannelError';
    this.failure = failure;
  }
}

type Signer = (content: string) => string;

/** PKCS #8 in front of an ed25519 seed (RFC 8410). */
const ed25519Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The signer of a `whsec_…` or `whsk_…` key. */
export function createSigner(secret: string): Signer {
  const key = Buffer.from(secret.slice(secret.indexOf('_') + 1), 'base64');
  if (secret.startsWith('whsec_')) return (content) => `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
  // 64 bytes are seed and public key, as libsodium writes them.
  const own: KeyObject = createPrivateKey({ key: Buffer.concat([ed25519Prefix, key.subarray(0, 32)]), format: 'der', type: 'pkcs8' });
  return (content) => `v1a,${sign(null, Buffer.from(content), own).toString('base64')}`;
}

/** The event as one JSON document: CloudEvents 1.0, structured mode. */
export function structured(event: LoggedEvent, source?: string): string {
  const { headers, value } = toRecord(event, source);
  const attributes = Object.entries(headers).flatMap(([name, text]) => (name.startsWith('ce_') ? [[name.slice(3), text] as const] : []));
  return JSON.stringify({ ...Object.fromEntries(attributes), datacontenttype: 'application/json', data: JSON.parse(value) as unknown });
}

/** Sends events to one address. */
export interface WebhookSender {
  /** @throws ChannelError */
  send(event: LoggedEvent, signal: AbortSignal): Promise<{ readonly status: number }>;
  close(): void;
}

export interface WebhookSenderOptions {
  readonly webhook: EventWebhook;
  /** Plain http and the machine itself are reached. */
  readonly development: boolean;
  readonly source?: string;
  readonly now: () => Date;
}

/** An answer is read no further than this; nobody looks into it. */
const mostAnswerBytes = 16_384;

export function createWebhookSender({ webhook, development, source, now }: WebhookSenderOptions): WebhookSender {
  const url = new URL(webhook.url);
  const signers = webhook.secrets.map(createSigner);
  const isAllowed = createAddressCheck({ privateNetworks: webhook.privateNetworks, loopback: development });
  const secure = url.protocol === 'https:';
  const pool = { keepAlive: true, maxSockets: 64, scheduling: 'lifo' as const };
  const agent = secure ? new HttpsAgent(pool) : new HttpAgent(pool);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const start = secure ? requestHttps : requestHttp;

  return {
    async send(event, signal) {
      // A literal address is not looked up, so it is looked at here.
      if (isIP(host) && !isAllowed(host)) throw new ChannelError({ class: 'ADDRESS_REFUSED' });
      if (!secure && !development) throw new ChannelError({ class: 'MISCONFIGURED' });
      const body = structured(event, source);
      const timestamp = Math.floor(now().getTime() / 1000);
      const content = `${event.id}.${timestamp}.${body}`;
      const headers = {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'staedtebund',
        'webhook-id': event.id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signers.map((signer) => signer(content)).join(' '),
        ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
      };
      const late = AbortSignal.timeout(webhook.timeoutMs);
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const options = { method: 'POST', headers, agent, lookup: guardedLookup(isAllowed), signal: AbortSignal.any([signal, late]) };
        const request = start(url, options, resolve);
        request.once('error', (error) => reject(toChannelError(error, late.aborted)));
        request.end(body);
      });
      try {
        await discard(answer);
      } catch (error) {
        throw toChannelError(error, late.aborted);
      }
      return outcomeOf(answer, now().getTime());
    },
    close: () => agent.destroy(),
  };
}

/** Reads an answer to its end, so that its connection serves again; one that is too long costs its connection. */
async function discard(answer: IncomingMessage): Promise<void> {
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostAnswerBytes) return void answer.destroy();
  }
}

const classes: readonly [statuses: readonly number[], failure: FailureClass][] = [
  [[401, 403, 407], 'UNAUTHORISED'],
  [[404, 405], 'NOT_THERE'],
  [[410], 'GONE'],
  [[408, 425, 429, 503], 'BUSY'],
];

function outcomeOf({ statusCode: status = 0, headers }: IncomingMessage, now: number): { readonly status: number } {
  if (status >= 200 && status < 300) return { status };
  const known = classes.find(([statuses]) => statuses.includes(status))?.[1];
  const failure = known ?? (status >= 500 ? 'SERVER_ERROR' : status >= 400 ? 'REFUSED' : 'REDIRECT');
  const retryAfterMs = retryAfter(headers['retry-after'], now);
  throw new ChannelError({ class: failure, status, ...(retryAfterMs === null ? {} : { retryAfterMs }) });
}

/** `Retry-After` as seconds or as a date (RFC 9110 §10.2.3), in milliseconds. */
export function retryAfter(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}

const toChannelError = (error: unknown, late: boolean): ChannelError =>
  new ChannelError({ class: late ? 'TIMEOUT' : error instanceof AddressRefused ? 'ADDRESS_REFUSED' : 'UNREACHABLE' });
