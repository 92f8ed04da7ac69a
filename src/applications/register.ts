import type { Json, Problem } from '#contract';
import type { Catalogue, Offer } from '../catalogue/catalogue.ts';
import { placesIn, valueAt } from '../catalogue/forms/marks.ts';
import type { FieldProblem, SubmitInput, SubmitResult } from './applications.ts';

/*
 * Some services belong to where something was registered, not to where the citizen lives: a certificate of birth. A form
 * says where that stands (`x-hub: registered-in`, an ARS); the application then belongs to that city from the start, under
 * its offer, with its fees, by its form.
 */

const path = ['input', 'formData'];

const notConnected = (name: string): { problem: Problem } => ({ problem: { code: 'REGISTER_NOT_CONNECTED', facts: { name }, path } });

/** The offer of the city whose register is asked; the offer itself where its form names no other. */
export function findRegister(
  catalogue: Catalogue,
  offer: Offer,
  { service, formData = null }: Pick<SubmitInput, 'service' | 'formData'>,
  now: Date,
): { readonly offer: Offer } | { readonly problem: Problem; readonly fields?: readonly FieldProblem[] } {
  const pointers = placesIn(offer.record.form?.schema ?? null).marks['registered-in'] ?? [];
  const [pointer, value] = pointers
    .map((one): [string, Json | undefined] => [one, valueAt(formData, one)])
    .find(([, found]) => found !== undefined) ?? ['', undefined];
  if (typeof value !== 'string') return { offer };
  const municipality = catalogue.findMunicipality({ ars: value });
  if (!municipality) return { problem: { code: 'VALIDATION_FAILED', facts: { count: 1 }, path: ['input'] }, fields: [unknown(pointer)] };
  const competence = catalogue.competence(service, { ars: municipality.ars }, now);
  if (!competence.found) return notConnected(municipality.name);
  // One registry office may serve several municipalities.
  return catalogue.keys.sameMunicipality(competence.offer.ars, offer.ars) ? { offer } : { offer: competence.offer };
}

/** A refusal of the city whose register is asked, for somebody who applies elsewhere. */
export function atRegister(catalogue: Catalogue, offer: Offer, refusal: SubmitResult): SubmitResult {
  if (refusal.ok || refusal.problem.code !== 'NOT_OFFERED_ONLINE') return refusal;
  return { ok: false, ...notConnected(nameOf(catalogue, offer)) };
}

/** The authority as its source names it, else the municipality. */
export const nameOf = (catalogue: Catalogue, { ars, record }: Offer): string =>
  record.authority.name ?? catalogue.findMunicipality({ ars })?.name ?? ars;

const unknown = (pointer: string): FieldProblem => ({
  pointer,
  code: 'municipality',
  message: {
    de: 'Diesen ARS hat keine Gemeinde. Suchen Sie die Gemeinde mit municipalities(search:).',
    en: 'No municipality has this ARS. Search for it with municipalities(search:).',
  },
});
