import { randomUUID } from 'node:crypto';
import type { HubEvent, RegionalKey } from '#contract';
import { shippedKeys } from '../kit/key-rules.ts';
import type { Tx } from '../../src/infra/store/store.ts';

/** What matters of an application to cases. */
export interface GivenApplication {
  readonly id: string;
  readonly ars: string;
  readonly service: string;
  readonly status: string;
  readonly owner?: string;
}

/** Writes an application that its back office has, as deliveries leave it. */
export async function insertApplication(tx: Tx, { id, ars, service, status, owner = 'issuer|one' }: GivenApplication): Promise<void> {
  await tx
    .insertInto('application')
    .values({
      id,
      city: ars,
      adapter: 'cases',
      offer_id: 'offer',
      service_key: service,
      ars,
      status,
      status_since: 0,
      parked_reason: null,
      form_revision: 'r1',
      channel: 'ONLINE',
      assurance_level: 'HIGH',
      owner,
      payload: null,
      case_ref: `ref-${id}`,
      case_number: null,
      native_status: null,
      native_version: null,
      native_updated_at: null,
      version: 1,
      submitted_at: 0,
      traceparent: null,
    })
    .execute();
}

/** An event of an application, as its feature writes it. */
export const applicationEvent = (
  { id, ars, service }: Pick<GivenApplication, 'id' | 'ars' | 'service'>,
  type: string,
  facts: HubEvent['facts'],
  occurredAt = new Date(),
): HubEvent => ({
  id: randomUUID(),
  type,
  aggregate: { type: 'application', id },
  occurredAt,
  municipality: ars as RegionalKey,
  facts: { service, ...facts },
});

/** City ids are ARS here; every back office can be told to end a case, every service is offered. */
export const connectedCities = {
  findByArs: (ars: string) => ({ id: ars, ars, name: ars }),
  find: (id: string) => ({ id, ars: id, name: id, adapters: [{ id: 'cases' }] }),
  adapter: () => ({ cases: { withdraw: async () => {} } }),
} as never;
export const openCatalogue = { keys: shippedKeys, findService: () => null, findOfferFor: () => ({}) } as never;
