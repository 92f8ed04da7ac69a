import { AdapterError, soundCase, type CaseChange, type CaseSnapshot, type Json, type Person, type Submission } from '#contract';
import type { Open311Config } from './config.ts';
import { at, problemsOf, textOf } from './records.ts';

/** Ids of requests that have a token only; a server's own ids never begin so. */
const TOKEN = 'token:';
export const tokenId = (token: string): string => TOKEN + token;
export const tokenOf = (id: string): string | null => (id.startsWith(TOKEN) ? id.slice(TOKEN.length) : null);

/** The form of a new request (POST Service Request), without the key of the API. */
export function toForm(application: Submission, key: string, config: Open311Config): URLSearchParams {
  const { formData, applicant } = application;
  const { fields } = config;
  const form = new URLSearchParams({ service_code: serviceCode(application, config) });
  const put = (name: string, value: Json | undefined): void => {
    // A list is sent value by value (multivaluelist).
    if (Array.isArray(value)) for (const one of value as readonly Json[]) put(`${name}[]`, one);
    else if (value !== null && typeof value === 'object') form.append(name, JSON.stringify(value));
    else if (value !== undefined && value !== null && value !== '') form.append(name, String(value).toWellFormed());
  };
  if (config.jurisdiction !== undefined) put('jurisdiction_id', config.jurisdiction);
  put('description', at(formData, fields.description));
  put('lat', at(formData, fields.lat));
  put('long', at(formData, fields.long));
  put('address_string', at(formData, fields.address));
  put('address_id', at(formData, fields.addressId));
  put('media_url', at(formData, fields.mediaUrl));
  if (config.applicant) for (const [name, value] of Object.entries(personOf(applicant))) put(name, value);
  const attributes = at(formData, fields.attributes);
  if (attributes !== null && typeof attributes === 'object' && !Array.isArray(attributes))
    for (const [code, value] of Object.entries(attributes)) put(`attribute[${code}]`, value);
  for (const [code, pointer] of Object.entries(config.attributes)) put(`attribute[${code}]`, at(formData, pointer));
  if (config.idempotency !== 'none') put(`attribute[${config.idempotency.attribute}]`, key);
  return form;
}

export const serviceCode = ({ localKey }: Pick<Submission, 'localKey'>, { codes }: Open311Config): string =>
  (Object.hasOwn(codes, localKey) ? codes[localKey] : undefined) ?? localKey;

/** GeoReport wants two names; the last word is taken for the family's. */
const personOf = ({ name, email, phone }: Person): Record<string, string> => {
  const [, first = '', last = name.trim()] = /^(.*)\s+(\S+)$/s.exec(name.trim()) ?? [];
  return {
    ...(first === '' ? {} : { first_name: first }),
    last_name: last,
    ...(email === undefined ? {} : { email }),
    ...(phone === undefined ? {} : { phone }),
  };
};

const w3cMoment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;

/** @throws AdapterError malformed where it has no moment with an offset, as the standard demands */
function changedAt(request: Json): Date {
  const text = textOf(at(request, '/updated_datetime')) ?? textOf(at(request, '/requested_datetime')) ?? '';
  const moment = w3cMoment.test(text) ? new Date(text) : new Date(Number.NaN);
  if (!Number.isNaN(moment.getTime())) return moment;
  throw new AdapterError(
    'malformed',
    'none',
    'a request has neither updated_datetime nor requested_datetime with an offset (W3C date and time)',
  );
}

/** @throws AdapterError malformed where it is no request. `id`: under which it is known, where that is a token. */
export function toSnapshot(request: Json, config: Open311Config, id?: string): CaseSnapshot {
  const own = textOf(at(request, '/service_request_id'));
  const status = textOf(at(request, config.status));
  if (own === null) throw new AdapterError('malformed', 'none', 'a request has no service_request_id');
  if (status === null) throw new AdapterError('malformed', 'none', `a request has no status at ${config.status}`);
  const updatedAt = changedAt(request);
  const number = textOf(at(request, config.number)) ?? own;
  return soundCase({
    ref: { id: id ?? own, publicNumber: number },
    nativeStatus: status,
    version: `${updatedAt.toISOString()} ${status}`,
    updatedAt,
  });
}

/** A change by the state it led to. */
export const toChange = (request: Json, config: Open311Config): CaseChange => {
  const snapshot = toSnapshot(request, config);
  return { ...snapshot, id: `${snapshot.ref.id} ${snapshot.version}` };
};

/** What a refusal says, under the fields of the form that it names by attribute or by GeoReport's own words. */
export function toFieldProblems(answer: Json, config: Open311Config): Record<string, string> {
  const { fields } = config;
  const words: readonly (readonly [word: RegExp, pointer: string])[] = [
    [/\b(lat|long|latitude|longitude)\b/i, fields.lat],
    [/\baddress(_string|_id)?\b/i, fields.address],
    [/\bdescription\b/i, fields.description],
    [/\bmedia_url\b/i, fields.mediaUrl],
  ];
  const problems = problemsOf(answer)
    .slice(0, 50)
    .flatMap((problem) => {
      const text = textOf(at(problem, '/description'));
      if (text === null) return [];
      const code = /\battribute\[([^\]]{1,100})\]/.exec(text)?.[1];
      const stated = code === undefined ? undefined : config.attributes[code];
      const pointer =
        code === undefined
          ? (words.find(([word]) => word.test(text))?.[1] ?? null)
          : (stated ?? `${fields.attributes}/${code.replaceAll('~', '~0').replaceAll('/', '~1')}`);
      return [[pointer === null ? '' : `/formData${pointer}`, text.slice(0, 300)] as const];
    });
  return Object.fromEntries(problems);
}
