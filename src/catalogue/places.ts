import { parseMunicipalityArs, parseMunicipalityKey, parsePostalCode, type Localised, type RegionalKey } from '#contract';
import type { Municipality, Place } from './catalogue.ts';

/** A municipality got another key on a day: both keys mean the same municipality. */
export interface KeyChange {
  readonly from: RegionalKey;
  readonly to: RegionalKey;
  /** First day of the new key (ISO 8601); empty if nothing is known of the municipality under its old key: then the new one holds always. */
  readonly since: string;
}

/** The keys a municipality has had, and which of them holds when. */
export interface KeyHistory {
  /** The key that holds on a day for the municipality that has, had or will have `ars`. */
  keyOn(ars: RegionalKey, day: string): RegionalKey;
  /** Every key of the municipality, the asked one first. */
  keysOf(ars: RegionalKey): readonly RegionalKey[];
}

/** Makes the history of the changes. A chain of changes (A → B → C) is followed; a circle ends where it began. */
export function createKeyHistory(changes: readonly KeyChange[]): KeyHistory {
  const after = new Map(changes.map((change) => [change.from, change]));
  // Several municipalities may have become one; on an earlier day it was the one that is known.
  const former = Map.groupBy(changes, ({ to }) => to);
  const before = new Map(changes.filter(({ since }) => since !== '').map((change) => [change.to, change]));

  /** What became of it, and what it was made of; not what else became part of the same. */
  const chain = (ars: RegionalKey): readonly RegionalKey[] => {
    const forth = new Set([ars]);
    for (const key of forth) {
      const next = after.get(key)?.to;
      if (next) forth.add(next);
    }
    const back = new Set([ars]);
    for (const key of back) for (const { from } of former.get(key) ?? []) back.add(from);
    return [...new Set([...forth, ...back])];
  };
  return {
    keyOn(ars, day) {
      if (!after.has(ars) && !before.has(ars)) return ars;
      let key = ars;
      const own = new Set(chain(ars));
      const seen = new Set<RegionalKey>();
      while (!seen.has(key)) {
        seen.add(key);
        const forth = after.get(key);
        const back = before.get(key);
        // A key of then may have become another municipality's, too: that one is not meant.
        if (forth && forth.since <= day && own.has(forth.to)) key = forth.to;
        else if (back && day < back.since && own.has(back.from)) key = back.from;
        else break;
      }
      return key;
    },
    keysOf: chain,
  };
}

/**
 * What a place means: municipalities, or why it means none. `label` is what a message may show of it. `doubt`: a postal code
 * of one large receiver (`bulk`) says nothing of where somebody lives; one that belonged to a municipality that no longer
 * exists and whose successor is not known (`gone`) may belong to others than these.
 */
export type PlaceReading =
  | {
      readonly kind: 'municipalities';
      readonly municipalities: readonly Municipality[];
      readonly label: string;
      readonly doubt?: PostalDoubt;
    }
  | { readonly kind: 'malformed'; readonly field: string; readonly found: string; readonly expected: Localised };

export type PostalDoubt = 'bulk' | 'gone';

/** Where municipalities are looked up, as of a day. */
export interface MunicipalityLookup {
  byArs(ars: string, day: string): Municipality | null;
  byAgs(ags: string, day: string): Municipality | null;
  byPostalCode(postalCode: string, day: string): readonly Municipality[];
  /** Why a postal code does not surely lead to the municipalities that it is known for; null if it does. */
  postalDoubt(postalCode: string): PostalDoubt | null;
  /** The municipality whose administration has a postal code of its own; null if none has. */
  byBulkCode(postalCode: string, day: string): Municipality | null;
}

const oneKey: Localised = { de: 'genau eine Angabe: ars, ags oder postalCode', en: 'exactly one of ars, ags and postalCode' };
const digits = (count: number): Localised => ({ de: `eine Zahl aus ${count} Ziffern`, en: `a number of ${count} digits` });

/** Reads a place: exactly one of ARS (12 digits), AGS (8) or postal code (5). */
export function readPlace(place: Place, day: string, lookup: MunicipalityLookup): PlaceReading {
  const given = Object.entries(place).filter(([, value]) => value !== undefined && value !== null) as [string, unknown][];
  const [field, value] = given[0] ?? ['place', ''];
  const text = String(value);
  const malformed = (expected: Localised): PlaceReading => ({ kind: 'malformed', field, found: text.slice(0, 40) || '–', expected });
  if (given.length !== 1) return malformed(oneKey);
  const one = (found: Municipality | null): PlaceReading => ({ kind: 'municipalities', municipalities: found ? [found] : [], label: text });
  switch (field) {
    case 'ars':
      return parseMunicipalityArs(text) ? one(lookup.byArs(text, day)) : malformed(digits(12));
    case 'ags':
      return parseMunicipalityKey(text) ? one(lookup.byAgs(text, day)) : malformed(digits(8));
    case 'postalCode':
      return parsePostalCode(text) ? byPostalCode(text, day, lookup) : malformed(digits(5));
    default:
      return malformed(oneKey);
  }
}

function byPostalCode(code: string, day: string, lookup: MunicipalityLookup): PlaceReading {
  const doubt = lookup.postalDoubt(code);
  const owner = doubt === 'bulk' ? lookup.byBulkCode(code, day) : null;
  const municipalities = owner ? [owner] : lookup.byPostalCode(code, day);
  return { kind: 'municipalities', municipalities, label: code, ...(doubt ? { doubt } : {}) };
}
