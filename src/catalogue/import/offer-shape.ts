import { z } from 'zod';
import { assuranceLevels, channels, isLeikaKey, parseRegionalKey, type OfferRecord, type RegionalKey } from '#contract';

/* What an offer may hold, whatever it is read from. Keys stand "in quotes" in messages because YAML takes them for numbers. */

/** A text for people. */
export const text = z.string().trim().min(1).max(2000);
const localised = z.strictObject({ de: text, en: text.optional() });
const leikaKey = z.string().refine(isLeikaKey, 'expected a LeiKa key: 14 digits, 99 first, in quotes');
/** Shown as a link: javascript: and the like are no places to go. */
const webAddress = z.url({ protocol: /^https?$/, error: 'expected a web address, http or https' });
export const day = z.iso.date('expected a date as YYYY-MM-DD');

export const authority = z.strictObject({
  name: text,
  street: text.optional(),
  postalCode: z
    .string()
    .regex(/^\d{5}$/, 'expected five digits, in quotes')
    .optional(),
  town: text.optional(),
  phone: text.optional(),
  email: z.email().optional(),
  url: webAddress.optional(),
});

const currencies = new Set(Intl.supportedValuesOf('currency'));

export const fee = z.strictObject({
  cents: z.int().min(0).max(100_000_000),
  currency: z.string().refine((code) => currencies.has(code), 'expected an ISO 4217 code such as EUR'),
  label: localised.optional(),
  channel: z.enum(channels).optional(),
});

/** Fields of an offer, without its local key, authority and form, which sources write in their own ways. */
export const offerFields = {
  serviceKey: leikaKey.nullable(),
  furtherServiceKeys: z.array(leikaKey).max(20).optional(),
  name: localised,
  summary: localised.optional(),
  keywords: z.array(text).max(100).optional(),
  area: z
    .custom<RegionalKey>(
      (value) => typeof value === 'string' && parseRegionalKey(value) !== null,
      'expected an ARS of 2, 3, 5, 9 or 12 digits, in quotes',
    )
    .optional(),
  channels: z.array(z.enum(channels)).min(1),
  maturityLevel: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3), z.literal(4)], 'expected a whole number from 0 to 4'),
  fees: z.array(fee).max(100),
  processingDays: z
    .strictObject({ min: z.int().min(0), max: z.int().min(0) })
    .refine(({ min, max }) => min <= max, 'expected min to be at most max')
    .optional(),
  requiredDocuments: z.array(localised).max(100),
  assuranceLevel: z.enum(assuranceLevels).optional(),
  appointment: z.enum(['NONE', 'OPTIONAL', 'REQUIRED']).optional(),
  appointmentMinutes: z.int().min(1).max(1440).optional(),
  onlineUrl: webAddress.optional(),
  validFrom: day.optional(),
  validTo: day.optional(),
} as const;

/** A whole record as an adapter must deliver it. */
export const offerRecord = z.strictObject({
  ...offerFields,
  localKey: z.string().regex(/^[A-Za-z0-9_.:-]{1,60}$/, 'expected 1 to 60 letters, digits, or _ . : -'),
  authority: authority.partial({ name: true }),
  // A system may not know how citizens reach a service; nobody makes that up.
  channels: z.array(z.enum(channels)),
  form: z.strictObject({ revision: z.string().min(1).max(64), schema: z.record(z.string(), z.json()) }).optional(),
}) satisfies { readonly shape: Record<keyof OfferRecord, unknown> };
