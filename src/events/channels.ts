import { once } from 'node:events';
import { parseMunicipalityArs, type AdapterErrorKind, type Json, type LoggedEvent } from '#contract';
import { CityCallError, type CallFailure, type Cities, type City, type EventWebhook } from '../cities/cities.ts';
import { pause } from '../infra/backoff.ts';
import type { CityInboxes } from '../infra/bus/bus.ts';
import type { DeliveryFailure, FailureClass } from './dispatch-rules.ts';
import { ChannelError, createWebhookSender } from './webhooks.ts';

/** One attempt at one event. */
export interface Attempt {
  readonly number: number;
  readonly signal: AbortSignal;
  /** Durable memo for adapters. */
  readonly steps: { find(name: string): Promise<Json | undefined>; save(name: string, result: Json): Promise<void> };
}

/** The way to one city. */
export interface Channel {
  readonly kind: 'webhook' | 'kafka' | 'adapter';
  /** Events on their way at a time. */
  readonly concurrency: number;
  /** Why the city cannot be given events of this type; null if it can. */
  refuses(type: string): string | null;
  /** False while nothing is worth an attempt. */
  accepts(): boolean;
  /** @throws ChannelError */
  send(event: LoggedEvent, attempt: Attempt): Promise<{ readonly status?: number }>;
  close(): void;
}

export interface ChannelParts {
  readonly cities: Cities;
  /** By city id. */
  readonly webhooks: ReadonlyMap<string, EventWebhook>;
  /** Null if the bus has no topics. */
  readonly inboxes: CityInboxes | null;
  readonly development: boolean;
  readonly source?: string;
  readonly now: () => Date;
}

/** How long a broker may take before an attempt counts as failed. It may still land: the same event comes again, never another before it. */
const brokerMs = 30_000;
/** Events that go to a topic at a time, at least: they cost the city nothing. */
const topicConcurrency = 32;

/** The channel of a city that has one. */
export function openChannel(parts: ChannelParts, city: City): Channel {
  const { deliver, adapter = '', concurrency = 4 } = city.events ?? {};
  switch (deliver) {
    case 'adapter':
      return adapterChannel(parts.cities, city.id, adapter, concurrency);
    case 'kafka':
      return topicChannel(parts.inboxes, city, concurrency);
    case 'webhook':
    case undefined:
      return webhookChannel(parts, city.id, concurrency);
  }
}

function webhookChannel({ webhooks, ...how }: ChannelParts, city: string, concurrency: number): Channel {
  const webhook = webhooks.get(city);
  const sender = webhook ? createWebhookSender({ webhook, ...how }) : null;
  return {
    kind: 'webhook',
    concurrency,
    refuses: () => null,
    accepts: () => true,
    async send(event, { signal }) {
      if (!sender) throw new ChannelError({ class: 'MISCONFIGURED' });
      return sender.send(event, signal);
    },
    close: () => sender?.close(),
  };
}

function topicChannel(inboxes: CityInboxes | null, city: City, concurrency: number): Channel {
  const ars = parseMunicipalityArs(city.ars);
  return {
    kind: 'kafka',
    concurrency: Math.max(topicConcurrency, concurrency),
    refuses: () => null,
    accepts: () => true,
    async send(event, { signal }) {
      // The embedded bus has no topics: BUS_URL and the city's file do not fit together.
      if (!inboxes || !ars) throw new ChannelError({ class: 'MISCONFIGURED' });
      const over = new AbortController();
      const ended = AbortSignal.any([signal, over.signal]);
      const publishing = inboxes.publish(ars, [event]).then(() => true);
      // Where nobody waits for it any more, its failure is nobody's.
      publishing.catch(() => {});
      try {
        const late = Promise.race([pause(brokerMs, ended), once(ended, 'abort')]).then(() => false);
        if (await Promise.race([publishing, late])) return {};
        throw new ChannelError({ class: 'TIMEOUT' });
      } catch (error) {
        throw error instanceof ChannelError ? error : new ChannelError({ class: 'UNREACHABLE' });
      } finally {
        over.abort();
      }
    },
    close: () => {},
  };
}

const classOf: Readonly<Record<AdapterErrorKind | CallFailure['kind'], FailureClass>> = {
  rejected: 'REFUSED',
  malformed: 'REFUSED',
  unsupported: 'UNSUPPORTED',
  misconfigured: 'MISCONFIGURED',
  retryable: 'SERVER_ERROR',
  unavailable: 'UNREACHABLE',
  deadline: 'TIMEOUT',
  busy: 'BUSY',
  'breaker-open': 'BUSY',
};

const toFailure = ({ kind, retryAfterMs }: CallFailure): DeliveryFailure => ({
  class: classOf[kind],
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});

function adapterChannel(cities: Cities, city: string, adapter: string, concurrency: number): Channel {
  const port = () => cities.adapter(city, adapter).events;
  return {
    kind: 'adapter',
    concurrency,
    refuses: (type) => (port()?.types.includes(type) ? null : 'TYPE_NOT_TAKEN'),
    accepts: () => cities.accepts(city, adapter),
    async send(event, { number, signal, steps }) {
      const { seq: _, ...own } = event;
      try {
        await cities.write(city, adapter, async (running, call) => running.events!.receive(own, call), {
          key: event.id,
          steps,
          traceparent: event.traceparent ?? '',
          attempt: number,
          signal,
        });
        return {};
      } catch (error) {
        if (error instanceof CityCallError) throw new ChannelError(toFailure(error.failure), error.message);
        throw error;
      }
    },
    close: () => {},
  };
}
