import { createHash } from 'node:crypto';
import { isAdapterError } from '#contract';
import type { ApplicationsDeps } from './applications.ts';
import type { Changes } from './changes.ts';

/** How long the check of a notification may take. */
const deadlineMs = 5000;

/**
 * A notification of a city's back office: the adapter verifies and parses it, the hub applies it and only then says yes, so
 * that what was acknowledged is durable. Not a call to the city: its breaker and bulkhead do not count it.
 */
export async function receiveWebhook(
  deps: ApplicationsDeps,
  changes: Changes,
  target: { readonly city: string; readonly adapter: string },
  request: { readonly method: string; readonly headers: Headers; readonly raw: Uint8Array },
): Promise<{ status: number; body: string }> {
  const known = deps.cities.find(target.city)?.adapters.some(({ id }) => id === target.adapter);
  const port = known ? deps.cities.adapter(target.city, target.adapter).webhook : undefined;
  if (!port) return answer(404, 'no webhook is open here: check city and adapter in the address');
  const signal = AbortSignal.timeout(deadlineMs);
  try {
    const call = {
      signal,
      deadline: new Date(deps.now().getTime() + deadlineMs),
      traceparent: request.headers.get('traceparent') ?? '',
      attempt: 1,
    };
    const { id, changes: items, malformed, reply } = await port.receive(request, call);
    const message = id === undefined ? undefined : digestOf(id, request.raw);
    await changes.apply(target.city, target.adapter, { items, malformed, message });
    return reply ? { status: reply.status, body: reply.body ?? '' } : answer(200, 'taken');
  } catch (error) {
    if (!isAdapterError(error)) throw error;
    deps.log.warn({ city: target.city, adapter: target.adapter, kind: error.kind }, 'a notification was refused');
    switch (error.kind) {
      case 'rejected':
      case 'misconfigured':
        return answer(401, 'the signature does not verify or is too old');
      case 'malformed':
      case 'unsupported':
        return answer(400, 'the body is not a notification of this back office');
      case 'retryable':
      case 'unavailable':
        return answer(503, 'try again later');
    }
  }
}

/** Of the id and the body: a sender that gives two messages one id loses neither. */
const digestOf = (id: string, raw: Uint8Array): string => createHash('sha256').update(JSON.stringify(id)).update(raw).digest('hex');

const answer = (status: number, message: string) => ({ status, body: JSON.stringify({ message }) });
