import { z } from 'zod';

/*
 * The DLDB format (it-at-m/eappointment zmsdldb, JSON Schema of the service): read as cities publish it, which is looser
 * than the schema. Ids come as numbers or text, an absent text as null, false or "". Unknown fields are left alone: other
 * cities add their own.
 */

/** A text, empty if the source has null, false or nothing. */
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

const yes = new Set<unknown>([true, 1, '1', 'true']);
const no = new Set<unknown>([false, 0, '0', 'false']);
const asYes = (value: unknown): boolean | undefined => (yes.has(value) ? true : no.has(value) ? false : undefined);

const linked = part(z.looseObject({ link: text }));
const meta = part(z.looseObject({ locale: text, lastupdate: text, keywords: text }));
const named = z.looseObject({ name: text, link: text });
const authority = z.looseObject({ id: text, name: text, webinfo: text });
/** Whether visits can be booked; undefined if the source does not say. */
const appointment = part(z.looseObject({ allowed: z.unknown().transform(asYes), link: text }));

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
  locations: list(z.looseObject({ location: id, appointment })),
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

/** An authority, in cities whose services name theirs by id. */
export const dldbAuthority = z.looseObject({ id, name: text, webinfo: text, contact: part(z.looseObject({ webinfo: text })) });
export type DldbAuthority = z.output<typeof dldbAuthority>;

/** Where a file says how many entries it has: Munich under `meta`, Berlin beside `data`. */
const counts = ['datacount', 'dataCount', 'count', 'total', 'totalCount', 'totalcount'];

/** How many entries a file announces; undefined if it does not. */
export function announcedBy(file: Readonly<Record<string, unknown>>): number | undefined {
  const numbers = [file, file['meta']].flatMap((place) =>
    isObject(place)
      ? counts
          .filter((name) => Object.hasOwn(place, name))
          .map((name) => place[name])
          .filter((value) => typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value)))
          .map(Number)
      : [],
  );
  return numbers.length > 0 ? Math.max(...numbers) : undefined;
}

/** True if a file says that it was not made without error. */
export const failedBy = (file: Readonly<Record<string, unknown>>): boolean =>
  [file, file['meta']].some((place) => isObject(place) && Object.hasOwn(place, 'error') && isTrouble(place['error']));

const isTrouble = (error: unknown): boolean =>
  error !== null && error !== undefined && error !== '' && !no.has(error) && !(Array.isArray(error) && error.length === 0);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;
