import { randomUUID } from 'node:crypto';
import type { HubEvent, RegionalKey } from '#contract';

/** A well-formed event; what matters to a test is given. */
export const sampleEvent = (given: { aggregate?: string; type?: string; facts?: HubEvent['facts'] } = {}): HubEvent => ({
  id: randomUUID(),
  type: given.type ?? 'application.submitted',
  aggregate: { type: 'application', id: given.aggregate ?? randomUUID() },
  occurredAt: new Date(1_790_000_000_123),
  municipality: '051110000000' as RegionalKey,
  facts: given.facts ?? { channel: 'ONLINE' },
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
});
