import { createHash } from 'node:crypto';
import { AdapterError, type Call, type CataloguePort, type FormRecord, type Json, type OfferRecord } from '#contract';
import type { Open311Config } from './config.ts';
import type { Ask } from './http.ts';
import { at, listOf, recordsOf, textOf } from './records.ts';

/** Service definitions asked for at a time. */
const AT_ONCE = 4;

/** Offers from the service list; services with metadata bring their form. Complete, or it throws. */
export function createCatalogue(config: NonNullable<Open311Config['catalogue']>, ask: Ask): CataloguePort {
  async function offerOf(service: Json, call: Call): Promise<OfferRecord> {
    const code = textOf(at(service, '/service_code'));
    const name = textOf(at(service, '/service_name'));
    if (code === null || name === null) throw new AdapterError('malformed', 'none', 'a service has no service_code or no service_name');
    const described = isTrue(at(service, '/metadata'));
    const answer = described ? await ask({ path: `services/${encodeURIComponent(code)}` }, call) : { attributes: [] };
    if (answer === null) throw new AdapterError('malformed', 'none', 'a service says it has metadata, and its definition is not there');
    // Some servers put the one definition into a list, or keep the wrapper of XML.
    const [definition] = described ? recordsOf(answer) : [answer];
    const summary = textOf(at(service, '/description'));
    return {
      localKey: code,
      serviceKey: config.services[code] ?? null,
      name: { de: name },
      ...(summary === null ? {} : { summary: { de: summary } }),
      authority: { name: config.authority },
      channels: ['ONLINE'],
      maturityLevel: config.maturityLevel,
      fees: [],
      requiredDocuments: [],
      // GeoReport takes requests from anybody, and knows no visits.
      assuranceLevel: 'NONE',
      appointment: 'NONE',
      form: toFormRecord(name, listOf(at(definition, '/attributes'))),
    };
  }

  return {
    async *listOffers(call) {
      const answer = await ask({ path: 'services' }, call);
      if (answer === null)
        throw new AdapterError('misconfigured', 'none', 'there is no service list: is baseUrl complete, with its version?');
      const services = recordsOf(answer);
      const codes = services.map((service) => textOf(at(service, '/service_code')));
      if (new Set(codes).size < codes.length) throw new AdapterError('malformed', 'none', 'the service list names a service_code twice');
      for (let from = 0; from < services.length; from += AT_ONCE) {
        const items = await Promise.all(services.slice(from, from + AT_ONCE).map((service) => offerOf(service, call)));
        yield { items, next: String(from + items.length) };
      }
      if (services.length === 0) yield { items: [], next: '0' };
    },
  };
}

const isTrue = (value: Json | undefined): boolean => textOf(value) === 'true';
const codeOf = (attribute: Json): string => textOf(at(attribute, '/code')) ?? '';
const orderOf = (attribute: Json): number => Number(textOf(at(attribute, '/order')) ?? 0) || 0;

/** JSON Schema 2020-12 of what GeoReport wants: a description, a place, the attributes of the service. */
export function toFormRecord(title: string, attributes: readonly Json[]): FormRecord {
  const asked = attributes
    .filter((attribute) => textOf(at(attribute, '/variable')) !== 'false' && textOf(at(attribute, '/code')) !== null)
    .toSorted((a, b) => orderOf(a) - orderOf(b));
  const required = asked.filter((attribute) => isTrue(at(attribute, '/required'))).map(codeOf);
  const fields = Object.fromEntries(asked.map((attribute) => [codeOf(attribute), schemaOf(attribute)]));
  const schema: Json = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    type: 'object',
    properties: {
      description: { title: 'Beschreibung', type: 'string', minLength: 1, maxLength: 4000 },
      address: { title: 'Ort (Anschrift)', type: 'string', minLength: 1, maxLength: 300 },
      lat: { title: 'Breitengrad', type: 'number', minimum: -90, maximum: 90 },
      long: { title: 'Längengrad', type: 'number', minimum: -180, maximum: 180 },
      mediaUrl: { title: 'Bild (Adresse im Netz)', type: 'string', format: 'uri', maxLength: 2000 },
      ...(asked.length === 0
        ? {}
        : { attributes: { title: 'Weitere Angaben', type: 'object', properties: fields, required, additionalProperties: false } }),
    },
    required: required.length > 0 ? ['description', 'attributes'] : ['description'],
    anyOf: [
      { title: 'Anschrift', required: ['address'] },
      { title: 'Koordinaten', required: ['lat', 'long'] },
    ],
    additionalProperties: false,
  };
  return { revision: createHash('sha256').update(JSON.stringify(schema)).digest('hex').slice(0, 12), schema };
}

function schemaOf(attribute: Json): Json {
  const title = textOf(at(attribute, '/description')) ?? textOf(at(attribute, '/code')) ?? '';
  const hint = textOf(at(attribute, '/datatype_description'));
  const head = { title, ...(hint === null ? {} : { description: hint }) };
  const list = at(attribute, '/values');
  const choices: readonly Json[] = listOf(list).map((value) => {
    const key = textOf(at(value, '/key')) ?? '';
    return { const: key, title: textOf(at(value, '/name')) ?? key };
  });
  const choice: Json = choices.length > 0 ? { oneOf: choices } : { type: 'string', maxLength: 300 };
  switch (textOf(at(attribute, '/datatype')) ?? 'string') {
    case 'number':
      return { ...head, type: 'number' };
    case 'datetime':
      return { ...head, type: 'string', format: 'date-time' };
    case 'text':
      return { ...head, type: 'string', maxLength: 4000 };
    case 'singlevaluelist':
      return { ...head, ...choice };
    case 'multivaluelist':
      return { ...head, type: 'array', items: choice, uniqueItems: true };
    default:
      return { ...head, type: 'string', maxLength: 300 };
  }
}
