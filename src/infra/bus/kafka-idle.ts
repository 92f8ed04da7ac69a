import { createRequire } from 'node:module';

/*
 * kafkajs 2.2.4 looks for requests that wait on each connection once a millisecond, for ever, even if none does and nothing is
 * throttled: a hub at rest with a few connections used a tenth of a core. The delay of that timer is negative, of which Node 24
 * also warns. Upstream the repair waits (tulios/kafkajs#1751, #1768); here the one method is replaced before the first client
 * is made: it sets a timer only where a request waits. A request that waits for an answer of another is sent when that
 * answer comes, as before.
 */

/** What is used of kafkajs's queue of requests, one per connection. */
interface RequestQueue {
  pending: readonly unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
}

interface RequestQueueClass {
  readonly prototype: RequestQueue & { scheduleCheckPendingRequests(): void };
}

/** As kafkajs: how soon a request is looked at again that waits for another's answer. */
const AGAIN_MS = 10;

let done = false;

/** Makes connections of kafkajs rest while nothing waits on them; a second call does nothing. */
export function letConnectionsRest(): void {
  if (done) return;
  done = true;
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as RequestQueueClass;
  prototype.scheduleCheckPendingRequests = function schedule(this: RequestQueue): void {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return;
    const wait = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      wait > 0 ? wait : AGAIN_MS,
    );
  };
}
