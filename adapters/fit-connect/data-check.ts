import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { AdapterError, type Json } from '#contract';
import type { FitConnectConfig } from './config.ts';

/** @throws AdapterError rejected with the fields to correct, under the application's own names; misconfigured where the schema itself is none. */
export type CheckData = (data: Json) => void;

const MOST_FIELDS = 50;

/*
 * A city can only refuse what it has decrypted, hours later and for the whole submission. Where the config holds the schema of the
 * data, the same is found before anything is sent.
 */
export function createDataCheck({ schema, data: fields }: Pick<FitConnectConfig, 'schema' | 'data'>): CheckData {
  let validate: ValidateFunction | undefined;
  return (data) => {
    if (!schema) return;
    validate ??= compile(schema);
    if (validate(data)) return;
    const places = (validate.errors ?? []).slice(0, MOST_FIELDS).map((error) => [toOurs(placeOf(error), fields), textOf(error)] as const);
    throw new AdapterError('rejected', 'none', 'the data do not fit the schema of the destination', { fields: Object.fromEntries(places) });
  };
}

function compile(schema: Readonly<Record<string, unknown>>): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
  addFormats.default(ajv);
  try {
    return ajv.compile(schema);
  } catch {
    throw new AdapterError('misconfigured', 'none', 'config.schema is not a JSON Schema (2020-12) that can be applied');
  }
}

/** What is missing has a place too. */
const placeOf = ({ instancePath, keyword, params }: ErrorObject): string =>
  keyword === 'required' ? `${instancePath}/${escape(String((params as { missingProperty?: unknown }).missingProperty))}` : instancePath;

const escape = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

const textOf = ({ keyword }: ErrorObject): string =>
  keyword === 'required' ? 'Diese Angabe fehlt.' : 'Diese Angabe entspricht nicht dem, was die Behörde erwartet.';

/** A place in what is sent, as the place in the application it came from; the application itself where it came from none. */
function toOurs(place: string, fields: FitConnectConfig['data']): string {
  if (!fields) return place;
  const [to, from] = Object.entries(fields)
    .filter(([target]) => place === target || place.startsWith(`${target}/`))
    .toSorted(([a], [b]) => b.length - a.length)[0] ?? [place, ''];
  return from + place.slice(to.length);
}
