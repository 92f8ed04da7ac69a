import { assuranceSuffices, inLanguage, problemText, refuse, type Json, type Problem, type ServiceKey } from '#contract';
import { canonicalJson, newId, sha256 } from '../infra/ids.ts';
import type { Offer } from '../catalogue/catalogue.ts';
import type { City, CityAdapter } from '../cities/cities.ts';
import type { Principal } from '../identity/identity.ts';
import type { ApplicationsDeps, FieldProblem, SubmitInput, SubmitResult } from './applications.ts';
import { newEvent } from './changes.ts';
import { deliveryKeyOf } from './delivery-key.ts';
import type { createFormCheck } from './form.ts';
import { takeOnce, TakenAlready } from './once.ts';
import { findPlaceProblems } from './places.ts';
import { atRegister, findRegister, nameOf } from './register.ts';
import {
  claimSubmissionKey,
  findApplication,
  findSubmissionKey,
  queueJob,
  toApplication,
  type ApplicationRow,
  type Payload,
} from './records.ts';

const refused = (problem: Problem, more: { fields?: readonly FieldProblem[] } = {}): SubmitResult => ({ ok: false, problem, ...more });
const invalid = (saying: Problem['saying'], facts: Problem['facts'], ...path: string[]): SubmitResult =>
  refused({ code: 'INVALID_INPUT', ...(saying && { saying }), ...(facts && { facts }), path: ['input', ...path] });

const longestKey = 128;
const longestName = 200;
const longestEmail = 254;

interface Target {
  readonly city: City;
  readonly adapter: CityAdapter;
}

/**
 * Takes an application: when it answers with success the application is durable and will be delivered. One transaction
 * writes the application, its event, its delivery and the idempotency record; the same key with the same content answers
 * the first result again, with other content IDEMPOTENCY_CONFLICT.
 */
export function createSubmit(deps: ApplicationsDeps, checkForm: ReturnType<typeof createFormCheck>) {
  const { store, eventLog, catalogue, cities, now, marksOf } = deps;

  return async function submit(input: SubmitInput, principal: Principal, traceparent: string): Promise<SubmitResult> {
    if (!principal.roles.includes('citizen') && !principal.roles.includes('portal'))
      throw refuse({ code: 'FORBIDDEN', facts: { role: 'citizen | portal' } });
    const malformed = findMalformed(input);
    if (malformed) return malformed;

    const requestHash = sha256(canonicalJson({ ...input, idempotencyKey: '' } as unknown as Json));
    const earlier = await replay(input.idempotencyKey, requestHash, principal);
    if (earlier) return earlier;

    const competence = catalogue.competence(input.service, input.place, now());
    if (!competence.found)
      return { ok: false, problem: competence.problem, ...(competence.candidates ? { candidates: competence.candidates } : {}) };
    const here = takenBy(competence.offer, input, input.formRevision, principal);
    if ('refusal' in here) return here.refusal;
    const register = findRegister(catalogue, competence.offer, input, now());
    if ('problem' in register) return refused(register.problem, register);
    const { offer } = register;
    const elsewhere = offer.id !== competence.offer.id;
    const there = elsewhere ? takenBy(offer, input, offer.record.form?.revision ?? '', principal) : here;
    if ('refusal' in there) return elsewhere ? atRegister(catalogue, offer, there.refusal) : there.refusal;

    const row = newRow(offer, there.target, input, principal, traceparent);
    const taking = store.transaction(async (tx) => {
      const at = row.submitted_at;
      const claimed = await claimSubmissionKey(tx, {
        owner: principal.owner,
        key: input.idempotencyKey,
        request_hash: requestHash,
        application_id: row.id,
        created_at: at,
      });
      if (!claimed) return false;
      await tx.insertInto('application').values(row).execute();
      await takeOnce(tx, row, offer, input.formData ?? null, deps.digest);
      await queueJob(tx, { row, kind: 'submit', key: row.delivery_key ?? row.id, at });
      await deps.onSubmission?.(tx, {
        id: row.id,
        offer,
        asked: input.service as ServiceKey,
        applicant: input.applicant,
        formData: input.formData ?? null,
        principal,
        at: new Date(at),
        ...(elsewhere ? { askedIn: competence.offer.ars } : {}),
      });
      await eventLog.append(tx, [
        newEvent(row, 'application.submitted', at, { status: 'SUBMITTED', channel: row.channel, assuranceLevel: row.assurance_level }),
      ]);
      return true;
    });
    const fresh = await taking.catch((error: unknown) => {
      if (error instanceof TakenAlready) return error.problem;
      throw error;
    });
    if (typeof fresh === 'object') return refused({ code: 'VALIDATION_FAILED', facts: { count: 1 }, path: ['input'] }, { fields: [fresh] });
    if (fresh) {
      deps.metrics.submitted.inc({ city: row.city });
      return { ok: true, application: toApplication(row), replayed: false };
    }
    // The same key was taken while this request was under way.
    const winner = await replay(input.idempotencyKey, requestHash, principal);
    if (!winner) throw new Error('an idempotency record vanished');
    return winner;
  };

  async function replay(key: string, requestHash: string, principal: Principal): Promise<SubmitResult | null> {
    const record = await findSubmissionKey(store.db, principal.owner, key);
    if (!record) return null;
    if (record.request_hash !== requestHash) return refused({ code: 'IDEMPOTENCY_CONFLICT', path: ['input', 'idempotencyKey'] });
    const row = await findApplication(store.db, record.application_id);
    if (!row) throw new Error(`application ${record.application_id} of an idempotency record is missing`);
    return { ok: true, application: toApplication(row), replayed: true };
  }

  /** The city that takes an application for the offer as it stands, or why none does. */
  function takenBy(
    offer: Offer,
    input: SubmitInput,
    formRevision: string,
    principal: Principal,
  ): { target: Target } | { refusal: SubmitResult } {
    const target = findTarget(offer);
    if ('problem' in target) return { refusal: refused(target.problem) };
    const needed = catalogue.assuranceNeeded(offer);
    if (!assuranceSuffices(principal.assuranceLevel, needed))
      return { refusal: refused({ code: 'ASSURANCE_LEVEL_TOO_LOW', facts: { needed, has: principal.assuranceLevel } }) };
    const fields = [...channelProblems(offer, input.channel), ...findFieldProblems(offer, { ...input, formRevision })];
    if (fields.length > 0)
      return { refusal: refused({ code: 'VALIDATION_FAILED', facts: { count: fields.length }, path: ['input'] }, { fields }) };
    return { target };
  }

  /** Where an application for this offer goes, or why it can go nowhere. */
  function findTarget(offer: Offer): Target | { problem: Problem } {
    const city = cities.findByArs(offer.ars);
    const adapter = city && cities.adapterFor(city, { key: offer.serviceKey, localKey: offer.record.localKey });
    if (!city || !adapter || !offer.record.form) {
      const name = city?.name ?? nameOf(catalogue, offer);
      const others = offer.record.channels.filter((channel) => channel !== 'ONLINE');
      return { problem: { code: 'NOT_OFFERED_ONLINE', facts: { name, channels: others.join(', ') || '–' }, path: ['input', 'service'] } };
    }
    if (city.paused) return { problem: { code: 'MUNICIPALITY_PAUSED', facts: { name: city.name } } };
    return { city, adapter };
  }

  function findFieldProblems(offer: Offer, input: SubmitInput): readonly FieldProblem[] {
    const form = offer.record.form;
    if (!form) return [];
    if (form.revision !== input.formRevision)
      return [
        {
          pointer: '/formRevision',
          code: 'revision',
          message: {
            de: `Das Formular hat inzwischen den Stand ${form.revision}. Bitte laden Sie es neu.`,
            en: `The form is now at revision ${form.revision}. Please load it again.`,
          },
        },
      ];
    const problems = checkForm(offer.id, form, input.formData ?? null);
    return problems.length > 0
      ? problems
      : findPlaceProblems(catalogue, offer, marksOf(offer, input.service as ServiceKey), input.formData ?? null);
  }

  function newRow(offer: Offer, target: Target, input: SubmitInput, principal: Principal, traceparent: string): ApplicationRow {
    const at = now().getTime();
    const payload: Payload = {
      applicant: input.applicant,
      formData: input.formData ?? null,
      serviceName: inLanguage(offer.record.name, 'DE'),
      localKey: offer.record.localKey,
    };
    return {
      id: newId(),
      city: target.city.id,
      adapter: target.adapter.id,
      offer_id: offer.id,
      service_key: offer.serviceKey,
      ars: offer.ars,
      status: 'SUBMITTED',
      status_since: at,
      parked_reason: null,
      form_revision: offer.record.form?.revision ?? input.formRevision,
      channel: input.channel,
      assurance_level: principal.assuranceLevel,
      owner: principal.owner,
      payload: JSON.stringify(payload),
      case_ref: null,
      case_number: null,
      native_status: null,
      native_version: null,
      native_updated_at: null,
      version: 1,
      submitted_at: at,
      traceparent,
      delivery_key: deliveryKeyOf(principal.owner, input.idempotencyKey),
    };
  }
}

