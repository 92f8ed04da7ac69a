import { randomUUID } from 'node:crypto';
import type { Json } from '#contract';

/** Ids and secrets of the simulated FIT-Connect; the config of a city names the same. */
export const fitConnectSimulated = {
  sender: { clientId: 'hub', clientSecret: 'fit-connect-sender-secret' },
  subscriber: { clientId: 'city', clientSecret: 'fit-connect-subscriber-secret' },
  destination: '5d3a8e21-7a4c-4a53-9c0e-6b1f0d2c9e10',
  issuer: 'https://zustelldienst.example/submission-api',
  submissionHost: 'zustelldienst.example',
  callbackSecret: 'fit-connect-callback-secret',
  schemaUri: 'https://schema.example/fachdaten/antrag/1.0.0/antrag.schema.json',
  services: ['99108001001000', '99115003012000'],
  /** A submission that is there from the beginning, for notifications that name it. */
  existing: { submissionId: 'f39ab143-d91a-474a-b69f-b00f1a1873c2', caseId: '9eec7d3e-dc66-4f82-9f52-1520bf96a32e' },
  /** The region its destination is competent for. */
  ars: '05111',
} as const;

export interface ServiceRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: Json | undefined;
  readonly text: string;
}

export interface ServiceAnswer {
  readonly status: number;
  readonly body?: Json;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A problem document (RFC 7807) as FIT-Connect writes it. */
export const problem = (status: number, name: string, title: string): ServiceAnswer => ({
  status,
  headers: { 'content-type': 'application/problem+json' },
  body: { type: `https://schema.fitko.de/fit-connect/submission-api/problems/${name}`, title, status, instance: randomUUID() },
});
