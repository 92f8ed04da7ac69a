import type { AssuranceLevel, Channel, Json, Localised, RegionalKey } from './vocabulary.ts';

/** A fee in cents of a currency (ISO 4217). `channel` is set where the fee holds for that channel only. */
export interface Fee {
  readonly cents: number;
  readonly currency: string;
  readonly label?: Localised;
  readonly channel?: Channel;
}

/** Who decides (zuständige Stelle). */
export interface Authority {
  /** Absent where the source names none: neither a service's name nor a location's stands in for it. */
  readonly name?: string;
  readonly street?: string;
  readonly postalCode?: string;
  readonly town?: string;
  readonly phone?: string;
  readonly email?: string;
  readonly url?: string;
}

/** A form: JSON Schema 2020-12 and the revision under which it was published. */
export interface FormRecord {
  readonly revision: string;
  readonly schema: Json;
}

/** Whether a visit must be booked. */
export type AppointmentNeed = 'NONE' | 'OPTIONAL' | 'REQUIRED';

/** One service as one city offers it: what every catalogue source delivers, whatever its format. */
export interface OfferRecord {
  /** The city's own id of the offer, stable across imports. */
  readonly localKey: string;
  /** LeiKa/FIM key of 14 digits; null if the source states none (the hub then gives a local key and lists it as unmapped). */
  readonly serviceKey: string | null;
  /** Further LeiKa/FIM keys the source files the same offer under. */
  readonly furtherServiceKeys?: readonly string[];
  readonly name: Localised;
  readonly summary?: Localised;
  /** What else people call it, as the source states it: read by the search and shown nowhere. See `keywordsOf`. */
  readonly keywords?: readonly string[];
  /** Region the offer holds for (ARS of 2, 3, 5, 9 or 12 digits); the city's own ARS if absent. */
  readonly area?: RegionalKey;
  readonly authority: Authority;
  readonly channels: readonly Channel[];
  /** OZG maturity model 1: 0 offline … 4 online transaction. */
  readonly maturityLevel: 0 | 1 | 2 | 3 | 4;
  /** Empty where the source states none, or none that is sure; a service without a fee has one of 0 cents. */
  readonly fees: readonly Fee[];
  /** Usual processing time in days of the calendar; absent if the source states none. */
  readonly processingDays?: { readonly min: number; readonly max: number };
  readonly requiredDocuments: readonly Localised[];
  /** What the source states; absent if it states nothing. NONE is a statement: anybody may apply. See `assuranceNeeded`. */
  readonly assuranceLevel?: AssuranceLevel;
  /** What the source states; absent if it states nothing. */
  readonly appointment?: AppointmentNeed;
  /** How long the visit is booked for, in minutes. */
  readonly appointmentMinutes?: number;
  readonly form?: FormRecord;
  /** Where citizens apply today, outside the hub. */
  readonly onlineUrl?: string;
  /** First and last day (ISO 8601 date) on which the offer holds. */
  readonly validFrom?: string;
  readonly validTo?: string;
}
