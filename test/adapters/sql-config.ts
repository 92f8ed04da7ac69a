import type { Json } from '#contract';
import type { SqlOffice } from '../../adapters/sql/simulator.ts';

/** The part of a city's file that fits the examples. */
export const officeConfig = ({ url, user, password }: SqlOffice, over: Record<string, Json> = {}): Json => ({
  url,
  user,
  password,
  tls: 'off',
  view: 'hub_cases',
  columns: { id: 'nr', number: 'aktenzeichen', status: 'stand', updatedAt: 'geaendert', key: 'hub_key' },
  submit: {
    insert: 'antrag',
    values: {
      leistung: '{/serviceName} ({/service})',
      name: '/applicant/name',
      email: '/applicant/email',
      kennzeichen: '/formData/plateNumber',
      angaben: '/formData',
      eingang: '/submittedAt',
      hub_key: '/key',
    },
  },
  constraints: { kennzeichen_gueltig: { field: '/formData/plateNumber', text: 'Bitte das Kennzeichen mit Bindestrich angeben.' } },
  idempotency: 'unique',
  attachments: {
    insert: 'anlage',
    values: { id: '/attachment/id', hub_key: '/key', dateiname: '/attachment/name', inhalt: '/attachment/content' },
  },
  withdraw: { procedure: 'hub_ruecknahme', arguments: { fall: '/id', grund: '/reason' } },
  ...over,
});
