import { parseMunicipalityArs, parseMunicipalityKey, parsePostalCode, type RegionalKey } from '#contract';
import type { Municipality, Place } from './catalogue.ts';

/** A municipality got another key on a day: both keys mean the same municipality. */
export interface KeyChange {
  readonly from: RegionalKey;
  readonly to: RegionalKey;
  /** First day of the new key (ISO 8601). */
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
  const before = new Map(changes.map((change) => [change.to, change]));

  const chain = (ars: RegionalKey): readonly RegionalKey[] => {
    const seen = new Set([ars]);
    for (const key of seen) for (const next of [after.get(key)?.to, before.get(key)?.from]) if (next) seen.add(next);
    return [...seen];
  };
  return {
    keyOn(ars, day) {
      let key = ars;
      const seen = new Set<RegionalKey>();
      while (!seen.has(key)) {
        seen.add(key);
        const forth = after.get(key);
        const back = before.get(key);
        if (forth && forth.since <= day) key = forth.to;
        else if (back && day < back.since) key = back.from;
        else break;
      }
      return key;
    },
    keysOf: chain,
  };
}

/** What a place means: municipalities, or why it means none. `label` is what a message may show of it. */
export type PlaceReading =
  | { readonly kind: 'municipalities'; readonly municipalities: readonly Municipality[]; readonly label: string }
  | { readonly kind: 'malformed'; readonly field: string; readonly found: string; readonly expected: string };

/** Where municipalities are looked up, as of a day. */
export interface MunicipalityLookup {
  byArs(ars: string, day: string): Municipality | null;
  byAgs(ags: string, day: string): Municipality | null;
  byPostalCode(postalCode: string, day: string): readonly Municipality[];
}

/** Reads a place: exactly one of ARS (12 digits), AGS (8) or postal code (5). */
export function readPlace(place: Place, day: string, lookup: MunicipalityLookup): PlaceReading {
  const given = Object.entries(place).filter(([, value]) => value !== undefined && value !== null) as [string, unknown][];
  const [field, value] = given[0] ?? ['place', ''];
  const text = String(value);
  const malformed = (expected: string): PlaceReading => ({ kind: 'malformed', field, found: text.slice(0, 40) || '–', expected });
  if (given.length !== 1) return malformed('ars | ags | postalCode');
  const one = (found: Municipality | null): PlaceReading => ({ kind: 'municipalities', municipalities: found ? [found] : [], label: text });
  switch (field) {
    case 'ars':
      return parseMunicipalityArs(text) ? one(lookup.byArs(text, day)) : malformed('\\d{12}');
    case 'ags':
      return parseMunicipalityKey(text) ? one(lookup.byAgs(text, day)) : malformed('\\d{8}');
    case 'postalCode':
      return parsePostalCode(text)
        ? { kind: 'municipalities', municipalities: lookup.byPostalCode(text, day), label: text }
        : malformed('\\d{5}');
    default:
      return malformed('ars | ags | postalCode');
  }
}