/** An application comes by a channel that the offer has; where there is a form, by the internet anyway. */
function channelProblems({ record }: Offer, channel: SubmitInput['channel']): readonly FieldProblem[] {
  if (channel === 'ONLINE' || record.channels.includes(channel)) return [];
  const channels = ['ONLINE', ...record.channels.filter((one) => one !== 'ONLINE')].join(', ');
  const problem: Problem = { code: 'INVALID_INPUT', saying: 'CHANNEL_NOT_OFFERED', facts: { channel, channels } };
  return [{ pointer: '/channel', code: 'channel', message: { de: problemText(problem, 'DE'), en: problemText(problem, 'EN') } }];
}

/** Input that no offer could accept. */
function findMalformed(input: SubmitInput): SubmitResult | null {
  const key = input.idempotencyKey;
  if (key.length < 1 || key.length > longestKey || !/^[\u0021-\u007e]+$/.test(key))
    return invalid('IDEMPOTENCY_KEY', { most: longestKey }, 'idempotencyKey');
  if (input.sealedFormData != null) return invalid('NOT_SEALED_YET', undefined, 'sealedFormData');
  if (input.formData === undefined || input.formData === null) return invalid('FORM_DATA_MISSING', undefined, 'formData');
  if (input.attachmentIds && input.attachmentIds.length > 0) return invalid('NO_ATTACHMENTS', { what: 'attachmentIds' }, 'attachmentIds');
  const { name, email, phone } = input.applicant;
  const tooLong = (what: string, text: string, most: number): SubmitResult =>
    refused({ code: 'TEXT_TOO_LONG', facts: { what: `applicant.${what}`, found: text.length, most }, path: ['input', 'applicant', what] });
  if (name.trim().length === 0) return invalid('TEXT_MISSING', { what: 'applicant.name', most: longestName }, 'applicant', 'name');
  if (name.length > longestName) return tooLong('name', name, longestName);
  if (email !== undefined && email.length > longestEmail) return tooLong('email', email, longestEmail);
  if (email !== undefined && !/^[^\s@]+@[^\s@]+$/.test(email)) return invalid('EMAIL', undefined, 'applicant', 'email');
  if (phone !== undefined && !/^[+\d\s()/-]{3,40}$/.test(phone)) return invalid('PHONE', undefined, 'applicant', 'phone');
  return null;
}
