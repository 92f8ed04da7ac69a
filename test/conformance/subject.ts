import type { AdapterDefinition, Json } from '#contract';
import type { Action, Samples } from '../../src/conformance/samples.ts';
import type { Subject } from '../../src/conformance/subject.ts';
import { good } from './good.ts';
import { officeArs, officeToken, officeWebhookSecret, signNotification, type Office } from './office.ts';

const MOMENT = '2026-11-20T10:00:00.000Z';

/** A notification about a case, signed as the office signs. */
const notification = JSON.stringify({
  items: [{ id: '1', key: 'k', number: 'A-1', status: 'GRANTED', version: 3, updatedAt: MOMENT }],
});

const officeSamples = (url: string): Samples => {
  const doing = (method: string, path: string): Action => ({ http: { method, url: `${url}/_office/${path}`, headers: {} } });
  const service = { key: '99108001001000', name: 'Bewohnerparkausweis', localKey: 'bewohnerparkausweis', formRevision: '1' };
  const applicant = { name: 'Erika Mustermann', email: 'erika@example.org' };
  return {
    services: [service, { key: '99108011153000', name: 'Halteverbot', localKey: 'halteverbot', formRevision: '1' }],
    valid: [
      {
        service: service.key,
        applicant,
        formData: { plateNumber: 'D-ÄÖ 123', note: 'vor dem Haus' },
        attachments: ['ausweis.pdf', 'meldung.pdf'].map((name) => ({
          name,
          mediaType: 'application/pdf',
          bytes: new TextEncoder().encode('%PDF-1.7'),
        })),
      },
      { service: '99108011153000', applicant, formData: { note: 'Umzug' } },
    ],
    invalid: [{ service: service.key, applicant: { name: ' ' }, formData: {} }],
    unknownCase: '99999',
    wrongSettings: [{ at: '/desk', value: 'nowhere' }],
    advance: { ...doing('POST', 'advance/{case}/{status}'), statuses: ['CHECKING', 'GRANTED'] },
    count: doing('GET', 'count/{key}'),
    total: doing('GET', 'total'),
    readBack: doing('GET', 'read/{case}'),
    countEvents: doing('GET', 'count-events/{event}'),
    changeForm: doing('POST', 'change-form'),
    notifications: [
      {
        at: new Date(MOMENT),
        headers: { 'x-moment': MOMENT, 'x-signature': signNotification(officeWebhookSecret, MOMENT, notification) },
        body: new TextEncoder().encode(notification),
      },
    ],
    oldConfigs: [{ version: '1.0.0', config: { baseUrl: url, token: officeToken, webhookSecret: officeWebhookSecret } }],
    events: [{ type: 'move.registered', facts: { from: '051110000000' } }],
    rows: [{ field: 'Municipality.parkingPlaces', rows: [officeArs], selection: '{ places }' }],
  };
};

/** An adapter for the office, as the kit takes it. */
export const officeSubject = (
  office: Office,
  definition: AdapterDefinition = good,
  over: { readonly config?: { readonly [name: string]: Json }; readonly samples?: Partial<Samples> } = {},
): Subject => ({
  definition,
  city: 'stadt',
  ars: officeArs,
  config: { baseUrl: office.url, token: officeToken, webhookSecret: officeWebhookSecret, ...over.config },
  mappedStatuses: new Set(['NEW', 'CHECKING', 'GRANTED', 'WITHDRAWN']),
  withdrawnStatuses: new Set(['WITHDRAWN']),
  limits: { concurrency: 8, timeoutMs: 2_000 },
  samples: { ...officeSamples(office.url), ...over.samples },
  surroundings: { folder: import.meta.dirname, env: {} },
});
