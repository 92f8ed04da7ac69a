import { z } from 'zod';

/*
 * The DLDB format (it-at-m/eappointment zmsdldb, JSON Schema of the service): read as cities publish it, which is looser
 * than the schema. Ids come as numbers or text, an absent text as null, false or "". Unknown fields are left alone: other
 * cities add their own.
 */

/** A text, empty where the source has null, false or nothing. */
const text = z
  .union([z.string(), z.number(), z.literal(false), z.null()])
  .optional()
  .transform((value) => (value === undefined || value === null || value === false ? '' : String(value).trim()));

const id = z
  .union([z.string(), z.int()])
  .transform(String)
  .pipe(z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'expected an id of 1 to 40 letters, digits, - or _'));

/** A list; an absent one is empty, null and false too, as PHP exports them. */
const list = <T extends z.ZodType>(item: T) =>
  z
    .union([z.array(item).max(2000), z.literal(false), z.null()])
    .optional()
    .transform((value) => (Array.isArray(value) ? (value as z.output<T>[]) : []));

/** An object; PHP exports an empty one as an empty list. */
const part = <T extends z.ZodType>(shape: T) =>
  z
    .union([z.array(z.never()), z.literal(false), z.null(), z.literal(''), shape])
    .transform((value) => (Array.isArray(value) || !value ? undefined : (value as z.output<T>)))
    .optional();

const yes = z
  .union([z.boolean(), z.literal(0), z.literal(1), z.literal('0'), z.literal('1'), z.null()])
  .optional()
  .transform((value) => value === true || value === 1 || value === '1');

const linked = part(z.looseObject({ link: text }));
const meta = part(z.looseObject({ locale: text, lastupdate: text, keywords: text }));
const named = z.looseObject({ name: text, link: text });
const authority = z.looseObject({ name: text, webinfo: text });

/** A service of the catalogue. */
export const dldbService = z.looseObject({
  id,
  name: z.string({ error: 'expected the name of the service, a text' }).trim().min(1, 'expected the name of the service, a text').max(500),
  leika: text,
  description: text,
  meta,
  process_time: text,
  fees: text,
  requirements: list(named),
  authorities: list(authority),
  locations: list(z.looseObject({ location: id, appointment: part(z.looseObject({ allowed: yes, link: text })) })),
  appointment: linked,
  onlineprocessing: linked,
  duration: z
    .union([z.number(), z.string(), z.null()])
    .optional()
    .transform((value) => (value === undefined || value === null ? 0 : Number(value))),
});
export type DldbService = z.output<typeof dldbService>;

/** A place where services are given. */
export const dldbLocation = z.looseObject({
  id,
  name: text,
  displayName: text,
  address: part(z.looseObject({ street: text, house_number: text, postal_code: text, city: text })),
  contact: part(z.looseObject({ email: text, phone: text })),
});
export type DldbLocation = z.output<typeof dldbLocation>;

/** What the file says about itself. */
export const dldbMeta = z.looseObject({
  datacount: z
    .union([z.number(), z.string()])
    .optional()
    .transform((value) => (value === undefined ? undefined : Number(value))),
});
