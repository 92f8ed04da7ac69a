import { createHmac, timingSafeEqual } from 'node:crypto';
import { AdapterError, decodeText, parseJson, readChanges, type Host, type Json, type WebhookPort } from '#contract';
import type { RestConfig } from './config.ts';
import type { CaseReader } from './mapping.ts';
import { at } from './pointer.ts';

/** The signature of a notification (Standard Webhooks 1.0, scheme v1): HMAC-SHA256 over id, timestamp in seconds and body. */
export function sign(secret: string, id: string, timestamp: number | string, body: string | Uint8Array): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
}

/** Notifications as Standard Webhooks describes them: `webhook-id`, `webhook-timestamp`, `webhook-signature`. */
export function createWebhook(config: NonNullable<RestConfig['webhook']>, cases: CaseReader, host: Host): WebhookPort {
  const refuse = (why: string) => new AdapterError('rejected', 'none', `the notification was refused: ${why}`);

  /** @returns the id of the message */
  function verify(headers: Headers, raw: Uint8Array): string {
    const id = headers.get('webhook-id');
    const timestamp = headers.get('webhook-timestamp');
    if (!id || !timestamp || !/^\d{1,12}$/.test(timestamp)) throw refuse('webhook-id or webhook-timestamp is missing');
    const expected = Buffer.from(sign(config.secret, id, timestamp, raw));
    // Several signatures while a secret is being changed.
    const given = (headers.get('webhook-signature') ?? '')
      .split(' ')
      .slice(0, 10)
      .map((text) => Buffer.from(text));
    if (!given.some((one) => one.length === expected.length && timingSafeEqual(one, expected)))
      throw refuse('the signature does not verify');
    const age = Math.abs(host.now().getTime() / 1000 - Number(timestamp));
    if (age > config.toleranceSeconds) throw refuse('it is too old or from the future');
    return id;
  }

  return {
    traits: { auth: 'signature', replayWindowMs: config.toleranceSeconds * 1000 },
    async receive({ headers, raw }) {
      const id = verify(headers, raw);
      const body = await parseJson(decodeText(raw, { contentType: headers.get('content-type'), lenient: true }), 'none', { lenient: true });
      const found = at(body, config.items);
      // A list of one may come as the one itself.
      const items = !Array.isArray(found) && found !== null && typeof found === 'object' ? [found] : found;
      if (!Array.isArray(items)) throw new AdapterError('malformed', 'none', `the notification has no list at ${config.items}`);
      const { items: changes, malformed } = await readChanges(items as readonly Json[], cases.toChange, cases.idOf);
      // One that names no case at all is no notification of this back office.
      if (changes.length === 0 && malformed[0] && malformed.every(({ id }) => id === undefined))
        throw new AdapterError('malformed', 'none', malformed[0].reason);
      return { id, changes, malformed };
    },
  };
}
