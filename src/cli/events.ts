import { toRecord } from '../infra/bus/cloudevents.ts';
import type { EventLog } from '../infra/store/eventlog.ts';

/**
 * Prints the event log as CloudEvents 1.0 (structured JSON, one per line), oldest first: the facts that go to the bus.
 * With `follow` it goes on until the signal aborts.
 */
export async function runEvents(
  eventLog: EventLog,
  options: { readonly after: number; readonly follow: boolean; readonly signal: AbortSignal },
  out: (line: string) => void,
): Promise<number> {
  let last = options.after;
  const head = options.follow ? Number.POSITIVE_INFINITY : await eventLog.head();
  if (last >= head) return 0;
  for await (const events of eventLog.tail(last, options.signal)) {
    for (const event of events) {
      if (event.seq > head) return 0;
      const { headers, value } = toRecord(event);
      const attributes = Object.entries(headers)
        .filter(([name]) => name.startsWith('ce_'))
        .map(([name, text]) => [name.slice(3), text] as const);
      out(JSON.stringify({ ...Object.fromEntries(attributes), datacontenttype: 'application/json', data: JSON.parse(value) as unknown }));
      last = event.seq;
    }
    if (last >= head) return 0;
  }
  return 0;
}
